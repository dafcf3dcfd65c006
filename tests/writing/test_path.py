"""The write path through a client of either era, over every vendor that offers the write."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from mcp.types import ElicitResult

from lead_mcp.errors import NotAllowed
from lead_mcp.sandbox.app import Sandbox
from lead_mcp.transport.outbound import Outbound
from lead_mcp.vendors.spec.http import Effect, Request
from tests.facts import TRIED, facts_of
from tests.writing.desk import (
    CHANGERS,
    CHANGES,
    DELETERS,
    ERAS,
    INSERTERS,
    Desk,
    Era,
    desk,
    insertion,
    is_question,
    said,
    somebody,
)

CONFIRMED = {"LEAD_MCP_WRITES": "confirm", "LEAD_MCP_DELETES": "confirm"}
ALLOWED = {"LEAD_MCP_WRITES": "allow", "LEAD_MCP_DELETES": "allow"}
WRITE_TOOLS = {"insert_lead", "insert_leads", "update_lead", "delete_lead"}


@pytest.fixture(scope="module", params=ERAS)
def era(request: pytest.FixtureRequest) -> Era:
    found: Era = request.param
    return found


@pytest.fixture(scope="module")
def asking(box: Sandbox, era: Era, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk(tmp_path_factory.mktemp("asking"), box, era=era, environment=CONFIRMED) as found:
        yield found


@pytest.fixture(scope="module")
def other(box: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Somebody else at the same accounts, who asks nobody."""
    with desk(tmp_path_factory.mktemp("other"), box, environment=ALLOWED) as found:
        yield found


