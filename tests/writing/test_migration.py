"""A journal of version 1 is brought to this version with everything in it: stories, keys, an intact chain."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import Engine, create_engine, select, text, update

from lead_mcp.errors import NotAllowed
from lead_mcp.journal.entries import NewWrite, State, digest_of
from lead_mcp.journal.store import Journal
from lead_mcp.journal.tables import VERSION, events, meta, writes

TABLES: Final = """
CREATE TABLE lead_mcp_meta (name VARCHAR(40) NOT NULL PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE lead_mcp_writes (id VARCHAR(40) NOT NULL PRIMARY KEY, at VARCHAR(40) NOT NULL, account VARCHAR(100) NOT NULL,
  tool VARCHAR(40) NOT NULL, principal VARCHAR(100) NOT NULL, key VARCHAR(300), arguments VARCHAR(64) NOT NULL,
  state VARCHAR(20) NOT NULL, uri TEXT, owner VARCHAR(40) NOT NULL, lease FLOAT NOT NULL,
  UNIQUE (account, tool, principal, key));
CREATE INDEX lead_mcp_writes_state ON lead_mcp_writes (state, at);
CREATE TABLE lead_mcp_events (seq INTEGER NOT NULL PRIMARY KEY, write_id VARCHAR(40) NOT NULL REFERENCES lead_mcp_writes (id),
  at VARCHAR(40) NOT NULL, state VARCHAR(20) NOT NULL, account VARCHAR(100) NOT NULL, tool VARCHAR(40) NOT NULL,
  arguments VARCHAR(64) NOT NULL, digest VARCHAR(64) NOT NULL, prev VARCHAR(64) NOT NULL, hash VARCHAR(64) NOT NULL);
CREATE INDEX ix_lead_mcp_events_write_id ON lead_mcp_events (write_id);
CREATE TABLE lead_mcp_payloads (seq INTEGER NOT NULL PRIMARY KEY REFERENCES lead_mcp_events (seq), body TEXT NOT NULL);
CREATE TABLE lead_mcp_asks (id VARCHAR(40) NOT NULL PRIMARY KEY, at VARCHAR(40) NOT NULL, arguments VARCHAR(64) NOT NULL,
  shown VARCHAR(64) NOT NULL, used INTEGER NOT NULL);
CREATE TABLE lead_mcp_chain (id INTEGER NOT NULL PRIMARY KEY, seq INTEGER NOT NULL, head VARCHAR(64) NOT NULL)
"""
"""As version 1 made them."""
AT: Final = "2026-11-01T00:00:00+00:00"
ARGUMENTS: Final = {
    "account": "acme",
    "lead": {"email": "ann@example.com"},
    "vendor_fields": None,
    "on_duplicate": "fail",
}
OUTCOME: Final = {"outcome": "created", "uri": "lead://acme/1", "id": "1", "journal_id": "w-1", "warnings": ["one"]}
STORIES: Final[dict[str, tuple[str, str, list[tuple[str, Any]]]]] = {
    "w-1": ("local", "key 1", [("intended", {"arguments": ARGUMENTS}), ("sending", {}), ("done", OUTCOME)]),
    "w-2": ("http", "key 2", [("intended", {"arguments": ARGUMENTS}), ("sending", {}), ("done", OUTCOME)]),
    "w-3": ("http", "key 1", [("intended", {}), ("sending", {}), ("unknown", {"why": "cut"})]),
    "w-4": ("local", "key 4", [("pending", {"arguments": ARGUMENTS, "action": "insert a lead", "shown": "d" * 64})]),
    "w-5": ("import", "import x#1", [("intended", {}), ("sending", {})]),
}
"""By id: whose key, the key, the steps with their values."""


def version_1(engine: Engine) -> None:
    """A journal as version 1 left it."""
    seq, prev = 0, "0" * 64
    with engine.begin() as tx:
        for statement in TABLES.split(";"):
            tx.execute(text(statement))
        tx.execute(text("INSERT INTO lead_mcp_meta VALUES ('version', '1')"))
        tx.execute(text("INSERT INTO lead_mcp_asks VALUES ('a-1', :at, 'a', 'b', 0)"), {"at": AT})
        for name, (principal, key, steps) in STORIES.items():
            row = {"id": name, "at": AT, "principal": principal, "key": key, "state": steps[-1][0]}
            uri = "lead://acme/1" if steps[-1][0] == "done" else None
            tx.execute(
                text(
                    "INSERT INTO lead_mcp_writes VALUES (:id, :at, 'acme', 'insert_lead', :principal, :key, :arguments, "
                    ":state, :uri, 'nobody', 0)"
                ),
                {**row, "arguments": digest_of(ARGUMENTS), "uri": uri},
            )
            for state, values in steps:
                seq += 1
                said = {
                    "seq": seq,
                    "write_id": name,
                    "at": AT,
                    "state": state,
                    "account": "acme",
                    "tool": "insert_lead",
                }
                said |= {"arguments": digest_of(ARGUMENTS), "digest": digest_of(values), "prev": prev}
                prev = digest_of(said)
                columns = ", ".join(f":{one}" for one in said)
                tx.execute(text(f"INSERT INTO lead_mcp_events VALUES ({columns}, :hash)"), {**said, "hash": prev})  # noqa: S608
                tx.execute(
                    text("INSERT INTO lead_mcp_payloads VALUES (:seq, :body)"), {"seq": seq, "body": json.dumps(values)}
                )
        tx.execute(text("INSERT INTO lead_mcp_chain VALUES (1, :seq, :head)"), {"seq": seq, "head": prev})


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgresql")())
    (tmp_path / "state").mkdir(mode=0o700)
    return f"sqlite:///{tmp_path}/state/journal.sqlite"


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    found = create_engine(url)
    version_1(found)
    yield found
    found.dispose()


@pytest.fixture
def opens(url: str, engine: Engine, tmp_path: Path) -> Iterator[Callable[[], Journal]]:
    found: list[Journal] = []

    def one() -> Journal:
        found.append(Journal(url, tmp_path / "state"))
        return found[-1]

    yield one
    for journal in found:
        journal.close()


def version(engine: Engine) -> str:
    with engine.begin() as tx:
        return str(tx.execute(select(meta.c.value)).scalar_one())


def test_every_story_is_there_and_the_chain_verifies(opens: Callable[[], Journal], engine: Engine) -> None:
    journal = opens()
    assert journal.verify() == []
    assert version(engine) == str(VERSION)
    for name, (_, _, steps) in STORIES.items():
        assert [(step.state, step.values) for step in journal.events(name)] == steps
    found = journal.get("w-1")
    assert found is not None
    assert (found.state, found.uri, found.outcome, found.fence) == (State.DONE, "lead://acme/1", OUTCOME, 0)


def test_what_version_1_left_open_goes_on(opens: Callable[[], Journal]) -> None:
    journal = opens()
    waiting, sent = journal.get("w-4"), journal.get("w-5")
    assert waiting is not None
    assert sent is not None
    assert not journal.is_worked_on(sent)
    assert journal.take_over(waiting, State.INTENDED, {"approved": "by hand"}) is not None
    assert journal.take_over(sent, State.UNKNOWN, {"why": "its process ended"}) is not None
    journal.begin(
        NewWrite(account="acme", tool="insert_lead", principal="local", key="n", arguments="a"), State.INTENDED, {}
    )
    assert journal.verify() == []


def test_keys_through_a_token_are_everybodys(opens: Callable[[], Journal]) -> None:
    """One key was two writes; where somebody without a token had used it already, it stays theirs."""
    journal = opens()
    found = {key: journal.find("acme", "insert_lead", "local", key) for key in ("key 1", "key 2")}
    assert {key: write.id for key, write in found.items() if write} == {"key 1": "w-1", "key 2": "w-2"}
    kept = journal.find("acme", "insert_lead", "http", "key 1")
    assert kept is not None
    assert kept.id == "w-3"


def test_several_that_open_it_at_once_bring_it_up_once(opens: Callable[[], Journal]) -> None:
    with ThreadPoolExecutor(4) as pool:
        journals = list(pool.map(Journal.open, [opens() for _ in range(4)]))
    assert journals[0].verify() == []


@pytest.mark.parametrize("what", ["state", "row"])
def test_a_changed_row_of_version_1_is_found(opens: Callable[[], Journal], engine: Engine, what: str) -> None:
    journal = opens()
    assert journal.verify() == []
    with engine.begin() as tx:
        if what == "state":
            tx.execute(update(writes).where(writes.c.id == "w-1").values(state="refused"))
        else:  # nor can a step of this version pass for one of that
            tx.execute(update(events).where(events.c.seq == 2).values(row_digest="0" * 64))
    assert len(journal.verify()) == 1


@pytest.mark.parametrize("version", ["", "one", "-1", "1.5", "٣"])
def test_a_version_that_is_none_is_damage(opens: Callable[[], Journal], engine: Engine, version: str) -> None:
    with engine.begin() as tx:
        tx.execute(update(meta).values(value=version))
    with pytest.raises(NotAllowed, match=r"damaged.*version"):
        opens().open()
