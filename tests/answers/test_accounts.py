"""``list_accounts`` of one account: fields by kind of record, what they hold, how they are written, what a write sets off."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from lead_mcp.identity.principal import principal_of
from lead_mcp.tools.accounts import describe
from tests.driving import Bench, bench
from tests.facts import TRIED, vendor_of

NAME, TYPE, PUSHED, VALUES, NOTE, KIND, WRITTEN = range(7)


@pytest.fixture(scope="module")
def driven() -> Iterator[Bench]:
    with bench(240) as found:
        yield found


def fields(driven: Bench, **asked: Any) -> dict[tuple[str, str], list[Any]]:
    rows = driven.call("list_accounts", **asked)["fields"]["rows"]
    return {(row[KIND], row[NAME]): row for row in rows}


def whole(driven: Bench, account: str) -> dict[str, Any]:
    found = driven.portal.call(driven.client.read_resource, f"account://{account}")
    contents: dict[str, Any] = json.loads(getattr(found.contents[0], "text", ""))
    return contents


VENDORS = [name for name in TRIED if name != "sixth"]


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_field_says_how_it_is_written(driven: Bench, vendor: str) -> None:
    """Every name that a form takes has a row that says so; what no form takes says nothing."""
    found = {row[NAME]: row for row in whole(driven, vendor)["fields"]["rows"] if row[KIND] == "lead"}
    for word, side in (("insert", vendor_of(vendor).insert), ("update", vendor_of(vendor).update)):
        if side is None:
            assert not any(word in row[WRITTEN] for row in found.values())
            continue
        for name in side.form.all_of:
            assert word in found[name][WRITTEN]
            assert "insert!" in found[name][WRITTEN]
        for name in found.keys() & {*side.form.ours, *side.form.own, *side.form.reads}:
            assert word in found[name][WRITTEN], name
        assert {*side.form.own} <= found.keys() | {param.name for param in side.form.ours.values()}
    assert found["id"][WRITTEN] == ""


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_answer_is_the_beginning_of_the_resource(driven: Bench, vendor: str) -> None:
    answer, resource = driven.call("list_accounts", account=vendor), whole(driven, vendor)
    assert [row for row in resource["fields"]["rows"] if row in answer["fields"]["rows"]] == answer["fields"]["rows"]
    for key in ("writes", "limits", "quirks"):
        assert answer[key] == resource[key]
    kinds = [row[KIND] for row in resource["fields"]["rows"]]
    assert kinds == sorted(kinds, key=["lead", "inbound", "outbound"].index)
    assert set(kinds) == {"lead", *vendor_of(vendor).pings}


def test_fields_of_every_kind_are_in_the_first_answer(driven: Bench) -> None:
    found = fields(driven, account="leadexec")
    assert {("lead", "status"), ("inbound", "result"), ("outbound", "client")} <= found.keys()
    text = str(getattr(driven.raw_call("list_accounts", account="leadexec").content[0], "text", ""))
    assert (
        text.index("fields of leads:")
        < text.index("fields of inbound pings:")
        < text.index("fields of outbound pings:")
    )
    assert found["inbound", "result"][VALUES].startswith("e.g. ")


def test_values_are_words_that_come_again_and_nobodys(driven: Bench) -> None:
    people = {
        str(one.get(name)) for one in driven.everything("leadexec") for name in ("name", "email", "phone", "address")
    }
    found = fields(driven, account="leadexec")
    assert found["lead", "source"][VALUES].startswith("e.g. ")
    for row in found.values():
        assert not people & {part.strip() for part in row[VALUES].removeprefix("e.g. ").split(",")}, row
    assert fields(driven, account="octanist")["lead", "status"][VALUES] == "open, qualified, won, lost"


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_vendors_fields_have_examples(driven: Bench, vendor: str) -> None:
    """Those vendors' too that send only the fields they are asked for."""
    found = whole(driven, vendor)["fields"]["rows"]
    assert sum(row[KIND] == "lead" and row[VALUES].startswith("e.g. ") for row in found) >= 3


def test_a_word_that_means_something_else_there_says_what(driven: Bench) -> None:
    assert "utm_source" in fields(driven, account="octanist")["lead", "source"][NOTE]
    by_note = fields(driven, account="octanist", find="marketing")
    assert [*by_note] == [("lead", "source")]
    assert "writes" not in driven.call("list_accounts", account="octanist", find="marketing")
    none = driven.call("list_accounts", account="octanist", find="statuss")
    assert "Did you mean 'status'" in none["omitted"]


@pytest.mark.parametrize(
    ("vendor", "words"),
    [
        ("octanist", ["one of name, email, phone, custom", "qualified, won, lost", "not back to open"]),
        ("leadtrackr", ["real conversions", "a conversion label's UUID", "starts as open"]),
        ("convoso", ["insert needs phone and list_id", "delete: Deleting cannot be undone", "LEAD_MCP_DELETES is off"]),
        ("leadexec", ["delivers a new lead", "update: not offered"]),
        ("leadsquared", ["update can set status to: ", "activities, tasks and files"]),
    ],
)
def test_what_a_write_needs_and_sets_off_is_told_before(driven: Bench, vendor: str, words: list[str]) -> None:
    told = "\n".join(driven.call("list_accounts", account=vendor)["writes"])
    for word in words:
        assert word in told


def test_a_caller_who_may_read_no_leads_is_shown_none_of_their_words(driven: Bench) -> None:
    """Fields may be listed by anybody; what stands in the newest records may not."""
    before = len(driven.heard("octanist"))
    for account in ("octanist", "convoso"):
        view = driven.runtime.seen_by(principal_of("token:nobody", frozenset(), None))
        found = driven.portal.call(describe, view, account)
        assert found["fields"]["rows"]
        assert not any(row[VALUES].startswith("e.g.") for row in found["fields"]["rows"])
    assert len(driven.heard("octanist")) == before


def test_masks_show_no_person_among_the_values() -> None:
    with bench(40, environment={"LEAD_MCP_PII": "masked"}, only=["convoso"]) as masked:
        found = fields(masked, account="convoso")
        assert found["lead", "email"][VALUES] == found["lead", "phone"][VALUES] == ""
