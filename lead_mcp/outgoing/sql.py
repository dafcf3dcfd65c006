"""A statement's result: as many of its rows as there is room for, what was read for them, and how fresh that is."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import repeat
from typing import TYPE_CHECKING, Any, Final

from lead_mcp.characters import cleaned
from lead_mcp.outgoing.cleaning import CELL_LIMIT, MARK, STRING_LIMIT, cut, plain_cell, plain_value
from lead_mcp.outgoing.ledger import entry_to_dict, ledger_lines
from lead_mcp.outgoing.notes import sentences_of
from lead_mcp.outgoing.render import SENTENCE, table, text_of
from lead_mcp.outgoing.times import counted, heading, shown_time, window_to_dict
from lead_mcp.outgoing.token_budget import Rendered, allowed, check_some_fit, fits, rows_that_fit

if TYPE_CHECKING:
    from lead_mcp.sql.query import SqlAnswer

OUR_URI: Final = re.compile(r"(?:lead|ping|recording)://[a-z0-9-]+(?:/[\w.%~-]+)+(?:\?[\w.%&=+-]+)?", re.ASCII)
CELLS: Final = (5_000, 1_000, STRING_LIMIT)
"""Characters of one value that are tried, until every row fits."""
EXACT: Final = 2**53
"""Whole numbers from here on are text: JavaScript would round them."""


def sql_answer(answer: SqlAnswer, max_tokens: int | None) -> Rendered:
    """The result, whose values are masked already: long texts are cut, then rows left out, as far as an answer needs."""
    columns, room = [cut(cleaned(name), CELL_LIMIT) for name in answer.columns], allowed(max_tokens)
    for limit in CELLS[:-1]:
        whole = _rendered(answer, columns, sql_rows(answer, limit), limit)
        if fits(*whole, room):
            return whole
    limit, rows = CELLS[-1], sql_rows(answer, CELLS[-1])
    fit = rows_that_fit(rows, lambda some: _rendered(answer, columns, some, limit), room)
    check_some_fit(fit, max_tokens)
    return _rendered(answer, columns, rows[:fit], limit)


def sql_rows(answer: SqlAnswer, limit: int) -> list[list[Any]]:
    """The rows as JSON holds them, texts up to so many characters."""
    return [[_value(value, limit) for value in row] for row in answer.rows]


def _first(answer: SqlAnswer, rows: Sequence[list[Any]], limit: int) -> SqlAnswer:
    """The answer with as many rows; its texts are counted that are cut in them."""
    texts = (value for row in rows for value in row if isinstance(value, str))
    short = sum(len(text) >= limit and text.endswith(MARK) for text in texts)
    return replace(answer, rows=answer.rows[: len(rows)], cut_cells=short)


def _rendered(answer: SqlAnswer, columns: Sequence[str], rows: Sequence[list[Any]], limit: int) -> Rendered:
    answer = _first(answer, rows, limit)
    notes = [cut(cleaned(note), SENTENCE) for note in sentences_of(answer.notes)]
    structured: dict[str, Any] = {
        "result": table(columns, rows),
        "row_count": answer.row_count,
        "complete": answer.complete,
        "source": answer.source,
        "window": window_to_dict(answer.window),
        **({"omitted": answer.omitted} if answer.omitted else {}),
        **({"notes": notes} if notes else {}),
        "accounts": [
            {**entry_to_dict(one), "as_of": shown_time(answer.as_of.get(one.account))} for one in answer.entries
        ],
    }
    text = text_of(
        _heading(answer),
        "|".join(map(plain_cell, columns)),
        *("|".join(map(_text, columns, row, kept, repeat(limit))) for row, kept in zip(rows, answer.rows, strict=True)),
        answer.omitted,
        *notes,
        *ledger_lines(answer.entries),
        _fresh(answer),
    )
    return structured, text


def _heading(answer: SqlAnswer) -> str:
    """``12 rows, live, Thu 2026-10-01 to Sat 2026-10-31, 31 days, America/New_York``."""
    count = "more than 100,000 rows" if answer.row_count is None else counted(answer.row_count, "row")
    parts = (count, answer.source, "" if answer.complete else "not complete")
    return heading(", ".join(filter(None, parts)), answer.window)


def _fresh(answer: SqlAnswer) -> str:
    """How old each account's part is, where it was not read now."""
    if answer.source == "live":
        return ""
    known = ((entry.account, shown_time(answer.as_of.get(entry.account))) for entry in answer.entries)
    return "as of: " + ", ".join(f"{account} {fresh.text if fresh else 'never'}" for account, fresh in known)


def _value(value: Any, limit: int) -> Any:
    """A value of the result as JSON holds it: texts cleaned and bounded, instants with their offset."""
    match value:
        case str():
            return cut(cleaned(value), limit)
        case datetime():
            return value.isoformat(timespec="seconds")
        case bool() | None:
            return value
        case int():
            return value if abs(value) < EXACT else str(value)
        case float():
            return int(value) if value.is_integer() and abs(value) < EXACT else value
        case list() | dict():
            text = cleaned(_json(value))
            return json.loads(text) if len(text) <= limit else cut(text, limit)
        case _:
            return plain_value(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=_inner)


def _inner(value: Any) -> Any:
    """A decimal or an instant inside a list or a struct."""
    return value.isoformat(timespec="seconds") if isinstance(value, datetime) else plain_value(value)


def _text(column: str, value: Any, kept: Any, limit: int) -> str:
    """A cell of the text table: one of our URIs whole where the column is named for one, an instant in local time."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(kept, datetime):
        return kept.replace(tzinfo=None).isoformat(timespec="seconds")
    text = value if isinstance(value, str) else _json(value)
    return text if "uri" in column.casefold() and OUR_URI.fullmatch(text) else plain_cell(text, limit)
