"""Somebody whom every vendor knows is found by e-mail, number or name, in a handful of requests, however much there is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from lead_mcp import vendors
from lead_mcp.sandbox.app import sandbox
from lead_mcp.sandbox.world import AREAS, Person, World
from tests import facts
from tests.driving import DAWN, UNTIL, Bench, bench, entry, now, uris

LEADS = 5_000
MOST = 12
"""Requests in all for one person over five accounts."""
BY_FILTER = ("convoso", "leadsquared", "octanist", "leadtrackr")
"""Those that search for a person by themselves."""
NAME, MAIL = "Kofi Costa-Brava", "kofi.costa.brava@example.com"
RECENT: dict[str, Any] = {"since": "-30d"}
EVER: dict[str, Any] = {"since": DAWN.isoformat()}


@dataclass(frozen=True)
class Known(World):
    """The usual world; one of those whom every vendor knows has a name of his own, and came lately."""

    @property
    def who(self) -> int:
        return int(0.93 * self.leads)

    def person(self, index: int) -> Person:
        number = f"+1{AREAS[index // 100 % len(AREAS)]}55501{index % 100:02d}"  # ends as evenly as numbers do
        usual = replace(super().person(index), phone=number)
        if index != self.who:
            return usual
        first, last = NAME.split(" ")
        seen = self.until.replace(hour=1)
        return replace(usual, first_name=first, last_name=last, email=MAIL, first_seen=seen)


@pytest.fixture(scope="module")
def large() -> Iterator[Bench]:
    world = Known(LEADS, until=UNTIL)
    box = sandbox(facts.emulators(vendors.NAMES), world, clock=now, rated=False)
    with bench(box=box) as found:
        yield found


def requests(driven: Bench) -> int:
    return sum(len(driven.heard(account)) for account in driven.accounts)


def spelled(driven: Bench) -> str:
    world = driven.box.world
    assert isinstance(world, Known)
    number = world.person(world.who).phone
    return f"({number[2:5]}) {number[5:8]}-{number[8:]}"


def ways(number: str) -> dict[str, dict[str, Any]]:
    return {
        "email": {"filters": [{"field": "email", "op": "eq", "value": MAIL}]},
        "phone": {"filters": [{"field": "phone", "op": "eq", "value": number}]},
        "text of an email": {"text": MAIL},
        "text of a number": {"text": number},
        "text of a name": {"text": NAME},
    }


@pytest.mark.parametrize("way", ways(""))
def test_one_person_is_found_at_all_accounts_in_one_page_and_few_requests(large: Bench, way: str) -> None:
    asked = ways(spelled(large))[way]
    before = requests(large)
    page = large.page(**asked, **RECENT)
    costs = {one["account"]: one["requests"] for one in page["accounts"]}
    assert {uri.split("/")[2] for uri in uris([page])} == set(large.accounts), costs
    assert page["next_cursor"] is None
    assert requests(large) - before == sum(costs.values()) <= MOST, costs
    for account in BY_FILTER if "filters" in asked else ():
        said = entry(page, account)
        assert said["pushed"] == [one for one in said["checked_here"] if not one.startswith("created_at")]
        assert said["complete"] is True


@pytest.mark.slow
def test_a_story_takes_few_requests_too(large: Bench) -> None:
    """Over all time, with a second round for what else the person goes by, the lead's calls and its ping."""
    for asked in ({"phone": spelled(large)}, {"email": MAIL}, {"uri": uris([large.page(text=MAIL, **RECENT)])[0]}):
        story = large.call("trace_lead", **asked)
        costs = {one["account"]: one["requests"] for one in story["accounts"]}
        assert {one[0].split("/")[2] for one in story["leads"]["rows"]} == set(large.accounts)
        assert sum(costs.values()) <= 22, costs
        assert costs["octanist"] == costs["leadtrackr"] == 2


def test_nobody_is_found_in_as_few(large: Bench) -> None:
    for text in ("nobody.at.all@example.com", "+1 201 555 0999", "Nobody Atall"):
        before = requests(large)
        assert uris([large.page(text=text, **RECENT)]) == []
        assert requests(large) - before <= MOST + 5, text


@pytest.mark.parametrize("account", ["octanist", "leadtrackr"])
def test_where_a_search_finds_no_parts_of_numbers_every_usual_spelling_is_asked_for(account: str) -> None:
    world = World(200, until=UNTIL)
    box = sandbox(facts.emulators([account]), world, clock=now, rated=False, options={account: {"finds": "whole"}})
    with bench(box=box, only=[account]) as driven:
        records = [
            one for one in driven.everything(account) if str(one.get("phone")).startswith("+1") and one.get("email")
        ]
        usual = [one for one in records if " " not in str(one.get("phone"))]
        for one in usual[:5]:
            for field in ("phone", "email"):
                same = {"field": field, "op": "eq", "value": str(one.get(field))}
                page = driven.page(account=account, filters=[same], **EVER)
                assert one.uri in uris([page])
                assert len(uris([page])) <= 3
                assert ("may be missed" in entry(page, account).get("note", "")) is (field == "phone")
                assert entry(page, account)["scanned"] <= 5


@pytest.mark.parametrize("sort", ["created_at:desc", "value:desc"])
def test_where_the_searches_for_a_person_are_refused_the_account_is_read_through(sort: str) -> None:
    with bench(80, only=["leadsquared"]) as driven:
        one = next(one for one in driven.everything("leadsquared") if one.get("email"))
        same = [{"field": "email", "op": "eq", "value": one.get("email")}]
        whole = driven.page(account="leadsquared", filters=same, sort=sort, **EVER)
        driven.box.fault("leadsquared", "status", status=400, path="GetByEmailaddress", times=-1)
        page = driven.page(account="leadsquared", filters=same, sort=sort, **EVER)
        assert uris([page]) == uris([whole])
        assert one.uri in uris([page])
        assert "refused its searches" in entry(page, "leadsquared")["note"]
        assert entry(page, "leadsquared")["complete"] is True
