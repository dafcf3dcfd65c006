"""A journal that stands still: every step ends in time, and says truly whether anything was sent."""

from __future__ import annotations

import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.from_thread
import anyio.lowlevel
import pytest
from sqlalchemy import event
from sqlalchemy.engine import make_url

from lead_mcp.errors import NotAllowed, SettingsError
from lead_mcp.journal.database import parsed_url
from lead_mcp.journal.store import Journal
from lead_mcp.sandbox.app import Sandbox
from lead_mcp.writing.call import WriteCall
from lead_mcp.writing.inserts import InsertIntent
from lead_mcp.writing.outcome import Tool
from tests.writing.desk import Desk, desk, insertion, somebody
from tests.writing.relay import relay

BOUND = 1.0
"""Seconds that a step may take here."""
LONG = 30.0
"""Seconds that no call may take, on the busiest machine: without a bound it would hang for good."""


@pytest.fixture
def hands(box: Sandbox, faultless: None, tmp_path: Path) -> Iterator[Desk]:
    with desk(tmp_path, box, environment={"LEAD_MCP_WRITES": "allow"}) as found:
        found.runtime.common.journal = Journal(None, tmp_path, bound=BOUND)
        yield found


@contextmanager
def locked(journal: Journal) -> Iterator[sqlite3.Connection]:
    """Somebody else holds the file."""
    other = sqlite3.connect(journal.folder / "journal.sqlite", isolation_level=None, check_same_thread=False)
    try:
        other.execute("BEGIN EXCLUSIVE")
        yield other
    finally:
        if other.in_transaction:
            other.execute("ROLLBACK")
        other.close()


@contextmanager
def in_time() -> Iterator[None]:
    started = time.monotonic()
    yield
    assert time.monotonic() - started < LONG


def states(hands: Desk) -> list[str]:
    (write,) = hands.journal.recent()
    assert hands.journal.verify() == []
    return [str(step.state) for step in hands.journal.events(write.id)]


# --- locked -------------------------------------------------------------------------------------------------------


def test_a_locked_file_is_a_refusal_in_time(hands: Desk) -> None:
    arguments = insertion("octanist", idempotency_key="once")
    hands.journal.open()
    with locked(hands.journal), in_time():
        failed = hands.fails("insert_lead", **arguments)
    assert failed.code == "not_allowed"
    assert "nothing was sent" in failed.message
    assert hands.sees("octanist", arguments["lead"]) == []
    for thread in threading.enumerate():  # the step that was given up lets go of the file in its own time
        if thread.name == "lead-mcp-journal":
            thread.join(LONG)
    assert hands.call("insert_lead", **arguments)["outcome"] == "created"


@pytest.mark.parametrize(
    ("point", "code", "there"),
    [("intended", "not_allowed", 0), ("sending", "unknown_outcome", 1), ("answered", "unknown_outcome", 1)],
)
def test_a_file_locked_on_the_way_tells_the_truth(hands: Desk, point: str, code: str, there: int) -> None:
    arguments = insertion("octanist", idempotency_key="once")
    hands.journal.open()
    stack: list[Any] = []

    def on_point(passed: str) -> None:
        if passed == point and not stack:
            stack.append(locked(hands.journal))
            stack[0].__enter__()

    hands.runtime.common.on_point = on_point
    with in_time():
        failed = hands.fails("insert_lead", **arguments)
    assert failed.code == code
    assert ("nothing was sent" in failed.message) is (code == "not_allowed")
    stack[0].__exit__(None, None, None)
    uris = hands.sees("octanist", arguments["lead"])
    assert len(uris) == there
    again = hands.call("insert_lead", **arguments)
    assert (again["outcome"], len(hands.sees("octanist", arguments["lead"]))) == ("created", 1)


# --- frozen -------------------------------------------------------------------------------------------------------


def test_a_frozen_server_is_a_refusal_in_time(box: Sandbox, postgresql: Callable[[], str], tmp_path: Path) -> None:
    url = make_url(postgresql())
    assert url.host
    assert url.port
    with relay((url.host, url.port)) as between, desk(tmp_path, box, environment={"LEAD_MCP_WRITES": "allow"}) as hands:
        through = url.set(port=between.port).render_as_string(hide_password=False)
        hands.runtime.common.journal = Journal(through, tmp_path, bound=BOUND)
        lead = somebody("octanist")
        assert hands.call("insert_lead", **insertion("octanist", lead))["outcome"] == "created"
        arguments = insertion("octanist", idempotency_key="once")
        between.running.clear()
        with in_time():
            failed = hands.fails("insert_lead", **arguments)
        assert failed.code == "not_allowed"
        assert "no answer within 1 s" in failed.message
        assert "nothing was sent" in failed.message
        between.running.set()
        assert hands.sees("octanist", arguments["lead"]) == []
        assert hands.call("insert_lead", **arguments)["outcome"] == "created"

        hands.runtime.common.on_point = lambda passed: between.running.clear() if passed == "answered" else None
        late = insertion("octanist", idempotency_key="late")
        with in_time():
            failed = hands.fails("insert_lead", **late)
        assert failed.code == "unknown_outcome"
        between.running.set()
        hands.runtime.common.on_point = lambda passed: None
        assert [hands.call("insert_lead", **late)["uri"]] == hands.sees("octanist", late["lead"])
        assert hands.journal.verify() == []


