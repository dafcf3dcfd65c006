"""``query_pings``: its summary and its groups against a count over every ping, and what it says where it read only some."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from statistics import median
from typing import Any

import pytest

from lead_mcp.dates import Window
from lead_mcp.engine.limits import Limits
from lead_mcp.engine.query import Query
from lead_mcp.engine.records import Record
from lead_mcp.engine.search import search
from lead_mcp.filters import Order, as_number
from lead_mcp.outgoing.tokens import estimate
from tests.driving import DAWN, NOW, Bench, CallFailed, bench, entry

EVER = {"since": "2000-01-01"}
DIRECTIONS = ("inbound", "outbound")

LACKING = {"inbound": {"client"}, "outbound": {"source", "result"}}
"""What LeadExec's pings of that direction do not say."""


@pytest.fixture(scope="module")
def driven() -> Iterator[Bench]:
    with bench(120, only=["leadexec", "octanist"]) as found:
        yield found


@pytest.fixture(scope="module")
def pings(driven: Bench) -> dict[str, list[Record]]:
    """Every ping there is."""

    async def every(kind: str) -> list[Record]:
        question = Query(
            kind=kind,
            window=Window(DAWN, None, "UTC"),
            limit=1_000_000,
            now=NOW,
            orders=(Order("at", descending=True),),
        )
        connection = driven.runtime.connection("leadexec")
        return list((await search([connection], question, Limits(60, 1_000_000), driven.runtime.seal)).records)

    return {kind: driven.portal.call(every, kind) for kind in DIRECTIONS}


def revenue(rows: list[Record]) -> float:
    return float(sum((as_number(one.get("revenue")) or Decimal(0) for one in rows), Decimal(0)))


def by_hand(rows: list[Record]) -> dict[str, Any]:
    accepted = len([one for one in rows if one.get("accepted") is True])
    rejected = len([one for one in rows if one.get("accepted") is False])
    return {
        "total": len(rows),
        "accepted": accepted,
        "rejected": rejected,
        "acceptance_rate": pytest.approx(accepted / (accepted + rejected), abs=0.0001),
        "revenue": pytest.approx(revenue(rows)),
    }


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize(
    "filters",
    [
        [],
        [{"field": "accepted", "op": "eq", "value": True}],
        [{"field": "source", "op": "eq", "value": "organic"}],
        [{"field": "revenue", "op": "gt", "value": 10}],
        [{"field": "campaign", "op": "in", "value": ["brand", "auto-q4"]}],
    ],
    ids=str,
)
@pytest.mark.parametrize("limit", [1, 200])
def test_the_summary_is_of_every_ping_of_window_and_filters(
    driven: Bench, pings: dict[str, list[Record]], direction: str, filters: list[dict[str, Any]], limit: int
) -> None:
    if {clause["field"] for clause in filters} & LACKING[direction]:
        return
    found = driven.call("query_pings", direction=direction, filters=filters, limit=limit, max_tokens=100_000, **EVER)
    wanted = [one for one in pings[direction] if all(holds(one, clause) for clause in filters)]
    summary = found["summary"]
    assert wanted
    assert {key: summary[key] for key in by_hand(wanted)} == by_hand(wanted)
    assert len(found["pings"]["rows"]) == min(limit, len(wanted))
    results = Counter(str(one.get("result")) for one in wanted if one.get("result") is not None)
    assert (summary["by_result"] or {}) == dict(results)
    both = [one for one in wanted if one.get("price") is not None and one.get("revenue") is not None]
    if direction == "outbound" and len(both) == len(wanted):
        price = sum((as_number(one.get("price")) or Decimal(0) for one in wanted), Decimal(0))
        assert summary["margin"] == pytest.approx(revenue(wanted) - float(price))
    assert entry(found, "leadexec")["complete"] is True


