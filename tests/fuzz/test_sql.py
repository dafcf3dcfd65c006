"""Statements put together at random, and damaged ones: rows or a refusal in words, and the engine lives on."""

from __future__ import annotations

from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_mcp.errors import LeadMcpError
from lead_mcp.sql.tables import TABLES
from tests.fuzz.drawing import TEXTS, damaged
from tests.fuzz.promised import CODES, INNER, bounded
from tests.profiles import examples
from tests.sql.asking import Asked
from tests.sql.conftest import engine

__all__ = ["engine"]
pytestmark = pytest.mark.slow

COLUMNS: Final = sorted({name for table in TABLES.values() for name in table.types})
VALUES: Final = st.one_of(
    st.sampled_from(COLUMNS),
    st.integers(-(2**70), 2**70).map(str),
    st.sampled_from(
        ["NULL", "TRUE", "1.5", "'x'", "'2026-10-01'", "current_date", "now()", "'{}'", "interval 1 day", "*"]
    ),
    TEXTS.map(lambda text: "'" + text.replace("'", "''") + "'"),
)
FUNCTIONS: Final = (
    "count",
    "sum",
    "max",
    "lower",
    "length",
    "date_trunc",
    "coalesce",
    "abs",
    "list",
    "json_extract",
    "eval",
)
OPERATORS: Final = ("=", "<>", "<", "+", "-", "/", "||", "AND", "OR", "LIKE", "IN", "IS", "->>", "~", "BETWEEN")


@st.composite
def expressions(draw: st.DrawFn, depth: int = 2) -> str:
    kind = draw(st.integers(0, 5)) if depth else 0
    inner = expressions(depth=depth - 1) if depth else VALUES
    if kind <= 1:
        return draw(VALUES)
    if kind == 2:
        return f"{draw(st.sampled_from(FUNCTIONS))}({draw(inner)})"
    if kind == 3:
        return f"({draw(inner)} {draw(st.sampled_from(OPERATORS))} {draw(inner)})"
    if kind == 4:
        return f"CASE WHEN {draw(inner)} THEN {draw(inner)} ELSE {draw(inner)} END"
    return (
        f"CAST({draw(inner)} AS {draw(st.sampled_from(['INTEGER', 'VARCHAR', 'DATE', 'DECIMAL(38,2)', 'JSON', 'x']))})"
    )


@st.composite
def statements(draw: st.DrawFn) -> str:
    """A SELECT over our tables, as people and models write them."""
    chosen = draw(st.lists(expressions(), min_size=1, max_size=3))
    table = draw(st.sampled_from(sorted(TABLES)))
    other = draw(st.sampled_from(sorted(TABLES)))
    parts = [f"SELECT {', '.join(chosen)} FROM {table}"]  # noqa: S608 - that is what is tried
    if draw(st.booleans()):
        parts.append(f"JOIN {other} USING ({draw(st.sampled_from(COLUMNS))})")
    if draw(st.booleans()):
        parts.append(f"WHERE {draw(expressions())}")
    if draw(st.booleans()):
        parts.append(f"GROUP BY {draw(st.sampled_from(['1', 'ALL', draw(VALUES)]))}")
    if draw(st.booleans()):
        parts.append(f"ORDER BY {draw(expressions())}")
    if draw(st.booleans()):
        parts.append(f"LIMIT {draw(st.integers(-1, 5))}")
    return " ".join(parts)


def answered(engine: Asked, sql: str) -> None:
    with bounded():
        try:
            engine.answer(sql)
        except LeadMcpError as error:
            found: tuple[str, Any] = error.code, INNER.search(error.message)
        else:
            return
    assert found[0] in CODES
    assert found[1] is None or found[1][0] in sql, (sql, found[1])


@given(sql=statements())
@examples(20)
def test_any_statement_of_ours_is_answered_or_refused(engine: Asked, sql: str) -> None:
    answered(engine, sql)


@given(sql=statements().flatmap(damaged) | TEXTS)
@examples(20)
def test_a_damaged_statement_is_answered_or_refused(engine: Asked, sql: str) -> None:
    answered(engine, sql)


def test_the_engine_is_there_afterwards(engine: Asked) -> None:
    assert engine.answer("SELECT 1 AS one").rows == [[1]] or engine.answer("SELECT 1 AS one").rows == [(1,)]
