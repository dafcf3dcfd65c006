"""``trace_lead``: one person whom all vendors know: every lead of theirs, what happened in order, what is odd."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import httpx2
import pytest

from lead_mcp.engine.persons.person import Person as Known
from lead_mcp.sandbox.app import sandbox
from lead_mcp.sandbox.world import Person, World
from tests import facts
from tests.driving import UNTIL, Bench, CallFailed, bench, entry, now
from tests.facts import TRIED

LEADS = 120
KINDS = {"ping", "created", "consent", "sent", "returned", "call", "recording", "qualified", "updated"}
NOBODY = 100
"""Known to all vendors, with neither phone nor e-mail."""


@dataclass(frozen=True)
class Shy(World):
    """The usual world, with somebody in it who gave no e-mail."""

    def person(self, index: int) -> Person:
        usual = super().person(index)
        return replace(usual, email=None) if index == NOBODY else usual


@pytest.fixture(scope="module")
def driven() -> Iterator[Bench]:
    with bench(box=sandbox(facts.emulators(), Shy(LEADS, until=UNTIL), clock=now, rated=False)) as found:
        for account in found.accounts:
            found.everything(account)
        yield found


@pytest.fixture(scope="module")
def people(driven: Bench) -> list[Person]:
    """Everybody in all vendors who gave an e-mail."""
    shared = [driven.box.world.person(index) for index in range(int(0.8 * LEADS), LEADS)]
    found = [one for one in shared if one.email and {uri.split("/")[2] for uri in theirs(driven, one)} == {*TRIED}]
    assert len(found) >= 15
    return found


def theirs(driven: Bench, person: Person, *words: str) -> set[str]:
    """Every lead of theirs, by reading everything: same phone or same e-mail, or one of these alone."""
    values = {name: getattr(person, name) for name in words or ("email", "phone")}
    known = Known.of(values, "US")
    return {one.uri for account in driven.accounts for one in driven.everything(account) if known.is_in(one, "US")}


def found_leads(story: dict[str, Any]) -> set[str]:
    return {row[0] for row in story["leads"]["rows"]}


def spellings(phone: str) -> list[str]:
    area, office, line = phone[2:5], phone[5:8], phone[8:]
    return [
        phone,
        f"({area}) {office}-{line}",
        f"{area}.{office}.{line}",
        f"1-{area}-{office}-{line}",
        f"001{area}{office}{line}",
    ]


def addresses(email: str) -> list[str]:
    return [email.upper(), f"  {email} ", f"mailto:{email}", f"Ann Lee <{email}>"]


def test_by_whatever_name_every_lead_at_every_vendor_is_found(driven: Bench, people: list[Person]) -> None:
    for nth, person in enumerate(people[:10]):
        wanted = theirs(driven, person)
        assert {uri.split("/")[2] for uri in wanted} == set(TRIED)
        assert person.email is not None
        ways: list[tuple[dict[str, str], set[str]]] = [
            ({"phone": spellings(person.phone)[nth % 5]}, theirs(driven, person, "phone")),
            ({"email": addresses(person.email)[nth % 4]}, theirs(driven, person, "email")),
            ({"uri": next(uri for uri in sorted(wanted) if "convoso" in uri)}, wanted),
        ]
        for way, expected in ways:
            story = driven.call("trace_lead", **way)
            missed = expected - found_leads(story)
            assert found_leads(story) <= expected, way
            for account in {uri.split("/")[2] for uri in missed}:
                assert "may be missed" in entry(story, account)["note"], (way, missed)
            assert all(entry(story, account)["complete"] for account in driven.accounts)
            assert len(missed) <= 1
            assert person.phone in story["person"]["phones"]
            assert person.email.casefold() in story["person"]["emails"]


@pytest.mark.parametrize("nth", range(5))
def test_every_spelling_of_a_number_is_that_number(driven: Bench, people: list[Person], nth: int) -> None:
    story = driven.call("trace_lead", phone=spellings(people[3].phone)[nth])
    assert found_leads(story) == theirs(driven, people[3], "phone")


def test_events_stand_in_order_and_are_of_known_kinds(driven: Bench, people: list[Person]) -> None:
    kinds: set[str] = set()
    for person in people:
        story = driven.call("trace_lead", phone=person.phone)
        rows = story["events"]["rows"]
        times = [row[0] for row in rows]
        assert times == sorted(times)
        created = {row[4] for row in rows if row[2] == "created"}
        assert created == found_leads(story)
        assert {row[1] for row in rows} <= set(driven.accounts)
        assert all(row[4].split("/")[2] == row[1] for row in rows)
        assert len({tuple(row) for row in rows}) == len(rows)
        kinds |= {row[2] for row in rows}
        assert [row[5] for row in story["leads"]["rows"]] == sorted(row[5] for row in story["leads"]["rows"])
    assert kinds <= KINDS
    assert kinds >= {"ping", "created", "sent", "recording", "updated"}


def test_every_uri_of_a_story_can_be_read(driven: Bench, people: list[Person]) -> None:
    story = driven.call("trace_lead", phone=people[0].phone)
    uris = {row[4] for row in story["events"]["rows"]} | found_leads(story)
    for uri in sorted(uris):
        if not uri.startswith("recording://"):
            assert driven.portal.call(driven.client.read_resource, uri).contents


def test_duplicates_at_one_account_are_pointed_out_by_their_uris(driven: Bench, people: list[Person]) -> None:
    seen = 0
    for person in people:
        story = driven.call("trace_lead", phone=person.phone)
        for account in driven.accounts:
            same = [uri for uri in theirs(driven, person, "phone") if uri.split("/")[2] == account]
            warned = [one for one in story["warnings"] if one.startswith(f"{account} has this person")]
            assert bool(warned) is (len(same) > 1)
            if warned:
                seen += 1
                assert f"{len(same)} times" in warned[0]
                assert all(uri in warned[0] for uri in same)
    assert seen, "somebody in this world is a lead twice at one vendor"


def test_a_lead_that_went_to_two_buyers_is_pointed_out(driven: Bench) -> None:
    seen = refused = 0
    for one in driven.everything("leadexec")[:36]:
        story = driven.call("trace_lead", uri=one.uri)
        sold = [row[4] for row in story["events"]["rows"] if row[4] == one.uri and row[3].startswith("sent to")]
        warned = [word for word in story["warnings"] if word.startswith(f"{one.uri} was sent")]
        assert bool(warned) is (len(sold) > 1), (sold, story["warnings"])
        seen += bool(warned)
        refused += any(row[2] == "sent" and row[3].startswith("refused") for row in story["events"]["rows"])
    assert seen
    assert refused, "a sending that no buyer took is no sale"


def test_a_window_bounds_the_events_and_not_the_leads(driven: Bench, people: list[Person]) -> None:
    whole = driven.call("trace_lead", phone=people[1].phone)
    times = [row[0] for row in whole["events"]["rows"]]
    middle = times[len(times) // 2]
    late = driven.call("trace_lead", phone=people[1].phone, since=middle)
    early = driven.call("trace_lead", phone=people[1].phone, until=middle)
    assert found_leads(late) == found_leads(early) == found_leads(whole)
    assert [row for row in late["events"]["rows"] if row[0] < middle] == []
    assert [row for row in early["events"]["rows"] if row[0] >= middle] == []
    assert len(late["events"]["rows"]) + len(early["events"]["rows"]) == len(times)


@pytest.mark.parametrize("account", TRIED)
def test_one_vendor_that_fails_keeps_to_its_shelf(driven: Bench, people: list[Person], account: str) -> None:
    wanted = theirs(driven, people[2], "phone")
    driven.box.fault(account, "status", status=403, times=-1)
    try:
        story = driven.call("trace_lead", phone=people[2].phone)
    finally:
        driven.box.mend(account)
    assert found_leads(story) == {uri for uri in wanted if uri.split("/")[2] != account}
    assert entry(story, account)["error"]["code"] == "unauthorized"
    assert entry(story, account)["complete"] is False
    assert all("error" not in entry(story, other) for other in driven.accounts if other != account)


def test_where_every_vendor_fails_the_story_is_that_error(driven: Bench, people: list[Person]) -> None:
    for account in driven.accounts:
        driven.box.fault(account, "status", status=403, times=-1)
    try:
        with pytest.raises(CallFailed, match="unauthorized"):
            driven.call("trace_lead", phone=people[2].phone)
    finally:
        driven.box.mend()


def test_a_person_without_an_e_mail_is_found_by_phone_and_one_whom_nobody_knows_is_nobody(driven: Bench) -> None:
    person = driven.box.world.person(NOBODY)
    story = driven.call("trace_lead", phone=person.phone)
    assert found_leads(story) == theirs(driven, person, "phone")
    assert story["person"]["emails"] == []
    nobody = driven.call("trace_lead", email="nobody.at.all@example.org")
    assert found_leads(nobody) == set()
    assert nobody["events"]["rows"] == nobody["warnings"] == []
    assert str(driven.raw_call("trace_lead", email="nobody.at.all@example.org").content[0]).count("nobody: 0 leads")


def test_a_lead_with_neither_phone_nor_e_mail_cannot_be_traced() -> None:
    with bench(20, only=["octanist"]) as found:
        row = found.everything("octanist")[0]
        bare = {**row.raw, "phone": None, "email": None}
        body = {"success": True, "data": bare}
        found.box.fault("octanist", "reject", status=200, body=body, times=-1)
        with pytest.raises(CallFailed, match="neither a telephone number nor an e-mail") as failed:
            found.call("trace_lead", uri=row.uri)
        assert failed.value.code == "bad_argument"


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        ({}, "one of them"),
        ({"phone": "+12135550101", "email": "a@example.com"}, "one of them"),
        ({"phone": "12"}, "no possible telephone number"),
        ({"uri": "account://leadexec"}, "lead://"),
        ({"phone": "+12135550101", "since": "2026-11-02", "until": "2026-11-01"}, "since"),
    ],
)
def test_what_names_nobody_is_refused(driven: Bench, asked: dict[str, str], word: str) -> None:
    with pytest.raises(CallFailed) as failed:
        driven.call("trace_lead", **asked)
    assert failed.value.code == "bad_argument"
    assert word in failed.value.message


def test_a_vendor_that_hangs_ends_with_the_deadline_and_the_others_tell_their_part() -> None:
    with bench(60) as driven:
        person = driven.box.world.person(int(60 * 0.9))  # of those whom every vendor knows
        driven.box.fault("octanist", "hang", times=-1)
        story = driven.call("trace_lead", phone=person.phone)
        assert entry(story, "octanist")["error"]["code"] == "timeout"
        assert entry(story, "octanist")["complete"] is False
        assert found_leads(story)
        assert not any(uri.startswith("lead://octanist/") for uri in found_leads(story))


def test_what_a_person_is_found_to_go_by_is_looked_for_too(driven: Bench, people: list[Person]) -> None:
    """A second e-mail at one vendor leads to a lead that has neither the first e-mail nor the number."""
    person, second = people[0], "second.address@example.com"
    lead = {"name": "Second Address", "email": second}
    with bench(box=driven.box, environment={"LEAD_MCP_WRITES": "allow"}) as writing:
        apart = writing.call("insert_lead", account="octanist", lead={**lead, "phone": "+12125550177"})["uri"]
        both = writing.call(
            "insert_lead", account="octanist", lead={**lead, "phone": person.phone}, on_duplicate="allow"
        )["uri"]
    story = driven.call("trace_lead", phone=person.phone)
    assert {apart, both} <= found_leads(story)
    assert second in story["person"]["emails"]


SWITCHBOARD = "+12125550100"
EVER = {"since": "2000-01-01"}


@dataclass(frozen=True)
class Office(World):
    """Everybody calls from one switchboard."""

    def person(self, index: int) -> Person:
        return replace(super().person(index), phone=SWITCHBOARD)


def test_strangers_who_share_a_number_found_on_the_way_are_not_one_person() -> None:
    """One who is asked for by e-mail has the office's number: the office is not told. Asked for the number, it is."""
    with bench(box=sandbox(facts.emulators(), Office(60, until=UNTIL), clock=now, rated=False)) as office:
        person = next(found for index in range(60, 0, -1) if (found := office.box.world.person(index)).email)
        own = theirs(office, person, "email")
        story = office.call("trace_lead", email=person.email, **EVER)
        notes = " ".join(one.get("note", "") for one in story["accounts"])
        everybody = office.call("trace_lead", phone=SWITCHBOARD, **EVER)
    assert found_leads(story) == own
    assert "1 phone with more than 5 different names joined nobody" in notes
    assert sum(one["returned"] for one in everybody["accounts"]) > 50


