"""What values say by their look, where no document and no metadata says what a field holds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any, Final

from lead_mcp.vendors.spec.fields import Personal

EMAIL: Final = re.compile(r"[^@\s<>,;\"]+@[^@\s<>,;\"]+")
PHONE: Final = re.compile(r"\+?[\d\s().\-/]+")
DIGITS: Final = range(9, 16)
"""How many a telephone number has that is written whole; fewer are dates, postal codes and amounts."""
NUMBERS: Final = range(10, 16)
"""The same for one kept as a number, where no punctuation tells it from an amount."""


def personal_of(values: Sequence[Any]) -> Personal | None:
    """What a field with these values says of a person; None where they do not say (its name may)."""
    present = [value for value in values if value not in (None, "") and not isinstance(value, bool)]
    shapes = {shape_of(value) for value in present}
    if len(shapes) == 1 and shapes != {""}:
        return shapes.pop()
    if shapes - {""}:
        return "text"
    return "" if present and all(isinstance(value, int | float) for value in present) else None


def shape_of(value: Any) -> Personal:
    """``email``, ``phone`` or ``ip`` where the whole value looks like one; ``""`` for everything else."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return (
            "phone" if 0 < value < 10**NUMBERS.stop and value == value // 1 and len(f"{value:.0f}") in NUMBERS else ""
        )
    if not isinstance(value, str):
        return ""
    text = value.strip()
    if EMAIL.fullmatch(text):
        return "email"
    if _is_address(text):
        return "ip"
    return "phone" if PHONE.fullmatch(text) and sum(map(str.isdigit, text)) in DIGITS else ""


def _is_address(text: str) -> bool:
    try:
        return bool(ip_address(text))
    except ValueError:
        return False
