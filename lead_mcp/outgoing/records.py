"""Records: a row of a table, or whole, in structure and in text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from lead_mcp.engine.records import Record
from lead_mcp.outgoing.cleaning import STRING_LIMIT, cleaned_tree, plain_value, readable
from lead_mcp.outgoing.masking import Masker, masker_in_use
from lead_mcp.vendors.spec.fields import FieldMap

CONCISE: Final = ("name", "email", "phone", "status", "created_at")
DETAILED: Final = (*CONCISE, "stage", "source", "company", "city", "state", "value", "owner", "updated_at")
STRING_LIMITS: Final = (300, 120, 40)
LIGHT: Final = 100
"""Characters of text that are rendered as fast as another cell."""


def record_row(record: Record, columns: Sequence[str]) -> list[Any]:
    """One record as a table row: the URI, then the columns."""
    return record_rows([record], columns)[0]


def record_rows(records: Sequence[Record], columns: Sequence[str]) -> list[list[Any]]:
    """Records as rows of a table: the URI, then the columns."""
    masker = masker_in_use()
    if masker is None:
        return [[record.uri, *(plain_value(record.get(name)) for name in columns)] for record in records]
    return [[record.uri, *(_masked(masker, record, name) for name in columns)] for record in records]


def weight(records: Sequence[Record], columns: Sequence[str]) -> int:
    """How much there is to render, in cells: a long text counts for many of them."""
    texts = (record.get(name) for record in records for name in columns)
    return len(records) * len(columns) // 4 + sum(_length(value) for value in texts) // LIGHT


def _length(value: Any) -> int:
    return len(value) if isinstance(value, str) else LIGHT * len(value) if isinstance(value, list | dict) else 0


def field_value(record: Record, name: str, *, full: bool = False) -> Any:
    """One of a record's fields as it may leave: JSON, cleaned, masked, bounded."""
    masker = masker_in_use()
    return plain_value(record.get(name), full=full) if masker is None else _masked(masker, record, name, full=full)


def _masked(masker: Masker, record: Record, name: str, *, full: bool = False) -> Any:
    """Cleaned before it is masked, so that no invisible character hides an e-mail; cut last."""
    return plain_value(masker.field(record, name, readable(record.get(name), full=full)), full=full)


def full_record(
    record: Record, names: Sequence[str], limit: int | None = STRING_LIMIT, discovered: FieldMap | None = None
) -> dict[str, Any]:
    """``{"uri", "account", "lead", "raw"}``: our fields decoded, and the vendor's record.

    ``discovered``: the account's own fields as its vendor tells them, by which masks know what is personal.
    """
    lead = {name: field_value(record, name, full=True) for name in names}
    masker = masker_in_use()
    raw = record.raw if masker is None else masker.raw(record, cleaned_tree(record.raw, None), discovered)
    return {
        "uri": record.uri,
        "account": record.account,
        "lead": {name: value for name, value in lead.items() if value is not None},
        "raw": cleaned_tree(raw, limit),
    }
