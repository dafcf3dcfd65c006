"""The wanted fields alone are asked of a vendor only where they agree with whole records; every answer stays the same.

No document says what LeadExec's ``Fields`` leaves of a lead, so its emulator heeds it in every way that comes to mind.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from functools import cache
from typing import Any, Final, get_args

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_mcp.transport.through_client import ThroughClient
from lead_mcp.vendors.leadexec.emulator.projection import Projecting
from lead_mcp.vendors.leadexec.fields import LEAD
from tests.driving import DAWN, Bench, bench, entry, uris
from tests.profiles import examples

WAYS: Final[tuple[str, ...]] = get_args(Projecting)
HEEDED: Final = frozenset({"dotted", "without_empties"})
LEADS: Final = 260
LEAD_TYPES: Final = 2
EVER: Final[dict[str, Any]] = {"account": "leadexec", "since": DAWN.isoformat()}
FIELDS: Final = tuple(sorted({*LEAD.ours, *(name for name in LEAD.own if name not in LEAD.ours)} - {"UID"}))


def a_bench(way: str, **environment: str) -> Any:
    options = {"leadexec": {"projecting": way}}
    return bench(LEADS, only=["leadexec"], options=options, environment=environment)


@pytest.fixture(scope="module")
def benches() -> Iterator[dict[str, Bench]]:
    """One of each way, on which everything that is tried before is known."""
    with ExitStack() as stack:
        yield {way: stack.enter_context(a_bench(way)) for way in WAYS}


def lists_sent(driven: Bench) -> list[dict[str, Any]]:
    """The bodies of lead queries that asked for some fields alone."""
    asked = [seen for seen in driven.heard("leadexec") if "/leads/query" in seen.path]
    bodies = [{"path": seen.path, **json.loads(seen.body)} for seen in asked]
    return [body for body in bodies if "Fields" in body]


def figures(driven: Bench, group: str, of: str) -> Any:
    found = driven.call("summarize_leads", group_by=[group], measures=["count", f"distinct:{of}"], **EVER)
    assert entry(found, "leadexec")["complete"] is True
    return found["groups"], found["group_count"], found["total"]


def rows(driven: Bench, fields: list[str]) -> Any:
    pages = driven.pages(fields=fields, limit=200, filters=[{"field": "state", "op": "ne", "value": "NY"}], **EVER)
    return [page["leads"] for page in pages]


# --- the same answers -------------------------------------------------------------------------------------------------


@examples(60)
@given(way=st.sampled_from(WAYS[1:]), group=st.sampled_from(FIELDS), of=st.sampled_from(FIELDS))
def test_figures_are_those_of_whole_records(benches: dict[str, Bench], way: str, group: str, of: str) -> None:
    whole = _whole_figures(benches["own"], group, of)
    assert figures(benches[way], group, of) == whole
    assert figures(benches[way], group, of) == whole


@cache
def _whole_figures(driven: Bench, group: str, of: str) -> Any:
    return figures(driven, group, of)


@examples(24)
@given(way=st.sampled_from(WAYS[1:]), fields=st.lists(st.sampled_from(FIELDS), max_size=3, unique=True))
def test_concise_pages_are_those_of_whole_records(benches: dict[str, Bench], way: str, fields: list[str]) -> None:
    whole = rows(benches["own"], fields)
    assert rows(benches[way], fields) == whole
    assert rows(benches[way], fields) == whole


@pytest.mark.parametrize("way", WAYS)
def test_sql_and_whole_records_are_the_same(benches: dict[str, Bench], way: str) -> None:
    pytest.importorskip("duckdb")
    sql = "SELECT source, count(*) n, sum(value) v, count(email) e FROM leads GROUP BY ALL ORDER BY source"
    told = [benches[one].call("query_sql", sql=sql, **EVER)["result"] for one in (way, "own")]
    assert told[0] == told[1]
    (uri,) = uris([benches[way].page(limit=1, sort="created_at:asc", detail="uris", **EVER)])
    sent = len(lists_sent(benches[way]))
    leads = [benches[one].call("get_lead", uri=uri) for one in (way, "own")]
    assert leads[0] == leads[1]
    stories = [benches[one].call("trace_lead", uri=uri) for one in (way, "own")]
    assert stories[0]["events"] == stories[1]["events"]
    assert lists_sent(benches[way])[sent:] == [], "a whole lead and a story are never asked for in part"


# --- what it costs, what it saves ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
def test_one_request_more_a_lead_type_shows_whether_a_list_serves(way: str) -> None:
    with a_bench(way) as driven:
        for nth in range(2):
            for group in ("source", "status"):
                asked = len(driven.heard("leadexec"))
                figures(driven, group, "value")
                more = len(driven.heard("leadexec")) - asked
                compared = nth == 0 and (group == "source" or way in {*HEEDED, "fading"})
                login = nth == 0 and group == "source"
                assert more == LEAD_TYPES * (1 + compared) + login
        lists = lists_sent(driven)
        assert {body["Take"] for body in lists[:1]} == {25}
        if way not in {*HEEDED, "fading"}:
            assert len(lists) == LEAD_TYPES, "never again"


def test_a_list_that_is_heeded_saves_most_of_the_bytes() -> None:
    sizes: list[int] = []

    async def weigh(response: httpx2.Response) -> None:
        sizes.append(int(response.headers["content-length"]))

    with a_bench("dotted") as driven:
        network = driven.runtime.connections["leadexec"].outbound.network
        assert isinstance(network, ThroughClient)
        network.client.event_hooks["response"].append(weigh)
        weights = []
        for _ in range(2):
            sizes.clear()
            figures(driven, "source", "value")
            weights.append(sum(sizes))
    assert weights[1] < weights[0] / 10, weights


def test_few_records_are_worth_no_comparison() -> None:
    with a_bench("dotted") as driven:
        for _ in range(2):
            driven.page(limit=20, **EVER)
        assert not lists_sent(driven)
        for _ in range(4):
            driven.page(limit=20, **EVER)
        assert [body["Take"] for body in lists_sent(driven)] == [22, 22, 22, 22]


# --- later pages ------------------------------------------------------------------------------------------------------


def test_a_page_that_lacks_what_whole_ones_had_is_read_again_whole() -> None:
    small = {"LEAD_MCP_REPLY_LIMIT": "500000"}  # so that a lead type comes in several pages
    with a_bench("own", **small) as driven:
        whole = figures(driven, "source", "value")
    with a_bench("fading", **small) as driven:
        assert figures(driven, "source", "value") == whole
        lists = lists_sent(driven)
        caught = {body["path"] for body in lists if body["Skip"]}
        assert caught
        assert figures(driven, "source", "value") == whole
        assert not caught & {body["path"] for body in lists_sent(driven)[len(lists) :]}, "never again"
