"""A vendor that refuses one of the searches for a person: nobody is taken to be absent for that."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import pytest

from lead_mcp.sandbox.app import sandbox
from lead_mcp.sandbox.world import Person, World
from tests import facts
from tests.driving import DAWN, UNTIL, Bench, CallFailed, bench, now
from tests.facts import offering, vendor_of

SEARCHED: Final = offering(lambda vendor: vendor.person_lookup)
NAME, KEPT, ASKED = "Kofi Costa-Brava", "Kofi.Costa.Brava@Example.com", "KOFI.costa.brava@example.com"
"""An e-mail as the vendors keep it, and as somebody else spells it."""
EVER: Final = {"since": DAWN.isoformat()}
WAYS: Final[dict[str, Callable[[str], tuple[str, dict[str, Any]]]]] = {
    "email": lambda email: ("search_leads", {"filters": [{"field": "email", "op": "eq", "value": email}], **EVER}),
    "text of an email": lambda email: ("search_leads", {"text": email, **EVER}),
    "text of a name": lambda email: ("search_leads", {"text": NAME, **EVER}),
    "story": lambda email: ("trace_lead", {"email": email}),
}
MOST: Final = 8
"""Requests of a search that are refused, one after the other."""


@dataclass(frozen=True)
class Known(World):
    """The usual world; the last of those whom every vendor knows has a name of his own."""

    def person(self, index: int) -> Person:
        first, last = NAME.split(" ")
        usual = super().person(index)
        return (
            replace(usual, first_name=first, last_name=last, email=KEPT) if index == self.leads * 93 // 100 else usual
        )


@pytest.fixture(scope="module", params=SEARCHED)
def driven(request: pytest.FixtureRequest) -> Iterator[Bench]:
    box = sandbox(facts.emulators([request.param]), Known(100, until=UNTIL), clock=now, rated=False)
    with bench(box=box, only=[request.param]) as found:
        yield found


@pytest.mark.parametrize("way", WAYS)
def test_whom_a_refused_search_may_have_missed_is_found_otherwise_or_that_is_said(driven: Bench, way: str) -> None:
    (vendor,) = driven.accounts
    lookup = vendor_of(vendor).person_lookup
    if way == "text of a name" and (lookup is None or lookup.name is None):
        return  # it is never asked for a name
    calls = [WAYS[way](email) for email in (ASKED, KEPT)]
    tool, arguments = next(one for one in calls if names(driven.call(one[0], **one[1])))
    before = len(driven.heard(vendor))
    driven.call(tool, **arguments)
    for nth in range(min(MOST, len(driven.heard(vendor)) - before)):
        driven.box.mend()
        driven.box.fault(vendor, "status", status=422, skip=nth, body={"message": "no such search"})
        try:
            found = driven.call(tool, **arguments)
        except CallFailed as failed:
            if failed.code != "rejected":
                raise
            continue
        (entry,) = found["accounts"]
        said = "refused" in entry.get("note", "") or "error" in entry or not entry["complete"]
        assert names(found) or said, (nth, entry)
    driven.box.mend()


def names(found: dict[str, Any]) -> list[Any]:
    """The rows of whom was looked for."""
    leads = found["leads"]
    return [row for row in leads["rows"] if row[leads["columns"].index("name")] == NAME]
