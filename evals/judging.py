"""Whether what a model wrote says the truth, by a simple rule.

Every value of the truth has to stand in the text, whatever else does:

- a number, to a cent; of 100 or more the nearest whole number will do; a share of 0 to 1 may stand as percent, to a tenth;
- a text, regardless of case, and a list's or a table's every one, in any order; a table's headings too;
- a time by its date and its hour and minute, as 07:05; yes or no as this word;
- nothing needs no words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

NUMBER: Final = re.compile(r"(?<![\w.])-?\d[\d,]*(?:\.\d+)?(?![\w])")
CENT, TENTH, HUNDRED = Decimal("0.01"), Decimal("0.06"), 100


def says(text: str, truth: Any) -> bool:
    """Whether every value of the truth stands in the text."""
    if isinstance(truth, Mapping):
        return all(says(text, part) for pair in truth.items() for part in pair)
    if isinstance(truth, list | tuple | set | frozenset):
        return all(says(text, part) for part in truth)
    if truth is None:
        return True
    if isinstance(truth, bool):
        return bool(re.search(r"\byes\b" if truth else r"\bno\b", text.casefold()))
    if isinstance(truth, int | float | Decimal):
        return any(_near(Decimal(str(truth)), found) for found in numbers(text))
    if isinstance(truth, datetime):
        return f"{truth:%Y-%m-%d}" in text and f"{truth:%H:%M}" in text
    return str(truth).casefold() in text.casefold()


def numbers(text: str) -> Iterable[Decimal]:
    """Every number in the text; commas are between thousands."""
    return (Decimal(found.replace(",", "")) for found in NUMBER.findall(text))


def _near(truth: Decimal, found: Decimal) -> bool:
    if abs(truth - found) <= CENT:
        return True
    if 0 < truth < 1:
        return abs(truth * 100 - found) <= TENTH
    return abs(truth) >= HUNDRED and found == round(truth)
