"""Any sequence of writes, faults, kills and repeats, held against what the vendor then has.

Two servers share one journal and one set of emulators; a third process is started where one is to be killed. Calls come one
after the other, or the same one from both servers at once, so what a call has made is the difference at the vendor.
"""

from __future__ import annotations

import itertools
import re
import signal
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, Final

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from lead_mcp.sandbox.app import Sandbox, sandbox
from lead_mcp.sandbox.world import World
from tests import facts
from tests.process.processes import clean, here
from tests.profiles import PROFILES, USUAL
from tests.writing.child import start
from tests.writing.desk import CHANGES, Desk, desk, insertion, on_loopback, somebody, surroundings

pytestmark = pytest.mark.slow
VENDORS: Final = ("octanist", "leadtrackr", "leadsquared")
CHANGING: Final = ("octanist", "leadsquared")
"""Vendors that take any text for the field that is changed."""
LOST: Final = "unknown_outcome"
FAULTS: Final[Mapping[str, Mapping[str, Any] | None]] = {
    "none": None,
    "not done, answer lost": {"kind": "cut"},
    "done, answer lost": {"kind": "cut_after"},
    "done, 500": {"kind": "reject", "status": 500},
    "not done, 503": {"kind": "status", "status": 503},
    "not done, 429": {"kind": "status", "status": 429},
    "not done, 400": {"kind": "status", "status": 400},
}
REFUSED: Final = frozenset({"not done, 429", "not done, 400"})
POINTS: Final = ("before claim", "intended", "sending", "answered", "done")
EXAMPLES: Final = 4
STEPS: Final = 14
_people = itertools.count(500)
_keys = itertools.count()


class Clock:
    """The emulators' and both servers' clock. It runs, and can be set forward."""

    ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class House:
    """Emulators over HTTP, two servers over one journal, and the environment of a third."""

    box: Sandbox
    clock: Clock
    desks: tuple[Desk, Desk]
    environment: dict[str, str]

    def forgive(self) -> None:
        self.box.mend()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    clock, state = Clock(), tmp_path_factory.mktemp("machine")
    box = sandbox(facts.emulators(VENDORS), World(4), clock=clock, rated=False, options=facts.settled())
    with ExitStack() as stack:
        origin = stack.enter_context(on_loopback(box))
        allowed = {"LEAD_MCP_WRITES": "allow"}
        desks = [stack.enter_context(desk(state, box, origin=origin, environment=allowed)) for _ in range(2)]
        for one in desks:
            one.runtime.common.clock = clock
        yield House(box, clock, (desks[0], desks[1]), clean(surroundings(box, origin, Path(state), allowed)))


@dataclass(eq=False)
class Call:
    """A write that was asked for. ``made``: by person, how often its plays have made a lead; ``first``: how it ended."""

    tool: str
    vendor: str
    arguments: dict[str, Any]
    people: Sequence[str]
    made: dict[str, int] = field(default_factory=dict)
    first: dict[str, Any] | None = None
    write: str = ""
    """The journal's name for it, where its outcome is not known."""

    @property
    def keyed(self) -> bool:
        return "idempotency_key" in self.arguments


def word_of(said: Mapping[str, Any]) -> str:
    return str(said["error"]["code"] if "error" in said else said.get("outcome", "rows"))


