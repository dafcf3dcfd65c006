"""``update_leads``: several changes, one question, one result a row; keyed and journalled like a batch of inserts."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from lead_mcp.sandbox.app import Sandbox
from tests.process.processes import here
from tests.writing.desk import CHANGES, ERAS, Desk, desk, insertion, somebody, surroundings

VENDORS = ("octanist", "convoso")
ALLOW = {"LEAD_MCP_WRITES": "allow"}


@pytest.fixture(scope="module", params=ERAS)
def asking(request: pytest.FixtureRequest, box: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk(tmp_path_factory.mktemp("asking"), box, era=request.param, only=VENDORS) as found:
        yield found


@pytest.fixture(scope="module")
def other(box: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk(tmp_path_factory.mktemp("other"), box, environment=ALLOW, only=[*VENDORS, "leadexec"]) as found:
        yield found


def made(other: Desk, vendor: str) -> str:
    return str(other.call("insert_lead", **insertion(vendor))["uri"])


def wanted(vendor: str) -> dict[str, str]:
    field, value, _ = CHANGES[vendor]
    return {field: value}


def rows(hands: Desk, **arguments: Any) -> list[list[Any]]:
    found: list[list[Any]] = hands.call("update_leads", **arguments)["results"]["rows"]
    return found


def now(hands: Desk, uri: str, vendor: str) -> Any:
    return hands.call("get_lead", uri=uri)["lead"].get(CHANGES[vendor][0])


def test_leads_of_several_accounts_take_one_question(hands: Desk, other: Desk) -> None:
    uris = {vendor: made(other, vendor) for vendor in VENDORS}
    updates = [{"uri": uri, "changes": wanted(vendor)} for vendor, uri in uris.items()]
    found = hands.call("update_leads", updates=updates)
    assert found["results"]["columns"] == ["row", "outcome", "uri", "code", "message"]
    assert [row[:4] for row in found["results"]["rows"]] == [
        [nth, "updated", uri, None] for nth, uri in enumerate(uris.values(), 1)
    ]
    (question,) = hands.clerk.asked
    assert question.startswith("octanist (Octanist), convoso (Convoso): change 2 leads?")
    for vendor, uri in uris.items():
        field, value, _ = CHANGES[vendor]
        (line,) = (line for line in question.split("\n") if uri in line)
        assert f"{field}: " in line
        assert f" -> {value}" in line
        assert now(hands, uri, vendor) == value


def test_one_change_of_several_leads_is_written_short(hands: Desk, other: Desk) -> None:
    uris = [made(other, "octanist") for _ in range(2)]
    first = hands.call("update_leads", uris=uris, changes=wanted("octanist"), idempotency_key=uris[0])
    assert [row[1] for row in first["results"]["rows"]] == ["updated", "updated"]
    long = [{"uri": uri, "changes": wanted("octanist")} for uri in uris]
    assert hands.call("update_leads", updates=long, idempotency_key=uris[0]) == first, (
        "the same call, spelled otherwise"
    )
    assert len(hands.clerk.asked) == 1
    assert [row[1] for row in rows(hands, updates=long)] == ["unchanged", "unchanged"]
    assert len(hands.clerk.asked) == 1, "nothing is left to ask about"
    assert hands.fails("update_leads", updates=long[:1], idempotency_key=uris[0]).code == "conflict"


def test_each_row_ends_for_itself(hands: Desk, other: Desk) -> None:
    """A stale expectation, a lead that is not there and a wrong word leave the other rows as they are."""
    uris, change = [made(other, "octanist") for _ in range(3)], wanted("octanist")
    updates = [
        {"uri": uris[0], "changes": change, "expect": {"status": "lost"}},
        {"uri": "lead://octanist/no-such-lead", "changes": change},
        {"uri": uris[1], "changes": {"status": "sold"}},
        {"uri": uris[2], "changes": change},
    ]
    found = rows(hands, updates=updates)
    assert [(row[1], row[3]) for row in found] == [
        ("failed", "conflict"),
        ("failed", "not_found"),
        ("failed", "bad_argument"),
        ("updated", None),
    ]
    assert "(not sent: expect: status" in hands.clerk.asked[0]


def test_a_lead_that_changed_while_they_thought_is_a_conflict_for_its_row(hands: Desk, other: Desk) -> None:
    theirs, ours = made(other, "convoso"), made(other, "convoso")
    hands.clerk.meanwhile = partial(other.call, "update_lead", uri=theirs, changes={"city": "Theirs"})
    found = rows(hands, uris=[theirs, ours], changes={"city": "Ours"})
    assert [(row[1], row[3]) for row in found] == [("failed", "conflict"), ("updated", None)]


def test_a_no_changes_nothing(hands: Desk, other: Desk) -> None:
    uri = made(other, "octanist")
    before, hands.clerk.says = now(hands, uri, "octanist"), "no"
    assert [row[1] for row in rows(hands, uris=[uri], changes=wanted("octanist"))] == ["declined"]
    assert now(hands, uri, "octanist") == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "updates"),
        ({"uris": ["lead://octanist/1"]}, "updates"),
        (
            {"updates": [{"uri": "lead://octanist/1", "changes": {"status": "won"}}], "uris": ["lead://octanist/2"]},
            "updates",
        ),
        ({"uris": ["lead://octanist/1", "lead://octanist/1"], "changes": {"status": "won"}}, "rows 1 and 2"),
        ({"uris": ["lead://octanist/1", "octanist 2"], "changes": {"status": "won"}}, "row 2"),
        ({"updates": [{"uri": "lead://octanist/1"}]}, "changes"),
        ({"updates": [{"uri": "lead://octanist/1", "change": {"status": "won"}}]}, "Did you mean 'changes'"),
        ({"uris": [f"lead://octanist/{nth}" for nth in range(51)], "changes": {"status": "won"}}, "uris"),
    ],
)
def test_a_call_that_could_mean_two_things_is_refused(other: Desk, arguments: dict[str, Any], words: str) -> None:
    failed = other.fails("update_leads", **arguments)
    assert failed.code == "bad_argument"
    assert words in failed.message


def test_a_preview_and_a_vendor_that_changes_nothing(other: Desk) -> None:
    uri = made(other, "octanist")
    before, written = now(other, uri, "octanist"), len(other.box.stages["octanist"].heard)
    updates = [{"uri": one, "changes": wanted("octanist")} for one in (uri, "lead://leadexec/7-1")]
    found = rows(other, updates=updates, dry_run=True)
    assert [(row[1], row[3]) for row in found] == [("preview", None), ("failed", "not_offered")]
    assert all(one.method == "GET" for one in list(other.box.stages["octanist"].heard)[written:])
    assert now(other, uri, "octanist") == before


def test_a_batch_that_nobody_could_be_asked_about_waits_for_approval(
    box: Sandbox, origin: str, tmp_path: Path, other: Desk
) -> None:
    uris = {vendor: made(other, vendor) for vendor in VENDORS}
    batch = {
        "updates": [{"uri": uri, "changes": wanted(vendor)} for vendor, uri in uris.items()],
        "idempotency_key": "k",
    }
    with desk(tmp_path, box, origin=origin, asks=False, only=VENDORS) as mute:
        failed = mute.fails("update_leads", **batch)
        assert failed.code == "not_allowed"
        ended = here(
            "approve", failed.said["journal_id"], "--yes", environment=surroundings(box, origin, tmp_path, only=VENDORS)
        )
        assert ended.returncode == 0, ended.stderr
        assert "2 updated" in ended.stdout
        assert [row[1:3] for row in rows(mute, **batch)] == [["updated", uri] for uri in uris.values()]


def test_masks_hold_in_question_and_answer(box: Sandbox, tmp_path: Path, other: Desk) -> None:
    lead = somebody("convoso")
    uri = str(other.call("insert_lead", **insertion("convoso", lead))["uri"])
    with desk(tmp_path, box, environment={"LEAD_MCP_PII": "masked"}, only=VENDORS) as hands:
        new = {"last_name": "Nobodyelse", "email": "nobody.else@example.com"}
        found = hands.result("update_leads", updates=[{"uri": uri, "changes": new}])
        assert (found.structured_content or {})["results"]["rows"][0][1] == "updated"
        shown = found.model_dump_json() + "".join(hands.clerk.asked)
    for value in (*new.values(), lead["last_name"], lead["email"]):
        assert value not in shown
