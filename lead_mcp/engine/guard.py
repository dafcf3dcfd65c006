"""What a caller may ask of a field. The engine asks; who guards what is decided outside (masks, grants)."""

from __future__ import annotations

from typing import Protocol

from lead_mcp.filters import Op
from lead_mcp.vendors.spec.fields import Field


class Guard(Protocol):
    """Raises BadArgument or NotAllowed for what may not be asked."""

    def check_filter(self, name: str, field: Field, op: Op) -> None:
        """Before a clause on ``field`` is used; ``name`` as the caller wrote it."""

    def check_order(self, name: str, field: Field, argument: str) -> None:
        """Before ``argument`` (``sort``, ``measures``) compares the field's values with each other."""

    def check_text(self, text: str) -> None:
        """Before a free-text search."""


class Unguarded:
    """Everything may be asked."""

    def check_filter(self, name: str, field: Field, op: Op) -> None:
        return None

    def check_order(self, name: str, field: Field, argument: str) -> None:
        return None

    def check_text(self, text: str) -> None:
        return None
