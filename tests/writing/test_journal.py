"""The journal store over SQLite and PostgreSQL: stories, keys, races, a chain that tells of every changed row."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, delete, event, select, text, update
from sqlalchemy.pool import NullPool

from lead_mcp.errors import NotAllowed
from lead_mcp.journal.entries import NewWrite, State, Write
from lead_mcp.journal.store import Journal
from lead_mcp.journal.tables import VERSION, chain, events, meta, payloads, writes

START = datetime(2026, 11, 1, tzinfo=UTC)
VALUES = {"arguments": {"lead": {"email": "ann@example.com"}}}
Opens = Callable[[], Journal]


class Clock:
    """A clock that moves when told to."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str | None:
    return None if request.param == "sqlite" else request.getfixturevalue("postgresql")()


@pytest.fixture
def opened(url: str | None, tmp_path: Path, clock: Clock) -> Iterator[Opens]:
    """Opens the journal, each time as another process would."""
    found: list[Journal] = []

    def one() -> Journal:
        found.append(Journal(url, tmp_path / "state", clock).open())
        return found[-1]

    yield one
    for journal in found:
        journal.close()


@pytest.fixture
def journal(opened: Opens) -> Journal:
    return opened()


def new_write(
    key: str | None = "k",
    arguments: str = "a" * 64,
    account: str = "acme",
    tool: str = "insert_lead",
    principal: str = "local",
) -> NewWrite:
    return NewWrite(account=account, tool=tool, principal=principal, key=key, arguments=arguments)


def begun(journal: Journal, key: str | None = "k", state: State = State.INTENDED) -> Write:
    write, new = journal.begin(new_write(key), state, VALUES)
    assert new
    return write


def finished(journal: Journal, key: str | None = "k") -> Write:
    write = begun(journal, key)
    write = journal.step(write, State.SENDING, {"request": {"path": "/leads"}})
    return journal.step(write, State.DONE, {"outcome": "created", "uri": "lead://acme/1"}, uri="lead://acme/1")


def tampered(journal: Journal, statement: Any) -> None:
    """What somebody with the database's password does behind the journal's back."""
    assert journal.database.engine is not None
    engine = create_engine(journal.database.engine.url, poolclass=NullPool)
    with engine.begin() as tx:
        assert tx.execute(statement).rowcount
    engine.dispose()


# --- a write's story ----------------------------------------------------------------------------------------------


def test_a_story_is_told_in_order_and_ends_with_the_outcome(journal: Journal) -> None:
    write = finished(journal)
    story = journal.events(write.id)
    assert [step.state for step in story] == ["intended", "sending", "done"]
    assert [step.seq for step in story] == sorted(step.seq for step in story)
    assert story[0].values == VALUES
    found = journal.get(write.id)
    assert found is not None
    assert (found.state, found.uri, found.outcome, found.intent) == ("done", "lead://acme/1", story[2].values, VALUES)
    assert journal.verify() == []


def test_a_key_is_one_accounts_one_tools_and_one_principals(journal: Journal) -> None:
    write = begun(journal)
    same, new = journal.begin(new_write("k", "b" * 64), State.INTENDED, VALUES)
    assert (same.id, new) == (write.id, False)
    for account, tool, principal in (
        ("other", "insert_lead", "local"),
        ("acme", "update_lead", "local"),
        ("acme", "insert_lead", "http"),
    ):
        other, new = journal.begin(
            new_write("k", account=account, tool=tool, principal=principal), State.INTENDED, VALUES
        )
        assert new
        assert other.id != write.id
    assert journal.verify() == []


def test_writes_without_a_key_are_each_their_own(journal: Journal) -> None:
    assert begun(journal, None).id != begun(journal, None).id


def test_a_refusal_gives_the_key_back(journal: Journal) -> None:
    first = begun(journal)
    journal.step(first, State.REFUSED, {"why": "no"}, keep_key=False)
    assert journal.find("acme", "insert_lead", "local", "k") is None
    assert begun(journal).id != first.id
    assert [step.state for step in journal.events(first.id)] == ["intended", "refused"]


def test_the_newest_writes_come_first(journal: Journal, clock: Clock) -> None:
    names = []
    for nth in range(3):
        clock.now = START + timedelta(minutes=nth)
        names.append(begun(journal, f"k{nth}").id)
    assert [write.id for write in journal.recent(limit=2)] == names[:0:-1]
    assert journal.recent(states=["done"]) == []
    assert [write.id for write in journal.recent(account="acme", tool="insert_lead")] == names[::-1]


