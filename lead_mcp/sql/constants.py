"""Moments that a statement compares with, worked out without the engine: literals exactly, simple arithmetic nearly. Pure.

Read for one purpose: to read no more from the vendors than the statement can use. What is not understood here is None, and
narrows nothing; the engine decides afterwards, on its own terms, which rows count.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from lead_mcp.sql.tree import Node, arguments, cast_to, column_path, function_name, literal

TIMES: Final = frozenset(
    {"DATE", "TIMESTAMP", "TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE", "DATETIME", "TIMESTAMP_S", "TIMESTAMP_MS"}
)
NAIVE: Final = TIMES - {"DATE", "TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE"}
OFFSET: Final = re.compile(r":.*(?:Z|[+-]\d{2}(?::?\d{2})?)\s*$")
NUMBERS: Final = frozenset({"INTEGER", "BIGINT", "DOUBLE", "INT", "SMALLINT", "TINYINT", "FLOAT", "HUGEINT"})
NOW: Final = frozenset(
    {"now", "get_current_timestamp", "current_localtimestamp", "current_timestamp", "localtimestamp"}
)
TODAY: Final = frozenset({"current_date", "today"})
DAY: Final = timedelta(days=1)
UNITS: Final = {
    "minute": (timedelta(minutes=1), timedelta(minutes=1)),
    "hour": (timedelta(hours=1), timedelta(hours=1)),
    "day": (DAY, DAY),
    "week": (7 * DAY, 7 * DAY),
    "month": (28 * DAY, 31 * DAY),
    "quarter": (89 * DAY, 92 * DAY),
    "year": (365 * DAY, 366 * DAY),
}
"""The shortest and the longest of each."""
TRUNCATED: Final[dict[str, Callable[[datetime], datetime]]] = {
    "hour": lambda at: at,
    "day": lambda at: at.replace(hour=0),
    "week": lambda at: (at - at.weekday() * DAY).replace(hour=0),
    "month": lambda at: at.replace(day=1, hour=0),
    "quarter": lambda at: at.replace(month=(at.month - 1) // 3 * 3 + 1, day=1, hour=0),
    "year": lambda at: at.replace(month=1, day=1, hour=0),
}
SPELLED: Final = re.compile(r"(\d{1,5})\s*(minute|hour|day|week|month|quarter|year)s?", re.IGNORECASE)
MOMENT: Final = re.compile(r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?\s?(Z|[+-]\d{2}(:?\d{2})?)?)?")
SLACK: Final = timedelta(hours=1)
"""A change of clocks: what is worked out is taken so much wider."""


@dataclass(frozen=True, slots=True)
class Moments:
    """The earliest and the latest that an expression can mean."""

    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Clock:
    """When and where the statement is asked."""

    now: datetime
    zone: ZoneInfo

    def moments(self, node: Any) -> Moments | None:
        """What the expression can mean as an instant, or None where that is not known here."""
        try:
            return self._moments(node)
        except (OverflowError, ValueError):
            return None

    def _moments(self, node: Any) -> Moments | None:
        if (text := as_text(node)) is not None:
            return self._of_text(text)
        name, given = called(node)
        if name in NOW:
            return Moments(self.now - SLACK, self.now + SLACK)
        if name in TODAY:
            return self._midnight(self.now.astimezone(self.zone).date())
        if name in ("+", "-") and len(given) == 2:
            return _moved(self._moments(given[0]), interval(given[1]), name)
        if name == "date_trunc" and len(given) == 2:
            return self._truncated(self._moments(given[1]), literal(given[0]))
        if cast_to(node) not in TIMES or literal(node["child"]) is not None:
            return None
        inner = self._moments(node["child"])
        return self._truncated(inner, "day") if cast_to(node) == "DATE" else inner

    def _of_text(self, text: str) -> Moments | None:
        """``2026-11-01``, ``2026-11-01 05:30:00``, with or without an offset; both readings of an hour that comes twice."""
        if not MOMENT.fullmatch(text.strip()):
            return None
        found = datetime.fromisoformat(text.strip())
        if found.tzinfo is not None:
            return Moments(found.astimezone(UTC), found.astimezone(UTC))
        # in UTC, since times of one zone are compared, and moved, by the face of its clock
        first, last = sorted(found.replace(tzinfo=self.zone, fold=fold).astimezone(UTC) for fold in (0, 1))
        return Moments(first, last)

    def _midnight(self, day: date) -> Moments | None:
        return self._of_text(datetime.combine(day, time()).isoformat())

    def _truncated(self, base: Moments | None, unit: Any) -> Moments | None:
        cut = TRUNCATED.get(str(unit).lower())
        if base is None or cut is None:
            return None
        ends = [
            cut(end.astimezone(self.zone).replace(minute=0, second=0, microsecond=0)) for end in (base.first, base.last)
        ]
        return Moments(ends[0].astimezone(UTC) - SLACK, ends[1].astimezone(UTC) + SLACK)


def called(node: Any) -> tuple[str, list[Node]]:
    """The function that an expression calls, and with what; the words that stand for one (``current_date``) too."""
    if not isinstance(node, dict):
        return "", []
    if len(path := column_path(node)) == 1:
        return path[0], []
    name = function_name(node)
    return (name, arguments(node)) if name else ("", [])


def _moved(base: Moments | None, by: tuple[timedelta, timedelta] | None, sign: str) -> Moments | None:
    if base is None or by is None:
        return None
    least, most = by if sign == "+" else (-by[1], -by[0])
    return Moments(base.first + least - SLACK, base.last + most + SLACK)


def as_text(node: Any) -> str | None:
    """The text of a literal, bare or with a type (``DATE '2026-11-01'``); None where its cast would change it."""
    kind = cast_to(node)
    held = literal(node["child"]) if kind in TIMES else literal(node)
    if not isinstance(held, str) or (kind == "DATE" and len(held.strip()) > len("2026-11-01")):
        return None
    return None if kind in NAIVE and OFFSET.search(held) else held


def interval(node: Node) -> tuple[timedelta, timedelta] | None:
    """The least and the most of ``INTERVAL 7 DAY``, ``INTERVAL '7 days'``, or of 7 (days, beside a date)."""
    if cast_to(node) == "INTERVAL":
        found = SPELLED.fullmatch(str(literal(node["child"])).strip())
        return None if found is None else _times(float(found[1]), found[2].lower())
    name, given = called(node)
    if name.startswith("to_") and len(given) == 1:
        return _times(number_of(given[0]), name[3:-1])
    whole = literal(node)
    return _times(float(whole), "day") if isinstance(whole, int) else None


def _times(number: float | None, unit: str) -> tuple[timedelta, timedelta] | None:
    if number is None or unit not in UNITS or not 0 <= number < 100_000:
        return None
    return number * UNITS[unit][0], number * UNITS[unit][1]


def number_of(node: Any) -> float | None:
    """A number within what 1.5 and 2.x wrap round it: casts and ``trunc``."""
    if cast_to(node) in NUMBERS:
        return number_of(node["child"])
    name, given = called(node)
    if name == "trunc" and given:
        return number_of(given[0])
    held = literal(node)
    return float(held) if isinstance(held, int | float) else None
