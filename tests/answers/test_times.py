"""Times in answers are by the clock that was asked for, and say what they said when they are given back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.driving import NOW, Bench, bench

ZONE = ZoneInfo("America/New_York")
EVER = {"since": "2026-01-01"}


@pytest.fixture(scope="module")
def driven() -> Iterator[Bench]:
    with bench(60, environment={"LEAD_MCP_TIMEZONE": ZONE.key}) as found:
        yield found


def text(driven: Bench, tool: str, **asked: Any) -> list[str]:
    return str(driven.raw_call(tool, **asked).content[0].text).split("\n")  # type: ignore[union-attr]


def column(found: dict[str, Any], name: str) -> list[Any]:
    nth = found["columns"].index(name)
    return [row[nth] for row in found["rows"]]


def with_recordings(driven: Bench, account: str) -> str:
    rows = driven.page(account=account, limit=60)["leads"]["rows"]
    return next(str(row[0]) for row in rows if driven.call("get_recordings", uri=row[0])["recordings"]["rows"])


TABLES = [
    ("search_leads", {"detail": "detailed"}, "leads", "created_at"),
    ("search_leads", {"sort": "updated_at:desc", "fields": ["updated_at"]}, "leads", "updated_at"),
    ("query_pings", {"direction": "inbound", **EVER}, "pings", "at"),
    ("summarize_leads", {"group_by": ["status"], "measures": ["max:created_at"], **EVER}, "groups", "max:created_at"),
]


@pytest.mark.parametrize(("tool", "asked", "name", "where"), TABLES)
def test_every_table_has_local_times_with_their_offset(
    driven: Bench, tool: str, asked: dict[str, Any], name: str, where: str
) -> None:
    structured, lines = driven.call(tool, **asked), text(driven, tool, **asked)
    times = [one for one in column(structured[name], where) if one is not None]
    assert times
    for one in times:
        moment = datetime.fromisoformat(one)
        assert one == moment.astimezone(ZONE).isoformat(timespec="seconds")
        assert f"{moment:%Y-%m-%d %H:%M}" in "\n".join(lines)
        assert one not in "\n".join(lines)
    assert "America/New_York" in lines[0]


def test_stories_and_recordings_have_them_too(driven: Bench) -> None:
    uri = with_recordings(driven, "convoso")
    story, calls = driven.call("trace_lead", uri=uri), driven.call("get_recordings", uri=uri)
    times = [*column(story["events"], "at"), *column(calls["recordings"], "started_at")]
    assert all(datetime.fromisoformat(one).tzinfo is not None and one[-6:] in ("-05:00", "-04:00") for one in times)
    assert "times in America/New_York" in text(driven, "trace_lead", uri=uri)[0]


def test_a_whole_record_keeps_the_fraction(driven: Bench) -> None:
    uri = driven.page(account="octanist", limit=1)["leads"]["rows"][0][0]
    whole = driven.call("get_lead", uri=uri)
    resource = driven.portal.call(driven.client.read_resource, uri).contents[0].text  # type: ignore[union-attr]
    record = next(one for one in driven.everything("octanist") if one.uri == uri)
    kept = record.get("created_at")
    assert isinstance(kept, datetime)
    for lead in (whole["lead"], json.loads(resource)["lead"]):
        assert datetime.fromisoformat(lead["created_at"]) == kept
        assert lead["created_at"] == kept.astimezone(ZONE).isoformat()


@pytest.mark.parametrize("account", ["leadexec", "convoso", "leadsquared", "octanist", "leadtrackr"])
def test_a_time_as_shown_finds_the_lead_it_was_shown_of(driven: Bench, account: str) -> None:
    asked = {"account": account, "limit": 3, **EVER}
    structured, lines = driven.page(**asked), text(driven, "search_leads", **asked)
    for row, line in zip(structured["leads"]["rows"], lines[2:], strict=False):
        for shown in (row[-1], line.split("|")[-1]):
            again = driven.page(**asked, filters=[{"field": "created_at", "op": "eq", "value": shown}])
            assert row[0] in column(again["leads"], "uri"), shown


def test_a_time_as_shown_is_what_a_change_may_expect(driven: Bench) -> None:
    uri = driven.page(account="octanist", limit=1)["leads"]["rows"][0][0]
    lead = driven.call("get_lead", uri=uri)["lead"]
    moment = datetime.fromisoformat(lead["updated_at"])
    for shown in (lead["updated_at"], f"{moment:%Y-%m-%dT%H:%M:%S%z}", f"{moment:%Y-%m-%d %H:%M}"):
        asked = {"uri": uri, "changes": {"note": "called"}, "expect": {"updated_at": shown}, "dry_run": True}
        assert driven.call("update_lead", **asked)["outcome"] == "preview"


def test_groups_are_by_the_asked_zones_days_and_hours(driven: Bench) -> None:
    leads = [one.get("created_at") for one in driven.everything("octanist")]
    for name, form in (("day", "%Y-%m-%d"), ("hour", "%Y-%m-%dT%H")):
        days = {f"{one.astimezone(ZONE):{form}}" for one in leads if isinstance(one, datetime)}
        found = driven.call("summarize_leads", account="octanist", group_by=[name], **EVER)["groups"]["rows"]
        assert {row[0] for row in found if row[0] != "other"} <= days
        assert len(days) > 5


# --- windows in words ---------------------------------------------------------------------------------------------

HEADINGS = [
    ({"since": "yesterday", "until": "yesterday"}, "Fri 2026-11-20, 1 day, America/New_York", ""),
    (
        {"since": "yesterday", "until": "today"},
        "Fri 2026-11-20 to Sat 2026-11-21, 2 days, America/New_York",
        "all of today is in it; period=yesterday is that alone",
    ),
    (
        {"since": "2026-11-02", "until": "2026-11-09"},
        "Mon 2026-11-02 to Mon 2026-11-09, 8 days, America/New_York",
        "all of 2026-11-09 is in it",
    ),
    (
        {"since": "last_week"},
        "Mon 2026-11-09 to Sat 2026-11-21 07:01, 13 days, America/New_York",
        "since last_week runs to now; period=last_week ends with it",
    ),
    ({"since": "today"}, "Sat 2026-11-21 to 07:01, 1 day, America/New_York", ""),
    ({"period": "last_week"}, "Mon 2026-11-09 to Sun 2026-11-15, 7 days, America/New_York", ""),
    ({"period": "2026-10"}, "Thu 2026-10-01 to Sat 2026-10-31, 31 days, America/New_York", ""),
    ({"since": "-7d"}, "Sat 2026-11-14 07:01 to Sat 2026-11-21 07:01, 7 days, America/New_York", ""),
    ({"since": "-12h"}, "Fri 2026-11-20 19:01 to Sat 2026-11-21 07:01, 12 hours, America/New_York", ""),
    ({"until": "2026-11-20"}, "until Fri 2026-11-20, America/New_York", ""),
    (
        {"since": "2026-11-01T01:30:00", "until": "2026-11-01T01:30:00-05:00"},  # an hour that comes twice
        "Sun 2026-11-01 01:30, 1 hour, America/New_York",
        "",
    ),
]
WINDOWED: list[tuple[str, dict[str, Any]]] = [
    ("search_leads", {"limit": 1, "account": "octanist"}),
    ("summarize_leads", {"account": "octanist"}),
    ("query_pings", {"direction": "outbound", "limit": 1}),
]


@pytest.mark.parametrize(("window", "words", "note"), HEADINGS)
def test_the_heading_says_the_window_in_words_with_its_length(
    driven: Bench, window: dict[str, str], words: str, note: str
) -> None:
    assert timedelta(0) < NOW - datetime.fromisoformat("2026-11-21T12:00:00Z") < timedelta(minutes=5)
    for tool, asked in WINDOWED:
        first = text(driven, tool, **asked, **window)[0]
        assert first.endswith(f", {words}" + (f" ({note})" if note else "")), first
        assert driven.call(tool, **asked, **window)["window"].get("note", "") == note


def test_stories_and_recordings_say_their_window_as_well(driven: Bench) -> None:
    uri, window = with_recordings(driven, "convoso"), {"since": "2026-01-01", "until": "today"}
    for tool in ("trace_lead", "get_recordings"):
        first = text(driven, tool, uri=uri, **window)[0]
        assert "Thu 2026-01-01 to Sat 2026-11-21, 325 days, America/New_York (all of today is in it)" in first
        assert driven.call(tool, uri=uri, **window)["window"]["note"] == "all of today is in it"


def test_recordings_say_how_long_they_are_together(driven: Bench) -> None:
    uri = with_recordings(driven, "convoso")
    calls = driven.call("get_recordings", uri=uri, limit=1)
    seconds = sum(column(driven.call("get_recordings", uri=uri)["recordings"], "duration_s"))
    assert calls["total_duration_s"] == seconds
    assert f"{seconds // 60}:{seconds % 60:02} long together" in text(driven, "get_recordings", uri=uri, limit=1)[0]
