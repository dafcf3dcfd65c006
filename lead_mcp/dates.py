"""Dates and words for dates, read in a time zone; windows of time, half-open: ``since`` <= t < ``until``.

Accepted: ISO 8601 dates and datetimes, ``now``, ``today``, ``yesterday``, ``-7d``, ``-12h``, ``-2w``, ``this_week``,
``last_week``, ``this_month``, ``last_month``. A date without a time and every word but ``now`` is a stretch of time; a
datetime and a count back from now is a moment. Weeks start on Monday. A datetime without a zone is read in the zone
given, and a local hour that happens twice is its first.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from lead_mcp.errors import BadArgument

TICK = timedelta(microseconds=1)
MILLISECOND = timedelta(milliseconds=1)
SECOND = timedelta(seconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BACK = re.compile(r"-(\d{1,6})([hdw])")
HOURS = {"h": 1, "d": 24, "w": 168}
DAY = re.compile(r"\d{4}-\d{2}-\d{2}|\d{8}|\d{4}-?W\d{2}-?\d", re.ASCII)
MOMENT = re.compile(r"\d[\dW-]*[Tt ]\d.*", re.ASCII)
EXAMPLES = "2026-10-31, 2026-10-31T14:00:00Z, today, yesterday, -7d, -12h, this_week, last_week, this_month, last_month"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time, UTC, half-open; a moment where both ends are one."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Window:
    """A window as asked: UTC ends, either of which may be open, and the zone it was read in."""

    since: datetime | None
    until: datetime | None
    zone: str

    def to_dict(self) -> dict[str, str | None]:
        """``{"since", "until", "zone"}`` in the contract's spelling of times."""
        return {"since": stamp(self.since), "until": stamp(self.until), "zone": self.zone}


def stamp(moment: datetime | None) -> str | None:
    """``YYYY-MM-DDTHH:MM:SSZ``, whole seconds, UTC."""
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ").zfill(20)


def full_stamp(moment: datetime) -> str:
    """ISO 8601 UTC with the fraction, if it has one."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def rounded_down(moment: datetime, unit: timedelta) -> datetime:
    """The last whole ``unit`` of UTC's clock not after ``moment``."""
    return moment - (moment.astimezone(UTC) - EPOCH) % unit


def rounded_up(moment: datetime, unit: timedelta) -> datetime:
    """The first whole ``unit`` of UTC's clock not before ``moment``."""
    return moment + (EPOCH - moment.astimezone(UTC)) % unit


def parse(text: str, zone: ZoneInfo, now: datetime, *, name: str = "date") -> Span:
    """What ``text`` means in ``zone``, seen from ``now``. Raises BadArgument with examples."""
    try:
        return _parse(text.strip(), zone, now)
    except (ValueError, OverflowError):
        message = f"{name}: {text[:60]!r} is not a date this server reads. Use one of: {EXAMPLES}."
        raise BadArgument(message) from None


def _parse(text: str, zone: ZoneInfo, now: datetime) -> Span:
    today = now.astimezone(zone).date()
    if text in WORDS:
        first, last = WORDS[text](today)
        return _days(first, last, zone)
    if text == "now":
        return Span(now, now)
    if back := BACK.fullmatch(text):
        moment = (now - timedelta(hours=int(back[1]) * HOURS[back[2]])).replace(microsecond=0)
        return Span(moment, moment)
    if DAY.fullmatch(text):
        day = date.fromisoformat(text)
        return _days(day, day, zone)
    if not MOMENT.fullmatch(text):  # Python would read a bare week such as 2026-W44 as its Monday
        raise ValueError(text)
    moment = datetime.fromisoformat(text)
    moment = (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    return Span(moment, moment)


def _days(first: date, last: date, zone: ZoneInfo) -> Span:
    return Span(midnight(first, zone), midnight(last + timedelta(days=1), zone))


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The first moment of ``day`` in ``zone``, as UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _month(day: date) -> tuple[date, date]:
    first = day.replace(day=1)
    return first, (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)


def _week(day: date) -> tuple[date, date]:
    monday = day - timedelta(days=day.weekday())
    return monday, monday + timedelta(days=6)


WORDS: dict[str, Callable[[date], tuple[date, date]]] = {
    "today": lambda day: (day, day),
    "yesterday": lambda day: (day - timedelta(days=1), day - timedelta(days=1)),
    "this_week": _week,
    "last_week": lambda day: _week(day - timedelta(days=7)),
    "this_month": _month,
    "last_month": lambda day: _month(day.replace(day=1) - timedelta(days=1)),
}


def window(since: str | None, until: str | None, zone: ZoneInfo, now: datetime) -> Window | None:
    """The window asked for, or None where none was; no ``until`` means now. Raises BadArgument where it is empty."""
    if since is None and until is None:
        return None
    start = None if since is None else parse(since, zone, now, name="since").start
    end = now if until is None else parse(until, zone, now, name="until").end
    if start is not None and start >= end:
        message = f"since ({stamp(start)}) must lie before until ({stamp(end)}); both are read in {zone.key}."
        raise BadArgument(message)
    return Window(start, end, zone.key)
