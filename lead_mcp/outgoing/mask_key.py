"""The key of the masks: 32 random bytes in the state folder, made once, whole or not at all.

A second file says that pseudonyms were made with it. A key that is not whole is made anew only while that file is missing;
afterwards every pseudonym would change, so the server says what to do instead. Deleting the key is a person's own decision:
a new one is made.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from secrets import token_bytes
from typing import Final

from filelock import FileLock, Timeout

from lead_mcp.errors import NotAllowed
from lead_mcp.state_dir import private_folder, read_private, write_private

SIZE: Final = 32
NAME: Final = "mask.key"
USED: Final = "mask.key.used"
LOCK: Final = "mask.key.lock"
MADE_WITH: Final = b"Pseudonyms were made with the mask.key beside this file.\n"
"""What the second file says."""
SECONDS: Final = 2
"""How long another process may take to make the key."""


def read_key(folder: Path) -> bytes:
    """The key of that folder, made on first use and from now on in use. Raises NotAllowed."""
    try:
        return _read(folder)
    except OSError as error:
        message = f"The mask key in {folder} cannot be read or made ({error.strerror}). Check LEAD_MCP_STATE_DIR."
        raise NotAllowed(message) from None


def _read(folder: Path) -> bytes:
    private_folder(folder)
    key = _content(folder / NAME)
    if key is None or len(key) != SIZE:
        return _under_lock(folder)
    if not (folder / USED).exists():
        with suppress(OSError, NotAllowed):  # a folder that nobody can write to keeps its key all the same
            _under_lock(folder)
    return key


def _under_lock(folder: Path) -> bytes:
    """The key, made or marked as used while no other process does so."""
    try:
        with FileLock(folder / LOCK, timeout=SECONDS, mode=0o600):
            key = _whole(folder)
            if _content(folder / USED) != MADE_WITH:
                write_private(folder / USED, MADE_WITH)
            return key
    except Timeout:
        message = (
            f"Another process has held {folder / LOCK} for {SECONDS} s, so the mask key cannot be made. Try again."
        )
        raise NotAllowed(message) from None


def _whole(folder: Path) -> bytes:
    path = folder / NAME
    key = _content(path)
    if key is not None and len(key) == SIZE:
        return key
    if key is not None and (folder / USED).exists():
        raise NotAllowed(
            f"{path} is damaged ({len(key)} of {SIZE} bytes), and pseudonyms were made with it: nothing is answered. Put it "
            f"back from a copy, or delete it to begin with new pseudonyms."
        )
    write_private(path, token_bytes(SIZE))
    return read_private(path)


def _content(path: Path) -> bytes | None:
    try:
        return read_private(path)
    except FileNotFoundError:
        return None
