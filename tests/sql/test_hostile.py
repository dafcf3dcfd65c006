"""Hostile statements: each refused with its code, and nothing touched; then past the judge, straight into the cage."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest

from lead_mcp.errors import LeadMcpError
from lead_mcp.sql.cage import CageError, EngineError, Session
from lead_mcp.sql.tables import create_all, drop_all
from tests.sql.asking import EASTERN, PATIENCE, Asked
from tests.sql.hostile import ENDLESS, FINE, LARGE, STATEMENTS

CANARY = "canary-in-the-environment"
SOON = 1.0
"""Seconds until a statement that would go on is stopped."""


@pytest.fixture(scope="module", autouse=True)
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """An empty folder to be in, a word in the environment: neither may be reached, nothing may be made."""
    folder = tmp_path_factory.mktemp("watched")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("CANARY", CANARY)
        yield
    assert list(folder.iterdir()) == []


def code_of(engine: Asked, sql: str, seconds: float = 60) -> str:
    """The code of the refusal, or ``fine``. What is told holds nothing of the machine's, and is short."""
    told, code = "", "fine"
    try:
        told = str(engine.answer(sql, seconds).rows)
    except LeadMcpError as error:
        told, code = error.message, error.code
    assert CANARY not in told
    assert "root:" not in told
    assert code == "fine" or len(told) < 1500
    return code


def test_there_are_many() -> None:
    assert len(STATEMENTS) + len(ENDLESS) + len(LARGE) >= 150


@pytest.mark.parametrize(("sql", "codes"), STATEMENTS.items(), ids=lambda one: str(one)[:60])
def test_a_hostile_statement_is_refused_before_anything_runs(engine: Asked, sql: str, codes: str) -> None:
    engine.bare("SELECT 1")
    before = engine.cage.child
    assert code_of(engine, sql) in codes.split()
    assert engine.cage.child is before, "a refusal costs no child"


@pytest.mark.parametrize("sql", FINE, ids=lambda one: one[:60])
def test_what_only_looks_hostile_is_answered(engine: Asked, sql: str) -> None:
    assert code_of(engine, sql) == "fine"


@pytest.mark.parametrize(
    ("sql", "code"),
    [pytest.param(*one, marks=[] if n < 3 else [pytest.mark.slow]) for n, one in enumerate(ENDLESS.items())],
    ids=lambda one: str(one)[:60],
)
def test_a_statement_that_never_ends_is_stopped(engine: Asked, sql: str, code: str) -> None:
    assert code_of(engine, sql, SOON) == code
    assert code_of(engine, "SELECT 1") == "fine"


@pytest.mark.parametrize(
    ("sql", "code"),
    [pytest.param(*one, marks=[] if n < 3 else [pytest.mark.slow]) for n, one in enumerate(LARGE.items())],
    ids=lambda one: str(one)[:60],
)
def test_a_statement_that_is_too_large_is_stopped(engine: Asked, sql: str, code: str) -> None:
    assert code_of(engine, sql, SOON) == code
    assert code_of(engine, "SELECT 1") == "fine"


@pytest.mark.parametrize("nth", range(5))
def test_where_the_judge_erred_the_cage_would_hold(engine: Asked, nth: int) -> None:
    """Past the judge: no file is read or made, no environment told, no setting changed, the tables stay as they are."""

    async def told_of(statements: Sequence[str]) -> list[str]:
        """What each gives, all in one session over the same tables."""
        async with engine.cage.session(EASTERN.key, PATIENCE) as session:
            await session.begin(create_all(), drop_all())
            found = [await told(session, sql) for sql in statements]
            assert (await session.run("SELECT count(*) FROM leads", 1, 100, 100)).rows == [[0]]
        return found

    async def told(session: Session, sql: str) -> str:
        try:
            return str((await session.run(sql, 200, 1_000_000, 10_000)).rows)
        except EngineError as error:
            return str(error)

    statements = [one for one in STATEMENTS if one.strip() and "sleep" not in one][nth::5]
    assert len(statements) > 45
    for sql, found in zip(statements, engine.within(partial(told_of, statements)), strict=True):
        assert CANARY not in found, sql
        assert "root:" not in found, sql


@pytest.mark.parametrize("sql", ["SELECT pg_sleep(100)", "SELECT sleep_ms(100000)"])
def test_sleeping_is_no_more_than_slow(engine: Asked, sql: str) -> None:
    with pytest.raises(CageError):
        engine.bare(sql, seconds=SOON)
    assert engine.bare("SELECT 1").rows == [[1]]


def test_the_child_has_no_environment_no_network_and_no_other_process(engine: Asked) -> None:
    engine.bare("SELECT 1")
    child = engine.cage.child
    assert child is not None
    if not Path(f"/proc/{child.process.pid}").exists():
        pytest.skip("no /proc to look into")
    there = Path(f"/proc/{child.process.pid}")
    assert (there / "environ").read_bytes() == b""
    assert not (there / f"task/{child.process.pid}/children").read_text().strip()
    limits = (there / "limits").read_text()
    assert "Max file size             0" in limits
    assert "Max core file size        0" in limits
    assert "Max address space         unlimited" not in limits
    assert "Seccomp:\t2" in (there / "status").read_text()
    assert os.getpid() != child.process.pid
    assert all(child.confined.values())
