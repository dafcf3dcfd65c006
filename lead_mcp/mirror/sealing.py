"""The key that DuckDB encrypts the mirror's tables with: 32 random bytes, in the state folder or in the system's keyring.

It goes to the processes that write and read the files through their pipes, never in an environment or a command line. DuckDB
reads encrypted files by itself; it writes them only with OpenSSL, which comes with its extension ``httpfs``.
Source: DuckDB's documentation, "Encryption" (1.5; read 2026-11-27), and what 1.5.5 says without the extension.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from secrets import token_hex
from typing import Any, Final, Literal

from lead_mcp.errors import NotConfigured, SettingsError
from lead_mcp.settings import key_store
from lead_mcp.state_dir import private_file, private_folder, read_private

Where = Literal["off", "file", "keyring"]
NAME: Final = "mirror.key"
SIZE: Final = 64
"""Hexadecimal digits."""


@dataclass(frozen=True, slots=True)
class Sealing:
    """How the tables' files are encrypted; without a key they are not."""

    key: str = field(default="", repr=False)

    @property
    def mark(self) -> str:
        """What tells this key from another, and says nothing of it."""
        return hashlib.sha256(f"mark of {self.key}".encode()).hexdigest()[:16] if self.key else ""

    def writing(self) -> dict[str, Any]:
        """What the process that writes is told. Raises NotConfigured where it could not encrypt."""
        return {"key": self.key, "extension": str(_extension()) if self.key else ""}


def sealing_of(where: Where, folder: Path, *, lake: bool = False) -> Sealing:
    """The key where ``LEAD_MCP_MIRROR_KEY`` says it is, made on first use. Raises NotConfigured."""
    if where == "off":
        return Sealing()
    if lake:
        raise NotConfigured("LEAD_MCP_MIRROR_KEY: a lake's files are not encrypted here; its storage can encrypt them.")
    try:
        key = _of_file(folder / NAME) if where == "file" else _of_keyring()
    except (OSError, SettingsError) as error:
        raise NotConfigured(f"LEAD_MCP_MIRROR_KEY = {where}: there is no key: {error}") from None
    if len(key) != SIZE:
        raise NotConfigured(f"LEAD_MCP_MIRROR_KEY = {where}: the key is damaged. Remove it: another one is made.")
    return Sealing(key)


def _of_file(path: Path) -> str:
    private_folder(path.parent)
    try:
        with os.fdopen(private_file(path, new=True), "w", encoding="ascii") as file:
            file.write(token_hex(SIZE // 2))
    except FileExistsError:
        pass
    return read_private(path).decode("ascii", "replace")


def _of_keyring() -> str:
    found = key_store.found(NAME)
    if not found:
        key_store.keep(NAME, token_hex(SIZE // 2))
        found = key_store.found(NAME)
    return found or ""


def _extension() -> Path:
    """DuckDB's extension that brings OpenSSL, as its package brings it. Raises NotConfigured."""
    spec = find_spec("duckdb_extension_httpfs")
    places = (spec.submodule_search_locations or ()) if spec else ()
    found = [path for place in places for path in Path(place).glob("extensions/*/*.duckdb_extension")]
    if not found:
        raise NotConfigured(
            "LEAD_MCP_MIRROR_KEY: DuckDB encrypts files with its extension httpfs alone: pip install 'lead-mcp[lake]'."
        )
    return found[0]
