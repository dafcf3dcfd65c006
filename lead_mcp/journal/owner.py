"""Who is at work on a write: a process that holds a lock file for as long as it lives, however it dies."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex

from filelock import FileLock, Timeout


@dataclass
class Owner:
    """This process. ``folder`` holds one lock file a living process."""

    folder: Path
    id: str = field(default_factory=lambda: token_hex(12))
    _lock: FileLock | None = None

    def start(self) -> None:
        """Hold our lock file until the process ends. Raises OSError where the folder cannot be written."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = FileLock(self._path(self.id), mode=0o600)
        self._lock.acquire(timeout=5)

    def stop(self) -> None:
        if self._lock is not None:
            self._lock.release()
            self._path(self.id).unlink(missing_ok=True)

    def lives(self, other: str) -> bool | None:
        """Whether the process called ``other`` still runs; None where this machine cannot tell."""
        if other == self.id:
            return True
        path = self._path(other)
        if not path.exists():
            return None
        try:
            with FileLock(path, timeout=0):
                pass
        except Timeout:
            return True
        path.unlink(missing_ok=True)
        return False

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.lock"
