"""How far an export has come, beside the file on its way: by this it goes on after being killed."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from lead_mcp.exports.page import Entry, ExportPage, joined
from lead_mcp.state_dir import private_file, read_private


@dataclass
class Checkpoint:
    """The state behind the last whole page.

    ``question``: a digest of what was asked; ``bytes``: how much of the file counts.
    """

    question: str
    started: str
    cursor: str | None = None
    columns: list[str] = field(default_factory=list)
    bytes: int = 0
    rows: int = 0
    pages: int = 0
    defused: int = 0
    total: int | None = None
    window: Mapping[str, Any] | None = None
    accounts: dict[str, Entry] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def read(self) -> bool:
        """Whether every page has been read."""
        return self.pages > 0 and self.cursor is None

    def add(self, page: ExportPage, length: int, defused: int) -> None:
        """Count a page that stands in the file, ``length`` bytes of it."""
        self.columns, self.cursor = list(page.columns), page.cursor
        self.bytes += length
        self.rows += len(page.rows)
        self.pages += 1
        self.defused += defused
        self.total = page.total if self.pages == 1 else self.total
        self.window = page.window if self.pages == 1 else self.window
        self.accounts = joined(self.accounts, page.entries)
        self.missing += page.missing
        self.left_out += [page.left_out] if page.left_out else []
        self.notes += [note for note in page.notes if note not in self.notes]

    def save(self, path: Path) -> None:
        """Write it down in one step. Raises OSError."""
        write_whole(path, json.dumps(asdict(self), ensure_ascii=False))

    @staticmethod
    def load(path: Path) -> Checkpoint | None:
        """What an earlier run has left there; None where there is nothing, or nothing that can be gone on with."""
        with suppress(OSError, ValueError, TypeError):
            found = json.loads(read_private(path))
            return Checkpoint(**{one.name: found[one.name] for one in fields(Checkpoint) if one.name in found})
        return None


def write_whole(path: Path, text: str) -> None:
    """A file for its owner alone, there whole or not at all. Raises OSError."""
    beside = path.with_name(f"{path.name}.new")
    beside.unlink(missing_ok=True)
    with os.fdopen(private_file(beside, new=True), "wb") as file:
        file.write(text.encode("utf-8", "replace"))
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
