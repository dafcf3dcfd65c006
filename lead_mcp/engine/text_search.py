"""Our own text search, for vendors that have none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from lead_mcp.filters import folded
from lead_mcp.phones import PhoneText, same_number

TEXT_FIELDS: Final = ("name", "email", "phone", "company")


def text_matches(text: str, values: Sequence[object]) -> bool:
    """Our own text search: a case-folded substring of any of the values; a telephone number in any spelling."""
    wanted = folded(text)
    if isinstance(text, PhoneText) and any(value is not None and same_number(str(value), text) for value in values):
        return True
    return any(value is not None and wanted in folded(str(value)) for value in values)