class Writes(RuleBasedStateMachine):
    """The rules. ``people``: the leads that may be inserted in this run; ``calls``: what was asked so far."""

    house: ClassVar[House]

    @initialize()
    def begin(self) -> None:
        self.house.forgive()
        self.people = {vendor: [somebody(vendor, next(_people)) for _ in range(3)] for vendor in VENDORS}
        self.calls: list[Call] = []
        self.reported: dict[str, set[str]] = {}
        self.leads: dict[str, str] = {}

    # --- looking ---

    @property
    def eyes(self) -> Desk:
        return self.house.desks[0]

    def there(self, vendor: str, emails: Sequence[str]) -> dict[str, set[str]]:
        return {email: {*self.eyes.sees(vendor, {"email": email})} for email in emails}

    def value(self, uri: str, name: str) -> Any:
        return self.eyes.call("get_lead", uri=uri)["lead"].get(name)

    # --- playing ---

    def plan(self, call: Call, fault: str, by: Desk) -> None:
        """The fault at the next request that does what this call asks."""
        if (planned := FAULTS[fault]) is None:
            return
        request = by.call(call.tool, **call.arguments, dry_run=True).get("request")
        if request:
            options = {key: value for key, value in planned.items() if key != "kind"}
            path = request["path"].partition("?")[0]
            self.house.box.fault(call.vendor, planned["kind"], path=path, method=request["method"], **options)

    def play(self, call: Call, by: int, *, twice: bool = False) -> dict[str, Any]:
        """The call, once or from both servers at once; what was made is counted and held against the answer."""
        before = self.there(call.vendor, call.people)
        desks = self.house.desks if twice else (self.house.desks[by],)
        with ThreadPoolExecutor(len(desks)) as threads:
            results = list(
                threads.map(lambda one: dict(one.result(call.tool, **call.arguments).structured_content or {}), desks)
            )
        self.house.forgive()
        self.count(call, before)
        if twice and "error" not in results[0] and "error" not in results[1]:
            assert results[0].get("uri") == results[1].get("uri"), results
        return results[0]

    def count(self, call: Call, before: Mapping[str, set[str]]) -> None:
        """No play makes a lead twice, none makes one beside another, and nothing that was there goes."""
        after = self.there(call.vendor, call.people)
        allowed = call.arguments.get("on_duplicate") == "allow"
        for email, uris in after.items():
            assert before[email] <= uris
            fresh = len(uris - before[email])
            assert fresh <= 1, "made twice"
            assert not (fresh and before[email]) or allowed, "made beside another"
            call.made[email] = call.made.get(email, 0) + fresh
            assert call.made[email] <= 1 or not call.keyed, "made again by the same key"

    def settle(self, call: Call, said: Mapping[str, Any]) -> None:
        """The answer against the vendor, and against what the same call was told before."""
        word = word_of(said)
        if call.first is not None:
            for name in ("outcome", "uri", "journal_id"):
                assert said.get(name) == call.first.get(name), (name, said, call.first)
        if word in ("created", "duplicate"):
            assert said["uri"] in self.there(call.vendor, call.people)[call.people[0]], said
        if word == LOST:
            found = re.search(r"journal resolve (w-[\w-]+)", said["error"]["message"])
            call.write = found[1] if found else ""
        else:
            call.write = ""
        if word in ("created", "updated") and call.keyed:
            call.first = dict(said)
        if word == "created":
            self.reported.setdefault(f"{call.vendor} {call.people[0]}", set()).add(said["uri"])
            self.leads[said["uri"]] = call.vendor

    # --- rules ---

    @rule(
        vendor=st.sampled_from(VENDORS),
        person=st.integers(0, 2),
        keyed=st.booleans(),
        duplicate=st.sampled_from(["fail", "fail", "allow"]),
        fault=st.sampled_from(sorted(FAULTS)),
        by=st.integers(0, 1),
    )
    def insert(self, vendor: str, person: int, keyed: bool, duplicate: str, fault: str, by: int) -> None:
        call = self.insertion(vendor, person, keyed=keyed, duplicate=duplicate)
        self.plan(call, fault, self.house.desks[by])
        said = self.play(call, by)
        self.settle(call, said)
        if word_of(said) not in ("created", "duplicate", LOST, "pending"):
            assert fault in REFUSED, (fault, said)
            assert call.made[call.people[0]] == 0, said

    def insertion(self, vendor: str, person: int, *, keyed: bool, duplicate: str = "fail") -> Call:
        lead = self.people[vendor][person]
        key = {"idempotency_key": f"m{next(_keys)}"} if keyed else {}
        arguments = insertion(vendor, lead, on_duplicate=duplicate, **key)
        self.calls.append(Call("insert_lead", vendor, arguments, [lead["email"]]))
        return self.calls[-1]

    @rule(vendor=st.sampled_from(VENDORS), person=st.integers(0, 2), point=st.sampled_from(POINTS))
    def insert_and_die(self, vendor: str, person: int, point: str) -> None:
        call = self.insertion(vendor, person, keyed=True)
        before = self.there(vendor, call.people)
        child = start(self.house.environment, call.tool, call.arguments, point)
        if not before[call.people[0]] or point in ("before claim", "intended"):
            assert child.ended_by() == signal.SIGKILL
        else:
            assert word_of(child.to_dict()) == "duplicate"
        self.count(call, before)

    @rule(vendor=st.sampled_from(VENDORS), fault=st.sampled_from(sorted(FAULTS)), by=st.integers(0, 1))
    def insert_all(self, vendor: str, fault: str, by: int) -> None:
        leads = self.people[vendor]
        arguments = insertion(vendor, idempotency_key=f"m{next(_keys)}")
        del arguments["lead"]
        arguments["leads"] = [dict(lead) for lead in leads]
        call = Call("insert_leads", vendor, arguments, [lead["email"] for lead in leads])
        self.calls.append(call)
        self.plan(
            Call("insert_lead", vendor, insertion(vendor, somebody(vendor, next(_people))), []),
            fault,
            self.house.desks[by],
        )
        self.rows_hold(call, self.play(call, by))

    def rows_hold(self, call: Call, said: Mapping[str, Any]) -> None:
        there = self.there(call.vendor, call.people)
        table = said["results"]
        for row, email in zip(table["rows"], call.people, strict=True):
            one = dict(zip(table["columns"], row, strict=True))
            if one["outcome"] in ("created", "duplicate"):
                assert one["uri"] in there[email], one
            if one["outcome"] == "created":
                self.reported.setdefault(f"{call.vendor} {email}", set()).add(one["uri"])

    @precondition(lambda self: any(self.leads.values()))
    @rule(data=st.data(), keyed=st.booleans(), fault=st.sampled_from(sorted(FAULTS)), by=st.integers(0, 1))
    def update(self, data: st.DataObject, keyed: bool, fault: str, by: int) -> None:
        known = sorted(uri for uri, vendor in self.leads.items() if vendor in CHANGING)
        if not known:
            return
        uri = data.draw(st.sampled_from(known))
        vendor = self.leads[uri]
        name = CHANGES[vendor][0]
        key = {"idempotency_key": f"m{next(_keys)}"} if keyed else {}
        wanted = f"value {next(_keys)}"
        call = Call("update_lead", vendor, {"uri": uri, "changes": {name: wanted}, **key}, [])
        self.calls.append(call)
        old = self.value(uri, name)
        self.plan(call, fault, self.house.desks[by])
        said = self.play(call, by)
        self.settle(call, said)
        now, word = self.value(uri, name), word_of(said)
        assert now in (old, wanted)
        assert word != "updated" or now == wanted
        assert word in ("updated", LOST) or now == old, said

    @precondition(lambda self: any(call.keyed for call in self.calls))
    @rule(data=st.data(), by=st.integers(0, 1), twice=st.booleans())
    def again(self, data: st.DataObject, by: int, twice: bool) -> None:
        """The same call with the same key: what it has become, and nothing is done twice."""
        call = data.draw(st.sampled_from([one for one in self.calls if one.keyed]))
        changes = call.arguments.get("changes")
        values = {name: self.value(call.arguments["uri"], name) for name in changes} if changes else {}
        asked_before, was_known = call.first is not None, bool(call.write)
        said = self.play(call, by, twice=twice)
        if call.tool == "insert_leads":
            return self.rows_hold(call, said)
        self.settle(call, said)
        if changes and (asked_before or was_known):
            assert {name: self.value(call.arguments["uri"], name) for name in changes} == values, "changed again"

    @precondition(lambda self: any(call.first for call in self.calls))
    @rule(data=st.data(), by=st.integers(0, 1))
    def other_arguments(self, data: st.DataObject, by: int) -> None:
        """A key that is bound does nothing else."""
        call = data.draw(st.sampled_from([one for one in self.calls if one.first]))
        name = "lead" if "lead" in call.arguments else "changes"
        other = {
            **call.arguments,
            name: {**call.arguments[name], "city" if call.vendor == "leadsquared" else "note": "other"},
        }
        said = dict(self.house.desks[by].result(call.tool, **other).structured_content or {})
        assert word_of(said) in ("conflict", "unknown_field", "bad_argument"), said

    @precondition(lambda self: any(call.write and call.tool == "insert_lead" for call in self.calls))
    @rule(data=st.data())
    def resolve(self, data: st.DataObject) -> None:
        """A person looks, and says what is true."""
        call = data.draw(st.sampled_from([one for one in self.calls if one.write and one.tool == "insert_lead"]))
        made = call.made[call.people[0]]
        uris = self.there(call.vendor, call.people)[call.people[0]]
        verdict = ["--created", max(uris)] if made else ["--not-done"]
        done = here("journal", "resolve", call.write, *verdict, environment=self.house.environment)
        assert done.returncode == 0, done.stderr
        call.write = ""

    @rule(hours=st.integers(1, 30))
    def time_passes(self, hours: int) -> None:
        self.house.clock.ahead += timedelta(hours=hours)

    @rule(by=st.integers(0, 1))
    def journal_opened_anew(self, by: int) -> None:
        common = self.house.desks[by].runtime.common
        common.journal.close()
        del common.__dict__["journal"]

    # --- invariants ---

    @invariant()
    def what_was_reported_is_there(self) -> None:
        for place, uris in getattr(self, "reported", {}).items():
            vendor, _, email = place.partition(" ")
            assert uris <= self.there(vendor, [email])[email]

    def teardown(self) -> None:
        assert self.eyes.journal.verify() == []


def test_no_sequence_of_writes_makes_a_lead_twice_or_loses_one(house: House) -> None:
    Writes.house = house
    scale = PROFILES[settings.get_current_profile_name()] / USUAL
    run_state_machine_as_test(
        Writes,
        settings=settings(
            settings.get_profile(settings.get_current_profile_name()),
            max_examples=max(3, round(EXAMPLES * scale)),
            stateful_step_count=STEPS,
            phases=[Phase.generate],  # what a vendor has been made to hold cannot be undone, so nothing shrinks
        ),
    )
