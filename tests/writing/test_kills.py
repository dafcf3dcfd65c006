"""kill -9 at every point of the write path, and processes that know nothing of each other: one lead, one story."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from lead_mcp.journal.store import Journal
from lead_mcp.sandbox.app import Sandbox
from tests.process.processes import clean
from tests.writing.child import Child, start
from tests.writing.desk import CHANGES, Desk, desk, insertion, somebody, surroundings

POINTS: Final[Mapping[str, list[str]]] = {
    "before claim": [],
    "intended": ["intended"],
    "sending": ["intended", "sending"],
    "answered": ["intended", "sending"],
    "done": ["intended", "sending", "done"],
}
"""Each point of the write path, and what the journal holds of a write whose process is killed there."""
AFTERWARDS: Final[Mapping[str, list[str]]] = {
    "before claim": ["intended", "sending", "done"],
    "intended": ["intended", "intended", "sending", "done"],
    "sending": ["intended", "sending", "unknown"],
    "answered": ["intended", "sending", "done"],
    "done": ["intended", "sending", "done"],
}
"""The whole story after the same call was made again."""


@dataclass
class House:
    """The emulators over HTTP, a state folder, and processes that live there."""

    box: Sandbox
    origin: str
    state: Path
    more: dict[str, str]

    def environment(self) -> dict[str, str]:
        settings = {"LEAD_MCP_WRITES": "allow", **self.more}
        return surroundings(self.box, self.origin, self.state, settings)

    def start(self, tool: str, arguments: Mapping[str, Any], point: str = "") -> Child:
        return start(clean(self.environment()), tool, arguments, point)

    def call(self, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The call in a process of its own."""
        return self.start(tool, arguments).to_dict()

    def killed_at(self, point: str, tool: str, arguments: Mapping[str, Any]) -> None:
        assert self.start(tool, arguments, point).ended_by() == signal.SIGKILL

    def stories(self) -> list[list[str]]:
        """The states of every write in the journal, which must verify."""
        journal = Journal(self.more.get("LEAD_MCP_JOURNAL_URL"), self.state)
        try:
            assert journal.verify() == []
            return [[step.state for step in journal.events(write.id)] for write in journal.recent()]
        finally:
            journal.close()


@pytest.fixture
def house(box: Sandbox, origin: str, faultless: None, tmp_path: Path) -> House:
    return House(box, origin, tmp_path / "state", {})


@pytest.fixture
def eyes(box: Sandbox, origin: str, tmp_path: Path) -> Iterator[Desk]:
    """Somebody with a state of their own who looks at the vendors."""
    with desk(tmp_path / "eyes", box, origin=origin) as found:
        yield found


@pytest.fixture
def house_in_postgresql(house: House, postgresql: Callable[[], str]) -> House:
    house.more["LEAD_MCP_JOURNAL_URL"] = postgresql()
    return house


@pytest.mark.parametrize("point", POINTS)
def test_a_process_killed_at_any_point_leaves_one_lead_and_one_story(house: House, eyes: Desk, point: str) -> None:
    arguments = insertion("octanist", idempotency_key="once")
    house.killed_at(point, "insert_lead", arguments)
    assert house.stories() == ([POINTS[point]] if POINTS[point] else [])
    there = eyes.sees("octanist", arguments["lead"])
    assert len(there) == (point in ("answered", "done"))

    again = house.call("insert_lead", arguments)
    assert house.stories() == [AFTERWARDS[point]]
    now = eyes.sees("octanist", arguments["lead"])
    if point == "sending":  # it may have left, for all anybody can know: it is not sent again
        assert again["error"]["code"] == "unknown_outcome"
        assert now == []
    else:
        assert (again["outcome"], [again["uri"]]) == ("created", now)
        assert len(now) == 1


def test_a_vendor_that_tells_a_repeat_settles_a_process_killed_while_sending(house: House, eyes: Desk) -> None:
    arguments = insertion("leadtrackr", idempotency_key="once")
    house.killed_at("sending", "insert_lead", arguments)
    again = house.call("insert_lead", arguments)
    assert (again["outcome"], [again["uri"]]) == ("created", eyes.sees("leadtrackr", arguments["lead"]))
    assert house.stories() == [["intended", "sending", "intended", "sending", "done"]]


def test_a_change_killed_before_its_outcome_was_on_disk_is_settled_by_looking(house: House, eyes: Desk) -> None:
    name, wanted, _ = CHANGES["octanist"]
    made = house.call("insert_lead", insertion("octanist"))
    arguments = {"uri": made["uri"], "changes": {name: wanted}, "idempotency_key": "once"}
    house.killed_at("answered", "update_lead", arguments)
    again = house.call("update_lead", arguments)
    assert (again["outcome"], again["uri"]) == ("updated", made["uri"])
    assert eyes.call("get_lead", uri=made["uri"])["lead"][name] == wanted
    assert sorted(house.stories()) == [["intended", "sending", "done"]] * 2


def test_a_look_that_fails_after_a_kill_may_be_tried_again_at_once(house: House, eyes: Desk) -> None:
    """The dead process is known to be dead for good, not only to the first who asks."""
    arguments = insertion("octanist", idempotency_key="once")
    house.killed_at("answered", "insert_lead", arguments)
    with desk(house.state, house.box, origin=house.origin, environment=house.environment()) as hands:
        house.box.fault("octanist", "status", status=400, times=-1)
        assert hands.fails("insert_lead", **arguments).code == "rejected"
        house.box.mend("octanist")
        settled = hands.call("insert_lead", **arguments)
    assert [settled["uri"]] == eyes.sees("octanist", arguments["lead"])


def test_several_callers_settle_what_a_dead_process_left(house: House, eyes: Desk) -> None:
    arguments = insertion("octanist", idempotency_key="once")
    house.killed_at("answered", "insert_lead", arguments)
    with desk(house.state, house.box, origin=house.origin, environment=house.environment()) as hands:
        outcomes = [one.structured_content or {} for one in hands.at_once("insert_lead", 8, **arguments)]
    assert {one.get("uri") for one in outcomes} == {*eyes.sees("octanist", arguments["lead"])}
    assert house.stories() == [["intended", "sending", "done"]]


def test_two_processes_with_one_key_are_one_write(house: House, eyes: Desk) -> None:
    lead = somebody("octanist")
    arguments = insertion("octanist", lead, idempotency_key="once")
    request = eyes.request_of(**arguments)
    before = eyes.heard(request, "octanist")
    house.box.fault("octanist", "slow", path=request["path"], method=request["method"], seconds=1.0)
    both = [one.to_dict() for one in [house.start("insert_lead", arguments) for _ in range(2)]]
    assert both[0] == both[1]
    assert both[0]["outcome"] == "created"
    assert eyes.sees("octanist", lead) == [both[0]["uri"]]
    assert eyes.heard(request, "octanist") == before + 1
    assert house.stories() == [["intended", "sending", "done"]]


@pytest.mark.slow
@pytest.mark.parametrize("point", ["intended", "sending", "answered"])
def test_a_killed_process_leaves_one_story_in_postgresql_too(
    house_in_postgresql: House, eyes: Desk, point: str
) -> None:
    test_a_process_killed_at_any_point_leaves_one_lead_and_one_story(house_in_postgresql, eyes, point)


@pytest.mark.slow
def test_two_processes_with_one_key_are_one_write_in_postgresql_too(house_in_postgresql: House, eyes: Desk) -> None:
    test_two_processes_with_one_key_are_one_write(house_in_postgresql, eyes)
