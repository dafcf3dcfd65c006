"""Exactly once: parallel calls, lost answers, replays. The vendor's own count of leads is the judge."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import event, update
from sqlalchemy.exc import OperationalError

from lead_mcp.journal.entries import State
from lead_mcp.journal.store import Journal
from lead_mcp.journal.tables import meta
from lead_mcp.sandbox.app import Sandbox
from tests.facts import offering
from tests.writing.desk import CHANGERS, CHANGES, INSERTERS, Desk, desk, insertion, said, somebody

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
DEDUPES: Final = set(offering(lambda vendor: vendor.insert is not None and vendor.insert.dedupes))
SMALL: Final = {"LEAD_MCP_REPLY_LIMIT": "100000"}


@pytest.fixture(scope="module")
def over_http(box: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    state = tmp_path_factory.mktemp("state")
    environment = {"LEAD_MCP_WRITES": "allow", **SMALL}
    with desk(state, box, over_http=True, environment=environment) as found:
        yield found


@pytest.fixture
def hands(over_http: Desk, faultless: None) -> Iterator[Desk]:
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
    assert [step.state for step in hands.journal.events(settled["journal_id"])] == [
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
    states = [step.state for step in hands.journal.events(settled["journal_id"])]
    assert states == ["intended", "sending", "unknown", "intended", "sending", "done"]


@pytest.mark.parametrize("vendor", sorted(DEDUPES))
def test_a_repeat_that_looking_did_not_prevent_is_still_one_lead(hands: Desk, vendor: str) -> None:
    """The vendor is slow to show the lead, so the request goes out again: with the same token."""
    arguments = planned(hands, vendor, "cut_after")
    request = hands.request_of(**arguments)
    assert hands.fails("insert_lead", **arguments).code == "unknown_outcome"
    there = hands.sees(vendor, arguments["lead"])

    nothing = {"leads": [], "total": 0, "page": 1, "limit": 100, "totalPages": 0}
    hands.box.fault(vendor, "status", method="GET", status=200, body=nothing, times=-1)
    found = hands.call("insert_lead", **arguments)
    hands.box.mend(vendor)
    assert [found["uri"]] == there == hands.sees(vendor, arguments["lead"])
    first, second = [one.body for one in hands.box.stages[vendor].heard if one.path.endswith(request["path"])][-2:]
    assert first == second


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
    states = [step.state for step in hands.journal.events(outcomes[0]["journal_id"])]
    assert states.count(State.SENDING) == 1


# --- what this server itself suffers ------------------------------------------------------------------------------


def broken(hands: Desk, state: str) -> Callable[[], None]:
    """From now on the journal cannot be brought into that state: the disk is full. Gives what mends it."""
    engine = hands.journal.database.engine
    assert engine is not None

    def refuse(connection: Any, cursor: Any, statement: str, parameters: Any, *rest: Any) -> None:
        if statement.startswith("INSERT INTO lead_mcp_events") and state in parameters:
            raise OperationalError(statement, {}, Exception("database or disk is full"))

    event.listen(engine, "before_cursor_execute", refuse)
    return lambda: event.remove(engine, "before_cursor_execute", refuse)


@pytest.mark.parametrize("state", ["intended", "sending"])
def test_what_cannot_be_recorded_is_not_sent(hands: Desk, state: str) -> None:
    arguments = planned(hands, "octanist", "slow", seconds=0.0)
    request = hands.request_of(**arguments)
    before = hands.heard(request, "octanist")
    mend = broken(hands, state)
    failed = hands.fails("insert_lead", **arguments)
    mend()
    assert failed.code == "not_allowed"
    assert all(word in failed.message for word in ("nothing was sent", "full", "LEAD_MCP_STATE_DIR"))
    assert hands.heard(request, "octanist") == before
    assert hands.call("insert_lead", **arguments)["outcome"] == "created"  # the key waits for nobody
    assert len(hands.sees("octanist", arguments["lead"])) == 1


def test_an_outcome_that_cannot_be_recorded_is_unknown_and_settled_later(hands: Desk) -> None:
    arguments = planned(hands, "octanist", "slow", seconds=0.0)
    mend = broken(hands, "done")
    failed = hands.fails("insert_lead", **arguments)
    there = hands.sees("octanist", arguments["lead"])
    assert failed.code == "unknown_outcome"
    assert there[0] in failed.message
    mend()
    settled = hands.call("insert_lead", **arguments)
    assert (settled["outcome"], [settled["uri"]]) == ("created", there)
    assert hands.sees("octanist", arguments["lead"]) == there


def test_a_lost_answer_that_cannot_be_recorded_is_unknown_too(hands: Desk) -> None:
    arguments = planned(hands, "octanist", "cut_after")
    mend = broken(hands, "unknown")
    assert hands.fails("insert_lead", **arguments).code == "unknown_outcome"
    mend()
    assert [hands.call("insert_lead", **arguments)["uri"]] == hands.sees("octanist", arguments["lead"])


def test_a_refusal_that_cannot_be_recorded_stays_a_refusal(hands: Desk) -> None:
    arguments = planned(hands, "octanist", "status", status=429)
    mend = broken(hands, "refused")
    assert hands.fails("insert_lead", **arguments).code == "rate_limited"
    mend()


@pytest.mark.parametrize("folder", ["/proc/lead-mcp", "/dev/null/state"])
def test_a_state_folder_that_cannot_be_written_stops_the_write(box: Sandbox, folder: str) -> None:
    with desk(Path(folder), box, environment={"LEAD_MCP_WRITES": "allow"}) as hands:
        lead = somebody("octanist")
        failed = hands.fails("insert_lead", **insertion("octanist", lead))
        assert failed.code == "not_allowed"
        assert "nothing was sent" in failed.message
        assert hands.sees("octanist", lead) == []


def test_a_newer_journal_stops_the_write(box: Sandbox, tmp_path: Path) -> None:
    journal = Journal(None, tmp_path)
    journal.database.run(lambda tx: tx.execute(update(meta).where(meta.c.name == "version").values(value="99")))
    journal.close()
    with desk(tmp_path, box, environment={"LEAD_MCP_WRITES": "allow"}) as hands:
        lead = somebody("octanist")
        failed = hands.fails("insert_lead", **insertion("octanist", lead))
        assert failed.code == "not_allowed"
        assert "version 99" in failed.message
        assert hands.sees("octanist", lead) == []


@pytest.mark.parametrize(("kind", "leads"), [("cut", 0), ("cut_after", 1)])
def test_a_failure_nobody_foresaw_is_a_lost_answer(box: Sandbox, tmp_path: Path, kind: str, leads: int) -> None:
    """In memory the emulator's cut is no error of the HTTP client's: it stands for a fault in this server."""
    with desk(tmp_path, box, environment={"LEAD_MCP_WRITES": "allow"}) as hands:
        arguments = planned(hands, "octanist", kind)
        assert hands.fails("insert_lead", **arguments).code == "unknown_outcome"
        there = hands.sees("octanist", arguments["lead"])
        assert len(there) == leads
        if leads:
            assert hands.call("insert_lead", **arguments)["uri"] == there[0]
        else:
            assert hands.fails("insert_lead", **arguments).code == "unknown_outcome"


# --- whose lead it is ---------------------------------------------------------------------------------------------


def test_a_lead_of_another_key_settles_nothing(hands: Desk) -> None:
    """``allow`` inserts the same person twice: the first lead does not prove that the second request arrived."""
    lead = somebody("octanist")
    first = hands.call("insert_lead", **insertion("octanist", lead, idempotency_key=f"1-{lead['email']}"))
    again = insertion("octanist", lead, idempotency_key=f"2-{lead['email']}", on_duplicate="allow")
    request = hands.request_of(**again)
    hands.box.fault("octanist", "cut", path=request["path"], method=request["method"])
    assert hands.fails("insert_lead", **again).code == "unknown_outcome"
    assert hands.fails("insert_lead", **again).code == "unknown_outcome"
    assert hands.sees("octanist", lead) == [first["uri"]]


def test_the_second_lead_of_one_person_is_told_from_the_first(hands: Desk) -> None:
    lead = somebody("octanist")
    first = hands.call("insert_lead", **insertion("octanist", lead, idempotency_key=f"1-{lead['email']}"))
    again = insertion("octanist", lead, idempotency_key=f"2-{lead['email']}", on_duplicate="allow")
    request = hands.request_of(**again)
    hands.box.fault("octanist", "cut_after", path=request["path"], method=request["method"])
    assert hands.fails("insert_lead", **again).code == "unknown_outcome"
    settled = hands.call("insert_lead", **again)
    assert {settled["uri"], first["uri"]} == {*hands.sees("octanist", lead)}
    assert settled["uri"] != first["uri"]


# --- changes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", CHANGERS)
@pytest.mark.parametrize("kind", ["cut", "cut_after"])
def test_a_change_whose_answer_is_lost_is_settled_by_what_the_lead_says(hands: Desk, vendor: str, kind: str) -> None:
    uri = hands.call("insert_lead", **insertion(vendor))["uri"]
    name, wanted, _ = CHANGES[vendor]
    arguments = {"uri": uri, "changes": {name: wanted}, "idempotency_key": uri}
    request = hands.call("update_lead", **arguments, dry_run=True)["request"]
    before = hands.heard(request, vendor)
    hands.box.fault(vendor, kind, path=request["path"], method=request["method"])
    assert hands.fails("update_lead", **arguments).code == "unknown_outcome"
    if kind == "cut_after":
        assert hands.call("update_lead", **arguments)["outcome"] == "updated"
        assert hands.call("get_lead", uri=uri)["lead"][name] == wanted
    else:
        assert hands.fails("update_lead", **arguments).code == "unknown_outcome"
    assert hands.heard(request, vendor) == before + 1


# --- vendor refusals ----------------------------------------------------------------------------------------------


def test_a_vendors_refusal_is_told_with_its_code_and_binds_no_key(hands: Desk) -> None:
    lead = {**somebody("convoso"), "list_id": "9999"}
    arguments = insertion("convoso", lead, idempotency_key=lead["email"])
    failed = hands.fails("insert_lead", **arguments)
    assert (failed.code, failed.said["error"]["vendor_code"]) == ("rejected", "6002")
    lead["list_id"] = "2101"
    assert hands.call("insert_lead", **{**arguments, "lead": lead})["outcome"] == "created"


# --- PostgreSQL ---------------------------------------------------------------------------------------------------


def test_the_same_holds_with_a_journal_in_postgresql(
    box: Sandbox, postgresql: Callable[[], str], tmp_path: Path
) -> None:
    environment = {"LEAD_MCP_WRITES": "allow", "LEAD_MCP_JOURNAL_URL": postgresql(), **SMALL}
    with desk(tmp_path, box, over_http=True, environment=environment) as hands:
        test_eight_parallel_calls_with_one_key_are_one_write(hands, "octanist")
        test_eight_parallel_calls_after_a_lost_answer_settle_alike(hands, "octanist")
        test_what_cannot_be_settled_stays_unknown_and_is_never_sent_again(hands, "octanist", "cut")
        assert hands.journal.verify() == []
