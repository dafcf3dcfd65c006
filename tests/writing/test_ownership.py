"""Two machines on one journal: a write has one owner at a time, and who has been taken over sends and records nothing more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from sqlalchemy import update

from lead_mcp.engine.connection import Connection
from lead_mcp.errors import LeadMcpError, Rejected, Unavailable
from lead_mcp.journal.store import Journal
from lead_mcp.journal.tables import writes
from lead_mcp.sandbox.app import Sandbox
from lead_mcp.vendors.spec.http import Reply
from lead_mcp.writing.call import WriteCall
from lead_mcp.writing.context import WriteContext
from lead_mcp.writing.inserts import InsertIntent
from lead_mcp.writing.leases import while_held
from lead_mcp.writing.outcome import Outcome, OutcomeKind, Tool
from lead_mcp.writing.prepared import PreparedWrite, Sent
from tests.writing.desk import Desk, desk, insertion, said, somebody

ALLOWED = {"LEAD_MCP_WRITES": "allow", "LEAD_MCP_DEADLINE": "600"}
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
Thing = Callable[[], object]


@pytest.fixture(params=["sqlite", "postgresql"])
def journal_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/shared/journal.sqlite"
    return str(request.getfixturevalue("postgresql")())


@contextmanager
def machine(box: Sandbox, state: Path, url: str, skew: float = 0) -> Iterator[Desk]:
    """A server with a state folder and a clock of its own: nobody else can look at its process."""
    with desk(state, box, environment={**ALLOWED, "LEAD_MCP_JOURNAL_URL": url}) as found:
        found.runtime.common.clock = lambda: datetime.now(UTC) + timedelta(seconds=skew)
        yield found


@dataclass
class Machines:
    """Two of them."""

    first: Desk
    second: Desk

    def forget_the_first(self) -> None:
        """The first machine's leases are over, as far as the database can tell."""
        self.second.journal.database.run(lambda tx: tx.execute(update(writes).values(lease=0.0)))

    def states(self) -> list[list[str]]:
        journal = self.first.journal
        assert journal.verify() == []
        return [[str(step.state) for step in journal.events(write.id)] for write in journal.recent()]


@pytest.fixture
def machines(box: Sandbox, faultless: None, journal_url: str, tmp_path: Path) -> Iterator[Machines]:
    with machine(box, tmp_path / "1", journal_url) as first, machine(box, tmp_path / "2", journal_url) as second:
        yield Machines(first, second)


@dataclass(frozen=True)
class Slow:
    """An insert whose process stands still: while it prepares, or between the vendor's answer and its record."""

    intent: InsertIntent
    preparing: Thing = lambda: None
    waiting: Callable[[], Awaitable[object]] = anyio.lowlevel.checkpoint
    answered: Callable[[Reply], object] = lambda reply: None

    @property
    def connection(self) -> Connection:
        return self.intent.connection

    async def prepare(self, context: WriteContext, token: str, *, look: bool = True) -> PreparedWrite:
        found = await self.intent.prepare(context, token, look=look)
        await anyio.to_thread.run_sync(self.preparing)
        await self.waiting()
        read = found.read
        assert read is not None

        def slowly(reply: Reply) -> Any:
            self.answered(reply)
            return read(reply)

        return replace(found, read=slowly)

    async def settle(self, context: WriteContext, sent: Sent) -> str | None:
        return await self.intent.settle(context, sent)


def carried_out(hands: Desk, arguments: dict[str, Any], **slow: Any) -> Outcome | LeadMcpError:
    """The insert through that machine's pipeline, standing still as told."""
    intent = InsertIntent(hands.runtime.connection(arguments["account"]), arguments["lead"], {}, "fail")
    given = {name: arguments.get(name) for name in ("account", "lead", "vendor_fields")}
    call = WriteCall(Tool.INSERT_LEAD, {**given, "on_duplicate": "fail"}, arguments["idempotency_key"], "local")

    async def run() -> Outcome | LeadMcpError:
        try:
            return await hands.runtime.pipeline("allow", None, {}).run(Slow(intent, **slow), call)
        except LeadMcpError as error:
            return error

    found: Outcome | LeadMcpError = hands.portal.call(run)
    return found


def arguments_for(vendor: str) -> dict[str, Any]:
    return insertion(vendor, somebody(vendor), idempotency_key="once")


# --- standing still -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", ["octanist", "leadtrackr"])
def test_a_preparation_longer_than_the_lease_sends_nothing_once_it_was_taken_over(
    machines: Machines, vendor: str
) -> None:
    arguments, other = arguments_for(vendor), list[dict[str, Any]]()
    before = machines.first.heard(machines.first.request_of(**arguments), vendor)

    def taken_over() -> None:
        machines.forget_the_first()
        other.append(machines.second.call("insert_lead", **arguments))

    found = carried_out(machines.first, arguments, preparing=taken_over)
    assert isinstance(found, Outcome)
    assert (found.kind, found.uri) == (OutcomeKind.CREATED, other[0]["uri"])
    assert machines.first.heard(machines.first.request_of(**arguments), vendor) == before + 1
    assert machines.states() == [["intended", "intended", "sending", "done"]]


def test_without_a_key_it_tells_what_the_other_made_of_it(machines: Machines) -> None:
    arguments = {**arguments_for("octanist"), "idempotency_key": None}

    def declined() -> None:
        machines.forget_the_first()
        (write,) = machines.second.journal.recent()
        assert machines.second.journal.take_over(write, write.state.DECLINED, {"by": "somebody"}) is not None

    found = carried_out(machines.first, arguments, preparing=declined)
    assert isinstance(found, LeadMcpError)
    assert found.code == "conflict"
    assert "declined" in found.message
    assert machines.first.sees("octanist", arguments["lead"]) == []