TYPED = ("512.555.0105", "(512) 555-0105", "512 555 0105", "+1 (512) 555.0105", "1-512-555-0105")
AS_TYPED = ("octanist", "leadtrackr")
"""Vendors that keep a number as somebody typed it."""


@pytest.fixture(scope="module")
def typed() -> Iterator[Bench]:
    """One person whose number stands in another spelling on every lead."""
    with bench(20, only=AS_TYPED) as found:
        found.portal.call(_typed, found)
        yield found


async def _typed(driven: Bench) -> None:
    key = driven.runtime.settings.accounts["octanist"].secrets["api_key"].get_secret_value()
    project = driven.runtime.connection("leadtrackr").account.option("project_id")
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=driven.box), base_url="http://box") as client:
        for nth, phone in enumerate(TYPED):
            lead = {"name": f"Typed {nth}", "phone": phone}
            reply = await client.post("/octanist/api/leads", json=lead, headers={"X-API-KEY": key})
            assert reply.status_code == 201
            body = {"projectId": project, "userData": {"firstName": f"Typed {nth}", "phone": phone}}
            reply = await client.post("/leadtrackr/api/leads/createLead", json=body)
            assert reply.status_code == 201


@pytest.mark.parametrize("phone", TYPED)
def test_a_number_is_found_however_it_was_typed_and_however_it_is_asked(typed: Bench, phone: str) -> None:
    story = typed.call("trace_lead", phone=phone)
    assert sorted(row[1] for row in story["leads"]["rows"]) == sorted([f"Typed {nth}" for nth in range(5)] * 2)
    assert all(entry(story, account)["complete"] for account in AS_TYPED)


