"""Filters and sorts as they arrive, made into clauses and keys: each value in its field's own type, or a refusal."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from lead_mcp.dates import Span, parse, parse_stretch
from lead_mcp.errors import BadArgument
from lead_mcp.filters.language import LIST_OPS, OPS_BY_KIND, RANGE, SAMENESS, Filter, Kind, Op, Order, Where, spelled
from lead_mcp.filters.values import as_flag, as_number
from lead_mcp.phones import PhoneText, by_number

MAX_VALUES: Final = 1000


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
    nothing = given.op is Op.EQ and isinstance(value, str) and not value.strip()
    if value is None or nothing or isinstance(value, list | dict):
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


def parse_sort(text: str) -> list[Order]:
    """``value:desc,name:asc`` as keys. Raises BadArgument."""
    return [_order(part.strip()) for part in text.split(",")]


def _order(part: str) -> Order:
    field, _, direction = part.partition(":")
    if not field or direction not in ("", "asc", "desc"):
        message = f"sort: {part[:60]!r} is not `field:asc` or `field:desc` (a comma between several)."
        raise BadArgument(message)
    return Order(field, direction == "desc")
