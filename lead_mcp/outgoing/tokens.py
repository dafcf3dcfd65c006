"""How many tokens a text is, estimated without a tokenizer; never under the real count by more than a tenth.

Counted by runs, as byte-pair tokenizers split text before they merge: letters by pieces of a few, digits by threes,
punctuation by twos, letters beyond ASCII by their bytes. Compared with a real tokenizer in ``benchmarks/tokens.md``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

RUNS: Final = re.compile(r"[a-z]+|[A-Z]+| ?[0-9]+|[!-/:-@\[-`{-~]+|\s+|[^\x00-\x7f]+|.", re.ASCII)
DEFAULT: Final = 8_000
"""Tokens that the default page of any tool stays under."""
PER_ROW: Final = 100
SAFETY: Final = 0.9
LETTERS: Final = 3.6
"""Letters a token, for names, addresses and ids; running prose has more."""


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


def fitting(costs: Sequence[int], overhead: int, room: int) -> int:
    """How many of the rows fit into ``room`` beside ``overhead``."""
    spent = overhead
    for nth, cost in enumerate(costs):
        spent += cost
        if spent > room:
            return nth
    return len(costs)
