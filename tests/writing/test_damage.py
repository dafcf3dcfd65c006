"""A journal that somebody has changed: one clear error, whatever is done with it; and verify finds what was changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, delete, update
from sqlalchemy.pool import NullPool

from lead_mcp.errors import BadArgument, NotAllowed
from lead_mcp.journal.anchors import parse_anchor
from lead_mcp.journal.chain import Anchor
from lead_mcp.journal.entries import ClaimLost, NewWrite, State, Write
from lead_mcp.journal.store import Journal
from lead_mcp.journal.tables import START, chain, events, meta, payloads, questions, writes

Opens = Callable[[], Journal]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str | None:
    return None if request.param == "sqlite" else request.getfixturevalue("postgresql")()


@pytest.fixture
def opens(url: str | None, tmp_path: Path) -> Iterator[Opens]:
    found: list[Journal] = []

    def one() -> Journal:
        found.append(Journal(url, tmp_path / "state"))
        return found[-1]

    yield one
    for journal in found:
        journal.close()


def new(key: str | None) -> NewWrite:
    return NewWrite(account="acme", tool="insert_lead", principal="local", key=key, arguments="a" * 64)


def finished(journal: Journal, key: str) -> Write:
    write, _ = journal.begin(new(key), State.INTENDED, {"arguments": {}})
    write = journal.step(write, State.SENDING, {})
    return journal.step(write, State.DONE, {"outcome": "created", "warnings": []}, uri=f"lead://acme/{key}")


def tampered(journal: Journal, *statements: Any) -> None:
    """What somebody with the database's password does behind the journal's back."""
    assert journal.database.engine is not None
    engine = create_engine(journal.database.engine.url, poolclass=NullPool)
    with engine.begin() as tx:
        for statement in statements:
            tx.execute(statement)
    engine.dispose()


# --- one clear error ----------------------------------------------------------------------------------------------

DAMAGE: dict[str, Any] = {
    "a chain that lags behind": update(chain).values(seq=2),
    "a chain without its row": delete(chain),
    "a chain of no number": update(chain).values(seq=-5),
    "a version that is none": update(meta).values(value="two"),
    "values that are no JSON": update(payloads).values(body="{"),
    "values that are no object": update(payloads).values(body="[1]"),
    "a state that is none": update(writes).values(state="perhaps"),
    "a step of a state that is none": update(events).values(state="perhaps"),
}
DOING: dict[str, Callable[[Journal, Write], object]] = {
    "begin": lambda journal, write: journal.begin(new("new"), State.INTENDED, {}),
    "begin with a known key": lambda journal, write: journal.begin(new("k1"), State.INTENDED, {}),
    "step": lambda journal, write: journal.step(write, State.SENDING, {}),
    "take over": lambda journal, write: journal.take_over(write, State.REFUSED, {}),
    "find": lambda journal, write: journal.find("acme", "insert_lead", "local", "k1"),
    "recent": lambda journal, write: journal.recent(),
    "story": lambda journal, write: journal.events(write.id),
    "purge": lambda journal, write: journal.purge(0),
    "verify": lambda journal, write: journal.verify(),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_one_clear_error_or_nobodys_business(opens: Opens, damage: str) -> None:
    """Nothing hangs, nothing is taken for a key that is used already, and no other error is raised."""
    first = opens()
    finished(first, "k1")
    write, _ = first.begin(new("k2"), State.INTENDED, {})
    tampered(first, DAMAGE[damage])
    refusals = []
    for doing in DOING.values():
        try:
            doing(opens(), write)
        except NotAllowed as error:
            refusals.append(error.message)
        except ClaimLost:
            assert "state" in damage, "the write is not as this process has left it"
    assert refusals
    for message in refusals:
        assert "The journal is damaged (" in message
        assert "nothing was sent" in message
        assert "lead-mcp journal verify" in message


def test_a_file_that_is_no_database_is_an_error_too(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir(mode=0o700)
    (tmp_path / "state" / "journal.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(NotAllowed, match=r"not a database.*nothing was sent"):
        Journal(None, tmp_path / "state").recent()


# --- verifying ----------------------------------------------------------------------------------------------------

CHANGED: dict[str, dict[str, Any]] = {
    "key": {"key": "other"},
    "uri": {"uri": "lead://acme/other"},
    "owner": {"owner": "somebody"},
    "principal": {"principal": "somebody"},
    "fence": {"fence": 7},
    "at": {"at": "2020-01-01T00:00:00+00:00"},
    "tool": {"tool": "delete_lead"},
    "account": {"account": "other"},
    "arguments": {"arguments": "b" * 64},
    "state": {"state": "refused"},
}


@pytest.mark.parametrize("column", CHANGED)
def test_verify_covers_the_whole_row_of_a_write(opens: Opens, column: str) -> None:
    journal = opens()
    write = finished(journal, "k1")
    finished(journal, "k2")
    assert journal.verify() == []
    tampered(journal, update(writes).where(writes.c.id == write.id).values(CHANGED[column]))
    assert journal.verify() == [f"{write.id}: its row is not as its events left it"]


def test_a_key_that_was_given_up_is_covered_too(opens: Opens) -> None:
    journal = opens()
    write, _ = journal.begin(new("k"), State.INTENDED, {})
    journal.step(write, State.REFUSED, {}, keep_key=False)
    tampered(journal, update(writes).values(key="k"))
    assert len(journal.verify()) == 1


def test_a_lease_may_be_renewed_at_any_time(opens: Opens) -> None:
    journal = opens()
    write, _ = journal.begin(new("k"), State.INTENDED, {})
    assert journal.renew(write)
    assert journal.verify() == []


def wiped(journal: Journal) -> None:
    """Every trace is gone, and the chain begins anew."""
    every = [delete(table) for table in (payloads, events, writes, questions)]
    tampered(journal, *every, update(chain).values(seq=0, head=START))


def test_a_chain_that_was_wiped_whole_is_found_by_the_anchor_beside_it(opens: Opens) -> None:
    first = opens()
    finished(first, "k1")
    wiped(first)
    assert ["was cut off" in problem for problem in opens().verify()] == [True]
    for key in ("k2", "k3"):
        finished(first, key)
    assert first.verify() == [], "what comes after has an anchor of its own"


def test_a_chain_that_was_wiped_with_its_anchor_is_found_by_one_that_was_kept_elsewhere(
    opens: Opens, tmp_path: Path
) -> None:
    first = opens()
    finished(first, "k1")
    kept = parse_anchor(str(first.head()))
    finished(first, "k2")
    assert first.verify([kept]) == []
    wiped(first)
    for path in (tmp_path / "state").glob("*.anchor"):
        path.unlink()
    assert first.verify() == []
    assert len(first.verify([kept])) == 1
    for key in ("k3", "k4"):
        finished(first, key)
    (problem,) = first.verify([kept])
    assert "another one" in problem


def test_an_anchor_file_that_cannot_be_read_is_none(opens: Opens, tmp_path: Path) -> None:
    journal = opens()
    finished(journal, "k1")
    for path in (tmp_path / "state").glob("*.anchor"):
        path.write_text("{", encoding="ascii")
    assert journal.verify() == []
    finished(journal, "k2")
    assert journal.verify() == []


@pytest.mark.parametrize("words", ["", "12", "12:", ":abc", "x:" + "0" * 64, "1:" + "0" * 63])
def test_an_anchor_has_its_shape(words: str) -> None:
    with pytest.raises(BadArgument, match="anchor"):
        parse_anchor(words)
    assert str(parse_anchor(f"12:{'a' * 64}")) == str(Anchor(12, "a" * 64))


def test_several_missing_events_are_one_problem(opens: Opens) -> None:
    journal = opens()
    finished(journal, "k1")
    finished(journal, "k2")
    tampered(
        journal,
        delete(payloads).where(payloads.c.seq.in_([2, 3, 4])),
        delete(events).where(events.c.seq.in_([2, 3, 4])),
    )
    assert "events 2 to 4 are missing" in journal.verify()
