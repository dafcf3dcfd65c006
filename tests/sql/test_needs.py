"""What a statement needs: no column too few, and only the times and words that may be used to read less."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from lead_mcp.sql.constants import Clock
from lead_mcp.sql.needs import Needs, needs_of
from lead_mcp.sql.query import SqlQuery
from lead_mcp.sql.reach import Reach
from lead_mcp.sql.running import examined
from lead_mcp.sql.tables import PEOPLE_NEED, TABLES
from tests.sql.asking import EASTERN, NOW, Asked

NOV = datetime(2026, 11, 1, 4, tzinfo=UTC)
"""Midnight in New York."""
DEC = datetime(2026, 12, 1, 5, tzinfo=UTC)
ALL = frozenset(TABLES["leads"].types)


def needs(engine: Asked, sql: str) -> Needs:
    query = SqlQuery(sql=sql, connections=(), zone=EASTERN, now=NOW, deadline=60, scan=1)
    return needs_of(engine.portal.call(examined, query, engine.cage), Clock(NOW, EASTERN))


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        ("SELECT count(*) FROM leads", {"account"}),
        ("SELECT status FROM leads ORDER BY created_at", {"account", "status", "created_at"}),
        ("SELECT count(*) FROM leads GROUP BY ALL HAVING max(value) > 1", {"account", "value"}),
        ("SELECT l.status FROM leads AS l WHERE l.email LIKE '%x'", {"account", "status", "email"}),
        ("SELECT leads.status FROM leads", {"account", "status"}),
        ("SELECT row_number() OVER (PARTITION BY city ORDER BY value) FROM leads", {"account", "city", "value"}),
        ("SELECT list_filter([1], lambda x: x > length(note)) FROM leads", {"account", "note"}),
        ("SELECT raw.a.b FROM leads", {"account", "raw"}),
        ("SELECT (SELECT max(value) FROM leads) FROM sends", {"account", "value"}),
        ("WITH a AS (SELECT city FROM leads) SELECT * FROM a", {"account", "city"}),
        ("SELECT * FROM (SELECT city FROM leads)", {"account", "city"}),
        ("SELECT sends.* FROM sends JOIN leads ON lead_uri = leads.uri", {"account", "uri"}),
        ("SELECT status FROM leads JOIN sends USING (account)", {"account", "status"}),
        ("SELECT person_id FROM people", set(PEOPLE_NEED)),
        ("SELECT * FROM leads", ALL),
        ("FROM leads", ALL),
        ("SELECT l.* FROM leads l", ALL),
        ("SELECT * EXCLUDE (raw) FROM leads", ALL),
        ("SELECT COLUMNS('utm.*') FROM leads", ALL),
        ("SELECT count(COLUMNS(*)) FROM leads", ALL),
        ("SELECT leads FROM leads", ALL),
        ("SELECT to_json(l) FROM leads l", ALL),
        ("SELECT (l).status FROM leads l", ALL),
        ("SELECT a FROM leads AS l (a, b)", ALL),
        ("SELECT city FROM leads NATURAL JOIN sends", ALL),
        ("SELECT 1 FROM sends s, LATERAL (SELECT l.* FROM leads l)", ALL),
        ("SELECT EXISTS (SELECT * FROM leads)", ALL),
    ],
)
def test_the_columns_of_leads(engine: Asked, sql: str, columns: set[str]) -> None:
    assert needs(engine, sql).columns["leads"] == columns


@pytest.mark.parametrize("sql", ["SELECT 1", "SELECT * FROM accounts", "SELECT count(*) FROM accounts", "VALUES (1)"])
def test_some_need_no_lead(engine: Asked, sql: str) -> None:
    assert needs(engine, sql).leads is None


def test_the_number_of_leads_of_an_account_needs_them(engine: Asked) -> None:
    assert needs(engine, "SELECT account, leads FROM accounts").leads == Reach()
    joined = "SELECT a.leads FROM accounts a JOIN leads l USING (account) WHERE l.created_at >= '2026-11-01'"
    assert needs(engine, joined).leads == Reach()


def reach(since: datetime | None = None, until: datetime | None = None, **words: str) -> Reach:
    return Reach(since, until, {name: frozenset(text.split()) for name, text in words.items()})


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("created_at >= '2026-11-01'", reach(NOV)),
        ("created_at >= DATE '2026-11-01' AND created_at < DATE '2026-12-01'", reach(NOV, DEC)),
        ("'2026-11-01' <= created_at AND '2026-12-01' > created_at", reach(NOV, DEC)),
        ("created_at >= TIMESTAMPTZ '2026-11-01 04:00:00+00'", reach(NOV)),
        ("created_at >= CAST('2026-11-01 00:00:00' AS TIMESTAMP)", reach(NOV)),
        ("created_at BETWEEN '2026-11-01' AND '2026-12-01'", reach(NOV, DEC + timedelta(microseconds=1))),
        ("created_at > '2026-11-01' AND created_at <= '2026-12-01'", reach(NOV, DEC + timedelta(microseconds=1))),
        ("created_at::DATE >= '2026-11-01'", reach(NOV)),
        ("created_at = '2026-11-01'", reach(NOV, NOV + timedelta(microseconds=1))),
        ("created_at >= '2026-11-01' AND created_at >= '2026-12-01'", reach(DEC)),
        ("account = 'a'", reach(account="a")),
        ("account IN ('a', 'b') AND vendor = 'c'", reach(account="a b", vendor="c")),
        ("account IN ('a', 'b') AND account = 'b'", reach(account="b")),
        ("l.account = 'a' AND l.created_at >= '2026-11-01'", reach(NOV, account="a")),
        ("phone_e164 = '+12125550101'", reach(phone_e164="+12125550101")),
        ("status IN ('won', 'lost') AND email_folded = 'x'", reach(status="won lost", email_folded="x")),
        (  # an hour that comes twice may be either
            "created_at >= '2026-11-01 01:30' AND created_at < '2026-11-01 01:45'",
            reach(datetime(2026, 11, 1, 5, 30, tzinfo=UTC), datetime(2026, 11, 1, 6, 45, tzinfo=UTC)),
        ),
        # not certain, so everything:
        ("created_at >= '2026-11-01' OR status = 'won'", reach()),
        ("NOT (created_at < '2026-11-01' AND value > 1)", reach()),
        ("account <> 'a'", reach()),
        ("status <> 'won' AND lower(status) = 'x' AND status IS NULL", reach()),
        ("status = 'won' OR city = 'x'", reach()),
        ("status = city AND value = 3 AND email COLLATE NOCASE = 'x'", reach()),
        ("account LIKE 'a%'", reach()),
        ("account NOT IN ('a')", reach()),
        ("account = upper('a')", reach()),
        ("lower(account) = 'a'", reach()),
        ("updated_at >= '2026-11-01'", reach()),
        ("created_at >= updated_at", reach()),
        ("created_at >= upper('2026-11-01')::TIMESTAMPTZ", reach()),
        ("date_trunc('day', created_at) >= '2026-11-01'", reach()),
        ("created_at >= (SELECT max(occurred_at) FROM sends)", reach()),
        ("CASE WHEN true THEN created_at >= '2026-11-01' END", reach()),
        ("(created_at >= '2026-11-01') IS NOT NULL", reach()),
    ],
)
def test_how_far_one_place_reaches(engine: Asked, where: str, expected: Reach) -> None:
    assert needs(engine, f"SELECT count(*) FROM leads l WHERE {where}").leads == expected  # noqa: S608


@pytest.mark.parametrize(
    ("moment", "first", "last"),
    [
        ("now()", NOW, NOW),
        ("current_timestamp - INTERVAL 7 DAY", NOW - timedelta(7), NOW - timedelta(7)),
        ("now() - INTERVAL '2 weeks'", NOW - timedelta(14), NOW - timedelta(14)),
        ("now() - INTERVAL 3 MONTH", NOW - timedelta(92), NOW - timedelta(89)),
        ("now() + INTERVAL 1 YEAR", NOW + timedelta(365), NOW + timedelta(366)),
        ("current_date - 7", datetime(2026, 11, 14, 5, tzinfo=UTC), datetime(2026, 11, 14, 5, tzinfo=UTC)),
        ("today() - INTERVAL 1 DAY", datetime(2026, 11, 20, 5, tzinfo=UTC), datetime(2026, 11, 20, 5, tzinfo=UTC)),
        ("date_trunc('month', now())", NOV, NOV),
        (
            "date_trunc('week', current_date) - INTERVAL 1 WEEK",
            datetime(2026, 11, 9, 5, tzinfo=UTC),
            datetime(2026, 11, 9, 5, tzinfo=UTC),
        ),
    ],
)
def test_moments_that_are_worked_out_lie_within_a_little_of_the_truth(
    engine: Asked, moment: str, first: datetime, last: datetime
) -> None:
    """Wider, never narrower; months are as short, and as long, as months can be."""
    since = needs(engine, f"SELECT 1 FROM leads WHERE created_at >= {moment}").leads  # noqa: S608
    until = needs(engine, f"SELECT 1 FROM leads WHERE created_at < {moment}").leads  # noqa: S608
    assert since is not None
    assert until is not None
    assert since.since is not None
    assert until.until is not None
    assert first - timedelta(days=8) <= since.since <= first
    assert last <= until.until <= last + timedelta(days=8)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        # every place counts
        ("SELECT 1 FROM leads a, leads b WHERE a.created_at >= '2026-11-01'", reach()),
        (
            "SELECT 1 FROM leads a, leads b WHERE a.created_at >= '2026-11-01' AND b.created_at >= '2026-12-01'",
            reach(NOV),
        ),
        ("SELECT 1 FROM leads WHERE account = 'a' UNION SELECT 1 FROM leads WHERE account = 'b'", reach(account="a b")),
        ("SELECT 1 FROM leads WHERE account = 'a' UNION SELECT 1 FROM leads", reach()),
        ("WITH a AS (SELECT * FROM leads WHERE created_at >= '2026-11-01') SELECT 1 FROM a", reach(NOV)),
        ("SELECT 1 FROM leads a WHERE a.created_at >= '2026-11-01' AND uri NOT IN (SELECT uri FROM leads)", reach()),
        # a bare name in a join counts where one table alone has it
        ("SELECT 1 FROM leads, pings WHERE created_at >= '2026-11-01'", reach(NOV)),
        ("SELECT 1 FROM leads JOIN sends USING (account) WHERE account = 'a'", reach()),
        ("SELECT 1 FROM leads, (SELECT now() AS made) WHERE created_at >= '2026-11-01'", reach()),
        ("WITH sends AS (SELECT now() AS made) SELECT 1 FROM leads, sends WHERE email = 'x'", reach()),
        ("SELECT 1 FROM leads, pings p(made) WHERE created_at >= '2026-11-01'", reach()),
        ("SELECT 1 FROM leads l(created_at) WHERE created_at = '2026-11-01'", reach()),
        (
            "SELECT 1 FROM recordings r JOIN leads l ON r.lead_uri = l.uri WHERE email_folded = 'x'",
            reach(email_folded="x"),
        ),
        ("SELECT now() AS created_at FROM leads WHERE created_at >= '2026-11-01'", reach()),
        # sends go with the leads that they are joined to
        ("SELECT 1 FROM sends s JOIN leads l ON s.lead_uri = l.uri WHERE l.created_at >= '2026-11-01'", reach(NOV)),
        (
            "SELECT 1 FROM leads l LEFT JOIN sends s ON s.lead_uri = l.uri WHERE l.created_at >= '2026-11-01'",
            reach(NOV),
        ),
        (
            "SELECT 1 FROM sends s LEFT JOIN leads l ON l.uri = s.lead_uri WHERE l.created_at >= '2026-11-01'",
            reach(NOV),
        ),
        ("SELECT 1 FROM sends s, leads l WHERE s.lead_uri = l.uri AND l.created_at >= '2026-11-01'", reach(NOV)),
        ("SELECT 1 FROM sends s JOIN leads l ON lead_uri = uri WHERE l.created_at >= '2026-11-01'", reach(NOV)),
        ("SELECT 1 FROM sends s JOIN leads l ON s.account = l.account WHERE l.created_at >= '2026-11-01'", reach()),
        (
            "SELECT 1 FROM sends s JOIN leads l ON s.lead_uri = l.uri OR true WHERE l.created_at >= '2026-11-01'",
            reach(),
        ),
        ("SELECT 1 FROM sends s, leads l WHERE l.created_at >= '2026-11-01'", reach()),
        (
            "SELECT 1 FROM leads l JOIN sends s ON true LEFT JOIN pings p ON s.lead_uri = l.uri "
            "WHERE l.created_at >= '2026-11-01'",
            reach(),
        ),
        ("SELECT 1 FROM sends WHERE occurred_at >= '2026-11-01'", reach()),
        ("SELECT 1 FROM sends WHERE account = 'a'", reach(account="a")),
        ("SELECT 1 FROM people p JOIN leads l USING (person_id) WHERE l.created_at >= '2026-11-01'", reach()),
        # the nearest of fewer rows is another row
        (
            "SELECT 1 FROM sends s ASOF JOIN leads l ON s.occurred_at >= l.created_at WHERE l.created_at < '2026-11-01'",
            reach(),
        ),
    ],
)
def test_how_far_a_statement_reaches(engine: Asked, sql: str, expected: Reach) -> None:
    assert needs(engine, sql).leads == expected


def test_pings_have_a_reach_of_their_own(engine: Asked) -> None:
    sql = "SELECT 1 FROM pings WHERE direction = 'inbound' AND occurred_at::DATE = '2026-11-01'"
    found = needs(engine, sql).pings
    assert found is not None
    assert (found.since, dict(found.words)) == (NOV, {"direction": frozenset({"inbound"})})
    assert found.until is not None
    assert NOV + timedelta(hours=25) <= found.until <= NOV + timedelta(hours=26)
