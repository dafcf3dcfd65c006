"""A queued insert: looked for, created only where it is found, pending otherwise, settled by the same key, sent once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from lead_mcp.journal.entries import State
from lead_mcp.sandbox.app import Sandbox, sandbox
from lead_mcp.sandbox.world import World
from tests import facts
from tests.process.processes import here
from tests.sixth.emulator.store import Store
from tests.writing.desk import ORIGIN, Desk, desk, insertion, said, somebody, surroundings

ALLOWED = {"LEAD_MCP_WRITES": "allow"}
NEVER = 1e9
Opened = Callable[..., AbstractContextManager[Desk]]


def box(settles: float) -> Sandbox:
    return sandbox(facts.emulators(["sixth"]), World(10), rated=False, options={"sixth": {"settles": settles}})


def store_of(hands: Desk) -> Store:
    app: Any = hands.box.stages["sixth"].app
    found: Store = app.state.store
    return found


def hurry(hands: Desk) -> None:
    """Whatever is queued can be seen from now on."""
    store_of(hands).queue[:] = [(0.0, lead) for _, lead in store_of(hands).queue]


def sent(hands: Desk) -> int:
    return sum((seen.method, seen.path) == ("POST", "/sixth/v3/leads") for seen in hands.box.stages["sixth"].heard)


def states(hands: Desk, write: str) -> list[str]:
    return [str(step.state) for step in hands.journal.events(write)]


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    @contextmanager
    def open_desk(settles: float, **options: Any) -> Iterator[Desk]:
        environment = {**ALLOWED, **options.pop("environment", {})}
        with desk(tmp_path, box(settles), environment=environment, only=["sixth"], **options) as hands:
            yield hands
            assert hands.journal.verify() == []

    return open_desk


def test_a_queued_lead_is_created_once_it_is_seen(opened: Opened) -> None:
    with opened(4.0) as hands:
        lead = somebody("sixth")
        done = hands.call("insert_lead", **insertion("sixth", lead, idempotency_key="k"))
        assert (done["outcome"], [done["uri"]]) == ("created", hands.sees("sixth", lead))
        assert done["warnings"] == []
        assert sent(hands) == 1
        assert states(hands, done["journal_id"]) == ["intended", "sending", "done"]
        assert hands.call("insert_lead", **insertion("sixth", lead, idempotency_key="k")) == done


def test_one_that_is_not_seen_in_time_is_pending_until_the_same_key_finds_it(opened: Opened) -> None:
    with opened(NEVER) as hands:
        lead = somebody("sixth")
        arguments = insertion("sixth", lead, idempotency_key="k")
        first = hands.call("insert_lead", **arguments)
        assert first["outcome"] == "pending"
        assert not {"uri", "id"} & set(first)
        assert "same idempotency_key" in first["warnings"][-1]
        assert states(hands, first["journal_id"]) == ["intended", "sending", "accepted"]

        again = hands.call("insert_lead", **arguments)
        assert (again["outcome"], again["journal_id"]) == ("pending", first["journal_id"])

        hurry(hands)
        done = hands.call("insert_lead", **arguments)
        assert (done["outcome"], [done["uri"]]) == ("created", hands.sees("sixth", lead))
        assert states(hands, first["journal_id"]) == ["intended", "sending", "accepted", "done"]
        assert hands.call("insert_lead", **arguments) == done
        assert sent(hands) == 1


def test_another_persons_lead_proves_nothing(opened: Opened) -> None:
    """Nor does one with the same phone and another name: every value that was sent has to be there."""
    with opened(NEVER) as hands:
        lead = somebody("sixth")
        arguments = insertion("sixth", lead, idempotency_key="k")
        assert hands.call("insert_lead", **arguments)["outcome"] == "pending"
        store = store_of(hands)
        store.queue.clear()
        other = {"person": {"email": lead["email"], "phone": lead["phone"], "first": "Another", "last": "Name"}}
        hands.portal.call(store.put, other)
        hurry(hands)
        assert hands.call("insert_lead", **arguments)["outcome"] == "pending"
        assert len(hands.sees("sixth", lead)) == 1


def test_without_a_key_the_way_to_settle_it_is_named(opened: Opened) -> None:
    with opened(NEVER) as hands:
        found = hands.call("insert_lead", **insertion("sixth"))
        assert found["outcome"] == "pending"
        assert f"lead-mcp journal resolve {found['journal_id']}" in found["warnings"][-1]


def test_looking_ends_with_the_deadline(opened: Opened) -> None:
    with opened(4.0, environment={"LEAD_MCP_DEADLINE": "2"}) as hands:
        assert hands.call("insert_lead", **insertion("sixth", idempotency_key="k"))["outcome"] == "pending"


def test_a_vendor_that_cannot_be_looked_at_shows_nothing(opened: Opened) -> None:
    with opened(0.0) as hands:
        lead = somebody("sixth")
        arguments = insertion("sixth", lead, idempotency_key="k")
        hands.box.fault(
            "sixth", "status", path="/people", status=403, times=-1, skip=2
        )  # the first two look for duplicates
        assert hands.call("insert_lead", **arguments)["outcome"] == "pending"
        hands.box.mend("sixth")
        assert hands.call("insert_lead", **arguments)["outcome"] == "created"
        assert sent(hands) == 1


def test_parallel_calls_wait_for_the_one_that_looks(opened: Opened) -> None:
    with opened(2.0) as hands:
        arguments = insertion("sixth", idempotency_key="k")
        outcomes = [said(one) for one in hands.at_once("insert_lead", 8, **arguments)]
        assert all(one == outcomes[0] for one in outcomes)
        assert outcomes[0]["outcome"] == "created"
        assert sent(hands) == 1


def test_rows_of_several_may_be_pending_and_are_looked_for_again_without_a_question(opened: Opened) -> None:
    with opened(NEVER, environment={"LEAD_MCP_WRITES": "confirm"}) as hands:
        batch: dict[str, Any] = {
            "account": "sixth",
            "leads": [somebody("sixth"), somebody("sixth")],
            "idempotency_key": "k",
        }
        for _ in range(2):
            rows = hands.call("insert_leads", **batch)["results"]["rows"]
            assert [row[1:3] for row in rows] == [["pending", None]] * 2
            assert all("does not show it yet" in row[4] for row in rows)
        hurry(hands)
        rows = hands.call("insert_leads", **batch)["results"]["rows"]
        assert [row[1] for row in rows] == ["created"] * 2
        assert [[row[2]] for row in rows] == [hands.sees("sixth", lead) for lead in batch["leads"]]
        assert len(hands.clerk.asked) == 1
        assert sent(hands) == 2


# --- the journal ----------------------------------------------------------------------------------------------------


def test_a_pending_lead_keeps_its_values_and_is_listed_as_not_ended(opened: Opened) -> None:
    with opened(NEVER) as hands:
        name = hands.call("insert_lead", **insertion("sixth"))["journal_id"]
        assert [one.id for one in hands.journal.recent(states=[State.ACCEPTED])] == [name]
        assert hands.journal.purge(-1) == 0, "what has not ended keeps its values"
        write = hands.journal.get(name)
        assert write is not None
        assert write.intent is not None


@pytest.mark.parametrize(
    ("words", "state"), [(["--not-done"], "refused"), (["--created", "lead://sixth/LD-00A001"], "resolved")]
)
def test_a_person_who_has_looked_ends_it(opened: Opened, tmp_path: Path, words: list[str], state: str) -> None:
    with opened(NEVER) as hands:
        name = hands.call("insert_lead", **insertion("sixth"))["journal_id"]
        environment = surroundings(hands.box, ORIGIN, tmp_path)
        ended = here("journal", "resolve", name, *words, environment=environment)
        assert ended.returncode == 0, ended.stderr
        write = hands.journal.get(name)
        assert write is not None
        assert write.state == state
