"""Who is at work on a write: a process that holds a lock file for as long as it lives, however it dies."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from threading import Lock
from typing import Final

from filelock import FileLock, Timeout

from lead_mcp.state_dir import private_folder

DAY: Final = 86_400.0


@dataclass
class Owner:
    """This process. ``folder`` holds one lock file a living process, and for a day those of the dead.

    ``working``: the writes that a call in this process is at work on now.
    """

    folder: Path
    id: str = field(default_factory=lambda: token_hex(12))
    working: set[str] = field(default_factory=set)
    _lock: FileLock | None = None
    _turn: Lock = field(default_factory=Lock)

    def start(self) -> None:
        """Hold our lock file until the process ends. Raises OSError where the folder cannot be written."""
        private_folder(self.folder)
        self._sweep()
        self._lock = FileLock(self._path(self.id), mode=0o600, thread_local=False)  # taken and given back in any thread
        self._lock.acquire(timeout=5)

    def stop(self) -> None:
        if self._lock is not None:
            self._lock.release()
            if not self.working:  # what is cut off in the middle must be seen to have no owner
                self._path(self.id).unlink(missing_ok=True)

    def take_up(self, name: str) -> bool:
        """Note that a call works on a write from now on; False where another call of this process does already."""
        with self._turn:
            if name in self.working:
                return False
            self.working.add(name)
            return True

    def lives(self, other: str) -> bool | None:
        """Whether the process called ``other`` still runs; None where this machine cannot tell."""
        if other == self.id:
            return True
        path = self._path(other)
        return not _is_free(path) if path.exists() else None

    def _sweep(self) -> None:
        """Forget processes that died more than a day ago: by now their leases say so."""
        for path in self.folder.glob("*.lock"):
            try:
                if time.time() - path.stat().st_mtime > DAY and _is_free(path):
                    path.unlink()
            except FileNotFoundError:
                continue  # another process sweeps too

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.lock"


def _is_free(path: Path) -> bool:
    """Whether nobody holds that lock."""
    try:
        with FileLock(path, timeout=0):
            return True
    except Timeout:
        return False
