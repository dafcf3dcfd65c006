"""What an answer says of a write: what was read back and what was only sent, the look for duplicates, who approved it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp import MCPError

from lead_mcp.sandbox.app import Sandbox
from tests.process.processes import here
from tests.writing.desk import ERAS, INSERTERS, Desk, Era, desk, insertion, somebody, surroundings

ALLOW = {"LEAD_MCP_WRITES": "allow"}


@pytest.fixture(scope="module")
def hands(box: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk(tmp_path_factory.mktemp("told"), box, environment=ALLOW) as found:
        yield found


def text(hands: Desk, tool: str, **arguments: Any) -> str:
    return str(getattr(hands.result(tool, **arguments).content[0], "text", ""))


def story(hands: Desk, journal_id: str) -> Any:
    found = hands._bounded(hands.client.read_resource, f"journal://{journal_id}")
    return json.loads(found.contents[0].text)


# --- after, and sent ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", INSERTERS)
def test_after_is_what_the_vendor_has_and_sent_what_it_does_not_show(hands: Desk, vendor: str) -> None:
    done = hands.call("insert_lead", **insertion(vendor))
    lead = hands.call("get_lead", uri=done["uri"])["lead"]
    assert done["after"]
    for name, value in done["after"].items():
        assert str(lead[name]) == str(value), name
    assert not {*done.get("sent", {})} & {*done["after"]}


def test_what_cannot_be_read_back_is_only_sent(box: Sandbox, tmp_path: Path) -> None:
    """LeadTrackr takes what the person wrote and shows the team's note."""
    with desk(tmp_path, box, environment=ALLOW, only=["leadtrackr"]) as hands:
        done = hands.call("insert_lead", **insertion("leadtrackr", {**somebody("leadtrackr"), "note": "Call me"}))
        assert done["sent"] == {"note": "Call me"}
        assert "note" not in done["after"]


def test_a_lead_that_cannot_be_read_again_is_only_sent(hands: Desk) -> None:
    """The vendor hides new leads from its reading of one for a while: the fault meets the read that follows the write."""
    lead = somebody("octanist")
    hands.box.fault("octanist", "status", status=503, body={}, path="/leads/lead_", times=-1)
    try:
        done = hands.call("insert_lead", **insertion("octanist", lead))
    finally:
        hands.box.mend("octanist")
    assert done["outcome"] == "created"
    assert "after" not in done
    assert done["sent"]["email"] == lead["email"]
    assert any("could not be read back" in warning for warning in done["warnings"])


# --- duplicates ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", INSERTERS)
def test_the_look_for_duplicates_says_what_it_compared_and_whether_it_was_whole(hands: Desk, vendor: str) -> None:
    lead = somebody(vendor)
    made = hands.call("insert_lead", **insertion(vendor, lead))
    first = made["checked"]
    assert (first["account"], first["compared"], first["found"], first["complete"]) == (
        vendor,
        ["email", "phone"],
        0,
        True,
    )
    again = hands.call("insert_lead", **insertion(vendor, lead))
    assert (again["outcome"], again["checked"]["found"]) == ("duplicate", 1)
    assert f"duplicates: same email or phone at {vendor}" in text(hands, "insert_lead", **insertion(vendor, lead))
    del lead["phone"]
    if vendor != "convoso":
        mail = {**lead, "email": f"x{lead['email']}"}
        assert hands.call("insert_lead", **insertion(vendor, mail), dry_run=True)["checked"]["compared"] == ["email"]


def test_a_look_that_did_not_go_back_to_the_beginning_says_since_when(hands: Desk) -> None:
    """LeadExec has no search: its leads of the last 30 days are read."""
    lead = somebody("leadexec")
    assert hands.call("insert_lead", **insertion("leadexec", lead), dry_run=True)["checked"]["since"]
    assert " among leads since " in text(hands, "insert_lead", **insertion("leadexec", lead), dry_run=True)
    assert "since" not in hands.call("insert_lead", **insertion("octanist"), dry_run=True)["checked"]


def test_a_batch_tells_of_its_looks_together(hands: Desk) -> None:
    leads = [somebody("octanist") for _ in range(3)]
    found = hands.call("insert_leads", account="octanist", leads=leads)
    (checked,) = found["checked"]
    assert (checked["account"], checked["found"], checked["complete"]) == ("octanist", 0, True)
    assert found["approved_by"] == "allow"