@pytest.fixture(scope="module")
def mute(box: Sandbox, era: Era, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A client that cannot ask a person."""
    with desk(tmp_path_factory.mktemp("mute"), box, era=era, asks=False, environment=CONFIRMED) as found:
        yield found


def made(hands: Desk, vendor: str) -> str:
    """A new lead at the vendor; its URI."""
    return str(hands.call("insert_lead", **insertion(vendor))["uri"])


def change(vendor: str) -> dict[str, str]:
    name, wanted, _ = CHANGES[vendor]
    return {name: wanted}


def test_every_vendor_that_changes_leads_is_tried() -> None:
    assert set(CHANGERS) == set(CHANGES)
    assert set(INSERTERS) == set(TRIED)


# --- inserting ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", INSERTERS)
def test_a_lead_is_created_after_one_question_and_replayed_without_another(hands: Desk, vendor: str) -> None:
    lead = somebody(vendor)
    arguments = insertion(vendor, lead, idempotency_key=lead["email"])
    first = hands.call("insert_lead", **arguments)
    assert first["outcome"] == "created"
    assert hands.sees(vendor, lead) == [first["uri"]]
    assert first["uri"] == f"lead://{vendor}/{first['id']}"
    (question,) = hands.clerk.asked
    assert all(word in question for word in (vendor, "insert", lead["email"]))
    assert hands.clerk.schemas[-1]["required"] == ["confirm"]
    assert hands.clerk.schemas[-1]["properties"]["confirm"]["type"] == "boolean"

    assert hands.call("insert_lead", **arguments) == first
    assert len(hands.clerk.asked) == 1
    assert hands.sees(vendor, lead) == [first["uri"]]


@pytest.mark.parametrize("vendor", INSERTERS)
def test_a_key_belongs_to_its_arguments(hands: Desk, vendor: str) -> None:
    lead = somebody(vendor)
    hands.call("insert_lead", **insertion(vendor, lead, idempotency_key=lead["email"]))
    stranger = somebody(vendor)
    failed = hands.fails("insert_lead", **insertion(vendor, stranger, idempotency_key=lead["email"]))
    assert failed.code == "conflict"
    assert len(hands.clerk.asked) == 1
    assert hands.sees(vendor, stranger) == []


@pytest.mark.parametrize("vendor", INSERTERS)
def test_the_same_person_is_a_duplicate_and_nobody_is_asked(hands: Desk, vendor: str) -> None:
    lead = somebody(vendor)
    first = hands.call("insert_lead", **insertion(vendor, lead))
    by_email = {**somebody(vendor), "email": lead["email"].upper()}
    by_phone = {**somebody(vendor), "phone": f"({lead['phone'][2:5]}) {lead['phone'][5:8]}-{lead['phone'][8:]}"}
    for same in (lead, by_email, by_phone):
        found = hands.call("insert_lead", **insertion(vendor, same))
        assert (found["outcome"], found["uri"]) == ("duplicate", first["uri"])
    assert len(hands.clerk.asked) == 1
    assert hands.sees(vendor, lead) == [first["uri"]]


@pytest.mark.parametrize("vendor", INSERTERS)
def test_a_preview_sends_nothing_and_warns_of_a_duplicate(hands: Desk, vendor: str) -> None:
    lead = somebody(vendor)
    preview = hands.call("insert_lead", **insertion(vendor, lead), dry_run=True)
    assert preview["outcome"] == "preview"
    assert preview["request"]["path"]
    assert "journal_id" not in preview
    assert hands.sees(vendor, lead) == []
    uri = hands.call("insert_lead", **insertion(vendor, lead))["uri"]
    again = hands.call("insert_lead", **insertion(vendor, lead), dry_run=True)
    assert again["outcome"] == "preview"
    assert any(uri in warning for warning in again["warnings"])


@pytest.mark.parametrize("vendor", INSERTERS)
@pytest.mark.parametrize("answer", ["no", "decline", "cancel"])
def test_anything_but_a_yes_sends_nothing_and_binds_no_key(hands: Desk, vendor: str, answer: Any) -> None:
    lead = somebody(vendor)
    arguments = insertion(vendor, lead, idempotency_key=lead["email"])
    hands.clerk.says = answer
    assert hands.call("insert_lead", **arguments)["outcome"] == "declined"
    assert hands.sees(vendor, lead) == []
    hands.clerk.says = "yes"
    assert hands.call("insert_lead", **{**arguments, "lead": {**lead, "last_name": "Other"}})["outcome"] == "created"


@pytest.mark.parametrize("vendor", INSERTERS)
def test_a_lead_that_came_meanwhile_is_a_conflict(hands: Desk, other: Desk, vendor: str) -> None:
    lead = somebody(vendor)
    hands.clerk.meanwhile = partial(other.call, "insert_lead", **insertion(vendor, lead))
    failed = hands.fails("insert_lead", **insertion(vendor, lead, idempotency_key=lead["email"]))
    assert failed.code == "conflict"
    assert len(hands.sees(vendor, lead)) == 1


@pytest.mark.parametrize("vendor", INSERTERS)
def test_who_cannot_be_asked_leaves_the_write_pending(mute: Desk, vendor: str) -> None:
    lead = somebody(vendor)
    arguments = insertion(vendor, lead, idempotency_key=lead["email"])
    failed = mute.fails("insert_lead", **arguments)
    write = failed.said["journal_id"]
    assert (failed.code, failed.said["outcome"]) == ("not_allowed", "pending")
    assert "LEAD_MCP_WRITES" in failed.message
    assert f"lead-mcp approve {write}" in failed.message
    assert mute.fails("insert_lead", **arguments).said["journal_id"] == write
    assert [step.state for step in mute.journal.events(write)] == ["pending"]
    assert mute.sees(vendor, lead) == []


def test_a_pending_write_without_a_key_is_stored_once(mute: Desk) -> None:
    arguments = insertion("octanist")
    first, second = (mute.fails("insert_lead", **arguments).said["journal_id"] for _ in range(2))
    assert first == second


@pytest.mark.parametrize("vendor", [name for name in INSERTERS if facts_of(name).spells_email])
def test_a_vendors_own_name_for_a_person_is_looked_for_too(hands: Desk, vendor: str) -> None:
    """``EmailAddress`` is an e-mail, whoever spells it so: it makes a duplicate."""
    theirs, lead = facts_of(vendor).spells_email, somebody(vendor)
    first = hands.call("insert_lead", **insertion(vendor, lead))
    stranger = {key: value for key, value in somebody(vendor).items() if key != "email"}
    own = {**insertion(vendor).get("vendor_fields", {}), theirs: lead["email"]}
    found = hands.call("insert_lead", account=vendor, lead=stranger, vendor_fields=own)
    assert (found["outcome"], found["uri"]) == ("duplicate", first["uri"])


# --- changing -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", CHANGERS)
def test_a_change_shows_before_and_after_and_is_then_unchanged(hands: Desk, vendor: str) -> None:
    uri = made(hands, vendor)
    name, wanted, _ = CHANGES[vendor]
    before = hands.call("get_lead", uri=uri)["lead"].get(name)
    done = hands.call("update_lead", uri=uri, changes=change(vendor), idempotency_key=uri)
    assert (done["outcome"], done["before"][name], done["after"][name]) == ("updated", before, wanted)
    assert f"{before or '(empty)'} -> {wanted}" in hands.clerk.asked[-1]
    assert uri in hands.clerk.asked[-1]
    assert hands.call("get_lead", uri=uri)["lead"][name] == wanted

    asked = len(hands.clerk.asked)
    assert hands.call("update_lead", uri=uri, changes=change(vendor), idempotency_key=uri) == done
    assert hands.call("update_lead", uri=uri, changes=change(vendor))["outcome"] == "unchanged"
    assert len(hands.clerk.asked) == asked


@pytest.mark.parametrize("vendor", CHANGERS)
def test_a_stale_expectation_is_a_conflict_and_nobody_is_asked(hands: Desk, vendor: str) -> None:
    lead = somebody(vendor)
    uri = hands.call("insert_lead", **insertion(vendor, lead))["uri"]
    failed = hands.fails("update_lead", uri=uri, changes=change(vendor), expect={"email": "somebody@example.com"})
    assert failed.code == "conflict"
    assert len(hands.clerk.asked) == 1
    done = hands.call("update_lead", uri=uri, changes=change(vendor), expect={"email": lead["email"]})
    assert done["outcome"] == "updated"


@pytest.mark.parametrize("vendor", CHANGERS)
def test_a_record_that_changed_under_the_question_is_a_conflict(hands: Desk, other: Desk, vendor: str) -> None:
    uri = made(hands, vendor)
    name, _, theirs = CHANGES[vendor]
    request = hands.call("update_lead", uri=uri, changes=change(vendor), dry_run=True)["request"]
    hands.clerk.meanwhile = partial(other.call, "update_lead", uri=uri, changes={name: theirs})
    before = hands.heard(request, vendor)
    failed = hands.fails("update_lead", uri=uri, changes=change(vendor), idempotency_key=uri)
    assert failed.code == "conflict"
    assert "nothing was sent" in failed.message
    assert hands.heard(request, vendor) == before + 1  # the other's
    assert hands.call("get_lead", uri=uri)["lead"][name] == theirs


@pytest.mark.parametrize("vendor", CHANGERS)
def test_a_declined_change_changes_nothing(hands: Desk, vendor: str) -> None:
    uri = made(hands, vendor)
    name, wanted, _ = CHANGES[vendor]
    hands.clerk.says = "decline"
    assert hands.call("update_lead", uri=uri, changes=change(vendor))["outcome"] == "declined"
    assert hands.call("get_lead", uri=uri)["lead"].get(name) != wanted


@pytest.mark.parametrize("vendor", CHANGERS)
def test_a_previewed_change_changes_nothing(hands: Desk, vendor: str) -> None:
    uri = made(hands, vendor)
    name, wanted, _ = CHANGES[vendor]
    preview = hands.call("update_lead", uri=uri, changes=change(vendor), dry_run=True)
    assert (preview["outcome"], preview["after"][name]) == ("preview", wanted)
    assert hands.call("get_lead", uri=uri)["lead"].get(name) != wanted


@pytest.mark.parametrize("vendor", CHANGERS)
def test_an_update_of_a_duplicate_changes_the_one_that_is_there(hands: Desk, vendor: str) -> None:
    lead = somebody(vendor)
    uri = hands.call("insert_lead", **insertion(vendor, lead))["uri"]
    found = hands.call("insert_lead", **insertion(vendor, lead), on_duplicate="update")
    assert (found["outcome"], found["uri"]) == ("unchanged", uri)
    assert hands.sees(vendor, lead) == [uri]


# --- deleting -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", DELETERS)
def test_a_delete_is_asked_about_shown_and_final(hands: Desk, vendor: str) -> None:
    lead = somebody(vendor)
    uri = hands.call("insert_lead", **insertion(vendor, lead))["uri"]
    assert hands.call("delete_lead", uri=uri, dry_run=True)["outcome"] == "preview"
    hands.clerk.says = "cancel"
    assert hands.call("delete_lead", uri=uri)["outcome"] == "declined"
    assert hands.sees(vendor, lead) == [uri]
    hands.clerk.says = "yes"
    done = hands.call("delete_lead", uri=uri)
    assert (done["outcome"], done["before"]["email"]) == ("deleted", lead["email"])
    assert "delete" in hands.clerk.asked[-1]
    assert lead["email"] in hands.clerk.asked[-1]
    assert hands.sees(vendor, lead) == []
    assert hands.fails("delete_lead", uri=uri).code == "not_found"


@pytest.mark.parametrize("vendor", sorted({*TRIED} - {*DELETERS}))
def test_what_a_vendor_does_not_offer_says_who_does(hands: Desk, vendor: str) -> None:
    failed = hands.fails("delete_lead", account=vendor, id="1")
    assert failed.code == "not_offered"
    assert "Convoso" in failed.message


# --- several at once ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", [name for name in INSERTERS if not facts_of(name).own])
def test_several_leads_take_one_question_and_answer_row_by_row(hands: Desk, vendor: str) -> None:
    first, second = somebody(vendor), somebody(vendor)
    broken = {**somebody(vendor), "email": "no address"}
    arguments = {"account": vendor, "leads": [first, second, first, broken], "idempotency_key": first["email"]}
    rows = hands.call("insert_leads", **arguments)["results"]["rows"]
    assert [row[:2] for row in rows] == [[1, "created"], [2, "created"], [3, "duplicate"], [4, "failed"]]
    assert rows[3][3] == "bad_argument"
    assert rows[2][2] == rows[0][2]
    assert len(hands.clerk.asked) == 1
    assert all(lead["email"] in hands.clerk.asked[0] for lead in (first, second))
    again = hands.call("insert_leads", **arguments)["results"]["rows"]
    assert [row[:3] for row in again][:2] == [row[:3] for row in rows][:2]
    assert [len(hands.sees(vendor, lead)) for lead in (first, second)] == [1, 1]


# --- an answer counts once ----------------------------------------------------------------------------------------


def answered(question: Any) -> dict[str, Any]:
    """A yes to every question of that round."""
    return {name: ElicitResult(action="accept", content={"confirm": True}) for name in question.input_requests}


def test_an_answer_is_used_once(other: Desk, box: Sandbox, tmp_path: Path) -> None:
    with desk(tmp_path, box, environment=CONFIRMED) as hands:
        lead = somebody("octanist")
        question = hands.round("insert_lead", **insertion("octanist", lead))
        assert is_question(question)
        yes = answered(question)
        done = hands.round("insert_lead", question.request_state, yes, **insertion("octanist", lead))
        uri = said(done)["uri"]
        box_uri = hands.sees("octanist", lead)
        assert box_uri == [uri]
        again = hands.round("insert_lead", question.request_state, yes, **insertion("octanist", lead))
        assert again.is_error
        assert again.structured_content["error"]["code"] == "conflict"
        assert hands.sees("octanist", lead) == [uri]


def test_an_answer_belongs_to_the_call_it_was_given_for(box: Sandbox, tmp_path: Path) -> None:
    with desk(tmp_path, box, environment=CONFIRMED) as hands:
        shown, meant = somebody("octanist"), somebody("octanist")
        question = hands.round("insert_lead", **insertion("octanist", shown))
        try:
            smuggled = hands.round(
                "insert_lead", question.request_state, answered(question), **insertion("octanist", meant)
            )
        except Exception as error:  # noqa: BLE001 - the SDK itself may refuse it
            assert "state" in str(error).lower()  # noqa: PT017
        else:
            assert is_question(smuggled) or smuggled.is_error
        assert hands.sees("octanist", meant) == []


def test_an_answer_out_of_nowhere_is_no_answer(box: Sandbox, tmp_path: Path) -> None:
    with desk(tmp_path, box, environment=CONFIRMED) as hands:
        lead = somebody("octanist")
        yes = {"confirm": ElicitResult(action="accept", content={"confirm": True})}
        assert is_question(hands.round("insert_lead", None, yes, **insertion("octanist", lead)))
        assert hands.sees("octanist", lead) == []


# --- what the settings forbid -------------------------------------------------------------------------------------


def names(hands: Desk) -> set[str]:
    return {tool.name for tool in hands.portal.call(hands.client.list_tools).tools}


def test_writes_off_lists_no_write_tool_and_shuts_the_gate(box: Sandbox, tmp_path: Path, era: Era) -> None:
    with desk(tmp_path, box, era=era, environment={"LEAD_MCP_WRITES": "off"}) as hands:
        assert not names(hands) & WRITE_TOOLS
        for vendor in TRIED:
            outbound: Outbound = hands.runtime.connection(vendor).outbound
            before = len(box.stages[vendor].heard)
            for effect in (Effect.WRITE, Effect.DELETE):
                request = Request("GET", "/leads", effect=effect)
                with pytest.raises(NotAllowed, match="is off"):
                    hands.portal.call(outbound.fetch, request, lambda reply: reply, lambda: None)
            assert len(box.stages[vendor].heard) == before


def test_deletes_are_off_by_default_and_writes_are_not(box: Sandbox, tmp_path: Path) -> None:
    with desk(tmp_path, box) as hands:
        assert names(hands) & WRITE_TOOLS == WRITE_TOOLS - {"delete_lead"}
        outbound = hands.runtime.connection("leadsquared").outbound
        request = Request("GET", "/LeadManagement.svc/Lead/Delete/ById", effect=Effect.DELETE)
        with pytest.raises(NotAllowed, match="LEAD_MCP_DELETES is off"):
            hands.portal.call(outbound.fetch, request, lambda reply: reply, lambda: None)


def test_allow_asks_nobody(box: Sandbox, tmp_path: Path, era: Era) -> None:
    with desk(tmp_path, box, era=era, environment=ALLOWED) as hands:
        uri = made(hands, "convoso")
        assert hands.call("update_lead", uri=uri, changes=change("convoso"))["outcome"] == "updated"
        assert hands.call("delete_lead", uri=uri)["outcome"] == "deleted"
        assert hands.clerk.asked == []
