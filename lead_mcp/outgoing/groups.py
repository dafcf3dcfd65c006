"""Groups as they may leave: their values by what the fields they are grouped by say of a person."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lead_mcp.engine.groups import OTHER
from lead_mcp.engine.ledger import LedgerEntry
from lead_mcp.engine.periods import PERIODS
from lead_mcp.outgoing.cleaning import plain_value, readable
from lead_mcp.outgoing.kinds import stronger
from lead_mcp.outgoing.masking import Masker, masker_in_use

Displayed = Callable[[Sequence[Any]], tuple[Any, ...]]


def displayed_by(names: Sequence[str], entries: Sequence[LedgerEntry]) -> Displayed:
    """What makes cells of a group's values. A name that several accounts have is as personal as at the strictest."""
    masker = masker_in_use()
    if masker is None:
        return lambda key: tuple(map(plain_value, key))
    columns = [_column(masker, name, entries) for name in names]
    return lambda key: tuple(show(part) for show, part in zip(columns, key, strict=True))


def _column(masker: Masker, name: str, entries: Sequence[LedgerEntry]) -> Callable[[Any], Any]:
    if name == "account" or name in PERIODS:
        return plain_value
    fields = [(entry.account, known) for entry in entries if (known := entry.field_of(name)) is not None]
    kinds = [masker.kind(name, known, account) for account, known in fields] or [masker.kind(name, None)]
    kind = stronger(*kinds)
    path = next((known.paths[0] for _, known in fields if known.paths), name)

    def cell(part: Any) -> Any:
        return part if part == OTHER else plain_value(masker.of_kind(kind, readable(part), path))

    return cell
