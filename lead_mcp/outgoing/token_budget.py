"""Making an answer fit: as many whole rows as text and structure each have room for."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, Final

from lead_mcp.errors import BadArgument
from lead_mcp.outgoing.tokens import estimate

CUT: Final = 120
"""What a page that was cut says more than a whole one: a word on what was left out, and a cursor."""
Rendered = tuple[dict[str, Any], str]


def costs(structured: dict[str, Any], text: str) -> int:
    """Estimated tokens of the dearer half."""
    return max(estimate(json.dumps(structured, ensure_ascii=False)), estimate(text))


def fits(structured: dict[str, Any], text: str, room: int) -> bool:
    """Whether both halves have room. A token is a byte at least, so most answers need no closer look."""
    said = json.dumps(structured, ensure_ascii=False)
    small = len(text.encode("utf-8", "replace")) <= room and len(said.encode("utf-8", "replace")) <= room
    return small or max(estimate(said), estimate(text)) <= room


def rows_that_fit(rows: Sequence[list[Any]], render: Callable[[Sequence[list[Any]]], Rendered], room: int) -> int:
    """How many of the first rows an answer has room for: found by halving, since every half costs its own."""
    if fits(*render(rows), room):
        return len(rows)
    room -= CUT
    low, high = 0, len(rows) - 1
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(*render(rows[:middle]), room) else (low, middle - 1)
    return low


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