def test_an_outcome_is_not_written_over_by_whoever_was_taken_over(machines: Machines) -> None:
    """The first has its answer and stands still; the second finds the lead and settles; both tell the same."""
    arguments, other = arguments_for("octanist"), list[dict[str, Any]]()

    def settled(reply: Reply) -> None:
        machines.forget_the_first()
        other.append(machines.second.call("insert_lead", **arguments))

    found = carried_out(machines.first, arguments, answered=settled)
    assert isinstance(found, Outcome)
    assert (found.kind, found.uri) == (OutcomeKind.CREATED, other[0]["uri"])
    assert machines.states() == [["intended", "sending", "done"]]


@pytest.mark.parametrize("error", [Rejected("no"), Unavailable("cut")])
def test_a_failure_is_not_written_over_anothers_outcome(machines: Machines, error: LeadMcpError) -> None:
    arguments, other = arguments_for("octanist"), list[dict[str, Any]]()

    def settled_and_failed(reply: Reply) -> None:
        machines.forget_the_first()
        other.append(machines.second.call("insert_lead", **arguments))
        raise error

    assert isinstance(carried_out(machines.first, arguments, answered=settled_and_failed), LeadMcpError)
    assert machines.states() == [["intended", "sending", "done"]]
    assert machines.second.call("insert_lead", **arguments) == other[0]


def test_an_answer_that_comes_late_settles_what_was_given_up_as_unknown(machines: Machines) -> None:
    arguments = arguments_for("octanist")

    def given_up(reply: Reply) -> None:
        machines.forget_the_first()
        machines.first.box.fault(
            "octanist", "status", method="GET", status=200, body={"data": [], "total": 0}, times=-1
        )
        assert machines.second.fails("insert_lead", **arguments).code == "unknown_outcome"
        machines.first.box.mend("octanist")

    found = carried_out(machines.first, arguments, answered=given_up)
    assert isinstance(found, Outcome)
    assert [found.uri] == machines.first.sees("octanist", arguments["lead"])
    assert machines.states() == [["intended", "sending", "unknown", "done"]]
    assert machines.second.call("insert_lead", **arguments)["uri"] == found.uri


# --- going on -----------------------------------------------------------------------------------------------------


@pytest.fixture
def slow_machines(box: Sandbox, faultless: None, tmp_path: Path) -> Iterator[Machines]:
    """Two machines whose clocks go by the first one's loop, which skips whatever nobody works in."""
    url = f"sqlite:///{tmp_path}/shared/journal.sqlite"
    with machine(box, tmp_path / "1", url) as first, machine(box, tmp_path / "2", url) as second:

        async def its_loop() -> asyncio.AbstractEventLoop:
            return asyncio.get_running_loop()

        loop = first.portal.call(its_loop)
        first.runtime.common.clock = second.runtime.common.clock = lambda: NOON + timedelta(seconds=loop.time())
        yield Machines(first, second)


async def four_leases(machines: Machines) -> None:
    """Time goes by; the other machine sees all along that somebody is at work."""
    for _ in range(8):
        await anyio.sleep(machines.first.journal.lease / 2)
        await anyio.to_thread.run_sync(still_held, machines.second.journal)


def still_held(journal: Journal) -> None:
    (write,) = journal.recent()
    assert journal.is_worked_on(write)
    assert journal.take_over(write, write.state, {}) is None


def test_a_lease_is_renewed_while_work_goes_on(slow_machines: Machines) -> None:
    arguments = arguments_for("octanist")
    found = carried_out(slow_machines.first, arguments, waiting=partial(four_leases, slow_machines))
    assert isinstance(found, Outcome), found
    assert slow_machines.states() == [["intended", "sending", "done"]]


def test_a_batch_that_waits_for_its_rows_keeps_its_lease(slow_machines: Machines) -> None:
    """As ``lead-mcp approve`` carries it out."""
    first = slow_machines.first
    call = WriteCall(Tool.INSERT_LEADS, {"leads": []}, "batch")

    async def run() -> None:
        write = await first.runtime.pipeline("allow", None, {}).claims.begin(first.runtime.connection("octanist"), call)
        assert write is not None
        await while_held(first.journal, write, partial(four_leases, slow_machines))

    first.portal.call(run)


@pytest.mark.parametrize("skew", [-200, 200])
def test_two_machines_whose_clocks_differ_make_one_lead(
    box: Sandbox, faultless: None, postgresql: Callable[[], str], tmp_path: Path, skew: int
) -> None:
    url, arguments = postgresql(), arguments_for("octanist")
    with machine(box, tmp_path / "1", url) as first, machine(box, tmp_path / "2", url, skew) as second:
        request = first.request_of(**arguments)
        before = first.heard(request, "octanist")
        for path, method in (("leads", "GET"), (request["path"], request["method"])):
            box.fault("octanist", "slow", path=path, method=method, seconds=0.3, times=2)
        with ThreadPoolExecutor(2) as pool:
            both = list(pool.map(lambda hands: said(hands.result("insert_lead", **arguments)), (first, second)))
        assert both[0] == both[1]
        assert first.heard(request, "octanist") == before + 1
        assert Machines(first, second).states() == [["intended", "sending", "done"]]
