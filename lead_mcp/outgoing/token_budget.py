"""Making an answer fit: as many whole rows as text and structure each have room for."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, Final

from pydantic_core import to_json

from lead_mcp.errors import BadArgument
from lead_mcp.outgoing.tokens import estimate

DEFAULT: Final = 8_000
"""Tokens that the default page of any tool stays under."""
PER_ROW: Final = 100
SAFETY: Final = 0.9
ASKED_SAFETY: Final = 0.97
"""What an estimate may take of a budget that somebody asked for: as much of it as is safe, since it is to be used."""
CUT: Final = 80
"""What a page that was cut says more than a whole one: a word on what was left out, and a cursor."""
Rendered = tuple[dict[str, Any], str]
"""Structure and text."""


def allowed(max_tokens: int | None, limit: int = 20) -> int:
    """Estimated tokens that text and structure may each have: what was asked, else the default page's, else by the limit."""
    if max_tokens is not None:
        return int(max_tokens * ASKED_SAFETY)
    return int(max(DEFAULT, PER_ROW * limit) * SAFETY)


def costs(structured: dict[str, Any], text: str) -> int:
    """Estimated tokens of the dearer half."""
    return max(estimate(compact(structured)), estimate(text))


def compact(structured: dict[str, Any]) -> str:
    """Structure as clients get it."""
    return json.dumps(structured, ensure_ascii=False, separators=(",", ":"))


def fits(structured: dict[str, Any], text: str, room: int) -> bool:
    """Whether both halves have room. A token is a byte at least, so most answers need no closer look."""
    return (
        max(len(text.encode("utf-8", "replace")), len(to_json(structured))) <= room or costs(structured, text) <= room
    )


def rows_that_fit(rows: Sequence[list[Any]], render: Callable[[Sequence[list[Any]]], Rendered], room: int) -> int:
    """How many of the first rows an answer has room for."""
    if fits(*render(rows), room):
        return len(rows)
    return most_that_fits(len(rows) - 1, lambda some: render(rows[:some]), room - CUT)


def most_that_fits(most: int, render: Callable[[int], Rendered], room: int) -> int:
    """How many rows up to ``most`` there is room for: found by halving, since every half costs its own."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(*render(middle), room) else (low, middle - 1)
    return low


def first_that_fits(tries: Sequence[Callable[[], Rendered]], room: int) -> Rendered:
    """The first rendering that has room; the last one where none has."""
    for render in tries[:-1]:
        found = render()
        if costs(*found) <= room:
            return found
    return tries[-1]()


def check_some_fit(rows: int, max_tokens: int | None) -> None:
    """Raises BadArgument where not even one row fits."""
    if rows == 0:
        if max_tokens is None:
            raise BadArgument(
                "limit: not even one row fits beside this answer's ledger; ask one account, or less of it."
            )
        raise BadArgument(
            f"max_tokens: {max_tokens} is too small for one row and its ledger; allow more, or ask one account."
        )