def test_what_is_written_in_one_process_is_read_in_another(opened: Opens) -> None:
    write = finished(opened())
    found = opened().find("acme", "insert_lead", "local", "k")
    assert found is not None
    assert (found.id, found.state) == (write.id, "done")


# --- races --------------------------------------------------------------------------------------------------------


def test_many_begin_with_one_key_and_one_write_is_new(opened: Opens) -> None:
    journals = [opened() for _ in range(3)]
    ready = threading.Barrier(6)

    def one(nth: int) -> tuple[str, bool]:
        ready.wait()
        write, new = journals[nth % 3].begin(new_write("k"), State.INTENDED, VALUES)
        return write.id, new

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(one, range(6)))
    assert len({name for name, _ in found}) == 1
    assert sum(new for _, new in found) == 1
    assert journals[0].verify() == []


def test_many_take_over_and_one_succeeds(opened: Opens) -> None:
    dead = opened()
    write = begun(dead)
    dead.close()
    journals = [opened() for _ in range(3)]
    ready = threading.Barrier(6)

    def one(nth: int) -> bool:
        ready.wait()
        return journals[nth % 3].take_over(write, State.INTENDED, {"taken_over_from": "intended"}) is not None

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(one, range(6))) == 1
    assert [step.state for step in journals[0].events(write.id)] == ["intended", "intended"]
    assert journals[0].verify() == []


def test_a_write_let_go_is_taken_over_once_by_its_own_process(journal: Journal) -> None:
    """The process lives, the call is gone: two calls of that same process want it."""
    write = begun(journal)
    assert journal.is_worked_on(write)
    journal.let_go(write)
    assert not journal.is_worked_on(write)
    ready = threading.Barrier(4)

    def one(_: int) -> bool:
        ready.wait()
        return journal.take_over(write, State.INTENDED, {"taken_over_from": "intended"}) is not None

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(one, range(4))) == 1
    assert journal.is_worked_on(write)


def test_whoever_is_too_late_sees_that_somebody_is_at_work(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two in one process: the second is refused while the first one's step is not on disk yet, and must be able to wait."""
    waiting, _ = journal.begin(new_write("k"), State.PENDING, VALUES)
    moved = journal._moved
    seen: list[object] = []

    def slowly(*arguments: Any, **named: Any) -> None:
        seen.append(journal.take_over(waiting, State.INTENDED, {}))
        seen.append(journal.is_worked_on(waiting))
        moved(*arguments, **named)

    monkeypatch.setattr(journal, "_moved", slowly)
    assert not journal.is_worked_on(waiting)
    assert journal.take_over(waiting, State.INTENDED, {}) is not None
    assert seen == [None, True]


def test_a_write_is_not_taken_from_a_state_it_has_left(journal: Journal) -> None:
    write = finished(journal)
    assert journal.take_over(replace(write, state=State.SENDING), State.INTENDED, {}) is None
    assert [step.state for step in journal.events(write.id)] == ["intended", "sending", "done"]


def test_a_living_process_keeps_its_writes_and_a_dead_one_does_not(opened: Opens) -> None:
    ours, theirs = opened(), opened()
    write = begun(theirs)
    assert ours.is_worked_on(write)
    theirs.close()
    assert not ours.is_worked_on(write)
    assert not ours.is_worked_on(write), "the dead stay dead, however often one looks"


@pytest.mark.parametrize("skew", [-200, 0, 200])
def test_a_process_out_of_sight_is_dead_when_its_lease_is_over(
    url: str | None, opened: Opens, tmp_path: Path, clock: Clock, skew: int
) -> None:
    """By the database's clock: what either machine's says does not matter where the database is elsewhere."""
    there = (lambda: clock() + timedelta(seconds=skew)) if url else clock
    place = url or f"sqlite:///{tmp_path}/state/journal.sqlite"
    elsewhere = Journal(place, tmp_path / "elsewhere", there, lease=120).open()
    ours = opened()
    try:
        write = begun(elsewhere)
        assert ours.is_worked_on(write)
        assert ours.take_over(write, State.INTENDED, {}) is None
        assert elsewhere.renew(write)
        clock.now = START + timedelta(minutes=3)
        if url:  # three minutes by the database's clock, which no test can set
            tampered(ours, update(writes).values(lease=writes.c.lease - 180))
        assert not ours.is_worked_on(write)
        assert ours.take_over(write, State.INTENDED, {}) is not None
        assert not elsewhere.renew(write)
    finally:
        elsewhere.close()


def test_parallel_stories_keep_one_chain(opened: Opens) -> None:
    journals = [opened() for _ in range(3)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda nth: finished(journals[nth % 3], f"k{nth}"), range(12)))
    assert journals[0].verify() == []
    assert len(journals[0].recent()) == 12


