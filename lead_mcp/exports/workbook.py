"""A workbook: numbers as numbers, times as dates by the asked zone's clock, every text as text, never as a formula."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

from lead_mcp.exports.cells import defused
from lead_mcp.exports.gathered import columns_of, rows_of

MOST_ROWS: Final = 1_048_575
"""Rows of a sheet beside its header; further ones go to another sheet."""
LONGEST: Final = 32_767
"""Characters of a cell."""
EXACT: Final = 10**15
"""Whole numbers from here on lose digits in a cell: they are text."""
SAME: Final = datetime(2000, 1, 1, tzinfo=UTC).replace(tzinfo=None)
"""When every workbook says it was made: the same rows are the same bytes."""


def make_workbook(gathered: Path, made: Path, zone: str) -> None:
    """Write the workbook. It holds one row in memory; what is behind is in files of the system's temporary folder."""
    import xlsxwriter

    columns, rows = [defused(name) for name in columns_of(gathered)], rows_of(gathered, zone)
    book = xlsxwriter.Workbook(str(made), {"constant_memory": True})
    book.set_properties({"created": SAME})
    clock = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
    number = 0
    while (first := list(islice(rows, 1))) or number == 0:
        number += 1
        sheet = book.add_worksheet(f"rows {number}" if number > 1 else "rows")
        _write_row(sheet, 0, columns, clock)
        for nth, row in enumerate(first, 1):
            _write_row(sheet, nth, row, clock)
        for nth, row in enumerate(islice(rows, MOST_ROWS - 1), 2):
            _write_row(sheet, nth, row, clock)
    book.close()


def _write_row(sheet: Any, nth: int, row: Sequence[Any], clock: Any) -> None:
    for column, value in enumerate(row):
        match value:
            case None | "":
                continue
            case bool():
                sheet.write_boolean(nth, column, value)
            case int() | float() if abs(value) < EXACT:
                sheet.write_number(nth, column, value)
            case datetime() if value.year >= 1900:
                sheet.write_datetime(nth, column, value.replace(tzinfo=None), clock)
            case _:
                sheet.write_string(nth, column, str(value)[:LONGEST])
