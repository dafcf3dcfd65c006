"""A client's file, read and written: its old text beside it, the new one there whole or not at all, its mode kept."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final

from lead_mcp.clients.formats import CannotKeep

MARK: Final = "\ufeff"
"""A byte order mark, which Windows' editors leave in."""
MOST_BYTES: Final = 32 * 1024 * 1024


def read(path: Path) -> str:
    """The file's text, its line ends as they are; empty where there is none.

    Raises CannotKeep for a link (what it leads to may be another's, or under version control), what is no file, and what may
    not be written.
    """
    if path.is_symlink():
        raise CannotKeep(f"it is a link to {path.readlink()}, and links are not written through")
    if not path.exists():
        return ""
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise CannotKeep("it is no file")
    if not found.st_mode & stat.S_IWUSR or not os.access(path, os.W_OK):
        raise CannotKeep("it is read-only")
    return text_of(path)


def text_of(path: Path) -> str:
    """The file's text, through a link too: for looking alone. Raises CannotKeep, OSError."""
    if not path.exists():
        return ""
    if path.stat().st_size > MOST_BYTES:
        raise CannotKeep(f"it has more than {MOST_BYTES:,} bytes")
    try:
        return path.read_bytes().decode("utf-8").removeprefix(MARK)
    except UnicodeDecodeError:
        raise CannotKeep("it is not in UTF-8") from None


def write(path: Path, text: str, now: datetime, *, private: bool = False) -> Path | None:
    """Put the text there. The path of the old text's copy, None where there was no file. Raises OSError.

    ``private``: for its owner alone from now on; a new file always is.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    backup = _copied(path, now) if path.exists() else None
    mark = MARK if backup and path.read_bytes().startswith(MARK.encode()) else ""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write((mark + text).encode())
            file.flush()
            os.fsync(file.fileno())
        if backup:
            _same_owner(path, Path(name), private=private)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return backup


def _copied(path: Path, now: datetime) -> Path:
    """The copy of the old text: no earlier one is overwritten."""
    stem = f"{path.name}.{now:%Y%m%d-%H%M%S}"
    names = [path.with_name(f"{stem}{f'-{nth}' if nth else ''}.bak") for nth in range(100)]
    backup = next(one for one in names if not one.exists())
    with backup.open("xb"):
        backup.chmod(0o600)  # before there is anything to read in it
    shutil.copy2(path, backup)
    return backup


def _same_owner(old: Path, new: Path, *, private: bool) -> None:
    found = old.stat()
    new.chmod(0o600 if private else stat.S_IMODE(found.st_mode))
    with suppress(OSError, AttributeError):
        os.chown(new, found.st_uid, found.st_gid)
