"""Live answers against the records themselves, over every vendor's emulator; failures, bounds, masks, what was asked."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from lead_mcp.dates import Window
from lead_mcp.engine.ledger import LedgerEntry
from lead_mcp.engine.limits import Limit
from lead_mcp.engine.notes import LimitReached
from lead_mcp.engine.records import Record
from lead_mcp.errors import BadArgument, LeadMcpError
from lead_mcp.filters import Value
from lead_mcp.phones import e164
from lead_mcp.sql.cage import Cage, is_installed
from lead_mcp.sql.notes import AccountsNotRead, NoBeginning
from lead_mcp.sql.query import SqlAnswer, SqlQuery
from lead_mcp.sql.reading import merged
from lead_mcp.sql.rows import unmasked
from lead_mcp.sql.running import run_sql
from lead_mcp.vendors.spec.fields import CANONICAL
from tests.driving import DAWN, NOW, Bench, bench

EASTERN = ZoneInfo("America/New_York")
EVER = Window(DAWN, None, "UTC")


class Driven:
    """A bench with a cage."""

    def __init__(self, bench_: Bench, cage: Cage) -> None:
        self.bench, self.cage = bench_, cage

    def ask(self, sql: str, **more: Any) -> SqlAnswer:
        query = SqlQuery(
            sql=sql,
            connections=list(self.bench.runtime.connections.values()),
            zone=EASTERN,
            now=NOW,
            deadline=120,
            scan=100_000,
        )
        return self.bench.portal.call(run_sql, replace(query, **more), self.cage)

    def rows(self, sql: str, **more: Any) -> list[list[Any]]:
        found = self.ask(sql, **{"window": EVER, **more})
        assert found.complete
        return [list(row) for row in found.rows]

    def records(self) -> list[Record]:
        return [record for name in self.bench.accounts for record in self.bench.everything(name)]


@pytest.fixture(scope="module")
def driven() -> Iterator[Driven]:
    if not is_installed():
        pytest.skip("DuckDB is the extra `sql`")
    with bench(90) as found:
        cage = found.portal.call(Cage)
        try:
            yield Driven(found, cage)
        finally:
            found.portal.call(cage.aclose)


# --- against the records ------------------------------------------------------------------------------------------


def test_every_canonical_field_is_a_column_with_its_own_value(driven: Driven) -> None:
    rows = driven.rows(f"SELECT uri, {', '.join(CANONICAL)} FROM leads", max_rows=100_000, max_bytes=50_000_000)  # noqa: S608
    found = {row[0]: dict(zip(CANONICAL, row[1:], strict=True)) for row in rows}
    records = {record.uri: record for record in driven.records()}
    assert found.keys() == records.keys()
    for uri, record in records.items():
        wrong = {name: value for name, value in found[uri].items() if not same(value, record.get(name))}
        assert wrong == {}, uri


def same(found: Any, value: Value) -> bool:
    return bool(found == (value if isinstance(value, Decimal | datetime) or value is None else str(value)))


def test_counting_is_counting(driven: Driven) -> None:
    expected = Counter((record.account, record.get("status")) for record in driven.records())
    found = driven.rows("SELECT account, status, count(*) FROM leads GROUP BY ALL", max_rows=10_000)
    assert {(account, status): count for account, status, count in found} == expected


def test_a_median_is_a_median(driven: Driven) -> None:
    values: dict[str, list[Decimal]] = {}
    for record in driven.records():
        if isinstance(value := record.get("value"), Decimal):
            values.setdefault(record.account, []).append(value)
    found = driven.rows("SELECT account, median(value), sum(value) FROM leads WHERE value IS NOT NULL GROUP BY account")
    assert {account: total for account, _, total in found} == {name: sum(held) for name, held in values.items()}
    for account, middle, _ in found:
        assert abs(middle - median(values[account])) <= Decimal("0.01")


def test_people_are_joined_over_accounts(driven: Driven) -> None:
    owners: dict[str, set[str]] = {}
    for record in driven.records():
        if email := record.get("email"):
            owners.setdefault(str(email).casefold(), set()).add(record.account)
    shared = sum(len(accounts) > 1 for accounts in owners.values())
    assert shared > 20
    sql = "SELECT email_folded e FROM leads WHERE e IS NOT NULL GROUP BY e HAVING count(DISTINCT account) > 1"
    assert len(driven.rows(sql, max_rows=10_000)) == shared
    assert driven.rows("SELECT count(*) FROM people WHERE accounts > 1")[0][0] >= shared
    ((pairs,),) = driven.rows(
        "SELECT count(*) FROM leads a JOIN leads b ON a.email_folded = b.email_folded WHERE a.person_id <> b.person_id"
    )
    assert pairs == 0


def test_sends_and_events_are_those_of_the_records(driven: Driven) -> None:
    events = []
    for record in driven.records():
        connection = driven.bench.runtime.connection(record.account)
        events += [(record.uri, event) for event in connection.vendor.events(connection.account, record.raw)]
    kinds = Counter(str(event.kind) for _, event in events)
    assert dict(driven.rows("SELECT kind, count(*) FROM events GROUP BY kind")) == kinds
    assert len(kinds) >= 5
    owed = sum(event.amount or 0 for _, event in events if event.is_sale)
    ((sends, total),) = driven.rows("SELECT count(*), sum(revenue) FROM sends")
    assert (sends, total) == (kinds["sent"], owed)
    revenue = driven.rows("SELECT sum(value) FROM leads WHERE account = 'leadexec'")
    assert revenue == [[total]]


def test_times_between_two_events(driven: Driven) -> None:
    minutes = []
    for record in driven.bench.everything("convoso"):
        connection = driven.bench.runtime.connection("convoso")
        made = record.get("created_at")
        assert isinstance(made, datetime)
        calls = [e for e in connection.vendor.events(connection.account, record.raw) if e.kind == "call"]
        minutes += [int(call.at.timestamp() // 60 - made.timestamp() // 60) for call in calls]
    sql = (
        "SELECT median(date_diff('minute', l.created_at, e.occurred_at)) FROM leads l JOIN events e ON e.lead_uri = l.uri "
        "WHERE e.kind = 'call' AND l.account = 'convoso'"
    )
    assert driven.rows(sql) == [[median(minutes)]]


def test_pings_of_both_directions(driven: Driven) -> None:
    told = driven.bench.call("query_pings", direction="inbound", since="2000-01-01", limit=1)["summary"]
    ((pings, accepted),) = driven.rows("SELECT count(*), count_if(accepted) FROM pings WHERE direction = 'inbound'")
    assert (pings, accepted) == (told["total"], told["accepted"])
    assert driven.rows("SELECT DISTINCT direction FROM pings ORDER BY 1") == [["inbound"], ["outbound"]]


def test_recordings_are_those_that_are_told(driven: Driven) -> None:
    uri = driven.rows(
        "SELECT r.lead_uri FROM recordings r WHERE account = 'convoso' GROUP BY ALL ORDER BY count(*) DESC, 1 LIMIT 1"
    )[0][0]
    told = driven.bench.call("get_recordings", uri=uri)["recordings"]["rows"]
    sql = f"SELECT count(*) FROM recordings WHERE account = 'convoso' AND lead_uri = '{uri}'"  # noqa: S608
    assert driven.rows(sql) == [[len(told)]]
    assert told


def test_the_whole_record_is_there(driven: Driven) -> None:
    found = driven.rows(
        "SELECT raw->>'$.Properties.LeadGrade' AS grade, count(*) FROM leads WHERE account = 'leadexec' GROUP BY ALL"
    )
    expected = Counter(dict(record.raw["Properties"])["LeadGrade"] for record in driven.bench.everything("leadexec"))
    assert dict(found) == dict(expected)


def test_accounts_say_what_is_here(driven: Driven) -> None:
    found = driven.rows("SELECT account, vendor, leads, complete FROM accounts")
    counts = Counter(record.account for record in driven.records())
    assert {row[0]: row[2] for row in found} == counts
    assert all(row[3] for row in found)


# --- reading less -------------------------------------------------------------------------------------------------

CONDITIONS = (
    "l.created_at >= '2026-11-10'",
    "l.created_at < '2026-10-01 12:30:00'",
    "l.created_at BETWEEN '2026-10-01' AND '2026-10-20'",
    "l.created_at::DATE = '2026-11-01'",
    "l.created_at >= TIMESTAMPTZ '2026-11-01 05:30:00+00' AND l.created_at < DATE '2026-11-12'",
    "l.account = 'octanist'",
    "l.vendor IN ('convoso', 'leadexec') AND l.created_at >= '2026-11-01'",
    "l.status IN ('won', 'Qualified') AND l.created_at >= '2026-10-01'",
    "l.stage = 'won' AND l.utm_source IS NOT NULL",
    "l.email_folded = '{email}'",
    "l.phone_e164 = '{phone}'",
)
SHAPES = (
    "SELECT l.account, count(*), min(l.created_at), sum(l.value) FROM leads l WHERE {} GROUP BY 1 ORDER BY 1",
    "SELECT l.account, count(*), sum(s.price) FROM sends s JOIN leads l ON s.lead_uri = l.uri WHERE {} GROUP BY 1 ORDER BY 1",
    "SELECT count(*), count(e.kind) FROM leads l LEFT JOIN events e ON e.lead_uri = l.uri AND e.kind = 'call' WHERE {}",
    "SELECT count(*) FROM leads a WHERE a.person_id IN (SELECT l.person_id FROM leads l WHERE {})",
    "WITH l AS (SELECT * EXCLUDE (raw) FROM leads l WHERE {}) SELECT count(*), max(created_at) FROM l",
)


def shared_person(driven: Driven) -> dict[str, str]:
    """The e-mail and the number of somebody whom most accounts have."""
    found: dict[tuple[str, str], set[str]] = {}
    for record in driven.records():
        number = e164(str(record.get("phone")), "US")
        if number and (email := record.get("email")):
            found.setdefault((str(email).casefold(), number), set()).add(record.account)
    email, phone = max(found, key=lambda one: len(found[one]))
    assert len(found[email, phone]) >= 3
    return {"email": email, "phone": phone}


@pytest.mark.parametrize(
    ("condition", "shape"),
    [
        pytest.param(condition, shape, id=f"{condition}-{m}", marks=[] if (n + m) % 3 == 0 else [pytest.mark.slow])
        for n, condition in enumerate(CONDITIONS)
        for m, shape in enumerate(SHAPES)
    ],
)
def test_what_is_read_less_changes_no_result(driven: Driven, condition: str, shape: str) -> None:
    """``OR 1 = 0`` says nothing, and keeps a condition from being pushed."""
    condition = condition.format(**shared_person(driven))
    assert driven.rows(shape.format(condition)) == driven.rows(shape.format(f"({condition} OR 1 = 0)"))


def test_a_condition_reaches_the_vendor_and_the_ledger(driven: Driven) -> None:
    found = driven.ask("SELECT count(*) FROM leads WHERE account = 'octanist' AND created_at >= '2026-11-10'")
    (entry,) = found.entries
    assert entry.account == "octanist"
    assert [str(clause) for clause in entry.pushed][:1] == ["created_at gte 2026-11-10T00:00:00-05:00"]
    assert entry.scanned < 90
    assert found.window is not None
    assert found.window.since == datetime(2026, 11, 10, 5, tzinfo=ZoneInfo("UTC"))


def test_an_equality_is_asked_of_the_vendors_that_can_answer_it(driven: Driven) -> None:
    found = driven.ask("SELECT count(*) FROM leads WHERE status = 'won'", window=EVER)
    asked = {entry.account for entry in found.entries if "status eq won" in map(str, entry.pushed)}
    assert asked >= {"octanist", "leadtrackr"}
    (octanist,) = (entry for entry in found.entries if entry.account == "octanist")
    won = sum(record.get("status") == "won" for record in driven.bench.everything("octanist"))
    assert octanist.scanned == won < len(driven.bench.everything("octanist"))
    nobody = driven.ask("SELECT count(*) FROM leads WHERE status = 'Won!' AND account = 'octanist'", window=EVER)
    assert [list(row) for row in nobody.rows] == [[0]]


@pytest.mark.parametrize("column", ["email_folded", "phone_e164"])
def test_one_person_is_asked_of_the_searches_for_one(driven: Driven, column: str) -> None:
    name, _, _ = column.partition("_")
    value = shared_person(driven)[name]
    found = driven.ask(f"SELECT account, count(*) FROM leads WHERE {column} = '{value}' GROUP BY 1", window=EVER)  # noqa: S608
    asked = {entry.account for entry in found.entries if f"{name} eq {value}" in map(str, entry.pushed)}
    with_search = {one.name for one in driven.bench.runtime.connections.values() if one.vendor.leads.person}
    assert len(with_search) >= 4
    assert asked >= with_search
    assert len(found.rows) >= 3


@pytest.mark.parametrize("more", ["count(DISTINCT person_id)", "sum(length(email))"])
def test_what_could_change_a_result_is_not_asked_of_a_vendor(driven: Driven, more: str) -> None:
    """A person may be one through a lead of another status; a mask may hide what a vendor would find."""
    mask = masked if "email" in more else unmasked
    found = driven.ask(f"SELECT {more} FROM leads WHERE status = 'won'", window=EVER, mask=mask)  # noqa: S608
    assert not any("status" in str(clause) for entry in found.entries for clause in entry.pushed)


def test_an_unsound_statement_asks_nobody(driven: Driven) -> None:
    before = {name: len(driven.bench.heard(name)) for name in driven.bench.accounts}
    for sql in ("SELECT foo FROM leads", "SELECT * FROM leads WHERE created_at > 'soon'", "DELETE FROM leads"):
        with pytest.raises(LeadMcpError):
            driven.ask(sql)
    assert {name: len(driven.bench.heard(name)) for name in driven.bench.accounts} == before


def test_what_is_not_needed_is_not_read(driven: Driven) -> None:
    assert driven.ask("SELECT 1").entries[0].requests == 0
    pings = driven.ask("SELECT count(*) FROM pings", window=EVER)
    assert {entry.account for entry in pings.entries} == {"leadexec"}


# --- windows ------------------------------------------------------------------------------------------------------


def test_without_a_beginning_every_account_is_read_back_alike_and_that_is_said(driven: Driven) -> None:
    found = driven.ask("SELECT account, min(created_at) FROM leads GROUP BY 1")
    assert found.window is not None
    assert found.window.since == NOW - timedelta(days=30)
    assert NoBeginning("leads", timedelta(days=30)) in found.notes
    assert all(row[1] >= found.window.since for row in found.rows)
    assert len(found.rows) == len(driven.bench.accounts)


def test_the_window_that_is_asked_for_is_the_one_that_is_read(driven: Driven) -> None:
    since, until = NOW - timedelta(days=20), NOW - timedelta(days=10)
    found = driven.ask(
        "SELECT min(created_at), max(created_at), count(*) FROM leads", window=Window(since, until, "UTC")
    )
    first, last, count = found.rows[0]
    assert since <= first < last < until
    expected = [r for r in driven.records() if isinstance(at := r.get("created_at"), datetime) and since <= at < until]
    assert count == len(expected)


# --- limits and failures ------------------------------------------------------------------------------------------


def test_a_window_too_wide_is_an_error_that_says_what_would_fit(driven: Driven) -> None:
    with pytest.raises(BadArgument) as caught:
        driven.ask("SELECT count(*) FROM leads WHERE account = 'octanist'", window=EVER, scan=40)
    message = caught.value.message
    assert "octanist: " in message
    assert "since=2026-" in message
    assert "LEAD_MCP_MIRROR" in message
    since = datetime.fromisoformat(message.split("since=")[1].split()[0]).replace(tzinfo=EASTERN)
    found = driven.ask(
        "SELECT count(*) FROM leads WHERE account = 'octanist'", window=Window(since, None, "America/New_York"), scan=60
    )
    assert found.complete


def test_an_account_of_which_one_kind_was_cut_is_cut_whichever_was_read_first() -> None:
    """Else a statement over leads and pings is answered from a part of the pings, where the leads come first."""
    leads = LedgerEntry("acme", scanned=5)
    pings = LedgerEntry("acme", scanned=9, complete=False, notes=[LimitReached(Limit.SUMMARY, 9)])
    assert [merged(some)[0].cut for some in ([leads, pings], [pings, leads])] == [True, True]


def test_the_most_records_are_those_of_all_accounts_together(driven: Driven) -> None:
    largest = max(len(driven.bench.everything(name)) for name in driven.bench.accounts)
    with pytest.raises(BadArgument, match="LEAD_MCP_SUMMARY_LIMIT"):
        driven.ask("SELECT count(*) FROM leads", window=EVER, scan=2 * largest)


def test_a_vendor_that_fails_is_told_and_the_others_are_answered(driven: Driven) -> None:
    driven.bench.box.fault("octanist", "status", status=403, times=-1)
    try:
        found = driven.ask("SELECT account, count(*) FROM leads GROUP BY 1", window=EVER)
        with pytest.raises(LeadMcpError) as caught:
            driven.ask("SELECT count(*) FROM leads WHERE account = 'octanist'", window=EVER)
    finally:
        driven.bench.box.mend("octanist")
    assert caught.value.code == "unauthorized"
    assert not found.complete
    assert "octanist" not in {row[0] for row in found.rows}
    assert len(found.rows) == len(driven.bench.accounts) - 1
    errors = {entry.account: entry.error.code for entry in found.entries if entry.error}
    assert errors == {"octanist": "unauthorized"}


def test_a_vendor_that_hangs_is_told_and_the_others_are_answered(driven: Driven) -> None:
    driven.bench.box.fault("convoso", "hang", times=-1)
    try:
        found = driven.ask("SELECT account, count(*) FROM leads GROUP BY 1", window=EVER)
    finally:
        driven.bench.box.mend("convoso")
    assert not found.complete
    assert {entry.account: entry.error.code for entry in found.entries if entry.error} == {"convoso": "timeout"}
    assert len(found.rows) == len(driven.bench.accounts) - 1


def test_a_vendor_that_fails_midway_leaves_no_row(driven: Driven) -> None:
    driven.bench.box.fault("leadexec", "status", status=403, times=-1, skip=1)
    try:
        found = driven.ask("SELECT account, count(*), count(DISTINCT person_id) FROM leads GROUP BY 1", window=EVER)
    finally:
        driven.bench.box.mend("leadexec")
    assert not found.complete
    assert {row[0] for row in found.rows} == {name for name in driven.bench.accounts if name != "leadexec"}
    assert AccountsNotRead(("leadexec",)) in found.notes


def test_rows_that_take_too_much_are_too_many(driven: Driven) -> None:
    with pytest.raises(BadArgument, match="raw and"):
        driven.ask("SELECT * FROM leads", window=EVER, max_loaded=10_000)


def test_recordings_of_very_many_leads_are_too_many(driven: Driven) -> None:
    with pytest.raises(BadArgument, match="lead by lead"):
        driven.ask("SELECT count(*) FROM recordings", window=EVER, max_recorded=20)


@pytest.mark.parametrize("account", ["octanst", "Octanist", ""])
def test_an_account_that_is_none_is_named(driven: Driven, account: str) -> None:
    with pytest.raises(BadArgument, match="no account is"):
        driven.ask(f"SELECT count(*) FROM leads WHERE account = '{account}'")  # noqa: S608


def test_progress_is_told(driven: Driven) -> None:
    told: list[int] = []

    async def on_progress(many: int) -> None:
        told.append(many)

    driven.ask("SELECT count(*) FROM leads", window=EVER, on_progress=on_progress)
    assert sum(told) >= 5 * 90


def test_a_mirror_that_is_not_there_is_not_configured(driven: Driven) -> None:
    with pytest.raises(LeadMcpError) as caught:
        driven.ask("SELECT 1", source="mirror")
    assert caught.value.code == "not_configured"


# --- masks --------------------------------------------------------------------------------------------------------

PERSONAL = ("email", "phone", "name", "first_name", "last_name", "address", "note", "company", "website")


def masked(column: str, value: Value, record: Record | None) -> Value:
    """A mask as an outgoing room would make it: stable, by the number or the folded address, whole records emptied."""
    if column == "raw":
        return {"masked": True}
    if column in ("what", "response"):
        return "masked"
    return hashlib.sha256(f"key/{column}/{str(value).casefold()}".encode()).hexdigest()[:20]


def test_the_engine_only_ever_sees_what_the_mask_gives(driven: Driven) -> None:
    """Every column of every table, functions over them too: no real value comes out."""
    real = {
        str(value)
        for record in driven.records()
        for name in PERSONAL
        if (value := record.get(name)) is not None and len(str(value)) > 5
    }
    assert len(real) > 500
    ask = partial(driven.ask, window=EVER, mask=masked, max_rows=100_000, max_bytes=50_000_000)
    told = str(
        [
            ask("SELECT * FROM leads").rows,
            ask("SELECT email, reverse(reverse(email)), lower(phone), raw::VARCHAR, name || '' FROM leads").rows,
            ask("SELECT * FROM people").rows,
            ask("SELECT * FROM sends").rows,
            ask("SELECT what, kind FROM events").rows,
            ask("SELECT * FROM pings").rows,
        ]
    )
    assert [value for value in real if value in told] == []


def test_people_and_tests_are_told_from_the_real_values_under_masks(driven: Driven) -> None:
    sql = "SELECT accounts, leads, count(*) FROM people GROUP BY ALL ORDER BY ALL"
    assert driven.rows(sql, mask=masked) == driven.rows(sql)
    ids = "SELECT person_id FROM leads"
    plain, hidden = ({row[0] for row in driven.rows(ids, max_rows=10_000, **more)} for more in ({}, {"mask": masked}))
    assert len(plain) == len(hidden)
    assert plain & hidden == set(), "an id made of a real number could be found by trying numbers"
