"""The one filter language: a list of clauses, all of which hold. ``matches`` is the meaning of every operator.

A clause is ``field op value``. A missing value satisfies only ``exists: false`` (so ``ne`` and ``not_in`` leave empties
out). Text compares case-folded, in Unicode's composed form. Telephone numbers are equal where they are one number, however
spelled; what is no number is text. Times compare as instants, numbers as decimals. Where a
field's kind is unknown (a vendor's own field), numbers and times are compared as such if both sides read as one.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, Final
from zoneinfo import ZoneInfo

from lead_mcp.characters import comparable
from lead_mcp.dates import Span, full_stamp, parse, parse_stretch
from lead_mcp.errors import BadArgument, did_you_mean
from lead_mcp.phones import PhoneText, by_number, same_number

Value = str | Decimal | datetime | bool | list[Any] | dict[str, Any] | None
Clock = Callable[[], datetime]


class Parts(list[Any]):
    """The values that one field of a list's parts has in one record: a clause holds if it holds for any of them."""


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
MAX_VALUES: Final = 1000
MAX_EXPONENT: Final = 100
"""No lead holds a greater number, and spelled out it would fill the memory (``1e999999999``)."""
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


# --- reading what was asked ---------------------------------------------------------------------------------------


def typed(given: Filter, kind: Kind, zone: ZoneInfo, now: datetime) -> list[Where]:
    """The clause with its value in the field's own type; equality with a day, or a shown time, becomes two clauses.

    Raises BadArgument where the operator does not fit the kind or the value cannot be read as it.
    """
    _check_op(given, kind)
    as_asked = f"{given.field} {given.op} {spelled(given.value)}"
    if given.op is Op.EXISTS:
        return [Where(given.field, given.op, _flag(given), as_asked)]
    if given.op in LIST_OPS:
        many = tuple(_scalar(replace(given, value=one), kind, zone, now) for one in _several(given))
        return [Where(given.field, given.op, many, as_asked)]
    value = _scalar(given, kind, zone, now)
    if isinstance(value, Span):
        return [Where(given.field, op, moment, as_asked) for op, moment in _span_clauses(given.op, value)]
    return [Where(given.field, given.op, value, as_asked)]


def numbered(where: Where, region: str) -> Where:
    """The clause on a telephone field: its values mean numbers, where they are any and sameness is asked."""
    if where.op not in SAMENESS:
        return where
    if where.op in LIST_OPS:
        return replace(where, value=tuple(by_number(spelled(one), region) for one in where.value))
    return replace(where, value=by_number(spelled(where.value), region))


def means_numbers(where: Where) -> bool:
    """Whether the clause asks for a telephone number in every spelling: no comparison of text says that."""
    values = where.value if isinstance(where.value, tuple) else (where.value,)
    return any(isinstance(one, PhoneText) for one in values)


def _check_op(given: Filter, kind: Kind) -> None:
    if given.op not in OPS_BY_KIND[kind]:
        allowed = ", ".join(op for op in Op if op in OPS_BY_KIND[kind])
        message = f"filters: {given.field!r} is a {kind} field and takes {allowed}, not {given.op}."
        raise BadArgument(message)


def _several(given: Filter) -> Sequence[Any]:
    values = given.value
    if not isinstance(values, list | tuple) or not values or len(values) > MAX_VALUES:
        message = f"filters: {given.field} {given.op} takes a list of 1 to {MAX_VALUES} values."
        raise BadArgument(message)
    return values


def _span_clauses(op: Op, span: Span) -> list[tuple[Op, Any]]:
    if span.start == span.end:
        return [(op, span.start)]
    table: dict[Op, list[tuple[Op, Any]]] = {
        Op.GTE: [(Op.GTE, span.start)],
        Op.LT: [(Op.LT, span.start)],
        Op.GT: [(Op.GTE, span.end)],
        Op.LTE: [(Op.LT, span.end)],
        Op.EQ: [(Op.GTE, span.start), (Op.LT, span.end)],
    }
    return table.get(op, [(op, span)])


def _flag(given: Filter) -> bool:
    value = as_flag(given.value)
    if value is None:
        message = f"filters: {given.field} {given.op} takes true or false, not {str(given.value)[:60]!r}."
        raise BadArgument(message)
    return value


def _scalar(given: Filter, kind: Kind, zone: ZoneInfo, now: datetime) -> Any:
    value = given.value
    if value is None or isinstance(value, list | dict):
        message = f"filters: {given.field} {given.op} takes one value; use exists: false to ask for empty ones."
        raise BadArgument(message)
    match kind:
        case Kind.TEXT:
            return unicodedata.normalize("NFC", spelled(value))  # the form vendors keep; our own comparison folds both
        case Kind.FLAG:
            return _flag(given)
        case Kind.TIME:
            read = parse if given.op in RANGE else parse_stretch
            span = read(str(value), zone, now, name=f"filters: {given.field}")
            return span.start if span.start == span.end else span
        case Kind.NUMBER:
            return _number(given)
        case Kind.ANY:
            number = None if isinstance(value, str) and given.op not in RANGE else as_number(value)
            return value if number is None else number


