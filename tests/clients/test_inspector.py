"""The MCP Inspector's strict look at the tools' schemas finds nothing, over stdio and over HTTP."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.node_packages import installed
from tests.process.examples import EVERY
from tests.process.processes import clean, listening_server

pytestmark = pytest.mark.clients

HERE: Final = Path(__file__).parent
PATIENCE: Final = 900
"""Seconds that npm may take: the Inspector has hundreds of packages."""


@pytest.fixture(scope="module")
def inspector() -> str:
    """The Inspector's command, installed once and kept outside the tree."""
    folder = installed(HERE / "inspector", PATIENCE)
    return str(folder / "node_modules" / ".bin" / "mcp-inspector")


@pytest.fixture(params=["stdio", "http", "sse"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[str]]:
    """How the Inspector reaches a server over the emulators."""
    if request.param == "stdio":
        yield ["--", sys.executable, "-m", "lead_mcp", "serve", "--sandbox"]
    else:
        server = listening_server("--sandbox", environment={}, folder=tmp_path, transport=request.param)
        with server as (_, url):
            yield ["--transport", request.param, "--server-url", url]


def test_the_strict_look_at_every_schema_finds_nothing(inspector: str, target: list[str], tmp_path: Path) -> None:
    done = subprocess.run(
        [inspector, "--cli", "--connect-timeout", "0", "--strict", "--method", "tools/list", *target],
        env={**clean(), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stderr.strip()) == (0, "")
    found: dict[str, Any] = json.loads(done.stdout)
    assert {tool["name"] for tool in found["tools"]} == set(EVERY) - {"delete_lead"}, "deletes are off"
