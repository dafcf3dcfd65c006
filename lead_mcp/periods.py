"""Periods: one word for a whole window of days, read in a time zone, the last day included.

Accepted: the words for stretches of time of ``dates.py``, quarters and years, ``last_N_days``, ``2026``, ``2026-10``,
``2026-Q3``, ``2026-W44``, ``october_2026``, a date, and two dates with two dots between.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from lead_mcp.dates import BACK, WORDS, Window, midnight, month_called, plain, refuse_slashes
from lead_mcp.errors import BadArgument, did_you_mean

Days = tuple[date, date]
"""The first day and the last one."""
DATE: Final = r"\d{4}-\d{2}-\d{2}"
EXAMPLES: Final = (
    "today, yesterday, this_week, last_week, this_month, last_month, this_quarter, last_quarter, this_year, last_year, "
    "last_7_days, 2026, 2026-10, 2026-Q3, 2026-W44, 2026-10-05, 2026-10-05..2026-10-12"
)


def period_window(text: str, zone: ZoneInfo, now: datetime) -> Window:
    """The window that a period means, days at both ends included. Raises BadArgument with examples.

    ``last_N_days`` are the N days that end with today. A period that is not over yet ends at its own end.
    """
    word = plain(text).lower()
    first, last = _period_days(word, text, now.astimezone(zone).date())
    if first > last:
        raise BadArgument(f"period: {text[:60]!r} ends before it begins.")
    return Window(midnight(first, zone), midnight(last + timedelta(days=1), zone), zone.key)


def _period_days(word: str, text: str, today: date) -> Days:
    if word in PERIODS:
        return PERIODS[word](today)
    for pattern, read in FORMS:
        if match := re.fullmatch(pattern, word):
            try:
                return read(match, today)
            except (ValueError, OverflowError):
                break
    refuse_slashes(text, "period")
    back = BACK.fullmatch(word) or re.fullmatch(r"(?:last|past)_(\d{1,6})_([hdw])(?:ours?|ays?|eeks?)", word)
    hint = f" A count back from now goes in since: since=-{back[1]}{back[2]}." if back else did_you_mean(word, PERIODS)
    raise BadArgument(f"period: {text[:60]!r} is none; it takes {EXAMPLES}.{hint}")


def _quarter(day: date) -> Days:
    return _months(day.year, 3 * ((day.month - 1) // 3) + 1, 3)


def _months(year: int, month: int, count: int) -> Days:
    """``count`` months from that one on."""
    after = month - 1 + count
    return date(year, month, 1), date(year + after // 12, after % 12 + 1, 1) - timedelta(days=1)


def _year(year: int) -> Days:
    return date(year, 1, 1), date(year, 12, 31)


PERIODS: Final[dict[str, Callable[[date], Days]]] = {
    **WORDS,
    "this_quarter": _quarter,
    "last_quarter": lambda day: _quarter(_quarter(day)[0] - timedelta(days=1)),
    "this_year": lambda day: _year(day.year),
    "last_year": lambda day: _year(day.year - 1),
}


def _between(match: re.Match[str], today: date) -> Days:
    return date.fromisoformat(match[1]), date.fromisoformat(match[2])


FORMS: Final[tuple[tuple[str, Callable[[re.Match[str], date], Days]], ...]] = (
    (r"(?:last|past)_(\d{1,5})_days?", lambda match, today: (today - timedelta(days=_some(match[1]) - 1), today)),
    (DATE, lambda match, today: (date.fromisoformat(match[0]),) * 2),
    (rf"({DATE})\s*\.\.\s*({DATE})", _between),
    (r"(\d{4})-(\d{2})", lambda match, today: _months(int(match[1]), int(match[2]), 1)),
    (r"(\d{4})[\s-]?q([1-4])", lambda match, today: _months(int(match[1]), 3 * int(match[2]) - 2, 3)),
    (r"q([1-4])_?(\d{4})", lambda match, today: _months(int(match[2]), 3 * int(match[1]) - 2, 3)),
    (r"([a-z]{3,9})_(\d{4})", lambda match, today: _months(int(match[2]), month_called(match[1]), 1)),
    (r"(\d{4})-w(\d{2})", lambda match, today: _week_of(int(match[1]), int(match[2]))),
    (r"(\d{4})", lambda match, today: _year(int(match[0]))),
)


def _some(digits: str) -> int:
    if int(digits) < 1:
        raise ValueError(digits)
    return int(digits)


def _week_of(year: int, week: int) -> Days:
    return date.fromisocalendar(year, week, 1), date.fromisocalendar(year, week, 7)
