"""``query_sql`` at its door: both halves of an answer, budgets, masks, the schema, and what is said where it cannot be."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from mcp import MCPError

from lead_mcp.outgoing.pseudonyms import PSEUDONYM
from lead_mcp.outgoing.tokens import estimate
from lead_mcp.sql.cage import is_installed
from lead_mcp.sql.tables import TABLES
from tests.driving import Bench, CallFailed, bench

EVER = {"since": "2000-01-01"}
pytestmark = pytest.mark.skipif(not is_installed(), reason="DuckDB is the extra `sql`")


@pytest.fixture(scope="module")
def driven() -> Iterator[Bench]:
    with bench(40, environment={"LEAD_MCP_TIMEZONE": "America/New_York"}) as found:
        yield found


def ask(driven: Bench, sql: str, **more: Any) -> dict[str, Any]:
    return driven.call("query_sql", sql=sql, **{**EVER, **more})


def text_of(driven: Bench, sql: str, **more: Any) -> str:
    found = driven.raw_call("query_sql", sql=sql, **{**EVER, **more})
    assert not found.is_error, found
    return str(getattr(found.content[0], "text", ""))


def test_the_answer_says_what_was_read_for_it_and_how_fresh_that_is(driven: Bench) -> None:
    found = ask(driven, "SELECT account, count(*) AS leads, sum(value) AS total FROM leads GROUP BY account ORDER BY 1")
    assert found["result"]["columns"] == ["account", "leads", "total"]
    counts = {row[0]: row[1] for row in found["result"]["rows"]}
    assert counts == {account: len(driven.everything(account)) for account in driven.accounts}
    assert (found["row_count"], found["complete"], found["source"]) == (len(driven.accounts), True, "live")
    assert found["window"]["since"] == "2000-01-01T00:00:00-05:00"
    assert "omitted" not in found
    for entry in found["accounts"]:
        assert entry["returned"] == counts[entry["account"]]
        assert entry["as_of"] == "2026-11-21T07:01:00-05:00"


def test_text_holds_the_same_and_uris_go_into_other_tools(driven: Bench) -> None:
    columns = "uri, name, created_at, value, [1, 2] AS numbers, NULL AS nothing"
    sql = f"SELECT {columns} FROM leads WHERE name IS NOT NULL ORDER BY uri LIMIT 3"  # noqa: S608 - our own words
    text, found = text_of(driven, sql), ask(driven, sql)
    lines = text.split("\n")
    assert lines[0].startswith("3 rows, live, Sat 2000-01-01 to Sat 2026-11-21 07:01, 9,822 days, America/New_York")
    assert lines[1] == "uri|name|created_at|value|numbers|nothing"
    for row, line in zip(found["result"]["rows"], lines[2:5], strict=True):
        cells = line.split("|")
        assert cells[0] == row[0] == driven.call("get_lead", uri=row[0])["uri"]
        assert cells[1] == row[1]
        at = datetime.fromisoformat(row[2])
        assert at.utcoffset() is not None
        assert cells[2] == at.replace(tzinfo=None).isoformat()
        assert (row[4], row[5], cells[4], cells[5]) == ([1, 2], None, "[1, 2]", "")
    assert lines[5].startswith("complete: ")


def test_values_are_json_that_every_client_reads(driven: Bench) -> None:
    sql = (
        "SELECT 9007199254740993 AS big, 0.1::DECIMAL(4,2) AS money, 'nan'::DOUBLE AS none, INTERVAL 3 DAY AS days, "
        "DATE '2026-11-01' AS day, repeat('x', 6000) AS long, "
        "{'a': 1.5, 'at': TIMESTAMPTZ '2026-11-01 12:00:00+00'} AS inner, range(3000) AS many, "
        "median(v) FROM (VALUES (3), (5)) t(v)"
    )
    (row,) = ask(driven, sql)["result"]["rows"]
    assert row[:5] == ["9007199254740993", 0.1, "nan", "3 days", "2026-11-01"]
    assert len(row[5]) == 5000
    assert row[6] == {"a": 1.5, "at": "2026-11-01T07:00:00-05:00"}
    assert isinstance(row[7], str)
    assert row[8] == 4
    assert ask(driven, sql)["omitted"] == "2 long texts are cut"
    assert ask(driven, "SELECT repeat('x ', 1000) AS long")["result"]["rows"] == [["x " * 1000]]
    many = ask(driven, "SELECT repeat('x ', 1000) AS long FROM range(30)")
    assert (len(many["result"]["rows"]), many["omitted"]) == (30, "30 long texts are cut")


def test_a_result_that_is_too_long_is_cut_at_a_row_and_says_so(driven: Bench) -> None:
    found = driven.raw_call("query_sql", sql="SELECT * FROM leads", **EVER)
    assert found.structured_content is not None
    shown, there = len(found.structured_content["result"]["rows"]), found.structured_content["row_count"]
    assert 0 < shown < there == sum(len(driven.everything(account)) for account in driven.accounts)
    assert found.structured_content["omitted"].startswith(f"the first {shown:,} of {there:,} rows")
    assert estimate(json.dumps(found.structured_content)) < 8_000
    few = ask(driven, "SELECT range FROM range(500)", max_rows=3)
    assert few["result"]["rows"] == [[0], [1], [2]]
    assert few["omitted"].startswith("the first 3 of 500 rows")
    with pytest.raises(CallFailed, match="max_tokens"):
        ask(driven, "SELECT * FROM leads", max_tokens=60)


def test_what_a_stranger_typed_passes_for_no_uri_or_row(driven: Bench) -> None:
    sql = "SELECT 'lead://octanist/1' || chr(10) || '|x' AS name, 'see lead://octanist/1' AS uri"
    line = text_of(driven, sql).split("\n")[2]
    assert "lead://" not in line
    assert line.count("|") == 1


def test_an_account_and_a_period_narrow_it(driven: Bench) -> None:
    found = driven.call(
        "query_sql", sql="SELECT DISTINCT account FROM leads", account="octanist", period="last_30_days"
    )
    assert found["result"]["rows"] == [["octanist"]]
    assert [entry["account"] for entry in found["accounts"]] == ["octanist"]


def test_a_mirror_that_is_not_there_says_how_to_turn_it_on(driven: Bench) -> None:
    with pytest.raises(CallFailed, match="LEAD_MCP_MIRROR=on") as caught:
        ask(driven, "SELECT 1", source="mirror")
    assert caught.value.code == "not_configured"
    assert ask(driven, "SELECT 1", source="auto")["source"] == "live"


def test_the_schema_is_a_resource(driven: Bench) -> None:
    *_, one = driven.portal.call(driven.client.list_resources).resources
    assert str(one.uri) == "sql://schema"
    text = driven.portal.call(driven.client.read_resource, str(one.uri)).contents[0].model_dump()["text"]
    assert all(column in text for table in TABLES.values() for column in table.types)


def test_without_duckdb_the_tool_and_its_schema_are_not_listed() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "duckdb", None)
        with bench(5, only=["octanist"]) as found:
            assert "query_sql" not in {tool.name for tool in found.portal.call(found.client.list_tools).tools}
            listed = [str(one.uri) for one in found.portal.call(found.client.list_resources).resources]
            assert listed == ["account://octanist"]
            with pytest.raises(CallFailed, match=r"lead-mcp\[sql\]") as caught:
                found.call("query_sql", sql="SELECT 1")
            assert caught.value.code == "not_offered"


def test_with_masks_the_tables_hold_pseudonyms_that_other_tools_show_too() -> None:
    with bench(15, environment={"LEAD_MCP_PII": "masked"}) as found:
        row = found.page(account="octanist", limit=1)["leads"]["rows"][0]
        sql = f"SELECT name, email, phone, email_folded, phone_e164, md5(email) FROM leads WHERE uri = '{row[0]}'"  # noqa: S608
        (seen,) = ask(found, sql)["result"]["rows"]
        assert seen[:3] == row[1:4]
        assert seen[3:5] == seen[1:3]
        assert all(PSEUDONYM.fullmatch(value) for value in seen[:5] if value)
        real = found.everything("octanist")[0].get("email")
        asked = ask(found, f"SELECT count(*) FROM leads WHERE email = '{real}'")  # noqa: S608
        assert asked["result"]["rows"] == [[0]]
        assert any("pseudonyms" in note for note in asked["notes"])
        with pytest.raises(CallFailed) as caught:
            ask(found, f"SELECT CAST('{real}' AS INTEGER)")
        assert str(real) not in caught.value.message


def test_a_broken_statement_is_no_resource_error(driven: Bench) -> None:
    with pytest.raises(MCPError):
        driven.portal.call(driven.client.read_resource, "sql://other")
