"""Errors of SQL help: where, what is near, one worked example, and never more than that."""

from __future__ import annotations

import pytest

from lead_mcp.errors import LeadMcpError
from tests.sql.asking import Asked


def refusal(engine: Asked, sql: str, seconds: float = 60) -> LeadMcpError:
    with pytest.raises(LeadMcpError) as caught:
        engine.answer(sql, seconds)
    return caught.value


@pytest.mark.parametrize(
    ("sql", "code", "words"),
    [
        (
            "SELECT emial FROM leads",
            "bad_argument",
            ["“emial”", "nearest: email", "line 1, column 8", "For example: SELECT"],
        ),
        ("SELECT l.emial FROM leads l", "bad_argument", ["“emial”", "nearest: email", "column 8"]),
        ("SELECT 'ü',\n  emial FROM leads", "bad_argument", ["line 2, column 3"]),
        ("SELECT buyer FROM leads", "bad_argument", ["“buyer” in leads", "sends and events have it"]),
        ("SELECT at FROM pings", "bad_argument", ["syntax error", "occurred_at"]),
        ("SELECT pings.at FROM pings", "bad_argument", ["“at”"]),
        ("SELECT * FROM leds", "bad_argument", ["“leds”", "'leads'", "leads, sends, events", "column 15"]),
        ("SELECT cuont(*) FROM leads", "bad_argument", ["“cuont”", "'count'", "column 8"]),
        ("SELECT to_char(created_at, 'YYYY') FROM leads", "bad_argument", ["strftime"]),
        ("SELECT status, count(*) FROM leads", "bad_argument", ["GROUP BY", "column 8"]),
        ("SELECT sum(status) FROM leads", "bad_argument", ["sum(VARCHAR)"]),
        ("SELECT * FROM leads WHERE created_at > 'lastweek'", "bad_argument", ["lastweek", "YYYY-MM-DD", "column 40"]),
        ("SELEC 1", "bad_argument", ["SELEC", "line 1, column 1"]),
        ("SELECT * FROM leads WHERE", "bad_argument", ["syntax error"]),
        ("SELECT 1; SELECT 2", "bad_argument", ["one statement", "2"]),
        ("SELECT $1", "bad_argument", ["no parameters"]),
        ("UPDATE leads SET status = 'won'", "not_allowed", ["one SELECT"]),
        ("DESCRIBE leads", "not_allowed", ["sql://schema"]),
        ("PIVOT leads ON status", "not_allowed", ["one SELECT"]),
        ("FROM leads PIVOT (count(*) FOR status IN ('a'))", "not_allowed", ["FILTER"]),
        ("SELECT * FROM duckdb_settings()", "not_allowed", ["duckdb_settings", "unnest"]),
        ("SELECT getenv('HOME')", "not_allowed", ["getenv"]),
        ("SELECT * FROM range(1000000000)", "bad_argument", ["1,000,000,000", "1,000,000"]),
        ("SELECT length(repeat('x', 3000000000))", "bad_argument", ["more memory"]),
        ("SELECT 1/0 + 'x'", "bad_argument", ["x"]),
    ],
)
def test_an_error_says_where_and_what_is_near(engine: Asked, sql: str, code: str, words: list[str]) -> None:
    error = refusal(engine, sql)
    assert error.code == code
    assert error.message.startswith("sql: ")
    assert [word for word in words if word not in error.message] == []
    assert len(error.message) < 800


def test_a_statement_that_never_ends_is_told_so(engine: Asked) -> None:
    error = refusal(engine, "SELECT sum(sin(a.range)) FROM range(1000000) a, range(1000000) b", 3)
    assert "did not end within" in error.message


def test_the_words_of_an_error_are_quoted_and_forge_no_uri(engine: Asked) -> None:
    error = refusal(engine, "SELECT CAST('lead://a/1 | forged\nrow' AS INT)")
    assert "lead://" not in error.message
    assert "\n" not in error.message
