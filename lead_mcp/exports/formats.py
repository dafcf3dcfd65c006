"""The formats of a file: how rows are written as they come, and what is made of them once they are all there.

CSV and JSON Lines grow row by row. A workbook and a Parquet file cannot be gone on with once their writer is gone, so their
rows are gathered as lines of JSON, and the file is made of these at the end.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from lead_mcp.errors import BadArgument
from lead_mcp.exports.cells import defused, flat, is_formula, is_text, quoted_cell, words
from lead_mcp.outgoing.times import ShownTime

BOM: Final = "\ufeff"
Row = Sequence[Any]


@dataclass(frozen=True)
class LineFormat:
    """How columns and rows are written as they come. ``defuses``: whether formulas are made text."""

    header: Callable[[Sequence[str]], str]
    row: Callable[[Sequence[str], Row], str]
    defuses: bool

    def written(self, columns: Sequence[str], rows: Sequence[Row]) -> tuple[str, int]:
        """The rows as text, and how many of their cells were defused."""
        count, lines = 0, []
        for row in rows:
            cells = [flat(value) for value in row] if self.defuses else list(row)
            if self.defuses:
                count += sum(is_text(one) and is_formula(one) for one in cells)
                cells = [defused(one) if is_text(one) else one for one in cells]
            lines.append(self.row(columns, cells))
        return "".join(lines), count


@dataclass(frozen=True)
class Format:
    """One format. ``make``: what turns gathered rows into the file; None where the rows are the file."""

    name: str
    mime_type: str
    lines: LineFormat
    needs: str = ""
    """The package that it needs, in the extra of the format's name."""
    make: Callable[[Path, Path, str], None] | None = None
    """Takes the gathered rows, the file to make, and the zone of its times."""

    def check(self) -> None:
        """Raises BadArgument where the package is not installed."""
        if self.needs and find_spec(self.needs) is None:
            raise BadArgument(f"format: {self.name} needs a package more: pip install 'lead-mcp[{self.name}]'.")


def _csv_line(end: str, columns: Sequence[str], row: Row) -> str:
    return ",".join(quoted_cell(words(value)) for value in row) + end


def _csv_header(start: str, end: str, columns: Sequence[str]) -> str:
    return start + _csv_line(end, (), [defused(name) for name in columns])


def csv_lines(*, excel: bool) -> LineFormat:
    """Comma-separated values; for Excel with the mark by which it knows UTF-8, and its ends of lines."""
    end, start = ("\r\n", BOM) if excel else ("\n", "")
    return LineFormat(partial(_csv_header, start, end), partial(_csv_line, end), defuses=True)


def _object_line(columns: Sequence[str], row: Row) -> str:
    return _json({name: flat(one) if isinstance(one, float) else one for name, one in zip(columns, row, strict=True)})


def _gathered_line(columns: Sequence[str], row: Row) -> str:
    return _json([{"at": str(one)} if isinstance(one, ShownTime) else flat(one) for one in row])


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"


def _make_workbook(rows: Path, made: Path, zone: str) -> None:
    from lead_mcp.exports.workbook import make_workbook

    make_workbook(rows, made, zone)


def _make_parquet(rows: Path, made: Path, zone: str) -> None:
    from lead_mcp.exports.parquet import make_parquet

    make_parquet(rows, made, zone)


def _gathering(*, defuses: bool) -> LineFormat:
    return LineFormat(lambda columns: _json(list(columns)), _gathered_line, defuses=defuses)


FORMATS: Final = {
    one.name: one
    for one in (
        Format("csv", "text/csv", csv_lines(excel=False)),
        Format("jsonl", "application/jsonl", LineFormat(lambda columns: "", _object_line, defuses=False)),
        Format(
            "xlsx",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            _gathering(defuses=True),
            "xlsxwriter",
            _make_workbook,
        ),
        Format("parquet", "application/vnd.apache.parquet", _gathering(defuses=False), "pyarrow", _make_parquet),
    )
}
EXCEL: Final = Format("csv", "text/csv", csv_lines(excel=True))


NEAREST: Final = {
    "json": " jsonl is one JSON object a line.",
    "ndjson": " jsonl is one JSON object a line.",
    "xls": " Excel opens xlsx.",
    "tsv": " Excel opens xlsx, and csv with --excel.",
}
"""Endings of files that no format here is called by: a csv under such a name would open wrong."""


def format_of(name: str, *, excel: bool = False) -> Format:
    """The format of that name, ready to be written. Raises BadArgument."""
    if excel and name != "csv":
        raise BadArgument(f"--excel is for csv; {name} needs no such thing.")
    if name not in FORMATS:
        raise BadArgument(f"There is no format {name!r}: {', '.join(FORMATS)}.{NEAREST.get(name, '')}")
    found = EXCEL if excel else FORMATS[name]
    found.check()
    return found
