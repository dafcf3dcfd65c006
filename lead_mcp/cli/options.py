"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[Path | None, typer.Option("--config", help="TOML file of accounts (else LEAD_MCP_CONFIG).")]
Sandbox = Annotated[bool, typer.Option("--sandbox", help="Use the built-in emulators instead of the vendors.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
