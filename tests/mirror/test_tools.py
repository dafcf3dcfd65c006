"""Tools over the mirror: a mirrored answer is the live one, for every vendor, filter, order, window and group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import asking
from tests.driving import NOW, CallFailed, uris
from tests.mirror.keeping import Keeping, keeping
from tests.oracle import fields_of

ACCOUNTS = ("leadexec", "convoso", "leadsquared", "octanist", "leadtrackr")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keeping]:
    with keeping(tmp_path_factory.mktemp("mirror"), 50) as found:
        found.sync()
        yield found


@pytest.mark.parametrize("account", ACCOUNTS)
@given(data=st.data())
def test_a_mirrored_search_finds_what_a_live_one_finds(kept: Keeping, account: str, data: st.DataObject) -> None:
    records = kept.bench.everything(account)
    clauses = data.draw(asking.clauses(fields_of(kept.bench, account), records))
    arguments: dict[str, Any] = {
        "account": account,
        "filters": [one.argument() for one in clauses],
        "sort": data.draw(st.sampled_from(asking.SORTS)),
        "limit": 15,
        **data.draw(asking.windows(records)),
    }
    live, mirrored = (pages(kept, source=source, **arguments) for source in ("live", "mirror"))
    if isinstance(live, str) or isinstance(mirrored, str):
        assert live == mirrored
    elif "compared by the vendor's own rules" in str(live[0]["accounts"]):
        assert set(uris(live)) <= set(uris(mirrored))
    else:
        assert uris(mirrored) == uris(live)
        assert [cells for page in mirrored for cells in page["leads"]["rows"]] == [
            cells for page in live for cells in page["leads"]["rows"]
        ]
        assert set(map(told, mirrored)) == set(map(told, live))


def pages(kept: Keeping, **arguments: Any) -> list[dict[str, Any]] | str:
    try:
        return kept.bench.pages(**arguments)
    except CallFailed as failed:
        return str(failed.code)


def told(page: Mapping[str, Any]) -> tuple[Any, ...]:
    """What both ledgers have to agree in."""
    (entry,) = page["accounts"]
    return entry["complete"], str(entry.get("window")), str(entry.get("error"))


@given(data=st.data())
def test_a_mirrored_summary_is_the_live_one(kept: Keeping, data: st.DataObject) -> None:
    account = data.draw(st.sampled_from([None, *ACCOUNTS]))
    records = [one for name in ([account] if account else ACCOUNTS) for one in kept.bench.everything(name)]
    arguments: dict[str, Any] = {
        "account": account,
        "group_by": data.draw(st.lists(st.sampled_from(GROUPS), max_size=2, unique=True)),
        "measures": data.draw(st.lists(st.sampled_from(MEASURES), min_size=1, max_size=3, unique=True)),
        **data.draw(asking.windows(records)),
    }
    live, mirrored = (answered(kept, source=source, **arguments) for source in ("live", "auto"))
    if isinstance(live, str) or isinstance(mirrored, str):
        assert live == mirrored
        return
    for key in ("groups", "total", "window"):
        assert mirrored[key] == live[key]
    for one in mirrored["accounts"]:
        assert "from the mirror, 0 s old" in one["note"]
        assert one["requests"] == 0


GROUPS = ("account", "status", "source", "day", "week", "month", "city", "stage")
MEASURES = ("count", "sum:value", "avg:value", "min:created_at", "max:value")


def answered(kept: Keeping, **arguments: Any) -> Any:
    try:
        return kept.bench.call("summarize_leads", **arguments)
    except CallFailed as failed:
        return str(failed.code)


def test_a_persons_story_is_the_live_one(kept: Keeping) -> None:
    told_of = 0
    for lead in kept.bench.everything("octanist")[:12]:
        live, mirrored = (kept.bench.call("trace_lead", uri=lead.uri, source=one) for one in ("live", "mirror"))
        for key in ("person", "leads", "events"):
            assert mirrored[key] == live[key]
        told_of += len(live["events"]["rows"])
    assert told_of > 12


def test_leads_by_id_and_by_person_come_from_the_mirror_too(kept: Keeping) -> None:
    some = kept.bench.everything("convoso")[:5]
    found = kept.bench.page(ids=[one.uri for one in some], source="mirror")
    assert [row[0] for row in found["leads"]["rows"]] == [one.uri for one in some]
    email = next(str(one.get("email")) for one in kept.bench.everything("octanist") if one.get("email"))
    filters = [{"field": "email", "op": "eq", "value": email.upper()}]
    heard = len(kept.bench.heard("octanist"))
    mirrored = kept.bench.page(account="octanist", filters=filters, source="mirror")
    assert len(kept.bench.heard("octanist")) == heard
    assert mirrored["leads"] == kept.bench.page(account="octanist", filters=filters)["leads"]


@pytest.mark.parametrize("account", ACCOUNTS)
def test_one_person_is_counted_as_live_in_every_partition(kept: Keeping, account: str) -> None:
    """However a person is named: no lead is there once a partition."""
    known = [one for one in kept.bench.everything(account) if one.get("email") and one.get("phone")][::12]
    for lead in known:
        for name in ("email", "phone"):
            filters = [{"field": name, "op": "eq", "value": str(lead.get(name))}]
            asked: dict[str, Any] = {"account": account, "filters": filters, "since": "2020-01-01"}
            live, mirrored = (kept.bench.page(source=one, **asked) for one in ("live", "mirror"))
            assert lead.uri in uris([live])
            assert mirrored["leads"] == live["leads"]
            assert kept.bench.call("summarize_leads", source="mirror", **asked)["total"] == len(live["leads"]["rows"])
    ids = [one.uri for one in known]
    assert uris([kept.bench.page(ids=ids, source="mirror")]) == ids


def test_live_is_what_a_search_asks_unless_told_otherwise(kept: Keeping) -> None:
    heard = len(kept.bench.heard("octanist"))
    kept.bench.page(account="octanist")
    assert len(kept.bench.heard("octanist")) > heard


def test_without_a_mirror_the_argument_is_not_listed_and_auto_is_live(tmp_path: Path) -> None:
    with keeping(tmp_path, 20, only=["octanist"], environment={"LEAD_MCP_MIRROR": "off"}) as kept:
        tools = {one.name: one for one in kept.bench.portal.call(kept.bench.client.list_tools).tools}
        for name in ("search_leads", "trace_lead"):
            assert "source" not in tools[name].input_schema["properties"]
        assert "source" in tools["summarize_leads"].input_schema["properties"], "the contract names it"
        assert kept.bench.call("summarize_leads", source="auto")["total"] == 20
        with pytest.raises(CallFailed, match="there is no mirror"):
            kept.bench.call("summarize_leads", source="mirror")


def test_what_the_mirror_does_not_hold_is_asked_live(tmp_path: Path) -> None:
    with keeping(tmp_path, 30, only=["octanist", "convoso"]) as kept:
        assert kept.bench.call("summarize_leads")["total"] == 60, "nothing was ever mirrored"
        kept.sync(only=["octanist"], since=NOW - timedelta(days=10))
        recent = kept.bench.call("summarize_leads", since="-5d")
        sources = {one["account"]: "from the mirror" in one.get("note", "") for one in recent["accounts"]}
        assert sources == {"octanist": True, "convoso": False}
        whole = kept.bench.call(
            "summarize_leads", filters=[{"field": "created_at", "op": "gte", "value": "2026-01-01"}]
        )
        assert "from the mirror" not in str(whole["accounts"])
        with pytest.raises(CallFailed, match="convoso"):
            kept.bench.call("summarize_leads", since="-5d", source="mirror")
