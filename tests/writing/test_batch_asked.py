"""What a yes to several rows covers: each row as it was asked about, and nothing that came or changed since."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from mcp.types import ElicitResult

from lead_mcp.sandbox.app import Sandbox
from tests.writing.desk import ERAS, Desk, Era, desk, insertion, somebody

VENDOR = "convoso"
"""It takes names, e-mails and phones in an update too."""


@pytest.fixture(scope="module", params=ERAS)
def asking(request: pytest.FixtureRequest, box: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk(tmp_path_factory.mktemp("asking"), box, era=request.param, only=[VENDOR]) as found:
        yield found


@pytest.fixture(scope="module")
def other(box: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk(tmp_path_factory.mktemp("other"), box, environment={"LEAD_MCP_WRITES": "allow"}, only=[VENDOR]) as found:
        yield found


def rows(hands: Desk, leads: list[dict[str, Any]], **more: Any) -> list[list[Any]]:
    found: list[list[Any]] = hands.call("insert_leads", account=VENDOR, leads=leads, **more)["results"]["rows"]
    return found


def writes(hands: Desk) -> int:
    return sum("/insert" in one.path or "/update" in one.path for one in hands.box.stages[VENDOR].heard)


def there(other: Desk, lead: dict[str, Any]) -> str:
    return str(other.call("insert_lead", **insertion(VENDOR, lead))["uri"])


def test_a_row_that_changes_a_lead_is_asked_about_as_a_change(hands: Desk, other: Desk) -> None:
    known, new = somebody(VENDOR), somebody(VENDOR)
    uri = there(other, known)
    changed = {**known, "last_name": "Changed"}
    found = rows(hands, [changed, new], on_duplicate="update")
    assert [row[1] for row in found] == ["updated", "created"]
    assert found[0][2] == uri
    (question,) = hands.clerk.asked
    first, second = (next(line for line in question.split("\n") if line.startswith(f"  {n}. ")) for n in (1, 2))
    assert f"change {uri}: last_name: {known['last_name']} -> Changed" in first
    assert new["email"] in second
    assert "change" not in second
    assert "1 of them by changing a lead" in question


def test_a_lead_that_changed_while_they_thought_is_a_conflict_for_that_row(hands: Desk, other: Desk) -> None:
    known, new = somebody(VENDOR), somebody(VENDOR)
    uri = there(other, known)
    hands.clerk.meanwhile = partial(other.call, "update_lead", uri=uri, changes={"last_name": "Theirs"})
    found = rows(hands, [{**known, "last_name": "Ours"}, new], on_duplicate="update")
    assert [(row[1], row[3]) for row in found] == [("failed", "conflict"), ("created", None)]
    assert other.call("get_lead", uri=uri)["lead"]["last_name"] == "Theirs"


@pytest.mark.parametrize("on_duplicate", ["fail", "update"])
def test_a_lead_that_came_while_they_thought_is_a_conflict_for_that_row(
    hands: Desk, other: Desk, on_duplicate: str
) -> None:
    lead, new = somebody(VENDOR), somebody(VENDOR)
    hands.clerk.meanwhile = partial(there, other, lead)
    found = rows(hands, [{**lead, "last_name": "Ours"}, new], on_duplicate=on_duplicate)
    assert [(row[1], row[3]) for row in found] == [("failed", "conflict"), ("created", None)]
    (uri,) = hands.sees(VENDOR, lead)
    assert other.call("get_lead", uri=uri)["lead"]["last_name"] == lead["last_name"]


def test_a_lead_that_went_while_they_thought_is_a_conflict_for_that_row(
    hands: Desk, box: Sandbox, tmp_path: Path
) -> None:
    lead = somebody(VENDOR)
    with desk(tmp_path, box, environment={"LEAD_MCP_WRITES": "allow", "LEAD_MCP_DELETES": "allow"}) as third:
        uri = there(third, lead)
        hands.clerk.meanwhile = partial(third.call, "delete_lead", uri=uri)
        found = rows(hands, [{**lead, "last_name": "Ours"}, somebody(VENDOR)], on_duplicate="update")
    assert [(row[1], row[3]) for row in found] == [("failed", "conflict"), ("created", None)]
    assert hands.sees(VENDOR, lead) == []


def test_rows_about_one_person_follow_each_other(hands: Desk) -> None:
    lead = somebody(VENDOR)
    later = {**lead, "last_name": "Later"}
    assert [row[1] for row in rows(hands, [lead, later])] == ["created", "duplicate"]
    assert "2. " in hands.clerk.asked[0]
    assert "(not sent: the same person as row 1)" in hands.clerk.asked[0]

    other = somebody(VENDOR)
    found = rows(hands, [other, {**other, "last_name": "Later"}], on_duplicate="update")
    assert [row[1] for row in found] == ["created", "updated"]
    assert found[0][2] == found[1][2]
    assert "(changes the lead of row 1)" in hands.clerk.asked[1]
    assert hands.call("get_lead", uri=found[0][2])["lead"]["last_name"] == "Later"


def test_a_row_that_was_not_to_be_sent_is_not_sent_after_all(hands: Desk, box: Sandbox, tmp_path: Path) -> None:
    """It was a duplicate when they were asked; the other lead has gone since."""
    lead = somebody(VENDOR)
    with desk(tmp_path, box, environment={"LEAD_MCP_WRITES": "allow", "LEAD_MCP_DELETES": "allow"}) as third:
        uri = there(third, lead)
        hands.clerk.meanwhile = partial(third.call, "delete_lead", uri=uri)
        found = rows(hands, [lead, somebody(VENDOR)])
    assert [(row[1], row[3]) for row in found] == [("failed", "conflict"), ("created", None)]


def test_where_nothing_would_be_sent_nobody_is_asked(hands: Desk, other: Desk) -> None:
    lead = somebody(VENDOR)
    there(other, lead)
    before = writes(hands)
    found = rows(hands, [lead, {**lead, "email": "no address"}])
    assert [row[1] for row in found] == ["duplicate", "failed"]
    assert hands.clerk.asked == []
    assert writes(hands) == before


def test_a_batch_that_goes_on_says_what_is_done(hands: Desk) -> None:
    first, second = somebody(VENDOR), somebody(VENDOR)
    second["email"] = "no address"
    found = rows(hands, [first, second], idempotency_key=first["email"])
    assert [row[1] for row in found] == ["created", "failed"]
    again = rows(hands, [first, second], idempotency_key=first["email"])
    assert [row[:3] for row in again] == [row[:3] for row in found]
    assert len(hands.clerk.asked) == 1, "nothing was left that could be sent"


def test_a_no_declines_every_row(hands: Desk) -> None:
    hands.clerk.says = "no"
    before = writes(hands)
    assert [row[1] for row in rows(hands, [somebody(VENDOR), somebody(VENDOR)])] == ["declined", "declined"]
    assert writes(hands) == before


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("answer", ["yes", "true", 1, 1.0, "1", None, "on", ["true"]])
@pytest.mark.parametrize("tool", ["insert_lead", "insert_leads"])
def test_only_true_is_a_yes(box: Sandbox, tmp_path: Path, era: Era, answer: Any, tool: str) -> None:
    async def nearly(context: Any, params: Any) -> ElicitResult:
        return ElicitResult.model_construct(action="accept", content={"confirm": answer})

    lead = somebody(VENDOR)
    one = {"lead": lead} if tool == "insert_lead" else {"leads": [lead]}
    with desk(tmp_path, box, era=era, clerk=nearly, only=[VENDOR]) as hands:  # type: ignore[arg-type]
        before = writes(hands)
        found = hands.result(tool, account=VENDOR, **one)
        assert writes(hands) == before
    structured = found.structured_content or {}
    declined = (
        structured.get("outcome") == "declined"
        or structured.get("results", {}).get("rows", [[0, 0]])[0][1] == "declined"
    )
    assert declined or found.is_error