# --- questions ----------------------------------------------------------------------------------------------------


def test_an_answer_is_used_once_and_for_its_own_call(journal: Journal) -> None:
    name = journal.ask("a" * 64, ["digest", None])
    assert journal.answered(name, "b" * 64) is None
    assert journal.answered(name, "a" * 64) == ["digest", None]
    assert journal.answered(name, "a" * 64) is None
    assert journal.answered("a-nobody", "a" * 64) is None


def test_many_answers_at_once_count_once(opened: Opens) -> None:
    journals = [opened() for _ in range(2)]
    name = journals[0].ask("a" * 64, ["digest"])
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda nth: journals[nth % 2].answered(name, "a" * 64), range(6)))
    assert found.count(["digest"]) == 1


# --- verifying ----------------------------------------------------------------------------------------------------

CHANGED: dict[str, Callable[[Write], Any]] = {
    "an event's state": lambda w: update(events).where(events.c.seq == 2).values(state="declined"),
    "an event's time": lambda w: update(events).where(events.c.seq == 2).values(at="2020-01-01T00:00:00+00:00"),
    "an event's digest": lambda w: update(events).where(events.c.seq == 2).values(digest="0" * 64),
    "an event's hash": lambda w: update(events).where(events.c.seq == 6).values(hash="0" * 64),
    "values": lambda w: update(payloads).where(payloads.c.seq == 1).values(body='{"arguments": {}}'),
    "a write's state": lambda w: update(writes).where(writes.c.id == w.id).values(state="refused"),
    "a write's account": lambda w: update(writes).where(writes.c.id == w.id).values(account="other"),
    "a write's arguments": lambda w: update(writes).where(writes.c.id == w.id).values(arguments="b" * 64),
    "the head": lambda w: update(chain).values(head="0" * 64),
}


@pytest.mark.parametrize("what", CHANGED)
def test_every_changed_row_is_found(journal: Journal, what: str) -> None:
    write = finished(journal, "k1")
    finished(journal, "k2")
    assert journal.verify() == []
    tampered(journal, CHANGED[what](write))
    assert journal.verify() != []


@pytest.mark.parametrize("seq", [1, 3, 6])
def test_every_missing_event_is_found(journal: Journal, seq: int) -> None:
    finished(journal, "k1")
    finished(journal, "k2")
    tampered(journal, delete(payloads).where(payloads.c.seq == seq))
    assert journal.verify() == []  # as after a purge
    tampered(journal, delete(events).where(events.c.seq == seq))
    assert any("missing" in problem for problem in journal.verify())


def test_a_missing_write_is_found(opened: Opens, url: str | None) -> None:
    journal = opened()
    write = finished(journal)
    if url is not None:
        tampered(journal, text("ALTER TABLE lead_mcp_events DROP CONSTRAINT lead_mcp_events_write_id_fkey"))
    tampered(journal, delete(writes).where(writes.c.id == write.id))
    assert journal.verify() == [f"write {write.id} is missing"]


# --- keeping ------------------------------------------------------------------------------------------------------


def test_a_purge_forgets_values_of_what_ended_and_the_chain_still_verifies(journal: Journal, clock: Clock) -> None:
    old = finished(journal, "k1")
    lost = journal.step(journal.step(begun(journal, "k3"), State.SENDING, {}), State.UNKNOWN, {"why": "cut"})
    clock.now = START + timedelta(days=91)
    young, waiting = finished(journal, "k4"), begun(journal, "k2", State.PENDING)
    assert journal.purge(90) == 3
    assert journal.verify() == []
    assert {step.values for step in journal.events(old.id)} == {None}
    assert all(step.values is not None for write in (waiting, lost, young) for step in journal.events(write.id))
    found = journal.find("acme", "insert_lead", "local", "k1")
    assert found is not None
    assert (found.state, found.uri, found.outcome) == ("done", "lead://acme/1", None)
    finished(journal, "k5")
    assert journal.verify() == []


