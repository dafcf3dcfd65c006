"""How far an export has come, beside the file on its way: by this it goes on after being killed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from lead_mcp.exports.page import Entry, ExportPage, joined
from lead_mcp.state_dir import read_private, write_private


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
        text = json.dumps(asdict(self), ensure_ascii=False)
        write_private(path, text.encode("utf-8", "replace"), alone=True)

    @staticmethod
    def load(path: Path) -> Checkpoint | None:
        """What an earlier run has left there; None where there is nothing, or nothing that can be gone on with."""
        with suppress(OSError, ValueError, TypeError):
            found = json.loads(read_private(path))
            return Checkpoint(**{one.name: found[one.name] for one in fields(Checkpoint) if one.name in found})
        return None
