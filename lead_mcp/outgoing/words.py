"""Any value as a reader sees it in text: no brackets of a programming language, no digits beyond what money needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from lead_mcp.outgoing.times import ShownTime

DIGITS: Final = 12
"""Digits of a number that say something: behind them stands what adding and dividing left."""
LONG_FRACTION: Final = 6
"""Decimals of a price or of a place on the map at most; more of them are rounded to cents."""


def words_of(value: Any) -> str:
    """``true``, ``12.3``, ``2026-11-25 22:42``, ``a, b``, ``city: Austin, state: TX``; nothing for what is absent."""
    if value is None or type(value) is str:  # as nearly always
        return value or ""
    match value:
        case bool():
            return "true" if value else "false"
        case ShownTime():
            return value.text
        case int() | float() | Decimal():
            return number_text(value)
        case Mapping():
            return ", ".join(f"{key}: {words_of(item)}" for key, item in value.items() if not is_empty(item))
        case str():
            return str(value)
        case Sequence():
            between = "; " if any(isinstance(item, Mapping) for item in value) else ", "
            return between.join(map(words_of, value))
        case _:
            return str(value)


def number_text(value: int | float | Decimal) -> str:
    """A number without what a computer adds to it: ``12.3`` for 12.300000000000001, ``12.33`` for a third of 37."""
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal) and len(f"{value:f}".partition(".")[2]) <= LONG_FRACTION:
        return f"{value:f}"  # as its vendor writes it
    size = abs(float(value))
    text = _trimmed(f"{value:.{DIGITS}g}") if size < 10**DIGITS else _trimmed(f"{value:f}")
    decimals = len(text.partition(".")[2])
    if "e" in text or decimals <= LONG_FRACTION:
        return text
    return _trimmed(f"{value:.{2 if size >= 1 else 4}f}")


def _trimmed(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text


def is_empty(value: Any) -> bool:
    """Whether a value says nothing: absent, an empty text, list or object, or the date that stands for none."""
    return value is None or (isinstance(value, str | list | dict) and not value) or _is_no_date(value)


def _is_no_date(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("0001-01-01T00:00:00")