def test_pages_of_a_look_up_that_repeat_records_are_not_the_whole_of_it(typed: Bench) -> None:
    """The vendor counts more than it gave: somebody may have been left out."""
    leads = [
        {"id": f"lead_{nth:08x}", "phone": "512.555.0105", "createdAt": "2026-11-01T00:00:00.000Z"} for nth in (1, 1)
    ]
    pagination = {"limit": 100, "page": 1, "totalPages": 1, "total": 2, "hasMore": False}
    body = {"success": True, "data": leads, "meta": {"pagination": pagination}}
    typed.box.fault("octanist", "reject", status=200, body=body, times=-1)
    try:
        story = typed.call("trace_lead", phone=TYPED[0])
    finally:
        typed.box.mend("octanist")
    told = entry(story, "octanist")
    assert (told["complete"], told["total"]) == (False, None)
    assert "counts 2 but gave 1 different" in told["note"]


def text_of(driven: Bench, **asked: str) -> list[str]:
    block = driven.raw_call("trace_lead", **asked).content[0]
    return str(getattr(block, "text", "")).splitlines()


def test_who_bought_stands_in_the_first_lines(driven: Bench) -> None:
    seen = 0
    for one in driven.everything("leadexec")[:20]:
        story = driven.call("trace_lead", uri=one.uri)
        sold = [row for row in story["events"]["rows"] if row[2] == "sent" and row[3].startswith("sent to")]
        first = text_of(driven, uri=one.uri)[1 : 1 + min(3, len(sold))]
        for row, line in zip(reversed(sold), first, strict=False):
            assert row[3] in line
            assert row[1] in line
        seen += len(sold)
    assert seen


def test_the_lead_asked_for_is_told_even_where_its_vendor_is_silent_and_the_first_line_says_so(driven: Bench) -> None:
    one = driven.everything("octanist")[3]
    asked = {"uri": one.uri}
    assert "INCOMPLETE" not in text_of(driven, **asked)[0]
    driven.box.fault("octanist", "status", status=403, times=-1, skip=1)  # it is read by its id, then nothing more
    try:
        story = driven.call("trace_lead", **asked)
        driven.box.stages["octanist"].faults[0].skip = 1
        first = text_of(driven, **asked)[0]
    finally:
        driven.box.mend("octanist")
    assert one.uri in found_leads(story)
    assert one.uri in {row[4] for row in story["events"]["rows"]}
    assert "INCOMPLETE" in first
    assert "octanist" in first