def test_a_server_that_takes_connections_and_says_nothing(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        journal = Journal(f"postgresql+psycopg://nobody@127.0.0.1:{port}/none", tmp_path, bound=BOUND)
        with in_time(), pytest.raises(NotAllowed, match="nothing was sent"):
            journal.recent()


# --- late ---------------------------------------------------------------------------------------------------------


def hold_commit_of(hands: Desk, state: str, held: Callable[[], object]) -> None:
    """Whatever brings a write into that state is held just before it is committed."""
    engine = hands.journal.open().database.engine
    assert engine is not None
    mine = threading.local()

    def executing(connection: Any, cursor: Any, statement: str, parameters: Any, *rest: Any) -> None:
        if statement.startswith("INSERT INTO lead_mcp_events") and state in parameters:
            mine.marked = True

    def committing(connection: Any) -> None:
        if getattr(mine, "marked", False):
            mine.marked = False
            held()

    event.listen(engine, "before_cursor_execute", executing)
    event.listen(engine, "commit", committing)


def test_a_commit_that_comes_late_leaves_nothing_as_sending(hands: Desk) -> None:
    """The disk stood still while the journal said ``sending``: the caller was told that nothing was sent, and so it was."""
    hold_commit_of(hands, "sending", lambda: time.sleep(2 * BOUND))
    arguments = insertion("octanist", idempotency_key="once")
    with in_time():
        failed = hands.fails("insert_lead", **arguments)
    assert failed.code == "not_allowed"
    assert "nothing was sent" in failed.message
    until = time.monotonic() + LONG
    while states(hands)[-1] != "refused":
        assert time.monotonic() < until, states(hands)
        time.sleep(0.05)
    assert hands.sees("octanist", arguments["lead"]) == []


@pytest.mark.parametrize("state", ["intended", "sending"])
def test_who_is_cancelled_while_it_is_written_down_sends_nothing(hands: Desk, state: str) -> None:
    lead = somebody("octanist")
    intent = InsertIntent(hands.runtime.connection("octanist"), lead, {})
    call = WriteCall(Tool.INSERT_LEAD, {"lead": lead}, "once")

    async def run() -> bool:
        token = anyio.lowlevel.current_token()
        with anyio.CancelScope() as scope:
            hold_commit_of(hands, state, lambda: anyio.from_thread.run_sync(scope.cancel, token=token))
            await hands.runtime.pipeline("allow", None, {}).run(intent, call)
        return scope.cancelled_caught

    assert hands.portal.call(run)
    assert hands.sees("octanist", lead) == []
    assert states(hands)[-1] == "refused"
    (write,) = hands.journal.recent()
    assert not hands.journal.is_worked_on(write)


def test_who_is_cancelled_later_is_carried_out_to_the_end(hands: Desk) -> None:
    lead = somebody("octanist")
    intent = InsertIntent(hands.runtime.connection("octanist"), lead, {})
    call = WriteCall(Tool.INSERT_LEAD, {"lead": lead}, "once")

    async def run() -> None:
        with anyio.CancelScope() as scope:
            pipeline = hands.runtime.pipeline("allow", None, {})
            pipeline.on_point = lambda point: scope.cancel() if point == "sending" else None
            await pipeline.run(intent, call)

    hands.portal.call(run)
    assert states(hands) == ["intended", "sending", "done"]
    assert len(hands.sees("octanist", lead)) == 1


def test_a_url_as_hosts_of_databases_write_it_is_one_and_an_unknown_kind_is_told_at_once() -> None:
    found = parsed_url("postgres://lead_mcp:secret@db.example.com/leads")
    assert found.render_as_string(hide_password=True) == "postgresql+psycopg://lead_mcp:***@db.example.com/leads"
    for wrong in ("nonsense", "postgre://db.example.com/leads"):
        with pytest.raises(SettingsError, match=r"no database URL, such as postgresql\+psycopg://host/name"):
            parsed_url(wrong)