def holds(one: Record, clause: dict[str, Any]) -> bool:
    value, wanted = one.get(clause["field"]), clause["value"]
    if value is None:
        return False
    number = as_number(value)
    tests: dict[str, Callable[[], bool]] = {
        "eq": lambda: bool(value == wanted),
        "gt": lambda: bool(number is not None and number > wanted),
        "in": lambda: value in wanted,
    }
    return tests[clause["op"]]()


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize(
    "groups", [["result"], ["source"], ["campaign"], ["client"], ["hour"], ["day", "source"], ["account"]]
)
def test_groups_are_those_of_a_count_by_hand(
    driven: Bench, pings: dict[str, list[Record]], direction: str, groups: list[str]
) -> None:
    if {*groups} & LACKING[direction]:
        return
    found = driven.call("query_pings", direction=direction, group_by=groups, limit=1, since="-3d")
    since = found["window"]["since"]
    inside = [one for one in pings[direction] if said(one) >= since]
    wanted: dict[Any, list[Record]] = {}
    for one in inside:
        wanted.setdefault(tuple(group(one, name) for name in groups), []).append(one)
    rows = found["groups"]["rows"]
    assert found["groups"]["columns"] == [*groups, "count", "accepted", "acceptance_rate", "revenue"]
    assert inside
    assert sum(row[len(groups)] for row in rows) == len(inside)
    for row in rows:
        if row[0] == "other" and len(wanted) > len(rows):
            continue
        hand = by_hand(wanted[tuple(row[: len(groups)])])
        known = any(one.get("revenue") is not None for one in wanted[tuple(row[: len(groups)])])
        assert row[len(groups) : -1] == [hand["total"], hand["accepted"], hand["acceptance_rate"]]
        assert row[-1] == (hand["revenue"] if known else None)


def test_no_two_columns_of_groups_have_one_name(driven: Bench, pings: dict[str, list[Record]]) -> None:
    found = driven.call("query_pings", direction="inbound", group_by=["accepted"], **EVER)["groups"]
    assert found["columns"] == ["accepted", "count", "acceptance_rate", "revenue"]
    assert {row[0]: row[1] for row in found["rows"]} == Counter(one.get("accepted") for one in pings["inbound"])


def said(one: Record) -> str:
    return f"{one.get('at'):%Y-%m-%dT%H:%M:%SZ}"


def group(one: Record, name: str) -> Any:
    words = {"hour": "%Y-%m-%dT%H", "day": "%Y-%m-%d"}
    if name in words:
        return format(one.get("at"), words[name])
    return one.account if name == "account" else one.get(name)


def test_too_many_groups_are_the_largest_ones_and_the_rest_of_them(
    driven: Bench, pings: dict[str, list[Record]]
) -> None:
    found = driven.call("query_pings", direction="inbound", group_by=["id"], limit=1, **EVER)
    rows = found["groups"]["rows"]
    assert len(pings["inbound"]) > 60
    assert rows[-1][0] == "other"
    assert sum(row[1] for row in rows) == len(pings["inbound"]) == found["summary"]["total"]
    assert sum(row[4] for row in rows) == pytest.approx(revenue(pings["inbound"]))


def test_later_pages_do_not_count_again(driven: Bench) -> None:
    first = driven.call("query_pings", direction="inbound", limit=5, **EVER)
    before = len(driven.heard("leadexec"))
    second = driven.call("query_pings", direction="inbound", limit=5, cursor=first["next_cursor"], **EVER)
    assert second["summary"] is None
    assert "groups" not in second
    assert len(driven.heard("leadexec")) - before <= 4


def test_where_not_every_ping_was_read_there_is_only_the_vendors_total_and_the_ledger_says_why() -> None:
    with bench(120, only=["leadexec"], environment={"LEAD_MCP_SUMMARY_LIMIT": "25"}) as driven:
        found = driven.call("query_pings", direction="inbound", group_by=["source"], limit=5, **EVER)
        summary = found["summary"]
        assert set(summary) - {"total"} == {"accepted", "rejected", "acceptance_rate", "revenue", "by_result"}
        assert all(value is None for key, value in summary.items() if key != "total")
        assert "groups" not in found
        assert "not every one was read" in entry(found, "leadexec")["note"]
        text = str(driven.raw_call("query_pings", direction="inbound", limit=5, **EVER).content[0])
        assert "not every one was read" in text


