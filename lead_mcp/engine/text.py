"""Our own text search, for vendors that have none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from lead_mcp.filters import folded

TEXT_FIELDS: Final = ("name", "email", "phone", "company")


def text_matches(text: str, values: Sequence[object]) -> bool:
    """Our own text search: a case-folded substring of any of the values."""
    wanted = folded(text)
    return any(value is not None and wanted in folded(str(value)) for value in values)
