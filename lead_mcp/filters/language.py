"""The words of the filter language, as values: clauses, operators, kinds of fields, sorts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from lead_mcp.dates import Span, full_stamp


class Op(StrEnum):
    EQ = "eq"
    NE = "ne"
    LT = "lt"
    LTE = "lte"
    GT = "gt"
    GTE = "gte"
    IN = "in"
    NOT_IN = "not_in"
    EXISTS = "exists"
    CONTAINS = "contains"
    STARTS_WITH = "starts_with"


class Kind(StrEnum):
    """How a field's values compare. ``any``: a vendor's own field whose type no document gives."""

    TEXT = "text"
    NUMBER = "number"
    TIME = "time"
    FLAG = "flag"
    ANY = "any"


LOWER: Final = frozenset({Op.GT, Op.GTE})
UPPER: Final = frozenset({Op.LT, Op.LTE})
RANGE: Final = LOWER | UPPER
TEXT_OPS: Final = frozenset({Op.CONTAINS, Op.STARTS_WITH})
LIST_OPS: Final = frozenset({Op.IN, Op.NOT_IN})
SAMENESS: Final = frozenset({Op.EQ, Op.NE, *LIST_OPS})
"""Operators that ask whether two values are the same."""
OPS_BY_KIND: Final = {
    Kind.TEXT: frozenset(Op),
    Kind.NUMBER: frozenset(Op) - TEXT_OPS,
    Kind.TIME: frozenset(Op) - TEXT_OPS,
    Kind.FLAG: frozenset({Op.EQ, Op.NE, Op.IN, Op.NOT_IN, Op.EXISTS}),
    Kind.ANY: frozenset(Op),
}


@dataclass(frozen=True, slots=True)
class Where:
    """One clause. ``value`` is typed by the field's kind (a tuple for ``in``); ``as_asked`` is the clause as it arrived."""

    field: str
    op: Op
    value: Any
    as_asked: str = ""

    def __str__(self) -> str:
        return self.as_asked or f"{self.field} {self.op} {spelled(self.value)}"


@dataclass(frozen=True, slots=True)
class TextSearch:
    """A free-text search, as one clause among others."""

    text: str

    def __str__(self) -> str:
        return f"text {self.text}"


Clause = Where | TextSearch


@dataclass(frozen=True, slots=True)
class Order:
    """One key of a sort. Absent values come last both ways."""

    field: str
    descending: bool = False


def newest_first(when: str) -> tuple[Order, ...]:
    """The order of everyday questions. ``when``: the field of a record's time."""
    return (Order(when, descending=True),)


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter as it arrived: nothing checked yet but the operator."""

    field: str
    op: Op
    value: Any


def spelled(value: Any) -> str:
    """A value as a ledger shows it: times in UTC, flags in lower case, several joined by commas."""
    match value:
        case bool():
            return str(value).lower()
        case datetime():
            return full_stamp(value)
        case Span():
            return f"{full_stamp(value.start)}..{full_stamp(value.end)}"
        case list() | tuple():
            return ",".join(spelled(item) for item in value)
        case None:
            return "null"
        case _:
            return str(value)