def test_a_purge_ends_what_nobody_approved_in_time(journal: Journal, clock: Clock) -> None:
    waiting = begun(journal, state=State.PENDING)
    clock.now = START + timedelta(days=91)
    journal.purge(90)
    found = journal.get(waiting.id)
    assert found is not None
    assert (found.state, found.key, found.intent) == ("expired", None, None)
    assert journal.verify() == []


# --- opening ------------------------------------------------------------------------------------------------------


def test_a_newer_journal_is_left_alone(opened: Opens) -> None:
    first = opened()
    tampered(first, update(meta).where(meta.c.name == "version").values(value=str(VERSION + 1)))
    with pytest.raises(NotAllowed, match=f"version {VERSION + 1}, newer"):
        opened()


def test_several_open_a_new_journal_at_once(url: str | None, tmp_path: Path) -> None:
    journals = [Journal(url, tmp_path / "state") for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(Journal.open, journals))
    finished(journals[0])
    assert journals[1].verify() == []
    for journal in journals:
        journal.close()


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    with_mask = os.umask(0)
    try:
        journal = Journal(None, tmp_path / "state").open()
        finished(journal)
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "state").iterdir()}
        journal.close()
    finally:
        os.umask(with_mask)
    assert {mode for name, mode in modes.items() if name.startswith("journal.sqlite")} == {0o600}
    assert modes["owners"] == 0o700
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700


@pytest.mark.parametrize("folder", ["/proc/lead-mcp", "/dev/null/state"])
def test_a_folder_that_cannot_be_written_is_a_refusal(folder: str) -> None:
    with pytest.raises(NotAllowed, match="nothing was sent") as caught:
        Journal(None, Path(folder)).open()
    assert "LEAD_MCP_STATE_DIR" in caught.value.message


def test_a_read_only_folder_is_a_refusal(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    Journal(None, folder).open().close()
    folder.chmod(0o500)
    (folder / "owners").chmod(0o500)
    try:
        if os.access(folder, os.W_OK):
            pytest.skip("this user may write everywhere; /proc above stands for it")
        with pytest.raises(NotAllowed, match="nothing was sent"):
            Journal(None, folder).open()
    finally:
        folder.chmod(0o700)
        (folder / "owners").chmod(0o700)


@pytest.mark.parametrize(
    "url", ["no url", "postgresql+psycopg://journal@127.0.0.1:1/nowhere", "nosuchthing://x/y", "mysql://x/y"]
)
def test_a_database_that_cannot_be_had_is_a_refusal(tmp_path: Path, url: str) -> None:
    with pytest.raises(NotAllowed, match="nothing was sent"):
        Journal(url, tmp_path).open()


def test_a_full_disk_is_a_refusal_and_what_was_there_stays_whole(tmp_path: Path) -> None:
    journal = Journal(None, tmp_path).open()
    before = finished(journal)
    assert journal.database.engine is not None

    def full(connection: Any, record: Any) -> None:
        connection.execute("PRAGMA max_page_count=1")  # SQLite's own word for a full disk

    journal.database.engine.dispose()
    event.listen(journal.database.engine, "connect", full)
    with pytest.raises(NotAllowed, match="full"):
        journal.begin(new_write("big"), State.INTENDED, {"text": "x" * 100_000})
    assert journal.find("acme", "insert_lead", "local", "big") is None
    assert journal.verify() == []
    assert [write.id for write in journal.recent()] == [before.id]
    assert journal.database.run(lambda tx: tx.execute(select(chain.c.seq)).scalar_one()) == 3
    journal.close()


def test_a_second_opening_in_a_process_leaves_the_first_its_locks(tmp_path: Path) -> None:
    """Else the next process to close the database takes itself for the last, and removes the log that the first writes to."""
    first, second = Journal(None, tmp_path).open(), Journal(None, tmp_path).open()
    second.close()
    reading = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT 1 FROM sqlite_master'); c.close()"
    )
    subprocess.run([sys.executable, "-c", reading, tmp_path / "journal.sqlite"], check=True)
    assert (tmp_path / "journal.sqlite-wal").exists()
    first.close()
