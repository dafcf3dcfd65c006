"""Whether a vendor heeds the filters whose answer is taken as it comes: rows that plainly do not match show that not."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

from lead_mcp.engine.plan import Trusted
from lead_mcp.filters import Op, Value, Where, matches
from lead_mcp.vendors.spec.fields import Field
from lead_mcp.vendors.spec.http import Raw

FEW: Final = 25
"""Rows of a page that are looked at: a filter that is not heeded shows in the first of them."""


class Unheeded(Exception):
    """The vendor gave a record that a filter it was sent leaves out."""

    def __init__(self, where: Where) -> None:
        super().__init__(str(where))
        self.where = where


def check_heeded(trusted: Trusted, rows: Sequence[Raw]) -> None:
    """Raises Unheeded where one of the first rows contradicts a clause that is not checked here."""
    for where, field in trusted:
        if any(_contradicts(where, field, value) for value in _different(field.column(rows[:FEW]))):
            raise Unheeded(where)


def _different(values: Sequence[Value]) -> Iterable[Value]:
    """Each value once, mostly a single one where all rows match; lists, which cannot be told apart so fast, as they come."""
    try:
        return dict.fromkeys(values)
    except TypeError:
        return values


def _contradicts(where: Where, field: Field, value: Value) -> bool:
    if where.op is Op.EXISTS or value is None:  # what came without the field, or with an unreadable one, tells nothing
        return where.op is Op.EXISTS and (value is not None) is not where.value
    if matches(where, value):
        return False
    wanted = where.value if where.op is Op.IN else (where.value,)
    return not (field.vendor_text and any(_akin(str(value), str(one)) for one in wanted))


def _akin(text: str, other: str) -> bool:
    """Whether a vendor's own way of comparing, by letters alone or by a part, may take the two for one."""
    one, two = _letters(text), _letters(other)
    return one in two or two in one


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKD", text).casefold()))
