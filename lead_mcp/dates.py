"""Dates and words for dates, read in a time zone; windows of time, half-open: ``since`` <= t < ``until``.

Accepted: ISO 8601 dates and datetimes, ``now``, ``today``, ``yesterday``, ``-7d``, ``-12h``, ``-2w``, ``this_week``,
``last_week``, ``this_month``, ``last_month``, and what can mean nothing but one of these: ``last week``, ``7 days ago``,
``2026/10/31``, ``Oct 31, 2026``. A date without a time and every word but ``now`` is a stretch of time; a datetime and a
count back from now is a moment. Weeks start on Monday. A datetime without a zone is read in the zone given, and a local
hour that happens twice is its first.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from lead_mcp.errors import BadArgument

TICK = timedelta(microseconds=1)
MILLISECOND = timedelta(milliseconds=1)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BACK = re.compile(r"-(?!0+[hdw])(\d{1,6})([hdw])")
HOURS = {"h": 1, "d": 24, "w": 168}
AGO = re.compile(r"(?:(\d{1,6}) ?|- ?(\d{1,6}) ?)(hours?|days?|weeks?|h|d|w)(?(1) ago)")
DAY = re.compile(r"\d{4}-\d{2}-\d{2}|\d{8}|\d{4}-?W\d{2}-?\d", re.ASCII)
MOMENT = re.compile(r"\d[\dW-]*[Tt ]\d.*", re.ASCII)
CLOCK = re.compile(
    r"\d[\dW-]*[Tt ]\d\d(:?\d\d(?P<seconds>:?\d\d(?P<fraction>[.,]\d+)?)?)?\s*([Zz]|[+-][\d:]+)?", re.ASCII
)
"""A datetime, by the unit it is written to."""
SLASHED = re.compile(r"(\d{1,2})[/.](\d{1,2})[/.]\d{2,4}", re.ASCII)
YEAR_FIRST = re.compile(r"(\d{4})[/.](\d{1,2})[/.](\d{1,2})", re.ASCII)
SPOKEN_DAY = re.compile(
    r"((?P<before>[a-z]{3,9})\.? (?P<day>\d{1,2})(st|nd|rd|th)?,?|(?P<day_first>\d{1,2})\.? (?P<after>[a-z]{3,9})\.?)"
    r" (?P<year>\d{4})",
    re.ASCII,
)
"""A day with its month in words: neither of its numbers can be taken for a month."""
MONTHS = tuple("january february march april may june july august september october november december".split())
STEMS = frozenset(name[:size] for name in MONTHS for size in range(3, len(name) + 1))
"""Their names from three letters on."""
EXAMPLES = "2026-10-31, 2026-10-31T14:00:00Z, today, yesterday, -7d, -12h, this_week, last_week, this_month, last_month"


def utc_now() -> datetime:
    return datetime.now(UTC)


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
    runs_on: str = field(default="", compare=False)
    """The word for a time gone by that stands in ``since`` alone: the window goes on behind it."""
    included: tuple[str, str] | None = field(default=None, compare=False)
    """``since`` and ``until`` as written, where both are days or words and not the same: the last is in the window."""


def local(moment: datetime, zone: tzinfo) -> datetime:
    """``moment`` by the clock of ``zone``; by UTC's where that has no such time, or an offset of odd seconds (before 1900)."""
    try:
        found = moment.astimezone(zone)
    except OverflowError:  # the first or the last day of the calendar
        return moment.astimezone(UTC)
    offset = found.utcoffset() or timedelta(0)
    return moment.astimezone(UTC) if offset.seconds % 60 else found


def stamp(moment: datetime, zone: tzinfo = UTC) -> str:
    """``2026-11-25T22:42:10-05:00``: ISO 8601, whole seconds, by the clock of ``zone``; ``Z`` where that is UTC."""
    return iso_text(local(moment, zone), "seconds")


def full_stamp(moment: datetime) -> str:
    """``2026-11-25T22:42:10.25Z``: ISO 8601 in UTC, with the fraction of a second, if it has one."""
    return iso_text(local(moment, UTC), "auto")


