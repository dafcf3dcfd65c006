"""The results file of an import: one JSON line a row, on disk before the next row is taken; a later line for a row wins."""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from lead_mcp.outgoing.write_text import COLUMNS, row_cells
from lead_mcp.writing.rows import RowResult

Line = dict[str, Any]


@dataclass
class Results:
    """Appends to ``path``. ``counts``: of this run, by outcome. A line that says nothing new is not written again."""

    path: Path
    counts: Counter[str] = field(default_factory=Counter)
    known: dict[str, Line] = field(default_factory=dict)
    _file: IO[str] | None = None

    @classmethod
    def of(cls, path: Path) -> Results:
        """The results of earlier runs; half a line, where one was killed, is none."""
        found = cls(path)
        for text in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else ():
            try:
                line = json.loads(text)
                found.known[line["key"]] = line
            except (ValueError, TypeError, KeyError):
                continue
        return found

    def open(self) -> None:
        """Ready to append, readable by its owner only. Raises OSError, before anything is sent."""
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._file = os.fdopen(handle, "a", encoding="utf-8")
        if self.path.stat().st_size and not self.path.read_bytes().endswith(b"\n"):
            self._file.write("\n")

    def add(self, key: str, result: RowResult) -> None:
        line: Line = {"key": key, **dict(zip(COLUMNS, row_cells(result), strict=True))}
        self.counts[result.kind] += 1
        if self.known.get(key) == line:
            return
        self.known[key] = line
        if self._file is None:
            raise AssertionError("results are opened before anything is sent")
        self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._file.flush()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def counted(self) -> str:
        return ", ".join(f"{count:,} {word}" for word, count in sorted(self.counts.items())) or "nothing done"
