"""``LEAD_MCP_DEADLINE`` bounds the vendor work of a whole write, its look, sending and reading back together.

Idle time is skipped: seconds here cost nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import anyio
import pytest

from lead_mcp.sandbox.app import Sandbox
from tests.writing.desk import CHANGERS, CHANGES, INSERTERS, CallFailed, Clerk, Desk, desk, insertion, somebody

DEADLINE: Final = 10.0
SLACK: Final = 8.0
"""Seconds beyond it in which an answer must be there: steps of the journal pass on the clock of a machine that may be busy. A
deadline for each stage would take twice as long as one for all."""
PONDERS: Final = 50.0
"""Seconds that a person takes to answer: five times the deadline."""
ALLOWED: Final = {"LEAD_MCP_DEADLINE": f"{DEADLINE:g}", "LEAD_MCP_WRITES": "allow"}


@dataclass
class Ponderer(Clerk):
    """Says yes after some while."""

    async def __call__(self, context: Any, params: Any) -> Any:
        await anyio.sleep(PONDERS)
        return await super().__call__(context, params)


@pytest.fixture(scope="module")
def allowed(box: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A server that asks nobody."""
    with desk(tmp_path_factory.mktemp("allowed"), box, environment=ALLOWED) as found:
        yield found


@pytest.fixture(scope="module")
def asked(box: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A server whose client asks a person within the call: both looks and the sending are one call there."""
    environment = {"LEAD_MCP_DEADLINE": f"{DEADLINE:g}"}
    with desk(tmp_path_factory.mktemp("asked"), box, environment=environment, era="legacy", clerk=Ponderer()) as found:
        yield found


@pytest.fixture(scope="module")
def newer(box: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The same where the question ends the call, and the answer comes with another."""
    environment = {"LEAD_MCP_DEADLINE": f"{DEADLINE:g}"}
    with desk(tmp_path_factory.mktemp("newer"), box, environment=environment, clerk=Ponderer()) as found:
        yield found


@pytest.fixture(params=["allowed", "asked", "newer"])
def hands(request: pytest.FixtureRequest, faultless: None) -> Desk:
    found: Desk = request.getfixturevalue(request.param)
    found.clerk.asked.clear()
    return found


@contextmanager
def timed(hands: Desk, seconds: float = DEADLINE) -> Iterator[None]:
    """What happens in here takes no longer than that, but for the time in which a person is asked.

    Where a question ends the call, the answer comes with another one.
    """
    began, questions = hands.portal.call(anyio.current_time), len(hands.clerk.asked)
    yield
    took = hands.portal.call(anyio.current_time) - began - PONDERS * (len(hands.clerk.asked) - questions)
    calls = 1 + (len(hands.clerk.asked) - questions) * (hands.client.mode == "auto")
    assert took < calls * (seconds + SLACK), took


def slow(hands: Desk, vendor: str, seconds: float, **where: Any) -> None:
    hands.box.fault(vendor, "slow", **{"times": -1, "seconds": seconds, **where})


def became(hands: Desk, tool: str, **arguments: Any) -> str:
    """The outcome of the call, or its error's code."""
    try:
        return str(hands.call(tool, **arguments)["outcome"])
    except CallFailed as failed:
        return str(failed.code)


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [1, 2.4, 3.4, 7, 11])
@pytest.mark.parametrize("vendor", INSERTERS)
def test_an_insert_takes_the_deadline_at_most_and_says_what_it_knows(hands: Desk, vendor: str, seconds: float) -> None:
    """However slow every answer is; and the same call goes on with it once the vendor is quick, and makes one lead."""
    lead = somebody(vendor)
    arguments = insertion(vendor, lead, idempotency_key=lead["email"])
    request, before = hands.request_of(**arguments), 0
    before = hands.heard(request, vendor)
    slow(hands, vendor, seconds)
    with timed(hands):
        first = became(hands, "insert_lead", **arguments)
    sent = hands.heard(request, vendor) > before
    assert (first, sent) in {("created", True), ("pending", True), ("unknown_outcome", True), ("timeout", False)}
    hands.box.mend()
    hands.runtime.connection(vendor).outbound.breaker.__init__()  # type: ignore[misc]
    if first != "unknown_outcome":
        assert became(hands, "insert_lead", **arguments) == "created"
    assert len(hands.sees(vendor, lead)) <= 1


