"""What proves that a lost insert was done: our own id, or every value sent and an id that was not there before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from lead_mcp.sandbox.app import sandbox
from lead_mcp.sandbox.world import World
from tests import facts
from tests.facts import offering
from tests.writing.desk import Desk, desk, insertion, somebody

TELLING: Final = sorted(offering(lambda vendor: vendor.insert is not None and not vendor.insert.dedupes))
"""Vendors that cannot tell a repeat: looking is all there is."""
HOURS = (-1, 0, 1, 14)


@contextmanager
def hands_at(hours: int, state: Path) -> Iterator[Desk]:
    """A desk before vendors whose clocks, or zones, are off by so many hours."""
    clock = lambda: datetime.now(UTC) + timedelta(hours=hours)  # noqa: E731
    box = sandbox(facts.emulators(), World(20), clock=clock, rated=False, options=facts.settled())
    with desk(state, box, over_http=True, environment={"LEAD_MCP_WRITES": "allow"}) as found:
        yield found


@pytest.fixture(scope="module", params=HOURS)
def hands(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with hands_at(request.param, tmp_path_factory.mktemp("state")) as found:
        yield found


@pytest.fixture(scope="module")
def other(hands: Desk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Somebody with a journal of their own."""
    with desk(tmp_path_factory.mktemp("other"), hands.box, environment={"LEAD_MCP_WRITES": "allow"}) as found:
        yield found


def sees(hands: Desk, vendor: str, lead: dict[str, Any]) -> list[str]:
    """The URIs of this person's leads, wherever the vendor's clock has put them."""
    ours = hands.runtime.common.clock
    hands.runtime.common.clock = lambda: datetime.now(UTC) + timedelta(days=2)
    try:
        return hands.sees(vendor, lead)
    finally:
        hands.runtime.common.clock = ours


def lost(hands: Desk, vendor: str, kind: str, **arguments: Any) -> None:
    """The answer to this insert is lost; ``cut``: nothing was done, ``cut_after``: it was."""
    request = hands.request_of(**arguments)
    hands.box.fault(vendor, kind, path=request["path"], method=request["method"])
    assert hands.fails("insert_lead", **arguments).code == "unknown_outcome"


@pytest.mark.parametrize("vendor", TELLING)
def test_a_lost_insert_is_settled_whatever_the_vendors_clock_says(hands: Desk, vendor: str) -> None:
    lead = somebody(vendor)
    arguments = insertion(vendor, lead, idempotency_key=lead["email"])
    lost(hands, vendor, "cut_after", **arguments)
    assert [hands.call("insert_lead", **arguments)["uri"]] == sees(hands, vendor, lead)


@pytest.mark.parametrize("vendor", TELLING)
@pytest.mark.parametrize("on_duplicate", ["allow", "fail"])
def test_an_older_lead_is_not_claimed(hands: Desk, other: Desk, vendor: str, on_duplicate: str) -> None:
    """It was there before, or is somebody else's newer one: not with every value that was sent."""
    lead = somebody(vendor)
    arguments = insertion(vendor, lead, idempotency_key=lead["email"], on_duplicate=on_duplicate)
    if on_duplicate == "allow":
        other.call("insert_lead", **insertion(vendor, lead))
        lost(hands, vendor, "cut", **arguments)
    else:
        lost(hands, vendor, "cut", **arguments)
        other.call("insert_lead", **insertion(vendor, {**lead, "last_name": "Else"}))
    again = hands.fails("insert_lead", **arguments)
    assert again.code == "unknown_outcome"
    assert len(sees(hands, vendor, lead)) == 1


@pytest.mark.parametrize("vendor", ["convoso", "octanist"])  # the others refuse a second one themselves
def test_the_second_lead_of_one_person_is_told_from_the_first(hands: Desk, other: Desk, vendor: str) -> None:
    lead = somebody(vendor)
    first = other.call("insert_lead", **insertion(vendor, lead))["uri"]
    arguments = insertion(vendor, lead, idempotency_key=lead["email"], on_duplicate="allow")
    lost(hands, vendor, "cut_after", **arguments)
    settled = hands.call("insert_lead", **arguments)["uri"]
    assert {first, settled} == {*sees(hands, vendor, lead)}
    assert first != settled


@pytest.mark.parametrize("vendor", TELLING)
def test_two_lost_inserts_of_the_same_values_are_not_one(hands: Desk, vendor: str) -> None:
    """The vendor has made one of them; whoever asks first gets it, and the other stays unknown."""
    lead = somebody(vendor)
    both = [insertion(vendor, lead, idempotency_key=f"{n} {lead['email']}", on_duplicate="allow") for n in (1, 2)]
    lost(hands, vendor, "cut_after", **both[0])
    lost(hands, vendor, "cut", **both[1])
    assert hands.call("insert_lead", **both[0])["uri"] in sees(hands, vendor, lead)
    assert hands.fails("insert_lead", **both[1]).code == "unknown_outcome"
