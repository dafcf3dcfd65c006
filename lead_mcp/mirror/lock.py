"""The one process that may write: it holds a lock on a file for as long as it does, however it ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from lead_mcp.errors import Conflict
from lead_mcp.state_dir import private_folder

NAME: Final = "lock"
BUSY: Final = (
    "Another process is writing the mirror (a server that tops it up, or another `lead-mcp mirror`). Try again later."
)


@contextmanager
def writing(folder: Path, seconds: float = 0.0) -> Iterator[None]:
    """Be the one who writes, waiting for so long at most. Raises Conflict where another one is."""
    private_folder(folder)
    lock = FileLock(folder / NAME, mode=0o600, thread_local=False)
    try:
        lock.acquire(timeout=seconds)
    except Timeout:
        raise Conflict(BUSY) from None
    try:
        yield
    finally:
        lock.release()