def iso_text(moment: datetime, timespec: str) -> str:
    """ISO 8601 by the clock that ``moment`` goes by; ``Z`` where that is UTC's."""
    text = moment.isoformat(timespec=timespec)
    return f"{text[:-6]}Z" if moment.tzname() == "UTC" else text


def rounded_down(moment: datetime, unit: timedelta) -> datetime:
    """The last whole ``unit`` of UTC's clock not after ``moment``."""
    return moment - (moment.astimezone(UTC) - EPOCH) % unit


def rounded_up(moment: datetime, unit: timedelta) -> datetime:
    """The first whole ``unit`` of UTC's clock not before ``moment``."""
    return moment + (EPOCH - moment.astimezone(UTC)) % unit


def parse(text: str, zone: ZoneInfo, now: datetime, *, name: str = "date") -> Span:
    """What ``text`` means in ``zone``, seen from ``now``. Raises BadArgument with examples."""
    try:
        return _parse(plain(text), zone, now)
    except (ValueError, OverflowError):
        refuse_slashes(text, name)
        message = f"{name}: {text[:60]!r} is not a date this server reads. Use one of: {EXAMPLES}."
        raise BadArgument(message) from None


def plain(text: str) -> str:
    """``text`` in the form that is documented, where people write it otherwise and can mean nothing else."""
    word = re.sub(r"[\s_]+", " ", text.strip().lower())
    if back := AGO.fullmatch(word):
        return f"-{back[1] or back[2]}{(back[3])[0]}"
    if found := SPOKEN_DAY.fullmatch(word):
        month = found["before"] or found["after"]
        if month in STEMS:
            return f"{found['year']}-{month_called(month):02}-{int(found['day'] or found['day_first']):02}"
    if found := YEAR_FIRST.fullmatch(word):
        return f"{found[1]}-{int(found[2]):02}-{int(found[3]):02}"
    return re.sub(r"[\s\-]+", "_", word) if word[:1].isalpha() else text.strip()


def month_called(word: str) -> int:
    """The month of an English name, or of its first three letters or more. Raises ValueError."""
    return next(nth for nth, name in enumerate(MONTHS, 1) if name.startswith(word)) if word in STEMS else int(word)


def refuse_slashes(text: str, name: str) -> None:
    """Raises BadArgument for a date of which nobody can say which of its numbers is the month."""
    found = SLASHED.search(text)
    if found and max(int(found[1]), int(found[2])) <= 12:
        raise BadArgument(f"{name}: {text[:60]!r} could be day/month or month/day; write it as 2026-10-31.") from None


def parse_stretch(text: str, zone: ZoneInfo, now: datetime, *, name: str = "date") -> Span:
    """The same for what is to be equal: a datetime stands for the minute or second that it was written to.

    So a time as a table shows it, which leaves out the rest, means the record it was read from.
    """
    span = parse(text, zone, now, name=name)
    clock = CLOCK.fullmatch(plain(text))
    if clock is None or span.start != span.end or clock["fraction"]:
        return span
    return Span(span.start, span.start + (SECOND if clock["seconds"] else MINUTE))


def _parse(text: str, zone: ZoneInfo, now: datetime) -> Span:
    today, word = now.astimezone(zone).date(), text.lower()
    if word in WORDS:
        first, last = WORDS[word](today)
        return _days(first, last, zone)
    if word == "now":
        return Span(now, now)
    if back := BACK.fullmatch(word):
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
        ends = f"since ({stamp(start, zone)}) must lie before until ({stamp(end, zone)})"
        raise BadArgument(f"{ends}; both are read in {zone.key}.")
    return Window(start, end, zone.key, _runs_on(since, until, zone, now), _included(since, until, zone, now))


def _runs_on(since: str | None, until: str | None, zone: ZoneInfo, now: datetime) -> str:
    word = plain(since or "")
    return word if until is None and word in WORDS and parse(word, zone, now).end <= now else ""


def _included(since: str | None, until: str | None, zone: ZoneInfo, now: datetime) -> tuple[str, str] | None:
    if since is None or until is None:
        return None
    first, last = parse(since, zone, now), parse(until, zone, now)
    if first == last or first.start == first.end or last.start == last.end:
        return None
    return since.strip(), until.strip()
