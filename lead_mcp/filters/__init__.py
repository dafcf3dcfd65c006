"""The one filter language: a list of clauses, all of which hold. ``matches`` is the meaning of every operator.

A clause is ``field op value``. A missing value satisfies only ``exists: false`` (so ``ne`` and ``not_in`` leave empties
out). Text compares case-folded, in Unicode's composed form. Telephone numbers are equal where they are one number, however
spelled; what is no number is text. Times compare as instants, numbers as decimals. Where a
field's kind is unknown (a vendor's own field), numbers and times are compared as such if both sides read as one.
"""

from __future__ import annotations

from lead_mcp.filters.language import (
    LIST_OPS,
    LOWER,
    OPS_BY_KIND,
    RANGE,
    UPPER,
    Clause,
    Filter,
    Kind,
    Op,
    Order,
    TextSearch,
    Where,
    newest_first,
    spelled,
)
from lead_mcp.filters.meaning import compared, matches
from lead_mcp.filters.reading import means_numbers, numbered, parse_sort, typed
from lead_mcp.filters.values import Parts, Value, as_flag, as_number, as_time, folded, plain

__all__ = [
    "LIST_OPS",
    "LOWER",
    "OPS_BY_KIND",
    "RANGE",
    "UPPER",
    "Clause",
    "Filter",
    "Kind",
    "Op",
    "Order",
    "Parts",
    "TextSearch",
    "Value",
    "Where",
    "as_flag",
    "as_number",
    "as_time",
    "compared",
    "folded",
    "matches",
    "means_numbers",
    "newest_first",
    "numbered",
    "parse_sort",
    "plain",
    "spelled",
    "typed",
]