def test_a_window_without_pings_is_a_summary_of_zero(driven: Bench) -> None:
    found = driven.call("query_pings", direction="inbound", since="2001-01-01", until="2001-01-02", group_by=["source"])
    assert found["pings"]["rows"] == found["groups"]["rows"] == []
    assert [found["summary"][key] for key in ("total", "accepted", "rejected", "acceptance_rate")] == [0, 0, 0, None]


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"direction": "inward"}, "bad_argument"),
        ({"direction": "inbound", "account": "octanist"}, "not_offered"),
        ({"direction": "inbound", "group_by": ["sauce"]}, "unknown_field"),
        ({"direction": "inbound", "since": "2026-11-02", "until": "2026-11-01"}, "bad_argument"),
    ],
)
def test_what_makes_no_sense_is_refused(driven: Bench, asked: dict[str, Any], code: str) -> None:
    with pytest.raises(CallFailed) as failed:
        driven.call("query_pings", **asked)
    assert failed.value.code == code


# --- measures, groups alone, further columns ----------------------------------------------------------------------

MEASURES = {
    "inbound": [
        "sum:potential_revenue",
        "median:potential_revenue",
        "distinct:source",
        "share",
        "avg:PotentialClients",
    ],
    "outbound": ["sum:margin", "avg:price", "distinct:client", "max:price", "min:at"],
}


def measured(rows: list[Record], measure: str, total: int) -> Any:
    how, _, name = measure.partition(":")
    values: list[Any] = [one.get(name) for one in rows if one.get(name) is not None]
    by_how: dict[str, Callable[[], Any]] = {
        "share": lambda: round(len(rows) / total, 4),
        "sum": lambda: sum(values, Decimal(0)),
        "avg": lambda: round(sum(values, Decimal(0)) / len(values), 4),
        "median": lambda: median(values),
        "distinct": lambda: len({*values}),
        "max": lambda: max(values),
        "min": lambda: f"{min(values):%Y-%m-%dT%H:%M:%SZ}",
    }
    found = by_how[how]() if values or how == "share" else None
    return pytest.approx(float(found)) if isinstance(found, Decimal) else found


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("groups", [[], ["campaign"], ["hour_of_day"], ["accepted", "quarter"]], ids=str)
def test_measures_of_pings_are_those_of_a_count_by_hand(
    driven: Bench, pings: dict[str, list[Record]], direction: str, groups: list[str]
) -> None:
    measures, rows = MEASURES[direction], pings[direction]
    found = driven.call("query_pings", direction=direction, group_by=groups, measures=measures, limit=0, **EVER)
    averaged = [one.replace("avg:", "values:") for one in measures if one.startswith("avg:")]
    if not groups:
        assert {name: found["summary"][name] for name in measures} == {
            name: measured(rows, name, len(rows)) for name in measures
        }
        assert found["pings"]["rows"] == []
        text = str(driven.raw_call("query_pings", direction=direction, measures=measures, limit=0, **EVER).content[0])
        assert ("min:at 20" in text, "T" in text.partition("min:at ")[2][:14]) == (direction == "outbound", False)
        return
    wanted: dict[Any, list[Record]] = {}
    for one in rows:
        wanted.setdefault(tuple(key_of(one, name) for name in groups), []).append(one)
    usual = [name for name in USUAL if name not in groups]
    assert found["groups"]["columns"] == [*groups, *usual, *measures, *averaged]
    assert found["group_count"] == len(wanted) == len(found["groups"]["rows"])
    for row in found["groups"]["rows"]:
        some = wanted[tuple(row[: len(groups)])]
        behind = row[len(groups) + len(usual) :]
        assert behind[: len(measures)] == [measured(some, name, len(rows)) for name in measures]
        assert all(count == len(some) for count in behind[len(measures) :])


USUAL = ["count", "accepted", "acceptance_rate", "revenue"]


