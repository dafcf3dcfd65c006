"""The folder that an operator gives for files (``LEAD_MCP_EXPORT_DIR``): names of ours alone, each file its maker's.

A name is made here and never comes from a caller; the manifest beside a file says whose it is.
"""

from __future__ import annotations

import errno
import json
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO, Final

from lead_mcp.errors import LeadMcpError, NotConfigured, NotFound, TooLarge, Unavailable
from lead_mcp.exports.file import Manifest
from lead_mcp.exports.formats import FORMATS
from lead_mcp.state_dir import open_private, read_private

NAME: Final = re.compile(rf"leads-[0-9]{{8}}T[0-9]{{6}}-[0-9a-f]{{16}}\.(?:{'|'.join(FORMATS)})", re.ASCII)
FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
MOST_BYTES: Final = 16 * 1024 * 1024
"""Of a file that is read as a resource: it is in memory whole, here and at the client."""
SETTING: Final = "LEAD_MCP_EXPORT_DIR"


@dataclass(frozen=True)
class ExportAccess:
    """Who wants to read a file. ``anyone``: the one user of a server that knows no others."""

    name: str
    anyone: bool
    pii: str
    accounts: frozenset[str]

    def may_read(self, manifest: Manifest) -> bool:
        """Whether the file is theirs, and holds nothing that they may not see any more."""
        mine = self.anyone or manifest.get("owner") == self.name
        clear = self.pii == "full" or manifest.get("pii") == "masked"
        return mine and clear and frozenset(manifest["among"]) <= self.accounts


def new_path(folder: Path, form: str, now: datetime) -> Path:
    """Where a new file goes. Raises NotConfigured where the folder cannot take it."""
    if not folder.is_dir():
        raise NotConfigured(f"{SETTING}: the folder for exports is not there. Whoever runs this server can make it.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise NotConfigured(f"{SETTING}: this server may not write to the folder for exports.")
    return folder / f"leads-{now:%Y%m%dT%H%M%S}-{token_hex(8)}.{form}"


def refused(error: OSError) -> LeadMcpError:
    """Why a file could not be written, without the folder's name."""
    if error.errno in FULL:
        return Unavailable("The folder for exports is full: no file was written. Export less, or make room.")
    why = os.strerror(error.errno) if error.errno else "it cannot be written"
    return NotConfigured(f"{SETTING}: the folder for exports cannot be used ({why}).")


def manifest_of(folder: Path | None, name: str) -> Manifest:
    """The manifest of a file of that name. Raises NotFound where there is none, or the name is none of ours."""
    if folder is not None and NAME.fullmatch(name) is not None:
        with suppress(OSError, ValueError):
            found = json.loads(read_private(folder / f"{name}.manifest.json"))
            if isinstance(found, dict):
                return found
    raise _no_export(name)


def open_export(folder: Path, name: str) -> BinaryIO:
    """The file of a name that ``manifest_of`` knows, open to read. Raises NotFound."""
    try:
        return os.fdopen(open_private(folder / name), "rb")
    except OSError:
        raise _no_export(name) from None


def read_export(folder: Path | None, name: str, access: ExportAccess) -> tuple[Manifest, bytes]:
    """A file with its manifest. Raises NotFound where there is none of that name that is theirs, TooLarge."""
    manifest = manifest_of(folder, name)
    if folder is None or not access.may_read(manifest):
        raise _no_export(name)
    if manifest["bytes"] > MOST_BYTES:
        raise TooLarge(f"{name} has {manifest['bytes']:,} bytes, more than can be read here; it lies in the folder.")
    with open_export(folder, name) as file:
        return manifest, file.read()


def _no_export(name: str) -> NotFound:
    return NotFound(f"There is no export {name[:80]!r} of yours; export_leads makes one.")
