"""Records: a row of a table, or whole, in structure and in text."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any, Final

from lead_mcp.characters import cleaned, cleaned_start
from lead_mcp.engine.records import Record, columns_of
from lead_mcp.filters import Value
from lead_mcp.outgoing.cleaning import STRING_LIMIT, cleaned_tree, cut, plain_value, plain_values, readable
from lead_mcp.outgoing.masking import Masker, masker_in_use
from lead_mcp.outgoing.times import ShownTime
from lead_mcp.vendors.spec.fields import FieldMap

CONCISE: Final = ("name", "email", "phone", "status", "created_at")
DETAILED: Final = (*CONCISE, "stage", "source", "company", "city", "state", "value", "owner", "updated_at")
STRING_LIMITS: Final = (300, 120, 40)
UNCUT: Final = 32_767
"""Characters of a value in a file: as many as a spreadsheet's cell holds."""
LIGHT: Final = 100
"""Characters of text that are rendered as fast as another cell."""


def record_rows(
    records: Sequence[Record], columns: Sequence[str], values: Sequence[Sequence[Value]] | None = None
) -> list[list[Any]]:
    """Records as rows of a table: the URI, then the columns. ``values``: theirs, where they have been decoded already."""
    masker = masker_in_use()
    if masker is None:
        uris = [record.uri for record in records]
        values = columns_of(records, columns) if values is None else values
        return list(map(list, zip(uris, *map(plain_values, values), strict=True)))
    return [[record.uri, *(_masked(masker, record, name) for name in columns)] for record in records]


def uncut_rows(records: Sequence[Record], columns: Sequence[str]) -> list[list[Any]]:
    """The same for a file: each value whole, up to ``UNCUT`` characters."""
    masker = masker_in_use()
    return [[record.uri, *(_uncut(masker, record, name) for name in columns)] for record in records]


def _uncut(masker: Masker | None, record: Record, name: str) -> Any:
    value = record.get(name)
    if masker is not None:
        value = masker.field(record, name, readable(value))
    match value:
        case str() if not isinstance(value, ShownTime):
            return cut(cleaned_start(value, UNCUT), UNCUT)
        case list() if not any(isinstance(one, list | dict) for one in value):
            return cut(", ".join(cleaned(str(plain_value(one))) for one in value), UNCUT)
        case list() | dict():
            return cleaned_tree(value, UNCUT)
        case _:
            return plain_value(value)


def weight(columns: Sequence[Sequence[Value]]) -> int:
    """How much there is to render, in cells: a long text counts for many of them."""
    cells = list(chain.from_iterable(columns))
    texts = sum(map(len, [value for value in cells if type(value) is str]))
    parts = sum(map(len, [value for value in cells if isinstance(value, list | dict)]))
    return len(cells) // 4 + texts // LIGHT + parts


def _full_value(record: Record, name: str) -> Any:
    """One of a record's fields as a full record has it: JSON, cleaned, masked, bounded."""
    masker = masker_in_use()
    return plain_value(record.get(name), full=True) if masker is None else _masked(masker, record, name, full=True)


def _masked(masker: Masker, record: Record, name: str, *, full: bool = False) -> Any:
    """Cleaned before it is masked, so that no invisible character hides an e-mail; cut last."""
    return plain_value(masker.field(record, name, readable(record.get(name), full=full)), full=full)


def full_record(
    record: Record, names: Sequence[str], limit: int | None = STRING_LIMIT, discovered: FieldMap | None = None
) -> dict[str, Any]:
    """``{"uri", "account", "lead", "raw"}``: our fields decoded, and the vendor's record.

    ``discovered``: the account's own fields as its vendor tells them, by which masks know what is personal.
    """
    lead = {name: _full_value(record, name) for name in names}
    masker = masker_in_use()
    raw = record.raw if masker is None else masker.raw(record, cleaned_tree(record.raw, None), discovered)
    return {
        "uri": record.uri,
        "account": record.account,
        "lead": {name: value for name, value in lead.items() if value is not None},
        "raw": cleaned_tree(raw, limit),
    }
