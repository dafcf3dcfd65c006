"""A keyring in memory, that may be locked."""

from __future__ import annotations

from dataclasses import dataclass, field

from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, NoKeyringError


@dataclass
class Memory(KeyringBackend):
    held: dict[tuple[str, str], str] = field(default_factory=dict)
    locked: bool = False

    def get_password(self, service: str, username: str) -> str | None:
        self._open()
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._open()
        self.held[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._open()
        del self.held[service, username]

    def _open(self) -> None:
        if self.locked:
            raise KeyringLocked("s3cret words of the system")


class Absent(Memory):
    """What stands there where a system has none."""

    def _open(self) -> None:
        raise NoKeyringError("s3cret words of the system")
