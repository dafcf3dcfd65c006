"""The cage as a thing that lives: warm, replaced after a failure, killed at the deadline, alone with one statement, exact."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import anyio
import pytest

from lead_mcp.sql.cage import Busy, Cage, CageError, ChildDied, EngineError, TooLong
from lead_mcp.sql.tables import create_all, drop_all
from tests.sql.asking import EASTERN, Asked, asked

LEADS: list[dict[str, Any]] = [
    {"uri": "lead://a/1", "account": "a", "created_at": "2026-11-01T05:30:00+00:00", "value": "0.1000"},
    {"uri": "lead://a/2", "account": "a", "created_at": "2026-11-01T06:30:00+00:00", "value": "0.2000"},
    {"uri": "lead://a/3", "account": "a", "created_at": None, "value": None, "raw": '{"a": [1, {"b": null}]}'},
]


def pid(engine: Asked) -> int:
    child = engine.cage.child
    assert child is not None
    return child.process.pid


def test_the_child_stays_warm(engine: Asked) -> None:
    engine.bare("SELECT 1")
    before = pid(engine)
    assert engine.bare("SELECT 2").rows == [[2]]
    with pytest.raises(EngineError):
        engine.bare("SELECT nothing")
    assert engine.bare("SELECT 3").rows == [[3]]
    assert pid(engine) == before


def test_nothing_of_a_statement_is_left_for_the_next(engine: Asked) -> None:
    assert engine.bare("SELECT count(*) FROM leads", {"leads": LEADS}).rows == [[3]]
    assert engine.bare("SELECT count(*) FROM leads").rows == [[0]]
    assert engine.bare("SELECT count(*) FROM duckdb_tables() WHERE NOT internal").rows == [[6]]


def test_a_child_that_dies_is_replaced(engine: Asked) -> None:
    engine.bare("SELECT 1")
    before = engine.cage.child
    assert before is not None
    before.process.kill()
    before.process.wait()
    assert engine.bare("SELECT 1").rows == [[1]]
    assert engine.cage.child is not before


def test_a_child_that_dies_in_the_middle_is_said_to_have_and_replaced(engine: Asked) -> None:
    async def killed() -> None:
        async with engine.cage.session("UTC", 60) as session:
            session.child.process.kill()
            await session.tree("SELECT 1")

    with pytest.raises(ChildDied):
        engine.within(killed)
    assert engine.bare("SELECT 1").rows == [[1]]


def test_the_deadline_kills_the_child(engine: Asked) -> None:
    engine.bare("SELECT 1")
    before = engine.cage.child
    assert before is not None
    with pytest.raises(TooLong):
        engine.bare("SELECT sum(sin(a.range)) FROM range(10000000) a, range(10000000) b", seconds=1)
    assert before.process.returncode is not None
    assert engine.cage.child is None


def test_cancelling_kills_the_child_and_stops_nothing_else(engine: Asked) -> None:
    engine.bare("SELECT 1")
    before = engine.cage.child
    assert before is not None

    async def cancelled() -> bool:
        ticks = 0
        with anyio.move_on_after(0.5) as scope:
            async with anyio.create_task_group() as group:
                group.start_soon(
                    partial(
                        engine._bare, "SELECT sum(sin(a.range)) FROM range(10000000) a, range(10000000) b", {}, 60, {}
                    )
                )
                while True:
                    await anyio.sleep(0.01)
                    ticks += 1
        return scope.cancelled_caught and ticks > 5

    assert engine.within(cancelled), "the event loop went on meanwhile"
    assert before.process.returncode is not None
    assert engine.bare("SELECT 1").rows == [[1]]


def test_one_statement_at_a_time_each_with_its_own_tables(engine: Asked) -> None:
    async def together() -> list[Any]:
        found: list[Any] = []

        async def one(many: int) -> None:
            rows = [{"uri": f"u{n}", "account": "a"} for n in range(many)]
            found.append((many, (await engine._bare("SELECT count(*) FROM leads", {"leads": rows}, 60, {})).rows))

        async with anyio.create_task_group() as group:
            for many in range(1, 9):
                group.start_soon(one, many)
        return found

    assert sorted(engine.within(together)) == [(many, [[many]]) for many in range(1, 9)]


def test_who_waits_too_long_for_the_child_is_told_that_it_is_busy(engine: Asked) -> None:
    async def held() -> None:
        async with engine.cage.session(EASTERN.key, 60), anyio.create_task_group() as group:
            group.start_soon(waiting)

    async def waiting() -> None:
        with pytest.raises(Busy):
            async with engine.cage.session(EASTERN.key, 60, wait=0.1):
                pass

    engine.within(held)
    assert engine.bare("SELECT 1").rows == [[1]]


def test_a_cage_may_be_made_before_there_is_a_loop() -> None:
    cage = Cage()

    async def ask() -> int:
        async with cage.session("UTC", 60) as session:
            await session.begin([], [])
            found = (await session.run("SELECT 1", 1, 1000, 100)).rows[0][0]
        await cage.aclose()
        return int(found)

    assert anyio.run(ask) == 1


def test_values_keep_their_types(engine: Asked) -> None:
    sql = (
        "SELECT value, sum(value) OVER (), [value], {'v': value, 't': created_at}, MAP {'k': 1}, true, NULL, "
        "12345678901234567890, DATE '2026-11-01', INTERVAL 14 MONTH, CAST('x' AS BLOB), 1.5e300, CAST('nan' AS DOUBLE), "
        "raw->'a' FROM leads ORDER BY uri"
    )
    first, _, last = engine.bare(sql, {"leads": LEADS}).rows
    instant = datetime(2026, 11, 1, 1, 30, tzinfo=first[3]["t"].tzinfo)
    assert first[:10] == [
        Decimal("0.1000"), Decimal("0.3000"), [Decimal("0.1000")], {"v": Decimal("0.1000"), "t": instant},
        {"k": 1}, True, None, 12345678901234567890, "2026-11-01", "1 year 2 months",
    ]  # fmt: skip
    assert first[10:13] == ["78", 1.5e300, "nan"]
    assert (last[0], last[13]) == (None, '[1,{"b":null}]')


def test_times_are_in_the_asked_zone_also_in_the_hour_that_happens_twice(engine: Asked) -> None:
    day = "CAST(date_trunc('day', created_at) AS VARCHAR)"
    sql = f"SELECT created_at, hour(created_at), {day} FROM leads WHERE value > 0 ORDER BY uri"  # noqa: S608 - our own words
    (first, second) = engine.bare(sql, {"leads": LEADS}).rows
    assert [first[0].isoformat(), second[0].isoformat()] == ["2026-11-01T01:30:00-04:00", "2026-11-01T01:30:00-05:00"]
    assert [first[1:], second[1:]] == [[1, "2026-11-01 00:00:00-04"]] * 2
    assert second[0] - first[0] == timedelta(hours=1)
    assert first[0].astimezone(UTC) == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)


def test_another_zone_gets_a_child_of_its_own(engine: Asked) -> None:
    async def hour(zone: str) -> Any:
        async with engine.cage.session(zone, 60) as session:
            await session.begin(create_all(), drop_all())
            return (await session.run("SELECT hour(TIMESTAMPTZ '2026-11-01 12:00:00+00')", 1, 1000, 100)).rows

    assert engine.within(partial(hour, "Asia/Tokyo")) == [[21]]
    assert engine.within(partial(hour, "Europe/Berlin")) == [[13]]


@pytest.mark.parametrize(
    "text", ["a\u0000b", "\u202ea", "\ud800", "é\U0001f600", "x|y\nz", '"quoted"', "\\u0041", "{}", ""]
)
def test_any_text_goes_in_and_comes_out(engine: Asked, text: str) -> None:
    expected = text.encode(errors="replace").decode()
    one, other = {"uri": "u", "account": "a", "name": text}, {"uri": "v", "account": "a", "name": "other"}
    for rows in ([one], [one, one], [one, other]):
        found = engine.bare("SELECT name FROM leads ORDER BY uri", {"leads": rows}).rows
        assert found == [[expected], *([[expected if rows[-1] is one else "other"]] if len(rows) > 1 else [])]


def test_rows_and_bytes_and_cells_are_bounded_and_counted(engine: Asked) -> None:
    found = engine.bare("SELECT range FROM range(1000)", max_rows=10)
    assert ([row[0] for row in found.rows], found.row_count) == (list(range(10)), 1000)
    assert engine.bare("SELECT 1 FROM range(200000)", max_rows=1).row_count is None
    found = engine.bare("SELECT repeat('x', 1000) FROM range(100)", max_bytes=5_000)
    assert (len(found.rows), found.row_count) == (4, 100)
    found = engine.bare("SELECT repeat('x', 1000)", max_cell=100)
    assert (found.rows[0][0], found.cut_cells) == ("x" * 100 + "…", 1)


def test_the_order_is_kept_where_intervals_are_shown_in_words(engine: Asked) -> None:
    found = engine.bare("SELECT range, to_days(CAST(range AS INT)) FROM range(5000) ORDER BY range DESC", max_rows=3)
    assert found.rows == [[4999, "4999 days"], [4998, "4998 days"], [4997, "4997 days"]]
    assert found.row_count == 5000


def test_two_columns_of_one_name_are_two(engine: Asked) -> None:
    found = engine.bare("SELECT 1 AS a, 2 AS a, INTERVAL 1 DAY AS a")
    assert (list(found.columns), found.rows) == (["a", "a", "a"], [[1, 2, "1 day"]])


def test_the_child_ends_with_its_stdin() -> None:
    with asked() as found:
        found.bare("SELECT 1")
        child = found.cage.child
        assert child is not None
        assert child.process.stdin is not None
        child.process.stdin.close()
        assert child.process.wait(30) == 0


@pytest.mark.parametrize("zone", ["Nowhere/Land", "UTC'; SET x='"])
def test_a_child_that_cannot_start_says_so(zone: str) -> None:
    async def ask(cage: Cage) -> None:
        async with cage.session(zone, 60):
            pass

    with asked() as found, pytest.raises(CageError):
        found.portal.call(ask, found.cage)


def test_this_process_never_loads_duckdb() -> None:
    """Nor anything of ours that runs SQL, before somebody asks; what there is to be known of an answer are bare values."""
    code = (
        "import sys, lead_mcp.tools.catalogue, lead_mcp.runtime;"
        "print([one for one in sys.modules if 'mcp.sql.' in one and one != 'lead_mcp.sql.notes']);"
        "import lead_mcp.sql.running; print(sorted({'duckdb', 'numpy', 'pandas', 'pyarrow'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "[]\n[]\n"


def test_memory_is_bounded(engine: Asked) -> None:
    work: list[Callable[[], Any]] = [
        partial(engine.bare, f"SELECT length(repeat('x', {size}))") for size in (1_200_000_000, 3_000_000_000)
    ]
    for one in work:
        with pytest.raises(CageError):
            one()
    assert engine.bare("SELECT 1").rows == [[1]]