def _number(given: Filter) -> Decimal:
    number = as_number(given.value)
    if number is None:
        message = f"filters: {given.field} is a number; {str(given.value)[:60]!r} is not."
        raise BadArgument(message)
    return number


def parse_op(word: str) -> Op:
    """The operator of that name. Raises BadArgument with the nearest one."""
    try:
        return Op(word)
    except ValueError:
        message = f"filters: no operator {word[:40]!r}; there are {', '.join(Op)}.{did_you_mean(word, Op)}"
        raise BadArgument(message) from None


def parse_sort(text: str) -> list[Order]:
    """``value:desc,name:asc`` as keys. Raises BadArgument."""
    return [_order(part.strip()) for part in text.split(",")]


def _order(part: str) -> Order:
    field, _, direction = part.partition(":")
    if not field or direction not in ("", "asc", "desc"):
        message = f"sort: {part[:60]!r} is not `field:asc` or `field:desc` (a comma between several)."
        raise BadArgument(message)
    return Order(field, direction == "desc")


# --- values -------------------------------------------------------------------------------------------------------


def as_number(value: Any) -> Decimal | None:
    """A number or the text of one as a finite Decimal; None for everything else (True is not a number)."""
    if isinstance(value, bool) or not isinstance(value, Decimal | int | float | str):
        return None
    if isinstance(value, str) and "_" in value:  # Python's own spelling of 1_000, nobody else's
        return None
    try:
        number = Decimal(value if isinstance(value, int) else str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) <= MAX_EXPONENT else None


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


# --- what the operators mean --------------------------------------------------------------------------------------


def matches(where: Where, value: Value) -> bool:
    """Whether ``value``, a field's value in one record, satisfies the clause."""
    if where.op is Op.EXISTS:
        return (value is not None) is bool(where.value)
    if value is None:
        return False
    if isinstance(value, Parts):
        return any(TESTS[where.op](part, where.value) for part in value)
    return TESTS[where.op](value, where.value)


def _same(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, Span):
        return isinstance(value, datetime) and wanted.start <= value < wanted.end
    if isinstance(value, list):
        return any(_same(one, wanted) for one in value)
    if isinstance(wanted, PhoneText) and same_number(plain(value), wanted):
        return True
    return compared(value, wanted) == 0


def _ordered(test: Callable[[int], bool]) -> Callable[[Value, Any], bool]:
    def run(value: Value, wanted: Any) -> bool:
        order = compared(value, wanted)
        return order is not None and test(order)

    return run


def _worded(test: Callable[[str, str], bool]) -> Callable[[Value, Any], bool]:
    """A test of a value's text; of a list it holds for one of its values."""

    def run(value: Value, wanted: Any) -> bool:
        if isinstance(value, list):
            return any(run(one, wanted) for one in value)
        return value is not None and test(folded(plain(value)), folded(str(wanted)))

    return run


TESTS: Final[dict[Op, Callable[[Any, Any], bool]]] = {
    Op.EQ: _same,
    Op.NE: lambda value, wanted: not _same(value, wanted),
    Op.LT: _ordered(lambda order: order < 0),
    Op.LTE: _ordered(lambda order: order <= 0),
    Op.GT: _ordered(lambda order: order > 0),
    Op.GTE: _ordered(lambda order: order >= 0),
    Op.IN: lambda value, wanted: any(_same(value, one) for one in wanted),
    Op.NOT_IN: lambda value, wanted: not any(_same(value, one) for one in wanted),
    Op.CONTAINS: _worded(lambda text, part: part in text),
    Op.STARTS_WITH: _worded(lambda text, part: text.startswith(part)),
}


def compared(value: Any, wanted: Any) -> int | None:
    """-1, 0 or 1 as ``value`` lies before, at or after ``wanted``; None where the two cannot be compared."""
    for read in (_times, _flags, _numbers):
        pair = read(value, wanted)
        if pair is not None:
            return None if None in pair else _sign(*pair)
    return _sign(folded(plain(value)), folded(plain(wanted)))


def _sign(left: Any, right: Any) -> int:
    return int(left > right) - int(left < right)


def _times(value: Any, wanted: Any) -> tuple[Any, Any] | None:
    if isinstance(value, datetime) or isinstance(wanted, datetime):
        return as_time(value), as_time(wanted)
    pair = as_time(value), as_time(wanted)
    return None if None in pair else pair


def _flags(value: Any, wanted: Any) -> tuple[Any, Any] | None:
    if isinstance(value, bool) or isinstance(wanted, bool):
        return as_flag(value), as_flag(wanted)
    return None


def _numbers(value: Any, wanted: Any) -> tuple[Any, Any] | None:
    if isinstance(value, str) and isinstance(wanted, str):
        return None
    return as_number(value), as_number(wanted)