def test_an_update_of_a_note_says_that_it_replaces(hands: Desk) -> None:
    uri = hands.call("insert_lead", **insertion("octanist", {**somebody("octanist"), "note": "Old words"}))["uri"]
    done = hands.call("update_lead", uri=uri, changes={"note": "New words"})
    assert (done["before"], done["after"]) == ({"note": "Old words"}, {"note": "New words"})
    assert any("replaces" in warning for warning in done["warnings"])
    fresh = hands.call("insert_lead", **insertion("octanist"))["uri"]
    assert hands.call("update_lead", uri=fresh, changes={"note": "First words"})["warnings"] == []


# --- who approved -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("era", ERAS)
def test_a_person_is_named_by_their_client(box: Sandbox, tmp_path: Path, era: Era) -> None:
    arguments = insertion("octanist", idempotency_key="who")
    with desk(tmp_path, box, era=era, only=["octanist"]) as asking:
        done = asking.call("insert_lead", **arguments)
        assert done["approved_by"].startswith("a person by ")
        assert asking.call("insert_lead", **arguments)["approved_by"] == done["approved_by"], "replayed"
        assert "approved by: a person by " in text(asking, "insert_lead", **arguments)
        rows = asking.call("update_leads", uris=[done["uri"]], changes={"status": "won"})
        assert rows["approved_by"] == done["approved_by"]
        assert "approved_by" not in asking.call("insert_lead", **arguments, dry_run=True)
    with desk(tmp_path, box, environment=ALLOW, only=["octanist"]) as open_one:
        assert open_one.call("insert_lead", **insertion("octanist"))["approved_by"] == "allow"


def test_a_terminal_is_named(box: Sandbox, origin: str, tmp_path: Path) -> None:
    arguments = insertion("octanist", idempotency_key="terminal")
    with desk(tmp_path, box, origin=origin, asks=False, only=["octanist"]) as mute:
        write = mute.fails("insert_lead", **arguments).said["journal_id"]
        environment = surroundings(box, origin, tmp_path, only=["octanist"])
        assert "approved by: a person at a terminal" in here("approve", write, "--yes", environment=environment).stdout
        assert mute.call("insert_lead", **arguments)["approved_by"] == "terminal"


# --- journal:// ---------------------------------------------------------------------------------------------------


def test_a_journal_id_leads_to_the_story_without_the_person(hands: Desk) -> None:
    lead = somebody("octanist")
    done = hands.call("insert_lead", **insertion("octanist", lead), idempotency_key=lead["email"])
    told = story(hands, done["journal_id"])
    assert [one["state"] for one in told["events"]] == ["intended", "sending", "done"]
    assert (told["lead_uri"], told["tool"], told["account"]) == (done["uri"], "insert_lead", "octanist")
    assert told["events"][-1]["values"]["approved_by"] == "allow"
    for value in (lead["email"], lead["phone"], lead["last_name"]):
        assert value not in json.dumps(told)


def test_a_story_is_told_to_whom_it_belongs(box: Sandbox, tmp_path: Path, hands: Desk) -> None:
    state = tmp_path / "state"
    with desk(state, box, environment=ALLOW, only=["octanist", "convoso"]) as both:
        uris = [both.call("insert_lead", **insertion(vendor))["uri"] for vendor in ("octanist", "convoso")]
        one = both.call("insert_lead", **insertion("octanist"))["journal_id"]
        assert len(uris) == 2
    with desk(state, box, environment=ALLOW, only=["convoso"]) as other:
        for name in (one, "w-0000000000000000", "../etc"):
            with pytest.raises(MCPError):
                story(other, name)


# --- a sandbox ----------------------------------------------------------------------------------------------------


def test_a_sandbox_names_no_command_that_cannot_reach_it(tmp_path: Path) -> None:
    said = here(
        "call",
        "insert_lead",
        "--sandbox",
        "account=octanist",
        'lead={"name":"Ann Lee","email":"ann.lee@example.com"}',
        environment={"LEAD_MCP_STATE_DIR": str(tmp_path)},
    )
    assert said.returncode == 1
    assert "not_allowed" in said.stdout
    assert "lead-mcp approve" not in said.stdout
    assert "LEAD_MCP_WRITES=allow" in said.stdout
