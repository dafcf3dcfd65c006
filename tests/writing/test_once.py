"""Exactly once: parallel calls, lost answers, replays. The vendor's own count of leads is the judge."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest

from lead_mcp.sandbox.app import Sandbox
from lead_mcp.vendors import every
from tests.writing.desk import INSERTERS, Desk, desk, insertion, said, somebody

DONE: Final[dict[str, dict[str, Any]]] = {
    "cut_after": {},
    "hang_after": {},
    "truncate": {},
    "reject": {"status": 500},
}
"""The vendor did it and its answer is lost: looking settles it."""
NOT_DONE: Final[dict[str, dict[str, Any]]] = {
    "cut": {},
    "hang": {},
    "status": {"status": 500},
    "status-503": {"status": 503},
    "html": {},
    "garbage": {},
    "empty": {},
    "huge": {"bytes": 200_000},
    "redirect": {},
}
"""The vendor did nothing, and nobody here can know: never sent again, unless the vendor itself tells a repeat."""
DEDUPES: Final = {name for name, vendor in every().items() if vendor.insert is not None and vendor.insert.dedupes}
BRIEF: Final = {"LEAD_MCP_DEADLINE": "1", "LEAD_MCP_REPLY_LIMIT": "100000"}


@pytest.fixture(scope="module")
def over_http(box: Sandbox, origin: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    state = tmp_path_factory.mktemp("state")
    environment = {"LEAD_MCP_WRITES": "allow", **BRIEF}
    with desk(state, box, origin=origin, environment=environment) as found:
        yield found


@pytest.fixture
def hands(over_http: Desk) -> Iterator[Desk]:
    """The module's desk; afterwards its journal must still verify."""
    yield over_http
    assert over_http.journal.verify() == []


def planned(hands: Desk, vendor: str, kind: str, **options: Any) -> dict[str, Any]:
    """Arguments of an insert whose request meets the fault."""
    lead = somebody(vendor)
    arguments = insertion(vendor, lead, idempotency_key=f"{kind}-{lead['email']}")
    request = hands.request_of(**arguments)
    hands.box.fault(vendor, kind.partition("-")[0], path=request["path"], method=request["method"], **options)
    return arguments


# --- the answer is lost, the lead is there ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", DONE)
@pytest.mark.parametrize("vendor", INSERTERS)
def test_a_lost_answer_is_settled_by_the_same_key(hands: Desk, vendor: str, kind: str) -> None:
    arguments = planned(hands, vendor, kind, **DONE[kind])
    before = hands.heard(hands.request_of(**arguments), vendor)

    failed = hands.fails("insert_lead", **arguments)
    assert failed.code == "unknown_outcome"
    assert "same idempotency_key" in failed.message
    there = hands.sees(vendor, arguments["lead"])
    assert len(there) == 1

    settled = hands.call("insert_lead", **arguments)
    assert (settled["outcome"], settled["uri"]) == ("created", there[0])
    assert hands.sees(vendor, arguments["lead"]) == there
    assert hands.heard(hands.request_of(**arguments), vendor) == before + 1

    again = hands.call("insert_lead", **arguments)
    assert (again["outcome"], again["uri"], again["journal_id"]) == ("created", there[0], settled["journal_id"])
    assert [step.state for step in hands.journal.story(settled["journal_id"])] == [
        "intended",
        "sending",
        "unknown",
        "done",
    ]


# --- the answer is lost, and nothing is there ---------------------------------------------------------------------


@pytest.mark.parametrize("kind", NOT_DONE)
@pytest.mark.parametrize("vendor", [name for name in INSERTERS if name not in DEDUPES])
def test_what_cannot_be_settled_stays_unknown_and_is_never_sent_again(hands: Desk, vendor: str, kind: str) -> None:
    arguments = planned(hands, vendor, kind, **NOT_DONE[kind])
    request = hands.request_of(**arguments)
    before = hands.heard(request, vendor)

    assert hands.fails("insert_lead", **arguments).code == "unknown_outcome"
    again = hands.fails("insert_lead", **arguments)
    assert again.code == "unknown_outcome"
    assert "lead-mcp journal resolve w-" in again.message
    assert hands.heard(request, vendor) == before + 1
    assert hands.sees(vendor, arguments["lead"]) == []


