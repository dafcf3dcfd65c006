"""Dates, words for dates and windows, read in a time zone and seen from a given now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_mcp.dates import WORDS, Span, full_stamp, parse, parse_stretch, stamp, window
from lead_mcp.errors import BadArgument

UTC_ZONE = ZoneInfo("UTC")
NEW_YORK = ZoneInfo("America/New_York")
NOW = datetime(2026, 11, 21, 2, 30, tzinfo=UTC)
"""A Saturday in UTC and still Friday the 20th in New York."""


def spelled(text: str, zone: ZoneInfo = UTC_ZONE, now: datetime = NOW) -> str:
    span = parse(text, zone, now)
    start, end = full_stamp(span.start), full_stamp(span.end)
    return start if start == end else f"{start} {end}"


MEANINGS = [
    ("today", "2026-11-21T00:00:00Z 2026-11-22T00:00:00Z", "2026-11-20T05:00:00Z 2026-11-21T05:00:00Z"),
    ("TODAY", "2026-11-21T00:00:00Z 2026-11-22T00:00:00Z", "2026-11-20T05:00:00Z 2026-11-21T05:00:00Z"),
    ("yesterday", "2026-11-20T00:00:00Z 2026-11-21T00:00:00Z", "2026-11-19T05:00:00Z 2026-11-20T05:00:00Z"),
    ("this_week", "2026-11-16T00:00:00Z 2026-11-23T00:00:00Z", "2026-11-16T05:00:00Z 2026-11-23T05:00:00Z"),
    ("last_week", "2026-11-09T00:00:00Z 2026-11-16T00:00:00Z", "2026-11-09T05:00:00Z 2026-11-16T05:00:00Z"),
    ("this_month", "2026-11-01T00:00:00Z 2026-12-01T00:00:00Z", "2026-11-01T04:00:00Z 2026-12-01T05:00:00Z"),
    ("last_month", "2026-10-01T00:00:00Z 2026-11-01T00:00:00Z", "2026-10-01T04:00:00Z 2026-11-01T04:00:00Z"),
    ("now", "2026-11-21T02:30:00Z", "2026-11-21T02:30:00Z"),
    ("-7d", "2026-11-14T02:30:00Z", "2026-11-14T02:30:00Z"),
    ("-12h", "2026-11-20T14:30:00Z", "2026-11-20T14:30:00Z"),
    ("-2w", "2026-11-07T02:30:00Z", "2026-11-07T02:30:00Z"),
    ("2026-10-31", "2026-10-31T00:00:00Z 2026-11-01T00:00:00Z", "2026-10-31T04:00:00Z 2026-11-01T04:00:00Z"),
    ("20261031", "2026-10-31T00:00:00Z 2026-11-01T00:00:00Z", "2026-10-31T04:00:00Z 2026-11-01T04:00:00Z"),
    ("2026-W44-6", "2026-10-31T00:00:00Z 2026-11-01T00:00:00Z", "2026-10-31T04:00:00Z 2026-11-01T04:00:00Z"),
    ("2026-10-31T14:00", "2026-10-31T14:00:00Z", "2026-10-31T18:00:00Z"),
    ("2026-10-31 14:00:00.25", "2026-10-31T14:00:00.250000Z", "2026-10-31T18:00:00.250000Z"),
    (" 2026-10-31T14:00:00Z ", "2026-10-31T14:00:00Z", "2026-10-31T14:00:00Z"),
    ("2026-10-31T14:00:00+05:30", "2026-10-31T08:30:00Z", "2026-10-31T08:30:00Z"),
]
SPELLINGS = {
    "last_week": ("last week", "Last Week", "last-week", " last  week "),
    "-7d": ("-7 days", "7 days ago", "7d ago", "7 Days Ago", "- 7 d"),
    "-12h": ("12 hours ago", "-12 hours", "12h ago"),
    "-2w": ("2 weeks ago", "-2 weeks"),
    "2026-10-03": ("2026/10/3", "2026.10.03", "Oct 3, 2026", "October 3rd 2026", "3 October 2026", "3. oct 2026"),
}
"""What people write, and can mean nothing but the word or date before it."""


@pytest.mark.parametrize(("text", "in_utc", "in_new_york"), MEANINGS)
def test_a_word_or_date_means_a_stretch_and_a_time_or_count_a_moment(text: str, in_utc: str, in_new_york: str) -> None:
    assert (spelled(text), spelled(text, NEW_YORK)) == (in_utc, in_new_york)


@pytest.mark.parametrize(("word", "text"), [(word, text) for word, texts in SPELLINGS.items() for text in texts])
def test_what_can_mean_only_one_date_is_taken_as_that_one(word: str, text: str) -> None:
    assert parse(text, NEW_YORK, NOW) == parse(word, NEW_YORK, NOW)
    assert parse_stretch(text, NEW_YORK, NOW) == parse_stretch(word, NEW_YORK, NOW)
    assert window(text, None, NEW_YORK, NOW) == window(word, None, NEW_YORK, NOW)
    assert getattr(window(text, None, NEW_YORK, NOW), "runs_on", None) == getattr(
        window(word, None, NEW_YORK, NOW), "runs_on", None
    )


@pytest.mark.parametrize("text", ["3/4/2026", "03.11.2026", "3/4/26"])
def test_a_date_that_could_be_two_is_told_so(text: str) -> None:
    with pytest.raises(BadArgument, match="could be day/month or month/day"):
        parse(text, UTC_ZONE, NOW)


def test_the_table_above_has_every_word() -> None:
    assert set(WORDS) <= {text for text, *_ in MEANINGS}


@pytest.mark.parametrize(
    ("zone", "text", "meant"),
    [
        pytest.param("America/New_York", "2026-11-01T01:30", "2026-11-01T05:30:00Z", id="an hour twice: its first"),
        pytest.param("America/New_York", "2026-11-01T02:00", "2026-11-01T07:00:00Z", id="the hour after it"),
        pytest.param("America/New_York", "2026-03-08T02:30", "2026-03-08T07:30:00Z", id="a skipped hour: as if not skipped"),
        pytest.param("Europe/London", "2026-10-25T01:30", "2026-10-25T00:30:00Z", id="an hour twice, east of it"),
        pytest.param(
            "America/New_York", "2026-11-01", "2026-11-01T04:00:00Z 2026-11-02T05:00:00Z", id="a day of 25 hours"
        ),
        pytest.param(
            "America/New_York", "2026-03-08", "2026-03-08T05:00:00Z 2026-03-09T04:00:00Z", id="a day of 23 hours"
        ),
        pytest.param(
            "America/Havana", "2026-11-01", "2026-11-01T04:00:00Z 2026-11-02T05:00:00Z", id="midnight twice: its first"
        ),
        pytest.param(
            "Africa/Cairo", "2026-04-24", "2026-04-23T22:00:00Z 2026-04-24T21:00:00Z", id="midnight skipped"
        ),
        pytest.param("Asia/Kathmandu", "2026-01-01T00:00", "2025-12-31T18:15:00Z", id="a quarter of an hour"),
    ],
)  # fmt: skip
def test_clocks_that_change_lose_and_double_nothing(zone: str, text: str, meant: str) -> None:
    assert spelled(text, ZoneInfo(zone)) == meant


@pytest.mark.parametrize(
    ("now", "word", "first", "last"),
    [
        ("2026-11-16", "this_week", "2026-11-16", "2026-11-22"),
        ("2026-11-22", "this_week", "2026-11-16", "2026-11-22"),
        ("2026-01-01", "this_week", "2025-12-29", "2026-01-04"),
        ("2026-01-04", "last_week", "2025-12-22", "2025-12-28"),
        ("2026-01-31", "last_month", "2025-12-01", "2025-12-31"),
        ("2028-03-31", "last_month", "2028-02-01", "2028-02-29"),
        ("2026-12-31", "this_month", "2026-12-01", "2026-12-31"),
        ("2026-01-01", "yesterday", "2025-12-31", "2025-12-31"),
    ],
)
def test_weeks_start_on_monday_and_months_have_their_own_lengths(now: str, word: str, first: str, last: str) -> None:
    seen_from = datetime.fromisoformat(f"{now}T12:00:00+00:00")
    span = parse(word, UTC_ZONE, seen_from)
    assert span.start.date().isoformat() == first
    assert (span.end - timedelta(microseconds=1)).date().isoformat() == last


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "-0d",
        "tomorrow",
        "7d",
        "-7",
        "-7y",
        "-9999999d",
        "-999999w",
        "2026-02-30",
        "2026-13-01",
        "2026-10",
        "2026-W44",
        "2026",
        "31.10.2026",
        "10/31/2026",
        "1792800000",
        "2026-10-31T25:00",
        "2026-10-31T14:00 Mars/Olympus",
        "9999-12-31",
        "2026-10-31'; DROP TABLE leads",
        "２０２６-10-31",
        "x" * 500,
    ],
)
def test_what_is_no_date_is_an_error_with_examples(text: str) -> None:
    with pytest.raises(BadArgument) as caught:
        parse(text, UTC_ZONE, NOW, name="since")
    assert caught.value.message.startswith("since: ")
    assert all(example in caught.value.message for example in ("2026-10-31T14:00:00Z", "last_month", "-12h"))
    assert len(caught.value.message) < 300


@pytest.mark.parametrize(
    ("since", "until", "meant"),
    [
        (None, None, None),
        ("yesterday", "yesterday", ("2026-11-19T05:00:00Z", "2026-11-20T05:00:00Z")),
        ("2026-11-01", "2026-11-30", ("2026-11-01T04:00:00Z", "2026-12-01T05:00:00Z")),
        ("last_week", "this_week", ("2026-11-09T05:00:00Z", "2026-11-23T05:00:00Z")),
        ("-24h", None, ("2026-11-20T02:30:00Z", "2026-11-21T02:30:00Z")),
        (None, "2026-11-01T00:00:00Z", (None, "2026-11-01T00:00:00Z")),
        ("2026-11-01T01:30", "2026-11-01T02:00", ("2026-11-01T05:30:00Z", "2026-11-01T07:00:00Z")),
    ],
)
def test_a_window_runs_from_the_start_of_since_to_the_end_of_until(
    since: str | None, until: str | None, meant: tuple[str | None, str] | None
) -> None:
    found = window(since, until, NEW_YORK, NOW)
    ends = None if found is None else tuple(end and stamp(end) for end in (found.since, found.until))
    assert ends == meant


@pytest.mark.parametrize(
    ("since", "until"),
    [
        ("2026-11-02", "2026-11-01"),
        ("2026-11-01T00:00:00Z", "2026-11-01T00:00:00Z"),
        ("today", "yesterday"),
        ("2027-01-01", None),
        ("now", None),
        ("-1d", "-2d"),
    ],
)
def test_a_window_that_holds_nothing_is_an_error_that_says_what_was_read(since: str, until: str | None) -> None:
    with pytest.raises(
        BadArgument, match=r"since \(20.*-0[45]:00\) must lie before until \(20.*-0[45]:00\); .*America/New_York"
    ):
        window(since, until, NEW_YORK, NOW)


@pytest.mark.parametrize(("since", "until"), [("soon", None), (None, "soon")])
def test_an_unreadable_end_of_a_window_is_named(since: str | None, until: str | None) -> None:
    with pytest.raises(BadArgument, match="^since: " if since else "^until: "):
        window(since, until, UTC_ZONE, NOW)


@pytest.mark.parametrize(
    ("moment", "whole", "full"),
    [
        (datetime(2026, 1, 2, 3, 4, 5, 678900, UTC), "2026-01-02T03:04:05Z", "2026-01-02T03:04:05.678900Z"),
        (datetime(2026, 1, 2, 3, tzinfo=NEW_YORK), "2026-01-02T08:00:00Z", "2026-01-02T08:00:00Z"),
        (datetime(987, 1, 1, tzinfo=UTC), "0987-01-01T00:00:00Z", "0987-01-01T00:00:00Z"),
    ],
)
def test_times_are_spelled_in_utc(moment: datetime, whole: str, full: str) -> None:
    assert stamp(moment) == whole
    assert full_stamp(moment) == full


@pytest.mark.parametrize(
    ("moment", "spelled"),
    [
        (datetime(2026, 11, 26, 3, 42, 10, 500, tzinfo=UTC), "2026-11-25T22:42:10-05:00"),
        (datetime(2026, 7, 1, tzinfo=UTC), "2026-06-30T20:00:00-04:00"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00Z"),
        (datetime(1850, 1, 1, tzinfo=UTC), "1850-01-01T00:00:00Z"),
    ],
)
def test_times_are_spelled_by_the_clock_of_a_zone_where_it_has_them(moment: datetime, spelled: str) -> None:
    assert stamp(moment, NEW_YORK) == spelled


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("2026-11-01 01:30", timedelta(minutes=1)),
        ("2026-11-01T01:30Z", timedelta(minutes=1)),
        ("2026-11-01T01:30:10-05:00", timedelta(seconds=1)),
        ("2026-11-01T01:30:10.000-05:00", timedelta(0)),
        ("2026-11-02", timedelta(days=1)),
        ("-7d", timedelta(0)),
    ],
)
def test_what_equals_a_time_as_shown_lies_in_the_unit_that_it_is_shown_to(text: str, length: timedelta) -> None:
    span = parse_stretch(text, NEW_YORK, NOW)
    assert span.end - span.start == length
    assert span.start == parse(text, NEW_YORK, NOW).start


ZONES = st.sampled_from(
    ["UTC", "America/New_York", "Africa/Cairo", "Asia/Kathmandu", "Pacific/Chatham", "America/Havana"]
)
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - UTC is drawn beside


@given(MOMENTS, ZONES.map(ZoneInfo))
def test_days_follow_each_other_without_a_gap(now: datetime, zone: ZoneInfo) -> None:
    today, yesterday = parse("today", zone, now), parse("yesterday", zone, now)
    assert today.start <= now < today.end
    assert yesterday.end == today.start
    assert parse(now.astimezone(zone).date().isoformat(), zone, now) == today


@given(MOMENTS, ZONES.map(ZoneInfo), st.sampled_from(["week", "month"]))
def test_weeks_and_months_follow_each_other_without_a_gap(now: datetime, zone: ZoneInfo, unit: str) -> None:
    this, last = parse(f"this_{unit}", zone, now), parse(f"last_{unit}", zone, now)
    assert this.start <= now < this.end
    assert last.end == this.start
    assert last == parse(f"this_{unit}", zone, last.start)


@given(MOMENTS, ZONES.map(ZoneInfo))
def test_a_stamp_is_read_back_as_the_moment_it_is(moment: datetime, zone: ZoneInfo) -> None:
    assert parse(full_stamp(moment), zone, NOW) == Span(moment, moment)
