"""Values of leads in a write: as JSON for the journal, and whether two are the same."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from lead_mcp.dates import full_stamp
from lead_mcp.engine.records import Record
from lead_mcp.filters import Value, as_number, as_time
from lead_mcp.phones import e164

EXACT: Final = 2**53
"""Whole numbers below it are the same in every JSON reader."""


def stored(value: Value) -> Any:
    """A value as JSON, whole: times in UTC with their fraction."""
    match value:
        case datetime():
            return full_stamp(value)
        case Decimal():
            return int(value) if value == value.to_integral_value() and abs(value) < EXACT else float(value)
        case _:
            return value


def same(value: Value, wanted: Any, name: str, region: str) -> bool:
    """Whether a record's value is what somebody wants it to be: exactly, but for spellings of one number or moment."""
    if wanted is None or value is None:
        return value is None and wanted in (None, "")
    if name == "phone":
        return e164(str(value), region) == e164(str(wanted), region)
    for read, spelled in READERS:
        found = read(value)
        if found is not None and not isinstance(value, str):
            return bool(found == read(spelled(wanted)))
    return _text(value) == _text(str(wanted).lower() if isinstance(wanted, bool) else wanted)


READERS: Final[tuple[tuple[Callable[[Any], Any], Callable[[Any], Any]], ...]] = (
    (as_time, lambda wanted: wanted),
    (as_number, str),
)


def _text(value: Any) -> str:
    return unicodedata.normalize("NFC", str(value))


def same_own(record: Record, name: str, value: Any) -> bool:
    """Whether the vendor's own field has that value already; one that the record does not show has to be sent."""
    return name in record.raw and str(record.raw[name]) == str(value)


def of_record(record: Record, ours: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """What the record has now in the fields that a write speaks of, as JSON."""
    return {name: stored(record.get(name)) for name in ours} | {name: record.raw.get(name) for name in own}
