"""A Parquet file: each column of one type, the narrowest that holds all of its values, else text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

from lead_mcp.exports.cells import words
from lead_mcp.exports.gathered import columns_of, rows_of

BATCH: Final = 10_000
"""Rows that are in memory at once."""
WIDEST: Final = 2**63


def make_parquet(gathered: Path, made: Path, zone: str) -> None:
    """Write the file: the rows are read once for the types of their columns, and once more for their values."""
    import pyarrow
    import pyarrow.parquet

    columns, kinds = columns_of(gathered), _kinds(gathered, zone)
    types = {
        "time": pyarrow.timestamp("us", tz=zone),
        "bool": pyarrow.bool_(),
        "int": pyarrow.int64(),
        "float": pyarrow.float64(),
        "text": pyarrow.string(),
    }
    schema = pyarrow.schema([pyarrow.field(name, types[kind]) for name, kind in zip(columns, kinds, strict=True)])
    rows = rows_of(gathered, zone)
    with pyarrow.parquet.ParquetWriter(str(made), schema) as writer:
        while batch := list(islice(rows, BATCH)):
            arrays = [
                pyarrow.array([_as_kind(row[nth], kind) for row in batch], types[kind])
                for nth, kind in enumerate(kinds)
            ]
            writer.write_table(pyarrow.Table.from_arrays(arrays, schema=schema))


def _kinds(gathered: Path, zone: str) -> Sequence[str]:
    """The type of each column; a column without any value is text."""
    found: list[set[str]] = [set() for _ in columns_of(gathered)]
    for row in rows_of(gathered, zone):
        for kinds, value in zip(found, row, strict=True):
            if value is not None:
                kinds.add(_kind(value))
    return [_widest(kinds) for kinds in found]


def _kind(value: Any) -> str:
    match value:
        case bool():
            return "bool"
        case datetime():
            return "time"
        case int():
            return "int" if abs(value) < WIDEST else "text"
        case float():
            return "float"
        case _:
            return "text"


def _widest(kinds: set[str]) -> str:
    if kinds == {"int", "float"}:
        return "float"
    return kinds.pop() if len(kinds) == 1 else "text"


def _as_kind(value: Any, kind: str) -> Any:
    if value is None or kind != "text":
        return value
    return value.isoformat() if isinstance(value, datetime) else words(value)
