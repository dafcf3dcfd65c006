"""What each operator means: whether a value satisfies a clause, and how two values lie to each other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from lead_mcp.dates import Span
from lead_mcp.filters.language import Op, Where
from lead_mcp.filters.values import Parts, Value, as_flag, as_number, as_time, folded, plain
from lead_mcp.phones import PhoneText, same_number


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
    return _sign(folded(plain(value)).strip(), folded(plain(wanted)).strip())


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