@pytest.mark.parametrize("kind", NOT_DONE)
@pytest.mark.parametrize("vendor", sorted(DEDUPES))
def test_a_vendor_that_tells_a_repeat_is_sent_it_again(hands: Desk, vendor: str, kind: str) -> None:
    arguments = planned(hands, vendor, kind, **NOT_DONE[kind])
    assert hands.fails("insert_lead", **arguments).code == "unknown_outcome"

    settled = hands.call("insert_lead", **arguments)
    assert settled["outcome"] == "created"
    assert hands.sees(vendor, arguments["lead"]) == [settled["uri"]]
    states = [step.state for step in hands.journal.story(settled["journal_id"])]
    assert states == ["intended", "sending", "unknown", "intended", "sending", "done"]


@pytest.mark.parametrize("vendor", sorted(DEDUPES))
def test_the_vendor_that_tells_a_repeat_gets_the_same_token_each_time(hands: Desk, vendor: str) -> None:
    """Looking finds nothing (the vendor is slow to show it), the request goes out again: still one lead."""
    arguments = planned(hands, vendor, "cut_after")
    assert hands.fails("insert_lead", **arguments).code == "unknown_outcome"
    first = hands.sees(vendor, arguments["lead"])
    request = hands.request_of(**arguments)
    sent = [one.body for one in hands.box.stages[vendor].heard if one.path.endswith(request["path"])][-1]

    lead = arguments["lead"]
    for listing in ("getLeads",):  # the look comes back empty-handed
        hands.box.fault(vendor, "status", path=listing, status=200, body={"data": [], "leads": []}, times=0)
    found = hands.call("insert_lead", **arguments)
    assert (found["uri"], hands.sees(vendor, lead)) == (first[0], first)
    assert sent


# --- a definite refusal -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", INSERTERS)
def test_a_refusal_for_haste_gives_the_key_back(hands: Desk, vendor: str) -> None:
    arguments = planned(hands, vendor, "status", status=429, retry_after=7)
    request = hands.request_of(**arguments)
    before = hands.heard(request, vendor)
    failed = hands.fails("insert_lead", **arguments)
    assert failed.code == "rate_limited"
    assert failed.said["error"]["retry_after"] == 7
    assert hands.heard(request, vendor) == before + 1

    done = hands.call("insert_lead", **arguments)
    assert done["outcome"] == "created"
    assert hands.sees(vendor, arguments["lead"]) == [done["uri"]]


@pytest.mark.parametrize("vendor", INSERTERS)
def test_a_slow_answer_is_an_answer(hands: Desk, vendor: str) -> None:
    done = hands.call("insert_lead", **planned(hands, vendor, "slow", seconds=0.2))
    assert done["outcome"] == "created"


# --- several at once ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", INSERTERS)
def test_eight_parallel_calls_with_one_key_are_one_write(hands: Desk, vendor: str) -> None:
    arguments = planned(hands, vendor, "slow", seconds=0.1)
    request = hands.request_of(**arguments)
    before = hands.heard(request, vendor)
    outcomes = [said(one) for one in hands.at_once("insert_lead", 8, **arguments)]
    assert len(outcomes) == 8
    assert all(one == outcomes[0] for one in outcomes)
    assert outcomes[0]["outcome"] == "created"
    assert hands.heard(request, vendor) == before + 1
    assert hands.sees(vendor, arguments["lead"]) == [outcomes[0]["uri"]]


@pytest.mark.parametrize("vendor", INSERTERS)
def test_eight_parallel_calls_after_a_lost_answer_settle_alike(hands: Desk, vendor: str) -> None:
    arguments = planned(hands, vendor, "cut_after")
    assert hands.fails("insert_lead", **arguments).code == "unknown_outcome"
    outcomes = [said(one) for one in hands.at_once("insert_lead", 8, **arguments)]
    assert {one["uri"] for one in outcomes} == {*hands.sees(vendor, arguments["lead"])}
    assert {one["outcome"] for one in outcomes} == {"created"}
    states = [step.state for step in hands.journal.story(outcomes[0]["journal_id"])]
    assert states.count("sending") == 1
