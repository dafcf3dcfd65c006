"""Periods: one word, a whole window, days at both ends included."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from lead_mcp.errors import BadArgument
from lead_mcp.periods import period_window

NEW_YORK = ZoneInfo("America/New_York")
NOW = datetime(2026, 11, 27, 2, 30, tzinfo=UTC)  # still Thursday the 26th in New York


@pytest.mark.parametrize(
    ("text", "first", "after"),
    [
        ("today", "2026-11-26", "2026-11-27"),
        ("yesterday", "2026-11-25", "2026-11-26"),
        ("this_week", "2026-11-23", "2026-11-30"),
        ("last_week", "2026-11-16", "2026-11-23"),
        ("Last Week", "2026-11-16", "2026-11-23"),
        ("last-month", "2026-10-01", "2026-11-01"),
        ("this_month", "2026-11-01", "2026-12-01"),
        ("this_quarter", "2026-10-01", "2027-01-01"),
        ("last_quarter", "2026-07-01", "2026-10-01"),
        ("this_year", "2026-01-01", "2027-01-01"),
        ("last_year", "2025-01-01", "2026-01-01"),
        ("last_7_days", "2026-11-20", "2026-11-27"),
        ("last_1_days", "2026-11-26", "2026-11-27"),
        ("2026", "2026-01-01", "2027-01-01"),
        ("2026-10", "2026-10-01", "2026-11-01"),
        ("2026-12", "2026-12-01", "2027-01-01"),
        ("2026-Q3", "2026-07-01", "2026-10-01"),
        ("2026-Q4", "2026-10-01", "2027-01-01"),
        *((text, "2026-07-01", "2026-10-01") for text in ("Q3 2026", "q3-2026", "2026 Q3", "2026q3")),
        *((text, "2026-10-01", "2026-11-01") for text in ("October 2026", "oct-2026", "Octob 2026")),
        ("2026-W44", "2026-10-26", "2026-11-02"),
        *((text, "2026-11-20", "2026-11-27") for text in ("last 7 days", "past 7 days", "past_7_days")),
        *((text, "2026-10-05", "2026-10-06") for text in ("2026/10/05", "October 5, 2026", "5 Oct 2026")),
        ("2026-10-05", "2026-10-05", "2026-10-06"),
        ("2026-10-05..2026-10-12", "2026-10-05", "2026-10-13"),
        ("2026-10-31..2026-11-01", "2026-10-31", "2026-11-02"),  # the night the clocks go back
    ],
)
def test_a_period_is_whole_days_in_the_zone(text: str, first: str, after: str) -> None:
    window = period_window(text, NEW_YORK, NOW)
    since, until = (datetime.fromisoformat(day).replace(tzinfo=NEW_YORK) for day in (first, after))
    assert (window.since, window.until, window.zone) == (since, until, "America/New_York")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("last_wek", "Did you mean 'last_week'?"),
        ("10/11/2026", "day/month or month/day"),
        ("2026-13", "it takes today"),
        ("31.10.2026", "it takes today"),
        ("-7d", "goes in since: since=-7d."),
        ("last 24 hours", "goes in since: since=-24h."),
        ("2026-02-30", "it takes today"),
        ("last_0_days", "it takes today"),
        ("2026-10-12..2026-10-05", "ends before it begins"),
        ("0000", "it takes today"),
        ("Smarch 2026", "it takes today"),
        ("Q5 2026", "it takes today"),
    ],
)
def test_what_is_no_period_is_refused_with_examples(text: str, words: str) -> None:
    with pytest.raises(BadArgument) as refused:
        period_window(text, NEW_YORK, NOW)
    assert words in refused.value.message
