"""Recordings in the mirror: facts, lead by lead, kept up with the leads and gone with them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lead_mcp.mirror.erasing import forget_person
from lead_mcp.mirror.recordings import A_DAY
from lead_mcp.mirror.records import RECORDING
from lead_mcp.sandbox.kit import Fault
from lead_mcp.vendors.convoso.emulator.store import Call
from tests.driving import CallFailed
from tests.mirror.keeping import Keeping, keeping, records

CALLERS = ("convoso", "leadsquared")
SQL = "SELECT uri, lead_uri, started_at, ended_at, duration_s FROM recordings ORDER BY ALL"
LISTS = {"convoso": "get-recordings", "leadsquared": "ProspectActivity.svc/Retrieve"}


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Keeping]:
    environment = {"LEAD_MCP_MIRROR_RECORDINGS": "on"}
    with keeping(tmp_path, 40, only=[*CALLERS, "octanist"], environment=environment) as found:
        yield found


def asked(kept: Keeping, source: str) -> Any:
    arguments = {"sql": SQL, "since": "2000-01-01", "source": source, "max_rows": 1000}
    return kept.bench.call("query_sql", **arguments)["result"]["rows"]


def listed(kept: Keeping) -> int:
    """How often a lead's recordings were asked for."""
    return sum(LISTS[name] in one.path for name in CALLERS for one in kept.bench.heard(name))


def leads(kept: Keeping) -> list[Any]:
    """The emulated leads themselves."""
    store = kept.bench.box.stages["convoso"].app.state.store  # type: ignore[attr-defined]
    return list(store.leads.values())


def test_they_are_listed_once_and_again_where_a_lead_has_changed(kept: Keeping) -> None:
    assert kept.sync().whole
    first = asked(kept, "mirror")
    assert first == asked(kept, "live")
    assert {uri.split("/")[2] for uri, *_ in first} == set(CALLERS)
    assert all("url" not in raw and "http" not in str(raw) for raw in records(kept.mirror, RECORDING).values())
    before = listed(kept)
    kept.sync()
    assert listed(kept) == before
    lead = next(
        one for one in leads(kept) if any(Call(one, nth + 1, at).recorded for nth, at in enumerate(one.calls[1:]))
    )
    lead.calls = lead.calls[:1]
    kept.bench.call("update_lead", uri=f"lead://convoso/{lead.id}", changes={"first_name": "Called"})
    kept.sync()
    assert listed(kept) == before + 1
    assert asked(kept, "mirror") == asked(kept, "live") != first


@pytest.mark.slow
def test_a_vendor_that_tells_of_no_change_is_asked_again_in_time(kept: Keeping) -> None:
    kept.sync()
    before = listed(kept)
    for lead in leads(kept):
        lead.calls = lead.calls[:1]
    kept.sync(clock=lambda: kept.bench.runtime.now() + 2 * A_DAY)
    assert listed(kept) == 2 * before, "some of those that were listed longest ago: here that is all of them"
    assert asked(kept, "mirror") == asked(kept, "live")


@pytest.mark.slow
def test_they_go_with_their_lead_and_come_back_by_no_sync(kept: Keeping) -> None:
    kept.sync()
    uri = next(row[1] for row in asked(kept, "mirror") if "convoso" in row[1])
    kept.bench.portal.call(lambda: forget_person(kept.mirror, uri=uri))
    assert uri not in {row[1] for row in asked(kept, "mirror")}
    kept.sync(full=True)
    assert uri not in {row[1] for row in asked(kept, "mirror")}
    gone = next(row[1] for row in asked(kept, "mirror") if "convoso" in row[1])
    kept.bench.call("delete_lead", uri=gone)
    kept.sync(full=True)
    assert gone not in {row[1] for row in asked(kept, "mirror")}


@pytest.mark.slow
def test_cut_off_it_answers_for_no_lead_that_it_has_not_listed(kept: Keeping) -> None:
    kept.bench.box.stages["convoso"].faults.append(Fault("status", LISTS["convoso"], skip=25, times=-1, status=400))
    report = kept.sync()
    assert list(report.errors) == [("convoso", RECORDING)]
    place = kept.mirror.places()["convoso"][RECORDING]
    assert (place.loaded, place.reached is not None) == (False, True)
    with pytest.raises(CallFailed, match="does not reach back that far at convoso"):
        asked(kept, "mirror")
    kept.bench.box.mend("convoso")
    recent = {"since": place.reached.isoformat(), "sql": SQL} if place.reached else {}
    rows = [kept.bench.call("query_sql", **recent, source=one)["result"]["rows"] for one in ("mirror", "live")]
    assert rows[0] == rows[1]
    assert "convoso" in str(rows)
    assert kept.sync().whole
    assert asked(kept, "mirror") == asked(kept, "live")


def test_a_persons_story_has_them_without_a_request(kept: Keeping) -> None:
    kept.sync()
    for uri in {row[1] for row in asked(kept, "mirror")[:4]}:
        live, mirrored = (kept.bench.call("trace_lead", uri=uri, source=one) for one in ("live", "mirror"))
        assert mirrored["events"] == live["events"]
        assert "recording" in {row[2] for row in mirrored["events"]["rows"]}
        assert [one["requests"] for one in mirrored["accounts"]] == [0] * len(mirrored["accounts"])