def key_of(one: Record, name: str) -> Any:
    at = one.get("at")
    assert isinstance(at, datetime)
    stretches = {"hour_of_day": at.hour, "quarter": f"{at:%Y}-Q{1 + (at.month - 1) // 3}"}
    return stretches[name] if name in stretches else one.get(name)


def test_groups_come_alone_unless_rows_are_asked_for_and_go_on_page_by_page(
    driven: Bench, pings: dict[str, list[Record]]
) -> None:
    asked = {"direction": "inbound", "group_by": ["request_id"], **EVER}
    first = driven.call("query_pings", **asked)
    found = [first]
    while (cursor := found[-1]["next_cursor"]) is not None:
        found.append(driven.call("query_pings", **asked, cursor=cursor))
    ids = [row[0] for page in found for row in page["groups"]["rows"] if row[0] != "other"]
    assert len(found) > 2
    assert sorted(ids) == sorted({str(one.get("request_id")) for one in pings["inbound"]})
    assert all(page["pings"]["rows"] == [] for page in found)
    both = driven.call("query_pings", **asked, limit=3)
    assert len(both["pings"]["rows"]) == 3
    assert both["group_count"] == first["group_count"]
    assert "limit 0 pages through them" in both["omitted"]
    text = str(getattr(driven.raw_call("query_pings", **asked).content[0], "text", ""))
    assert text.startswith(f"{len(pings['inbound'])} inbound pings in {first['group_count']} groups")


def test_a_row_shows_what_was_filtered_measured_or_asked_for(driven: Bench) -> None:
    filters = [{"field": "PotentialClients", "op": "gte", "value": 1}, {"field": "accepted", "op": "eq", "value": True}]
    asked = {"filters": filters, "measures": ["sum:potential_revenue"], "fields": ["received", "result"], "limit": 2}
    found = driven.call("query_pings", direction="inbound", **asked, **EVER)
    assert found["pings"]["columns"][-4:] == ["lead_uri", "received", "PotentialClients", "potential_revenue"]
    assert all(None not in row[-3:] for row in found["pings"]["rows"])
    sent = driven.call("query_pings", direction="outbound", fields=["posted", "response", "margin"], limit=200, **EVER)
    rows = [dict(zip(sent["pings"]["columns"], row, strict=True)) for row in sent["pings"]["rows"]]
    assert {row["posted"] for row in rows} == {True, False}
    assert any("no coverage" in str(row["response"]) for row in rows)
    assert all(row["margin"] == pytest.approx(row["revenue"] - row["price"]) for row in rows)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_pings_uri_is_short_and_can_be_read_again_in_its_older_form_too(driven: Bench, direction: str) -> None:
    rows = driven.call("query_pings", direction=direction, limit=200, max_tokens=100_000, **EVER)["pings"]["rows"]
    sizes = [estimate(json.dumps(row, separators=(",", ":"))) for row in rows]
    assert sum(sizes) / len(sizes) < 80
    for uri, at, *_ in rows[::60]:
        found = json.loads(read_text(driven, uri))
        assert found["raw"]["Id"] == uri.rpartition("/")[2]
        older = f"{uri}?type={found['raw']['LeadTypeUID']}&at={at.replace('+', '%2B')}"
        before = len(driven.heard("leadexec"))
        assert json.loads(read_text(driven, older)) == found
        assert len(driven.heard("leadexec")) - before == 1, "its type alone is asked"


def read_text(driven: Bench, uri: str) -> str:
    found = driven.portal.call(driven.client.read_resource, uri)
    return str(getattr(found.contents[0], "text", ""))


def test_ids_are_columns_where_they_are_asked_for(driven: Bench) -> None:
    found = driven.call("query_pings", direction="inbound", fields=["id", "lead_id", "source"], limit=3)["pings"]
    assert found["columns"][-3:] == ["lead_uri", "id", "lead_id"]
    for row in found["rows"]:
        assert row[-2] in row[0]
        assert row[-1] is None or row[-1] in row[-3]
