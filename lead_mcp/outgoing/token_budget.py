"""Making an answer fit: how many tokens a text is, and as many whole rows as text and structure each have room for.

Tokens are estimated without a tokenizer, never under the real count by more than a tenth. Counted by runs, as byte-pair
tokenizers split text before they merge: letters by pieces of a few, digits by threes, punctuation by twos, letters beyond
ASCII by their bytes. Compared with a real tokenizer in ``benchmarks/tokens.md``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from lead_mcp.errors import BadArgument

RUNS: Final = re.compile(r"[a-z]+|[A-Z]+| ?[0-9]+|[!-/:-@\[-`{-~]+|\s+|[^\x00-\x7f]+|.", re.ASCII)
DEFAULT: Final = 8_000
"""Tokens that the default page of any tool stays under."""
PER_ROW: Final = 100
SAFETY: Final = 0.9
LETTERS: Final = 3.6
"""Letters a token, for names, addresses and ids; running prose has more."""
CUT: Final = 120
"""What a page that was cut says more than a whole one: a word on what was left out, and a cursor."""
Rendered = tuple[dict[str, Any], str]
"""Structure and text."""


def estimate(text: str) -> int:
    """Tokens of ``text``, rather too many than too few."""
    return sum(map(_run, RUNS.findall(text)))


def _run(run: str) -> int:
    first = run[-1] if run[0] == " " else run[0]
    if first.isspace():
        return run.count("\n") + (len(run) > 1)
    if not first.isascii():
        return -(-len(run.encode("utf-8", "replace")) // 2)
    if first.isdigit():
        return -(-len(run) // 3) if run[0] != " " else 1 + -(-(len(run) - 1) // 3)  # a space joins words, not digits
    return -(-len(run) * 10 // int(LETTERS * 10)) if first.isalpha() else -(-len(run) // 2)


def allowed(max_tokens: int | None, limit: int = 20) -> int:
    """Estimated tokens that text and structure may each have: what was asked, else the default page's, else by the limit."""
    asked = max_tokens if max_tokens is not None else max(DEFAULT, PER_ROW * limit)
    return int(asked * SAFETY)


def costs(structured: dict[str, Any], text: str) -> int:
    """Estimated tokens of the dearer half."""
    return max(estimate(json.dumps(structured, ensure_ascii=False)), estimate(text))


def fits(structured: dict[str, Any], text: str, room: int) -> bool:
    """Whether both halves have room. A token is a byte at least, so most answers need no closer look."""
    written = json.dumps(structured, ensure_ascii=False)
    small = len(text.encode("utf-8", "replace")) <= room and len(written.encode("utf-8", "replace")) <= room
    return small or max(estimate(written), estimate(text)) <= room


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
