"""``summarize_leads``: every figure against a count over everything there is, whichever way it was come by."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any
from unittest import mock
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_mcp.engine.records import Record
from lead_mcp.engine.summaries.counting import VendorCounter
from lead_mcp.engine.summaries.groups import MOST_GROUPS
from lead_mcp.engine.summaries.time_groups import time_group
from lead_mcp.filters import as_number, folded
from lead_mcp.outgoing.cleaning import plain_value
from lead_mcp.outgoing.groups import OTHER
from lead_mcp.phones import e164
from lead_mcp.vendors.spec.reading import Route
from tests.asking import Clause, clauses, expected, meant, spelled_moment, windows
from tests.driving import NOW, Bench, CallFailed, bench, entry
from tests.facts import TRIED
from tests.oracle import fields_of, names_of
from tests.process.processes import clean
from tests.profiles import examples

ZONE = ZoneInfo("UTC")
EVER = {"since": "2000-01-01"}
PERIODS = ("hour", "day", "week", "month", "quarter", "year", "weekday", "hour_of_day")
GROUPS = (
    *("account", *PERIODS, "status", "source", "city", "stage", "campaign", "note", "created_at", "owner"),
    *("phone", "email", "SendInformation.Sends.Client"),
)
MEASURES = (
    "count",
    "share",
    *(f"{how}:value" for how in ("sum", "avg", "min", "max", "median", "distinct")),
    "min:created_at",
    "max:updated_at",
    "distinct:phone",
    "distinct:email",
    "distinct:created_at",
    "minutes_between:created_at:updated_at",
    "sum:SendInformation.Sends.Price",
    "avg:SendInformation.Sends.Price",
    "median:SendInformation.Sends.Price",
    "distinct:SendInformation.Sends.Client",
    "minutes_between:created_at:SendInformation.Sends.DateSent",
)


@pytest.fixture(scope="module")
def driven() -> Iterator[Bench]:
    with bench(150, only=TRIED) as found:
        for account in found.accounts:
            found.everything(account)
        yield found


SENDS = "SendInformation.Sends."
ANYBODY = object()


# --- the brute force ----------------------------------------------------------------------------------------------


def plain(record: Record, name: str, value: Any) -> Any:
    """A phone is its number, an e-mail its folded address."""
    if name == "phone" and value is not None:
        return e164(value, "US") or value
    return folded(value) if name == "email" and value is not None else value


def sends(record: Record) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (record.raw.get("SendInformation") or {}).get("Sends") or []
    return found


def groups_of(record: Record, name: str, zone: ZoneInfo = ZONE) -> list[Any]:
    """The group of a record, or the groups that its sends are in."""
    if name.startswith(SENDS):
        return list(dict.fromkeys(one[name.removeprefix(SENDS)] for one in sends(record))) or [None]
    return [group_of(record, name, zone)]


def group_of(record: Record, name: str, zone: ZoneInfo = ZONE) -> Any:
    if name == "account":
        return record.account
    value = record.get("created_at") if name in PERIODS else plain(record, name, record.get(name))
    if name in PERIODS:
        assert isinstance(value, datetime | None)
        return None if value is None else in_words(value.astimezone(zone), name)
    return plain_value(str(value) if isinstance(value, dict | list) else value)


def in_words(moment: datetime, name: str) -> str | int:
    year, week, _ = moment.isocalendar()
    words: dict[str, str | int] = {
        "day": f"{moment:%Y-%m-%d}",
        "week": f"{year}-W{week:02d}",
        "month": f"{moment:%Y-%m}",
        "hour": f"{moment:%Y-%m-%d}T{moment:%H}",
        "quarter": f"{year_of(moment)}-Q{1 + (moment.month - 1) // 3}",
        "year": year_of(moment),
        "weekday": moment.strftime("%a"),
        "hour_of_day": moment.hour,
    }
    return words[name]


def year_of(moment: datetime) -> str:
    return moment.isoformat()[:4]


def values_of(record: Record, name: str, client: Any) -> list[Any]:
    """A field's value as a list; of its sends those of one client, where ``client`` is not ANYBODY."""
    if name.startswith(SENDS):
        some = [one for one in sends(record) if client is ANYBODY or one["Client"] == client]
        moments = name.endswith("DateSent")
        found = [one[name.removeprefix(SENDS)] for one in some]
        return [datetime.fromisoformat(one) if moments else one for one in found]
    return [plain(record, name, record.get(name))]


