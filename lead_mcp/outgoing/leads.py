"""A page of leads, as many rows as there is room for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from lead_mcp.engine.answer import Answer
from lead_mcp.engine.query import Query
from lead_mcp.filters import Value
from lead_mcp.outgoing.cleaning import text_cell
from lead_mcp.outgoing.ledger import entry_to_dict, ledger_lines
from lead_mcp.outgoing.records import record_rows
from lead_mcp.outgoing.render import id_cell, table, text_of, text_table
from lead_mcp.outgoing.times import counted, counted_of, heading, window_to_dict
from lead_mcp.outgoing.token_budget import Rendered, allowed, check_some_fit, fits, most_that_fits

MOST_MISSING: Final = 20
"""Ids that were not found, of which an answer names so many."""


def search_page(
    answer: Answer, query: Query, columns: Sequence[str], values: Sequence[Sequence[Value]], max_tokens: int | None
) -> Rendered:
    """The page, cut at a row boundary where text or structure would pass the budget. ``values``: of the columns."""
    rows = record_rows(answer.records, columns, values)
    room = allowed(max_tokens, query.limit)
    whole = _rendered(answer, query, columns, rows)
    if fits(*whole, room):
        return whole

    def cut(some: int) -> Rendered:
        first = answer.first(some)
        kept = rows[: len(first.records)]
        left = f"{counted(len(rows) - len(kept), 'more row')} did not fit; next_cursor goes on behind these"
        return _rendered(replace(first, omitted=left), query, columns, kept)

    fit = most_that_fits(len(rows) - 1, cut, room)
    check_some_fit(fit, max_tokens)
    return cut(fit)


def _rendered(answer: Answer, query: Query, columns: Sequence[str], rows: Sequence[list[Any]]) -> Rendered:
    found = table(("uri", *columns), rows)
    missing, omitted = _missing(answer), _omitted(answer)
    structured: dict[str, Any] = {
        "leads": found,
        "total": answer.total,
        "next_cursor": answer.cursor,
        "window": window_to_dict(query.window),
        **({} if missing is None else {"missing": missing}),
        **({"omitted": omitted} if omitted else {}),
        "accounts": [entry_to_dict(entry) for entry in answer.entries],
    }
    text = text_of(
        heading(counted_of(len(rows), answer.total, "lead", more=answer.cursor is not None), query.window),
        text_table(found),
        f"not found: {', '.join(map(text_cell, missing))}" if missing else "",
        omitted,
        *ledger_lines(answer.entries),
        f"next_cursor: {answer.cursor}" if answer.cursor else "",
    )
    return structured, text


def _missing(answer: Answer) -> list[str] | None:
    """The first ids that were not found."""
    return None if answer.missing is None else [id_cell(one) for one in answer.missing[:MOST_MISSING]]


def _omitted(answer: Answer) -> str:
    more = max(0, len(answer.missing or ()) - MOST_MISSING)
    return "; ".join(filter(None, [answer.omitted, f"{more:,} more ids were not found" if more else ""]))
