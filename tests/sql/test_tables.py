"""The tables, said once: names and types hold the contract, no name needs quotes, the docs are printed from them."""

from __future__ import annotations

from pathlib import Path

import pytest

from lead_mcp.sql.functions import FORBIDDEN, FUNCTIONS
from lead_mcp.sql.schema import EXAMPLES, schema_markdown, schema_text
from lead_mcp.sql.tables import TABLES
from lead_mcp.vendors.spec.fields import CANONICAL, PING_FIELDS
from tests.sql.asking import Asked

DOCS = Path(__file__).parents[2] / "docs" / "sql.md"
CONTRACT = {
    "leads": f"uri account vendor {' '.join(CANONICAL)} phone_e164 email_folded person_id is_test raw",
    "sends": "lead_uri account occurred_at buyer accepted price revenue response",
    "events": "lead_uri account occurred_at kind what amount buyer",
    "pings": f"uri account direction {' '.join(PING_FIELDS)} lead_uri raw".replace(" at ", " occurred_at "),
    "recordings": "uri account lead_uri started_at ended_at duration_s",
    "people": "person_id name email phone accounts leads first_seen last_seen",
    "accounts": "account vendor zone as_of covered_since complete leads",
}
TYPES = {
    ("leads", "is_test"): "BOOLEAN",
    ("leads", "raw"): "JSON",
    ("leads", "value"): "DECIMAL(18,4)",
    ("leads", "created_at"): "TIMESTAMP WITH TIME ZONE",
    ("sends", "accepted"): "BOOLEAN",
    ("sends", "price"): "DECIMAL(18,4)",
    ("pings", "received"): "BOOLEAN",
    ("people", "accounts"): "INTEGER",
    ("people", "leads"): "INTEGER",
    ("accounts", "complete"): "BOOLEAN",
    ("accounts", "leads"): "INTEGER",
    ("accounts", "as_of"): "TIMESTAMP WITH TIME ZONE",
}


def test_the_tables_and_their_columns_are_the_contracts() -> None:
    assert {name: " ".join(table.types) for name, table in TABLES.items()} == CONTRACT


@pytest.mark.parametrize("name", TABLES)
def test_every_column_can_be_asked_for_bare_and_has_the_type_that_is_told(engine: Asked, name: str) -> None:
    table = TABLES[name]
    found = engine.answer(f"SELECT {', '.join(table.types)} FROM {name}")  # noqa: S608 - our own names
    assert list(found.columns) == list(table.types)
    told = {"TIMESTAMPTZ": "TIMESTAMP WITH TIME ZONE"}
    assert list(found.types) == [told.get(kind, kind) for kind in table.types.values()]


@pytest.mark.parametrize(("where", "kind"), TYPES.items(), ids=str)
def test_types_are_the_contracts(engine: Asked, where: tuple[str, str], kind: str) -> None:
    table, column = where
    assert engine.answer(f"SELECT {column} FROM {table}").types == [kind]  # noqa: S608 - our own names


def test_no_name_is_a_reserved_word(engine: Asked) -> None:
    reserved = {
        row[0]
        for row in engine.bare(
            "SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category = 'reserved'", max_rows=1000
        ).rows
    }
    assert len(reserved) > 50
    assert reserved & {*TABLES, *(column for table in TABLES.values() for column in table.types)} == set()


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_can_be_run(engine: Asked, name: str) -> None:
    assert engine.answer(EXAMPLES[name]).complete


def test_the_docs_hold_the_tables_as_they_are() -> None:
    """Print them again with ``python -c "from lead_mcp.sql.schema import schema_markdown; print(schema_markdown())"``."""
    assert schema_markdown() in DOCS.read_text("utf-8")


def test_the_schema_resource_names_every_column() -> None:
    text = schema_text()
    assert all(f"{c.name} {c.type}" in text for table in TABLES.values() for c in table.columns)
    assert len(text) < 12_000


def test_every_listed_function_is_one_of_the_engines_and_none_is_forbidden(engine: Asked) -> None:
    known = {
        str(row[0]).lower()
        for row in engine.bare("SELECT DISTINCT function_name FROM duckdb_functions()", max_rows=5000).rows
    }
    later = set(
        "!= < <= = > >= binom fmod if json_deep_merge json_insert json_merge_patch_diff json_normalize json_remove "
        "json_replace json_set json_strip_nulls overlay round_even roundbankers".split()
    )
    shared = {"grouping", "grouping_id", "unnest"}  # words of the grammar
    assert FUNCTIONS - known <= later | shared
    assert {name for name in FUNCTIONS if name.startswith(tuple(FORBIDDEN))} == {
        "current_date",
        "current_localtime",
        "current_localtimestamp",
    }
