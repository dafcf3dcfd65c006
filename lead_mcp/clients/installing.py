"""An entry put into one client, or taken out of it. What a run would not change, it does not write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from lead_mcp.clients import files, own_command
from lead_mcp.clients.entry import Entry, merged
from lead_mcp.clients.formats import CannotKeep, edited, table_of
from lead_mcp.clients.machine import Machine
from lead_mcp.clients.table import Client


class Done(StrEnum):
    """What became of it. ``KEPT``: the file stays as it was, for the reason given."""

    ADDED = "added"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REMOVED = "removed"
    ABSENT = "absent"
    KEPT = "kept"


@dataclass(frozen=True)
class Result:
    """What became of one client. ``backup``: the copy of the old text, where we wrote; ``by``: the client's own command."""

    client: Client
    done: Done
    file: Path
    backup: Path | None = None
    why: str = ""
    by: str = ""


@dataclass(frozen=True)
class Installation:
    """One entry and one client on this machine."""

    client: Client
    entry: Entry
    machine: Machine
    now: datetime

    @property
    def file(self) -> Path:
        return self.client.file(self.machine)

    def install(self) -> Result:
        """The entry is there afterwards, or the result says why not."""
        try:
            return self._installed()
        except (CannotKeep, OSError) as error:
            return self._kept(error)

    def uninstall(self) -> Result:
        """The entry is gone afterwards, or the result says why not."""
        try:
            return self._uninstalled()
        except (CannotKeep, OSError) as error:
            return self._kept(error)

    def _installed(self) -> Result:
        old = self._there()
        if old is not None and old == self._wanted(old):
            return self._result(Done.UNCHANGED)
        done = Done.ADDED if old is None else Done.CHANGED
        if old is None and self.client.add and self._own(list(self.client.add(self.entry))):
            old = self._there()
            if old is not None and old == self._wanted(old):
                return self._result(done, by=self.client.program)
        return self._result(done, backup=self._write(self._wanted(old)))

    def _uninstalled(self) -> Result:
        if self._there() is None:
            return self._result(Done.ABSENT)
        if self.client.remove and self._own(list(self.client.remove(self.entry))) and self._there() is None:
            return self._result(Done.REMOVED, by=self.client.program)
        return self._result(Done.REMOVED, backup=self._write(None))

    def _there(self) -> Any:
        """The entry as the file has it, or None."""
        return table_of(self.client.format, files.read(self.file), self.client.key).get(self.entry.name)

    def _wanted(self, old: Any) -> Mapping[str, Any]:
        return merged(old, self.client.form(self.entry))

    def _own(self, words: list[str]) -> bool:
        program = self.machine.which(self.client.program)
        return program is not None and own_command.ran(program, words)

    def _write(self, data: Mapping[str, Any] | None) -> Path | None:
        path = [self.client.key, self.entry.name]
        text = edited(self.client.format, files.read(self.file), path, data)
        return files.write(self.file, text, self.now)

    def _kept(self, error: Exception) -> Result:
        why = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
        return self._result(Done.KEPT, why=why)

    def _result(self, done: Done, *, backup: Path | None = None, why: str = "", by: str = "") -> Result:
        return Result(self.client, done, self.file, backup, why, by)