@pytest.mark.parametrize("vendor", CHANGERS)
def test_what_runs_out_at_each_stage_is_said(allowed: Desk, faultless: None, vendor: str) -> None:
    """Before sending: nothing was sent; while sending: unknown, on record; after it: done, only not read back."""
    arguments = change(allowed, vendor)
    request = allowed.call("update_lead", **{**arguments, "dry_run": True})["request"]
    before = allowed.heard(request, vendor)

    slow(allowed, vendor, 9.5)
    with timed(allowed):
        failed = allowed.fails("update_lead", **arguments)
    assert (failed.code, allowed.heard(request, vendor)) == ("timeout", before)
    assert "nothing was sent" in failed.message
    assert "LEAD_MCP_DEADLINE" in failed.message

    allowed.box.mend()
    allowed.box.fault(vendor, "hang_after", path=request["path"], method=request["method"])
    with timed(allowed):
        lost = allowed.fails("update_lead", **arguments)
    assert (lost.code, allowed.heard(request, vendor)) == ("unknown_outcome", before + 1)
    assert "LEAD_MCP_DEADLINE" in lost.message
    settled = allowed.call("update_lead", **arguments)
    assert settled["warnings"] == ["settled by looking at the vendor"]

    arguments = change(allowed, vendor)
    request = allowed.call("update_lead", **{**arguments, "dry_run": True})["request"]
    slow(allowed, vendor, 7, path=request["path"], method=request["method"], times=1)
    slow(allowed, vendor, 7, skip=1)
    with timed(allowed):
        done = allowed.call("update_lead", **arguments)
    assert done["outcome"] == "updated"
    assert ["could not be read back" in one for one in done["warnings"]].count(True) == 1, done["warnings"]
    allowed.box.mend()
    assert allowed.call("update_lead", **arguments) == done


def made(hands: Desk, vendor: str) -> str:
    """A new lead there."""
    return str(hands.call("insert_lead", **insertion(vendor))["uri"])


def change(hands: Desk, vendor: str) -> dict[str, Any]:
    """The change of a new lead, under its own key."""
    uri, (name, wanted, _) = made(hands, vendor), CHANGES[vendor]
    return {"uri": uri, "changes": {name: wanted}, "idempotency_key": uri}


def test_an_unknown_write_that_cannot_be_looked_for_in_time_stays_unknown(allowed: Desk, faultless: None) -> None:
    lead = somebody("octanist")
    arguments = insertion("octanist", lead, idempotency_key=lead["email"])
    request = allowed.request_of(**arguments)
    allowed.box.fault("octanist", "hang_after", path=request["path"], method=request["method"])
    assert allowed.fails("insert_lead", **arguments).code == "unknown_outcome"
    slow(allowed, "octanist", 11)
    with timed(allowed):
        again = allowed.fails("insert_lead", **arguments)
    assert again.code == "unknown_outcome"
    assert "took longer" in again.message
    allowed.box.mend()
    assert became(allowed, "insert_lead", **arguments) == "created"


def test_a_call_that_waits_for_another_with_its_key_takes_no_longer(allowed: Desk, faultless: None) -> None:
    lead = somebody("octanist")
    arguments = insertion("octanist", lead, idempotency_key=lead["email"])
    request = allowed.request_of(**arguments)
    before = allowed.heard(request, "octanist")
    allowed.box.fault("octanist", "hang", path=request["path"], method=request["method"])
    with timed(allowed):
        found = allowed.at_once("insert_lead", 3, **arguments)
    codes = {(one.structured_content or {})["error"]["code"] for one in found}
    assert codes <= {"unknown_outcome", "timeout"}
    assert allowed.heard(request, "octanist") == before + 1


def test_a_request_that_still_waits_for_its_rate_is_known_not_to_have_left(box: Sandbox, tmp_path: Path) -> None:
    environment = {**ALLOWED, "CONVOSO_RATE": "1/60s"}
    arguments = insertion("convoso", on_duplicate="allow")
    with desk(tmp_path, box, environment=environment) as hands:
        assert became(hands, "insert_lead", **arguments) == "created"
        before = heard(hands, "/leads/insert")
        with timed(hands):
            failed = hands.fails("insert_lead", **arguments)
        assert (failed.code, heard(hands, "/leads/insert")) == ("timeout", before)
        assert "nothing was sent" in failed.message


@pytest.mark.slow
@pytest.mark.parametrize("tool", ["insert_leads", "update_leads"])
def test_a_batch_says_what_was_done_and_what_was_not_and_goes_on(hands: Desk, other: Desk, tool: str) -> None:
    """All rows together take one deadline; those before its end are done, the rest not sent; no row is sent twice."""
    leads = [somebody("convoso") for _ in range(12)]
    arguments: dict[str, Any] = {**insertion("convoso"), "leads": leads}
    del arguments["lead"]
    if tool == "update_leads":
        arguments = {"uris": [made(other, "convoso") for _ in leads], "changes": {"city": "Slowtown"}}
    arguments["idempotency_key"] = f"{tool} {leads[0]['email']}"
    path = "/leads/insert" if tool == "insert_leads" else "/leads/update"
    slow(hands, "convoso", 0.5)
    before, calls, done, rows = heard(hands, path), 0, -1, list[Any]()
    while done < len(leads):
        with timed(hands):
            rows = hands.call(tool, **arguments)["results"]["rows"]
        calls, earlier, done = calls + 1, done, sum(row[1] in ("created", "updated") for row in rows)
        assert heard(hands, path) - before == done > earlier
        assert {(row[1], row[3]) for row in rows[done:]} <= {("failed", "timeout")}
        assert all("nothing was sent" in row[4] for row in rows[done:])
    assert 1 < calls < 8, calls


def heard(hands: Desk, path: str) -> int:
    return sum(seen.path.endswith(path) for seen in hands.box.stages["convoso"].heard)


@pytest.fixture(scope="module")
def other(box: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Somebody with a journal of their own."""
    with desk(tmp_path_factory.mktemp("other"), box, environment={"LEAD_MCP_WRITES": "allow"}) as found:
        yield found