def measured(records: Sequence[Record], measure: str, total: int = 0, client: Any = ANYBODY) -> Any:
    how, *names = measure.split(":")
    if how in ("count", "share"):
        return len(records) if how == "count" else round(len(records) / total, 4) if total else None
    if how == "minutes_between":
        return minutes(records, names[0], names[1], client)
    values = [one for record in records for one in values_of(record, names[0], client) if one is not None]
    if how == "distinct":
        return len({*values}) or None
    known = [one if isinstance(one, datetime) else as_number(one) for one in values]
    present: list[Any] = [one for one in known if one is not None]
    if how == "values":
        return len(present)
    if not present:
        return None
    by_hand: dict[str, Callable[[], Any]] = {
        "sum": lambda: sum(present, Decimal(0)),
        "avg": lambda: round(sum(present, Decimal(0)) / len(present), 4),
        "min": lambda: min(present),
        "max": lambda: max(present),
        "median": lambda: median(present),
    }
    return plain_value(by_hand[how]())


def minutes(records: Sequence[Record], start: str, end: str, client: Any) -> float | None:
    pairs: list[tuple[Any, Any]] = [(one.get(start), last) for one in records for last in values_of(one, end, client)]
    known = [Decimal((last - first) // timedelta(microseconds=1)) for first, last in pairs if first and last]
    return float(round(median(known) / 60_000_000, 2)) if known else None


def by_hand(records: Sequence[Record], columns: Sequence[str], measures: Sequence[str]) -> dict[Any, list[Any]]:
    groups: dict[Any, list[Record]] = {} if columns else {(): []}
    for one in records:
        for key in product(*(groups_of(one, name) for name in columns)):
            groups.setdefault(key, []).append(one)
    buyer = next((nth for nth, name in enumerate(columns) if name == f"{SENDS}Client"), None)
    return {
        key: [measured(rows, one, len(records), ANYBODY if buyer is None else key[buyer]) for one in measures]
        for key, rows in groups.items()
    }


def counts_of_values(measures: Sequence[str]) -> list[str]:
    """The columns that say over how many values an average is."""
    return list(dict.fromkeys(one.replace("avg:", "values:") for one in measures if one.startswith("avg:")))


def table_of(found: dict[str, Any], measures: Sequence[str]) -> dict[Any, list[Any]]:
    rows = found["groups"]["rows"]
    width = len(found["groups"]["columns"]) - len(measures)
    table = {tuple(row[:width]): row[width:] for row in rows}
    assert len(table) == len(rows), "a group stands twice"
    return table


def same(found: dict[str, Any], records: Sequence[Record], measures: Sequence[str]) -> None:
    measures = [*measures, *counts_of_values(measures)]
    columns = found["groups"]["columns"][: -len(measures)]
    wanted, table = by_hand(records, columns, measures), table_of(found, measures)
    assert found["group_count"] == len(wanted)
    if len(wanted) <= MOST_GROUPS:
        assert table.keys() == wanted.keys()
        assert all(close(table[key], wanted[key]) for key in wanted), (table, wanted)
    else:
        rest = len({record.account for record in records})  # one row of the rest, or one for each account
        assert min(3, MOST_GROUPS) < len(table) <= MOST_GROUPS + rest
        counted = [measures.index("count")] if "count" in measures else []
        for at in counted:
            assert sum(row[at] for row in table.values()) == sum(row[at] for row in wanted.values())
        kept = {key: values for key, values in table.items() if OTHER not in key}
        assert all(close(wanted[key], values) for key, values in kept.items())
    assert found["total"] == len(records)


def close(left: Sequence[Any], right: Sequence[Any]) -> bool:
    """Equal, averages to the last digits of a float."""
    return all(
        one == (pytest.approx(other) if isinstance(other, float) else other)
        for one, other in zip(left, right, strict=True)
    )


# --- every figure -------------------------------------------------------------------------------------------------


def everything(driven: Bench, accounts: Sequence[str]) -> list[Record]:
    return [one for account in accounts for one in driven.everything(account)]


@pytest.mark.parametrize("account", TRIED)
@examples(22)
@given(data=st.data())
def test_every_figure_of_one_account_is_that_of_a_count_over_everything(
    driven: Bench, account: str, data: st.DataObject
) -> None:
    records = driven.everything(account)
    fields = fields_of(driven, account)
    fields_there = driven.runtime.connection(account).account.fields
    ours, own = fields_there.ours, fields_there.own
    known = [name for name in GROUPS if name in ("account", *PERIODS, *ours, *own)]
    numbers = [one for one in MEASURES if {*one.split(":")[1:]} <= {*ours, *own}]
    asked = data.draw(clauses(fields, records, 2) | st.just([]))
    window = data.draw(windows(records, ("since", "both")))
    groups = data.draw(st.lists(st.sampled_from(known), max_size=2, unique=True))
    measures = data.draw(st.lists(st.sampled_from(numbers), min_size=1, max_size=4, unique=True))
    arguments = {"account": account, "filters": [one.argument() for one in asked], **window}
    try:
        found = driven.call("summarize_leads", group_by=groups, measures=measures, **arguments)
    except CallFailed as failed:
        if "no chosen account knows that value" in failed.message:  # a word outside a closed list
            return
        raise
    assert found["groups"]["columns"] == [*groups, *measures, *counts_of_values(measures)]
    if "compared by the vendor's own rules" in entry(found, account).get("note", ""):
        return  # what the vendor's own comparison lets through is the search's matter
    wheres = meant(driven.runtime.connection(account).account, asked, names_of(driven, account))
    same(found, expected(records, wheres, window), measures)
    assert entry(found, account)["complete"] is True
    assert "NOT COMPLETE" not in found["how"]


@examples(30)
@given(data=st.data())
def test_every_figure_over_all_accounts_is_that_of_a_count_over_everything(driven: Bench, data: st.DataObject) -> None:
    shared = ("account", *PERIODS, "status", "source", "email", "created_at")
    records = everything(driven, driven.accounts)
    window = data.draw(windows(records, ("since", "both")))
    groups = data.draw(st.lists(st.sampled_from(shared), max_size=2, unique=True))
    further = ("share", "distinct:email", "distinct:phone", "min:created_at", "max:created_at")
    measures = ["count", *data.draw(st.lists(st.sampled_from(further), max_size=2, unique=True))]
    found = driven.call("summarize_leads", group_by=groups, measures=measures, **window)
    same(found, expected(records, [], window), measures)


# --- the ways -----------------------------------------------------------------------------------------------------


def read_only() -> Any:
    """No vendor's own number serves: everything is read."""

    async def no(self: Any, name: str = "") -> None:
        return None

    return mock.patch.multiple(VendorCounter, total=no, by_word=no)


@pytest.mark.parametrize("account", TRIED)
@pytest.mark.parametrize(
    "window", [EVER, {"since": "-20d", "until": "-3d"}, {"since": "2026-10-01", "until": "2026-11-01"}]
)
@pytest.mark.parametrize("group", [None, "account", "status", "source", "stage"])
def test_the_vendors_numbers_are_those_of_reading(
    driven: Bench, account: str, window: dict[str, str], group: str | None
) -> None:
    if group in ("source", "stage") and group not in driven.runtime.connection(account).account.fields.ours:
        return
    asked: dict[str, Any] = {"account": account, "group_by": [group] if group else [], **window}
    cheap = driven.call("summarize_leads", **asked)
    with read_only():
        read = driven.call("summarize_leads", **asked)
    assert "records read" in read["how"]
    assert cheap["groups"] == read["groups"]
    assert cheap["total"] == read["total"]
    cost, whole = entry(cheap, account), entry(read, account)
    if "records read" not in cheap["how"]:
        assert cost["scanned"] == 0
    assert cost["requests"] <= max(whole["requests"], 7)


@pytest.mark.parametrize("account", TRIED)
def test_a_total_that_a_vendor_tells_costs_one_request_a_partition(driven: Bench, account: str) -> None:
    before = len(driven.heard(account))
    found = driven.call("summarize_leads", account=account, **EVER)
    cost = len(driven.heard(account)) - before
    assert entry(found, account)["requests"] == cost
    assert found["total"] == 150
    if "the vendor's total" in found["how"]:
        assert cost <= 2
        assert entry(found, account)["scanned"] == 0


def test_each_way_is_taken_by_somebody_and_named(driven: Bench) -> None:
    total = driven.call("summarize_leads", account="octanist", **EVER)
    counts = driven.call("summarize_leads", account="octanist", group_by=["status"], **EVER)
    read = driven.call("summarize_leads", account="octanist", group_by=["week"], **EVER)
    assert total["how"] == "octanist: the vendor's total"
    assert counts["how"] == "octanist: the vendor's total for each status"
    assert read["how"] == "octanist: 150 records read"


def test_counts_by_word_that_do_not_add_up_to_the_total_are_not_believed(driven: Bench) -> None:
    """A lead without a source is in the vendor's total and in no word's count."""
    without = [one for one in driven.everything("octanist") if one.get("source") is None]
    found = driven.call("summarize_leads", account="octanist", group_by=["source"], **EVER)
    assert sum(row[1] for row in found["groups"]["rows"]) == 150
    assert ("each source" in found["how"]) is (not without)
    short = mock.patch.object(VendorCounter, "_count", _one_less(VendorCounter._count))
    with short:
        doubted = driven.call("summarize_leads", account="octanist", group_by=["status"], **EVER)
    assert doubted["how"] == "octanist: 150 records read"
    assert sorted(map(str, doubted["groups"]["rows"])) == sorted(
        map(str, driven.call("summarize_leads", account="octanist", group_by=["status"], **EVER)["groups"]["rows"])
    )


def _one_less(usual: Callable[..., Any]) -> Callable[..., Any]:
    async def total(self: Any, clauses: Sequence[Any]) -> int | None:
        found: int | None = await usual(self, clauses)
        return found - 1 if found and any(where.field == "status" for where in clauses) else found

    return total


def test_reading_asks_only_for_the_fields_it_needs(driven: Bench) -> None:
    for account, word in (("leadsquared", b"mx_Zip"), ("convoso", b"date_of_birth")):
        before = len(driven.heard(account))
        driven.call("summarize_leads", account=account, group_by=["day"], **EVER)
        for seen in driven.heard(account)[before:]:
            assert word not in seen.body
            assert word.decode() not in seen.query


# --- reading that was cut -----------------------------------------------------------------------------------------


def not_whole(found: dict[str, Any], account: str) -> None:
    assert found["total"] is None
    assert "NOT COMPLETE" in found["how"]
    assert entry(found, account)["complete"] is False


@pytest.mark.parametrize("account", TRIED)
def test_a_summary_that_stopped_at_its_limit_says_so_and_has_no_total(account: str) -> None:
    with bench(120, only=[account], environment={"LEAD_MCP_SUMMARY_LIMIT": "30"}) as driven:
        found = driven.call("summarize_leads", account=account, group_by=["day"], **EVER)
        said = driven.raw_call("summarize_leads", account=account, group_by=["day"], **EVER)
        not_whole(found, account)
        assert 0 < sum(row[1] for row in found["groups"]["rows"]) < 120
        assert "summary limit of 30 records" in entry(found, account)["note"]
        assert str(said.content[0]).count("unknown number") == 1
        total = driven.call("summarize_leads", account=account, **EVER)
        if "the vendor's total" in total["how"]:
            assert total["total"] == 120, "a number of the vendor's needs no reading"


@pytest.mark.parametrize("account", TRIED)
def test_one_vendor_that_fails_leaves_the_others_counted_and_no_total(driven: Bench, account: str) -> None:
    driven.box.fault(account, "status", status=403, times=-1)
    try:
        found = driven.call("summarize_leads", group_by=["account"], **EVER)
        with pytest.raises(CallFailed, match="unauthorized"):
            driven.call("summarize_leads", account=account, **EVER)
    finally:
        driven.box.mend(account)
    not_whole(found, account)
    assert entry(found, account)["error"]["code"] == "unauthorized"
    assert {tuple(row) for row in found["groups"]["rows"]} == {(one, 150) for one in driven.accounts if one != account}


def test_a_vendor_that_fails_midway_is_not_whole(driven: Bench) -> None:
    for skip in (1, 2):
        driven.box.fault("convoso", "status", status=403, times=-1, skip=skip)
        try:
            found = driven.call("summarize_leads", account="convoso", group_by=["status"], **EVER)
        except CallFailed as failed:
            if failed.code != "unauthorized":
                raise
        else:
            if driven.box.stages["convoso"].faults[0].times < -1:
                not_whole(found, "convoso")
            else:
                assert found["total"] == 150, "it was asked for no more"
        finally:
            driven.box.mend("convoso")


def test_a_summary_past_its_deadline_is_not_whole() -> None:
    with bench(60) as driven:
        driven.call("list_accounts", account="leadsquared")
        driven.box.fault("convoso", "hang", times=-1)
        found = driven.call("summarize_leads", group_by=["account"], account="convoso,octanist", **EVER)
        not_whole(found, "convoso")
        assert entry(found, "convoso")["error"]["code"] == "timeout"
        assert found["groups"]["rows"] == [["octanist", 60]]
        read = driven.call("summarize_leads", group_by=["account", "note"], account="convoso,octanist", **EVER)
        assert sum(row[2] for row in read["groups"]["rows"]) == 60, "who answers is read while another is waited for"


def test_a_field_that_one_account_lacks_leaves_that_account_uncounted_and_said(driven: Bench) -> None:
    filters = [{"field": "gclid", "op": "exists", "value": True}]
    found = driven.call("summarize_leads", filters=filters, group_by=["account"], **EVER)
    lacking = [one["account"] for one in found["accounts"] if one.get("error", {}).get("code") == "not_offered"]
    assert lacking
    assert found["total"] is None
    assert not {row[0] for row in found["groups"]["rows"]} & {*lacking}


def test_reading_reports_progress_that_only_rises(driven: Bench) -> None:
    on_progress: list[float] = []

    async def heard(progress: float, total: float | None, message: str | None) -> None:
        on_progress.append(progress)

    asked = {"group_by": ["day"], **EVER}
    call = partial(driven.client.call_tool, "summarize_leads", asked, progress_callback=heard)
    found = driven.portal.call(call).structured_content
    assert found is not None
    assert on_progress == sorted(set(on_progress))
    assert on_progress[-1] == sum(one["scanned"] for one in found["accounts"])
    assert on_progress[-1] >= 5 * 150


# --- groups, money, windows, zones --------------------------------------------------------------------------------


def test_too_many_groups_become_the_largest_ones_and_one_that_holds_the_rest(driven: Bench) -> None:
    measures = ["count", "sum:value", "avg:value", "min:value", "max:value"]
    found = driven.call("summarize_leads", account="octanist", group_by=["email"], measures=measures, **EVER)
    records = driven.everything("octanist")
    rows = found["groups"]["rows"]
    assert len(rows) == MOST_GROUPS + 1
    assert rows[-1][0] == OTHER
    kept = {row[0] for row in rows[:-1]}
    rest = [one for one in records if plain(one, "email", one.get("email")) not in kept]
    assert rows[-1][1:] == [pytest.approx(measured(rest, measure)) for measure in [*measures, "values:value"]]
    assert f"{len({one.get('email') for one in rest})} more groups in one row, other" in found["how"]
    counts = [row[1] for row in rows[:-1]]
    assert counts == sorted(counts, reverse=True)
    assert sum(row[1] for row in rows) == found["total"] == len(records)


def test_periods_stand_in_time_and_other_groups_by_count(driven: Bench) -> None:
    def groups(name: str) -> list[Any]:
        return [row[0] for row in driven.call("summarize_leads", group_by=[name], **EVER)["groups"]["rows"]]

    for name in ("week", "month", "quarter", "year", "hour_of_day"):
        assert groups(name) == sorted(groups(name)), name
    assert groups("weekday") == ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    counts = [row[1] for row in driven.call("summarize_leads", group_by=["status"], **EVER)["groups"]["rows"]]
    assert counts == sorted(counts, reverse=True)


def test_money_of_several_accounts_is_never_added_up(driven: Bench) -> None:
    for measure in ("sum:value", "avg:value", "min:value", "max:value"):
        found = driven.call("summarize_leads", measures=["count", measure], account="octanist,leadtrackr", **EVER)
        assert found["groups"]["columns"][:3] == ["account", "count", measure]
        assert sorted(row[0] for row in found["groups"]["rows"]) == ["leadtrackr", "octanist"]
        for account, count, value, *_ in found["groups"]["rows"]:
            records = driven.everything(account)
            assert [count, value] == [len(records), pytest.approx(measured(records, measure))]
    alone = driven.call("summarize_leads", measures=["sum:value"], account="octanist", **EVER)
    assert alone["groups"]["columns"] == ["sum:value"]


def test_the_rest_of_too_many_groups_of_money_adds_up_within_each_account_only(driven: Bench) -> None:
    asked = {"group_by": ["email"], "measures": ["count", "sum:value"], "account": "octanist,leadtrackr"}
    found = driven.call("summarize_leads", **asked, **EVER)
    names = {"octanist", "leadtrackr"}
    assert found["groups"]["columns"] == ["account", "email", "count", "sum:value"]
    sums = {name: Decimal(0) for name in names}
    for account, _, _, value in found["groups"]["rows"]:
        assert account in names, "a row that adds up the money of two accounts"
        sums[account] += Decimal(str(value or 0))
    for name in names:
        assert float(sums[name]) == pytest.approx(measured(driven.everything(name), "sum:value"))


@pytest.mark.parametrize("window", [{}, {"until": "-10d"}, {"until": "2026-11-10"}])
def test_one_window_for_all_where_one_vendor_insists_on_one(driven: Bench, window: dict[str, str]) -> None:
    found = driven.call("summarize_leads", group_by=["account"], **window)
    said = found["window"]
    since, until = datetime.fromisoformat(said["since"]), datetime.fromisoformat(said["until"])
    assert until - since == timedelta(days=30)
    for account, count in found["groups"]["rows"]:
        moments = [one.get("created_at") for one in driven.everything(account)]
        assert count == len([at for at in moments if isinstance(at, datetime) and since <= at < until]), account
    assert len(found["groups"]["rows"]) == len(driven.accounts)
    assert all("days" in entry(found, account)["note"] for account in driven.accounts)


def test_without_a_vendor_that_insists_everything_is_counted(driven: Bench) -> None:
    found = driven.call("summarize_leads", account="octanist,convoso")
    assert found["window"] is None
    assert found["total"] == 300


def test_a_window_with_nothing_in_it_is_zero_and_no_mistake(driven: Bench) -> None:
    for group in ([], ["status"], ["day"]):
        found = driven.call("summarize_leads", since="2001-01-01", until="2001-02-01", group_by=group)
        assert found["total"] == 0
        assert sum(row[-1] for row in found["groups"]["rows"]) == 0
        assert "NOT COMPLETE" not in found["how"]


@pytest.mark.parametrize(
    ("asked", "code", "word"),
    [
        ({"since": "2026-11-02", "until": "2026-11-01"}, "bad_argument", "since"),
        ({"measures": ["summ:value"]}, "bad_argument", "'sum'"),
        ({"measures": ["sum"]}, "bad_argument", "sum:FIELD"),
        ({"measures": ["count:value"]}, "bad_argument", "count"),
        ({"measures": ["sum:email"]}, "bad_argument", "not a number"),
        ({"measures": ["sum:created_at"]}, "bad_argument", "not a number"),
        ({"measures": ["sum:valu"]}, "unknown_field", "'value'"),
        ({"group_by": ["statuz"]}, "unknown_field", "'status'"),
        ({"group_by": ["status", "source", "city"]}, "bad_argument", "group_by"),
        ({"filters": [{"field": "status", "op": "equalz", "value": "x"}]}, "bad_argument", "operators"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_word_on_what_would(
    driven: Bench, asked: dict[str, Any], code: str, word: str
) -> None:
    before = [len(driven.heard(account)) for account in driven.accounts]
    with pytest.raises(CallFailed) as failed:
        driven.call("summarize_leads", **asked)
    assert failed.value.code == code
    assert word in failed.value.message
    if code == "bad_argument":
        assert [len(driven.heard(account)) for account in driven.accounts] == before, "nothing was sent"


@pytest.mark.parametrize("name", ["Europe/Amsterdam", "America/Los_Angeles", "Asia/Kathmandu"])
def test_periods_are_those_of_the_named_zone(name: str) -> None:
    zone = ZoneInfo(name)
    with bench(150, only=["octanist"], environment={"LEAD_MCP_TIMEZONE": name}) as driven:
        assert driven.runtime.server.zone.key == name
        for group in PERIODS:
            found = driven.call("summarize_leads", group_by=[group], **EVER)
            wanted: dict[Any, int] = {}
            for one in driven.everything("octanist"):
                word = group_of(one, group, zone)
                wanted[word] = wanted.get(word, 0) + 1
            rows = found["groups"]["rows"]
            if len(wanted) <= MOST_GROUPS:
                assert dict(rows) == wanted
            else:
                assert {key: count for key, count in rows if key != OTHER}.items() <= wanted.items()
            assert found["window"]["zone"] == name


def test_a_day_of_25_hours_and_one_of_23_are_one_day_each() -> None:
    zone = ZoneInfo("Europe/Amsterdam")
    autumn = datetime(2026, 10, 24, 22, tzinfo=UTC)  # midnight before the clocks go back
    spring = datetime(2026, 3, 28, 23, tzinfo=UTC)  # midnight before they go forward
    for start, hours, day in ((autumn, 25, "2026-10-25"), (spring, 23, "2026-03-29")):
        inside = {time_group(start + timedelta(hours=n), "day", zone) for n in range(hours)}
        assert inside == {day}
        assert time_group(start + timedelta(hours=hours), "day", zone) != day
        assert time_group(start - timedelta(seconds=1), "day", zone) != day
    assert time_group(datetime(2026, 12, 31, 23, 30, tzinfo=UTC), "week", zone) == "2026-W53"
    assert time_group(datetime(2026, 12, 31, 23, 30, tzinfo=UTC), "month", zone) == "2027-01"
    assert time_group(datetime(2027, 1, 1, tzinfo=UTC), "week", ZONE) == "2026-W53"
    assert time_group(None, "day", zone) is None
    assert spring < NOW


def test_filters_reach_the_count(driven: Bench) -> None:
    won = [Clause("status", "eq", "won")]
    found = driven.call("summarize_leads", account="octanist", filters=[one.argument() for one in won], **EVER)
    assert found["total"] == len([one for one in driven.everything("octanist") if one.get("status") == "won"])
    edge = driven.everything("octanist")[0].get("created_at")
    assert isinstance(edge, datetime)
    half = driven.call("summarize_leads", account="octanist", since=spelled_moment(edge))
    assert half["total"] >= 1


@pytest.mark.slow
def test_a_hundred_thousand_leads_are_summarised_in_bounded_memory() -> None:
    """In a process of its own, over a vendor that makes its pages up: 100 MB more at most."""
    script = Path(__file__).with_name("many.py")
    words = [sys.executable, str(script)]
    done = subprocess.run(words, env=clean(), capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    said = dict(word.split("=") for word in done.stdout.split())
    assert int(said["counted"]) == 100_000
    assert int(said["groups"]) == 51
    assert float(said["more_mb"]) < 100


def test_the_ledger_names_only_what_was_asked_and_not_our_own_counting() -> None:
    with bench(60) as driven:
        counted = driven.call("summarize_leads", account="octanist", group_by=["status"])
        assert "vendor's total for each status" in counted["how"]
        assert counted["accounts"][0]["pushed"] == []


# --- groups page by page ------------------------------------------------------------------------------------------


def pages_of(driven: Bench, **asked: Any) -> list[dict[str, Any]]:
    found = [driven.call("summarize_leads", **asked)]
    while (cursor := found[-1]["next_cursor"]) is not None:
        found.append(driven.call("summarize_leads", **asked, cursor=cursor))
    return found


def test_groups_go_on_page_by_page_each_once_and_in_order(driven: Bench) -> None:
    asked = {"account": "octanist", "group_by": ["phone"], "measures": ["count", "median:value"], **EVER}
    pages = pages_of(driven, **asked)
    wanted = by_hand(driven.everything("octanist"), ["phone"], ["count", "median:value"])
    rows = [row for page in pages for row in page["groups"]["rows"] if row[0] != OTHER]
    assert len(pages) > 2
    assert {row[0]: row[1:] for row in rows} == {key[0]: pytest.approx(values) for key, values in wanted.items()}
    assert len(rows) == len(wanted) == pages[0]["group_count"]
    assert [row[1] for row in rows] == sorted((row[1] for row in rows), reverse=True)
    for page in pages[:-1]:
        shown, other = page["groups"]["rows"][:-1], page["groups"]["rows"][-1]
        assert other[0] == OTHER
        at = rows.index(shown[-1]) + 1
        assert other[1] == sum(row[1] for row in rows[at:]), "the rest is what later pages show"
    assert all("counted again for this page" in page["how"] for page in pages[1:])
    assert not any("changed" in page["how"] for page in pages)


def test_pages_of_money_keep_accounts_apart_and_every_group_comes_once(driven: Bench) -> None:
    accounts = ["octanist", "leadtrackr"]
    asked = {"account": ",".join(accounts), "group_by": ["email"], "measures": ["sum:value", "distinct:phone"], **EVER}
    pages = pages_of(driven, **asked)
    wanted = by_hand(everything(driven, accounts), ["account", "email"], ["sum:value", "distinct:phone"])
    rows = [row for page in pages for row in page["groups"]["rows"] if row[1] != OTHER]
    assert {(row[0], row[1]): row[2:] for row in rows} == {key: pytest.approx(one) for key, one in wanted.items()}
    for page in pages:
        rest = [row for row in page["groups"]["rows"] if row[1] == OTHER]
        assert len({row[0] for row in rest}) == len(rest), "one row of the rest for each account"


def test_stretches_of_time_go_on_in_time(driven: Bench) -> None:
    days = [row[0] for page in pages_of(driven, group_by=["day"], **EVER) for row in page["groups"]["rows"]]
    assert [day for day in days if day != OTHER] == sorted({*days} - {OTHER})


def test_a_page_of_groups_says_that_the_records_have_changed() -> None:
    with bench(120, only=["octanist"], environment={"LEAD_MCP_WRITES": "allow"}) as driven:
        asked = {"group_by": ["email", "status"], **EVER}
        cursor = driven.call("summarize_leads", **asked)["next_cursor"]
        uri = next(one.uri for one in driven.everything("octanist") if one.get("status") != "won")
        driven.call("update_lead", uri=uri, changes={"status": "won"})
        changed = driven.call("summarize_leads", **asked, cursor=cursor)
        assert "a group may be missing or come twice" in changed["how"]
        with pytest.raises(CallFailed, match="cursor"):
            driven.call("summarize_leads", group_by=["phone"], cursor=cursor, **EVER)


def test_an_absent_value_is_none_in_text_and_null_in_structure(driven: Bench) -> None:
    asked = {"account": "octanist", "group_by": ["note"], "measures": ["avg:value"], **EVER}
    said = driven.raw_call("summarize_leads", **asked)
    groups = (said.structured_content or {})["groups"]
    absent = next(row for row in groups["rows"] if row[0] is None)
    text = str(getattr(said.content[0], "text", ""))
    assert f"\n(none)|{absent[1]}|{absent[2]}\n" in text
    assert groups["columns"] == ["note", "avg:value", "values:value"]
    assert f"150 leads in {(said.structured_content or {})['group_count']} groups" in text


def test_the_summary_limit_is_that_of_all_accounts_together() -> None:
    with bench(60, environment={"LEAD_MCP_SUMMARY_LIMIT": "150"}) as driven:
        found = driven.call("summarize_leads", group_by=["day"], **EVER)
        assert sum(one["scanned"] for one in found["accounts"]) <= 150 + 5 * 100
        assert {one["account"] for one in found["accounts"] if not one["complete"]}
        assert "summary limit of 150 records" in str(found["accounts"])


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("meidan:value", "Did you mean 'median'?"),
        ("minutes_between:created_at", "minutes_between:created_at:updated_at"),
        ("distinct", "distinct:FIELD"),
        ("median:created_at", "is a time field, not a number"),
        ("minutes_between:created_at:value", "is a number field, not a time"),
        ("minutes_between:created_at:updated_att", "'updated_at'"),
    ],
)
def test_a_measure_that_is_none_is_refused_with_examples(driven: Bench, asked: str, words: str) -> None:
    with pytest.raises(CallFailed) as failed:
        driven.call("summarize_leads", account="octanist", measures=[asked])
    assert words in failed.value.message


def test_measures_are_taken_in_their_usual_spellings(driven: Bench) -> None:
    found = driven.call("summarize_leads", account="octanist", measures=["average(value)", "count_distinct:name"])
    assert found["groups"]["columns"] == ["avg:value", "distinct:name", "values:value"]


def test_a_condition_on_a_lists_parts_holds_if_one_part_satisfies_it(driven: Bench) -> None:
    records = driven.everything("leadexec")
    client = next(one["Client"] for record in records for one in sends(record))
    conditions = [
        ("Sends.Client", "eq", client, lambda one: one["Client"] == client),
        ("SendInformation.Sends.Client", "ne", client, lambda one: one["Client"] != client),
        ("Sends.Price", "gte", 20, lambda one: one["Price"] >= 20),
        ("Sends.Client", "starts_with", client[:3].upper(), lambda one: one["Client"].startswith(client[:3])),
    ]
    for name, op, value, holds in conditions:
        filters = [{"field": name, "op": op, "value": value}]
        found = driven.call(
            "summarize_leads", account="leadexec", filters=filters, measures=["sum:Sends.Price"], **EVER
        )
        some = [record for record in records if any(map(holds, sends(record)))]
        assert found["total"] == len(some) > 0, (name, op)
        prices = [Decimal(str(one["Price"])) for record in some for one in sends(record)]
        assert found["groups"]["rows"] == [[pytest.approx(float(sum(prices)))]]
        assert f"{name} {op} {value}" in entry(found, "leadexec")["checked_here"]
    page = driven.page(account="leadexec", fields=["Sends.Client"], limit=50, **EVER)
    by_uri = {record.uri: ", ".join(one["Client"] for one in sends(record)) for record in records}
    assert all(row[-1] == (by_uri[row[0]] or None) for row in page["leads"]["rows"])
    with pytest.raises(CallFailed, match="several values"):
        driven.page(account="leadexec", sort="Sends.Price:desc", **EVER)
    grouped = driven.call("summarize_leads", account="leadexec", group_by=["Sends.Client"], **EVER)
    assert sum(row[1] for row in grouped["groups"]["rows"]) > grouped["total"]
    assert "in each group that one of its parts is in" in grouped["how"]


def _set(route: Route, values: dict[str, int]) -> None:
    for name, value in values.items():
        object.__setattr__(route, name, value)


def test_a_call_that_reaches_not_far_enough_leaves_nothing_counted_twice() -> None:
    """The first pages of LeadSquared's list of changes are counted when another call has to go on."""
    with bench(450, only=["leadsquared"]) as driven:
        search = driven.runtime.connection("leadsquared").vendor.leads
        changes = next(route for route in search.routes if route.deep < 10_000)
        shallow = {"deep": 200, "page": 100}
        whole = {name: getattr(changes, name) for name in shallow}
        _set(changes, shallow)
        window = [("gte", "2026-09-01"), ("lt", spelled_moment(NOW))]
        filters = [{"field": "updated_at", "op": op, "value": value} for op, value in window]
        found = driven.call("summarize_leads", group_by=["status"], filters=filters, **EVER)
        _set(changes, whole)
        moments = [one.get("updated_at") for one in driven.everything("leadsquared")]
        inside = [one for one in moments if isinstance(one, datetime) and one >= datetime(2026, 9, 1, tzinfo=UTC)]
        assert len(inside) > 250
        assert found["total"] == sum(row[1] for row in found["groups"]["rows"]) == len(inside)
        assert any("RecentlyModified" in str(one.path) for one in driven.heard("leadsquared"))
