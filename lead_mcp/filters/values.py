"""What values are, read as each kind of field has them. Nothing is raised: what does not read as one is None."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from lead_mcp.characters import comparable

Value = str | Decimal | datetime | bool | list[Any] | dict[str, Any] | None
MAX_EXPONENT: Final = 100
"""No lead holds a greater number, and spelled out it would fill the memory (``1e999999999``)."""


CURRENCY: Final = r"(?:[$€£¥]|US\$|USD|EUR|GBP|CAD|AUD)"
MONEY: Final = re.compile(
    rf"(?P<sign>[-+]?)\s?{CURRENCY}?\s?(?P<digits>\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?|\d{{1,3}}(?:\.\d{{3}})+,\d+|\d+(?:\.\d+)?)"
    rf"\s?{CURRENCY}?",
    re.ASCII,
)
"""Money as people and vendors write it: ``$12``, ``1,234.50``, ``1.234,50 EUR``. What could be two numbers (``1.234`` is the
plain one, ``12,50``) is not among them."""


class Parts(list[Any]):
    """The values that one field of a list's parts has in one record: a clause holds if it holds for any of them."""


def as_number(value: Any) -> Decimal | None:
    """A number or the text of one, as money too, as a finite Decimal; None for everything else (True is not a number)."""
    if isinstance(value, bool) or not isinstance(value, Decimal | int | float | str):
        return None
    if isinstance(value, str) and "_" in value:  # Python's own spelling of 1_000, nobody else's
        return None
    try:
        number = Decimal(value if isinstance(value, int) else str(value).strip())
    except InvalidOperation:
        return _money(str(value).strip())
    return number if number.is_finite() and abs(number.adjusted()) <= MAX_EXPONENT else None


def _money(text: str) -> Decimal | None:
    found = MONEY.fullmatch(text) if len(text) <= MAX_EXPONENT else None
    if found is None:
        return None
    digits = found["digits"]
    whole, point = (".", ",") if digits.rfind(",") > digits.rfind(".") >= 0 else (",", ".")
    return Decimal(found["sign"] + digits.replace(whole, "").replace(point, "."))


def as_flag(value: Any) -> bool | None:
    """true/false, yes/no, 1/0 in any case, as text, number or flag; None for everything else."""
    if isinstance(value, bool):
        return value
    word = str(value).strip().casefold()
    return True if word in ("true", "1", "yes", "y") else False if word in ("false", "0", "no", "n") else None


def as_time(value: Any) -> datetime | None:
    """A zoned ISO datetime as UTC; None for everything else."""
    if isinstance(value, datetime):
        return value
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) and value[4:5] == "-" else None
        return moment.astimezone(UTC) if moment and moment.tzinfo else None
    except (ValueError, OverflowError):  # the second: year 1 or 9999, shifted out of the calendar
        return None


def folded(text: str) -> str:
    """Text as it compares: on one line, without invisible characters, composed, case-folded."""
    return comparable(text).casefold()


def plain(value: Any) -> str:
    """Any value as text to search in."""
    return value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
