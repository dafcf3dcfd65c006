"""Times as an answer shows them: by the clock of the zone that was asked, in structure ISO 8601, in text shorter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import Any, Final, overload
from zoneinfo import ZoneInfo

from lead_mcp.dates import MINUTE, WORDS, Window, iso_text, local, stamp

ZONE: ContextVar[ZoneInfo | None] = ContextVar("lead_mcp_zone", default=None)
DAY: Final = timedelta(days=1)
HOUR: Final = timedelta(hours=1)
USUAL: Final = len("2026-11-25T22:42:10-05:00")


@contextmanager
def times_in(zone: ZoneInfo) -> Iterator[None]:
    """Every time rendered inside is by the clock of ``zone``."""
    token = ZONE.set(zone)
    try:
        yield
    finally:
        ZONE.reset(token)


def zone_in_use() -> ZoneInfo:
    """The zone whose clock answers go by; UTC where nobody asked."""
    return ZONE.get() or ZoneInfo("UTC")


class ShownTime(str):
    """A time as structure has it, which knows how a text table has it: ``2026-11-25 22:42``."""

    __slots__ = ("text",)
    text: str

    @staticmethod
    def of(moment: datetime, *, full: bool = False) -> ShownTime:
        """``full``: with seconds and their fraction in text too, as records have them."""
        zone = zone_in_use()
        found = local(moment, zone)
        shown = ShownTime(iso_text(found, "auto" if full else "seconds"))
        shown.text = _by_the_clock(found, zone, "auto" if full else "minutes")
        return shown


def shown_times(moments: Sequence[datetime | None]) -> list[ShownTime | None]:
    """Times as a column of a table, whole seconds."""
    zone = zone_in_use()
    return [None if moment is None else _usual(moment, zone) or ShownTime.of(moment) for moment in moments]


def _usual(moment: datetime, zone: ZoneInfo) -> ShownTime | None:
    """A time whose local form can be misread by nobody, as nearly all: of an hour that comes once, and no odd offset."""
    try:
        found = moment.astimezone(zone)
    except OverflowError:  # the first or the last day of the calendar
        return None
    text = found.isoformat(timespec="seconds")
    if found.fold or len(text) != USUAL:
        return None
    shown = ShownTime(f"{text[:-6]}Z" if found.tzname() == "UTC" else text)
    shown.text = f"{text[:10]} {text[11:16]}"
    return shown


def _by_the_clock(found: datetime, zone: ZoneInfo, timespec: str) -> str:
    """``2026-11-25 22:42``: local time, which reads back as the same moment, to the minute."""
    text = found.replace(tzinfo=None).isoformat(" ", timespec)
    text = text.rstrip("0") if "." in text else text
    if found.tzinfo is UTC and zone.key != "UTC":
        return f"{text}Z"
    return text + found.isoformat()[-6:] if found.fold else text  # a bare hour that comes twice is its first


@overload
def shown_time(moment: datetime) -> ShownTime: ...
@overload
def shown_time(moment: datetime | None) -> ShownTime | None: ...


def shown_time(moment: datetime | None) -> ShownTime | None:
    """A time as a cell of a table, whole seconds."""
    return None if moment is None else ShownTime.of(moment)


# --- windows ------------------------------------------------------------------------------------------------------


def window_to_dict(window: Window | None) -> dict[str, Any] | None:
    """``{"since", "until", "zone", "note"?}``; the note says where a reader may have meant less."""
    if window is None:
        return None
    zone = ZoneInfo(window.zone)
    since, until = (None if end is None else stamp(end, zone) for end in (window.since, window.until))
    note = window_note(window)
    return {"since": since, "until": until, "zone": window.zone, **({"note": note} if note else {})}


def heading(what: str, window: Window | None) -> str:
    """An answer's first line: what it holds, then its window in words and the zone of its times."""
    if window is None:
        return f"{what}, times in {zone_in_use().key}"
    note = window_note(window)
    return f"{what}, {window_words(window)}, {window.zone}" + (f" ({note})" if note else "")


def window_words(window: Window) -> str:
    """``Wed 2026-11-25 to Thu 2026-11-26 17:32, 2 days``: a day stands for the whole of it."""
    zone = ZoneInfo(window.zone)
    since = None if window.since is None else local(window.since, zone)
    until = None if window.until is None else local(window.until, zone)
    if until is None:
        return "all times" if since is None else f"{_first(since)} on"
    if since is None:
        return f"until {_last(until)}"
    first, last = _first(since), _last(until)
    return f"{_joined(first, last)}, {length_words(since, until)}"


def _joined(first: str, last: str) -> str:
    if first == last:
        return first
    return f"{first} to {last[15:] if last[:14] == first[:14] and last[15:] else last}"


def _first(since: datetime) -> str:
    return f"{since:%a} {_day(since)}" + ("" if _is_midnight(since) else f" {since:%H:%M}")


def _last(until: datetime) -> str:
    """A whole day is named by itself, not by the midnight behind it."""
    if _is_midnight(until):
        last = until.replace(tzinfo=None) - DAY if until.year > 1 else until
        return f"{last:%a} {_day(last)}"
    return f"{until:%a} {_day(until)} {until:%H:%M}"


def _is_midnight(moment: datetime) -> bool:
    return not (moment.hour or moment.minute or moment.second or moment.microsecond)


def _day(moment: datetime) -> str:
    return moment.date().isoformat()


def length_words(since: datetime, until: datetime) -> str:
    """Whole days where it begins with one, today as far as it has come; else hours and minutes."""
    took = until.astimezone(UTC) - since.astimezone(UTC)  # by the clock's face an hour that comes twice would be none
    if _is_midnight(since):
        days = (until.date() - since.date()).days + (not _is_midnight(until))
        return counted(days, "day")
    if took >= 2 * DAY:
        return counted(round(took / DAY, 1), "day")
    unit, name = (HOUR, "hour") if took >= HOUR else (MINUTE, "minute")
    return counted(round(took / unit, 1), name)


def counted(number: float, noun: str) -> str:
    """``1 lead``, ``2,519 leads``, ``1.5 days``."""
    plain = int(number) if number == int(number) else number
    return f"{plain:,} {noun}" if plain == 1 else f"{plain:,} {noun}s"


def counted_of(rows: int, total: int | None, noun: str, *, more: bool = False) -> str:
    """``20 of 2,519 leads``, ``1 lead``; ``20 leads, more follow`` where nobody told how many there are."""
    if total not in (None, rows):
        return f"{rows:,} of {counted(total or 0, noun)}"
    return counted(rows, noun) + (", more follow" if more and total is None else "")


def window_note(window: Window) -> str:
    """What of the window may be more than somebody meant."""
    if window.runs_on:
        return f"since {window.runs_on} runs to now; period={window.runs_on} ends with it"
    if window.included:
        since, until = window.included
        alone = f"; period={since} is that alone" if since in WORDS else ""
        return f"all of {until} is in it{alone}"
    return ""
