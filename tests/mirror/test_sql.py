"""SQL over the mirror: the same tables as live, fresh by itself, honest about what it does not hold."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from lead_mcp.dates import Window
from lead_mcp.errors import BadArgument, LeadMcpError, NotAllowed, NotConfigured, Unavailable
from lead_mcp.identity.principal import Principal
from lead_mcp.identity.scopes import EVERY
from lead_mcp.mirror.answering import answer_sql
from lead_mcp.mirror.generation import current
from lead_mcp.mirror.lock import writing
from lead_mcp.mirror.notes import FromMirror, NotToppedUp
from lead_mcp.sql.query import SqlAnswer, SqlQuery
from lead_mcp.sql.tables import TABLES
from tests.driving import DAWN, NOW, CallFailed
from tests.mirror.keeping import Keeping, keeping
from tests.sql.asking import EASTERN

RECORDED = {"LEAD_MCP_MIRROR_RECORDINGS": "on"}
EVER = Window(DAWN, None, "UTC")
RECENT = Window(NOW - timedelta(days=9), NOW - timedelta(days=2), "UTC")


def ask(kept: Keeping, sql: str, **more: Any) -> SqlAnswer:
    runtime = kept.bench.runtime
    asked = {"window": EVER, "source": "mirror", "connections": list(runtime.connections.values()), **more}
    query = SqlQuery(
        sql=sql,
        zone=EASTERN,
        now=runtime.now(),
        deadline=60,
        scan=100_000,
        words=kept.mirror.look.words,
        mask=kept.mirror.look.mask,
        max_rows=10_000,
        **asked,
    )
    return kept.bench.portal.call(answer_sql, query, runtime.cage, runtime.mirror, runtime.look)


def both(kept: Keeping, sql: str, **more: Any) -> tuple[SqlAnswer, SqlAnswer]:
    return ask(kept, sql, source="mirror", **more), ask(kept, sql, source="live", **more)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keeping]:
    with keeping(tmp_path_factory.mktemp("mirror"), 60, environment=RECORDED) as found:
        found.sync()
        yield found


@pytest.mark.parametrize("name", [name for name in TABLES if name != "accounts"])
@pytest.mark.parametrize("window", [EVER, RECENT], ids=["ever", "recent"])
def test_a_mirrored_table_is_the_live_one(kept: Keeping, name: str, window: Window) -> None:
    columns = [one for one in TABLES[name].types if window is EVER or one != "person_id"]
    mirrored, live = both(kept, f"SELECT {', '.join(columns)} FROM {name} ORDER BY ALL", window=window)  # noqa: S608
    if window is EVER or name != "people":
        assert [list(row) for row in mirrored.rows] == [list(row) for row in live.rows]
    assert (mirrored.columns, mirrored.types) == (live.columns, live.types)
    assert (mirrored.source, mirrored.complete, mirrored.window) == ("mirror", True, live.window)


def test_one_account_a_window_and_conditions_are_those_asked_for(kept: Keeping) -> None:
    for sql in (
        "SELECT count(*) FROM leads WHERE account = 'octanist'",
        "SELECT account, count(*) FROM leads WHERE created_at >= '2026-11-10' GROUP BY ALL ORDER BY ALL",
        "SELECT count(*) FROM pings WHERE direction = 'inbound'",
        "SELECT account, vendor, zone, complete, leads FROM accounts ORDER BY ALL",
        "SELECT count(*) FROM leads a JOIN leads b USING (person_id) WHERE a.vendor = 'convoso' AND b.vendor = 'octanist'",
    ):
        mirrored, live = both(kept, sql)
        assert mirrored.rows == live.rows, sql
    some = list(kept.bench.runtime.connections.values())[:2]
    mirrored, live = both(kept, "SELECT account, count(*) FROM leads GROUP BY 1 ORDER BY 1", connections=some)
    assert mirrored.rows == live.rows


def test_without_a_window_the_vendors_default_holds_too(kept: Keeping) -> None:
    mirrored, live = both(kept, "SELECT count(*) FROM leads", window=None)
    assert (mirrored.rows, mirrored.window, list(mirrored.notes)) == (live.rows, live.window, list(live.notes))


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("SELEC 1", BadArgument),
        ("SELECT nme FROM leads", BadArgument),
        ("SELECT * FROM base.leads", NotAllowed),
        ("SELECT * FROM read_parquet('x')", NotAllowed),
        ("DELETE FROM leads", NotAllowed),
        ("SELECT 1; SELECT 2", LeadMcpError),
    ],
)
def test_what_is_wrong_or_not_there_is_said(kept: Keeping, sql: str, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        ask(kept, sql)


def test_auto_goes_live_for_what_is_not_mirrored(tmp_path: Any) -> None:
    recordings, hour = "SELECT count(*) FROM recordings", Window(NOW - timedelta(hours=1), None, "UTC")
    with keeping(tmp_path, 20, only=["convoso"]) as kept:
        kept.sync()
        assert ask(kept, recordings, source="auto", window=hour).source == "live"
        assert ask(kept, "SELECT count(*) FROM leads", source="auto").source == "mirror"
        with pytest.raises(NotConfigured, match="LEAD_MCP_MIRROR_RECORDINGS"):
            ask(kept, recordings)


def test_an_account_that_was_never_read_is_not_answered_for(tmp_path: Any) -> None:
    with keeping(tmp_path, 20, only=["octanist", "convoso"]) as kept:
        with pytest.raises(NotConfigured, match="holds nothing yet"):
            ask(kept, "SELECT count(*) FROM leads")
        kept.sync(only=["octanist"], since=NOW - timedelta(days=10))
        with pytest.raises(NotConfigured, match="convoso"):
            ask(kept, "SELECT count(*) FROM leads WHERE created_at >= '2026-11-15'")
        assert ask(kept, "SELECT count(*) FROM leads", source="auto").source == "live"
        recent = "SELECT count(*) FROM leads WHERE account = 'octanist' AND created_at >= '2026-11-15'"
        assert ask(kept, recent, source="auto").source == "mirror"
        with pytest.raises(NotConfigured, match="reach back"):
            ask(kept, "SELECT count(*) FROM leads WHERE account = 'octanist'")


# --- fresh by itself ----------------------------------------------------------------------------------------------

COUNT = "SELECT count(*) FROM leads WHERE account = 'octanist'"


def test_what_is_too_old_is_topped_up_and_its_age_is_told(tmp_path: Any) -> None:
    with keeping(tmp_path, 20, only=["octanist", "convoso"]) as kept:
        kept.sync()
        (before,) = ask(kept, COUNT).rows[0]
        lead = {"name": "Nova Example", "email": "nova@example.com"}
        kept.bench.call("insert_lead", account="octanist", lead=lead)
        heard = len(kept.bench.heard("octanist"))
        young = ask(kept, COUNT)
        assert young.rows[0] == [before], "not older than LEAD_MCP_MIRROR_MAX_AGE: no vendor is asked"
        assert len(kept.bench.heard("octanist")) == heard
        kept.bench.runtime.common.clock = in_two_minutes
        old = ask(kept, COUNT)
        assert old.rows[0] == [before + 1]
        assert old.as_of["octanist"] == in_two_minutes()
        assert old.entries[0].notes == [FromMirror(timedelta(0))]
        found = current(kept.mirror.folder)
        assert found is not None
        assert found.delta, "few changes lie beside the base"
        names = ask(kept, "SELECT name FROM leads WHERE email_folded = 'nova@example.com'")
        assert names.rows == [["Nova Example"]]


def test_where_no_top_up_is_possible_what_there_is_is_shown_with_its_age(tmp_path: Any) -> None:
    with keeping(tmp_path, 20, only=["octanist"]) as kept:
        kept.sync()
        kept.bench.runtime.common.clock = in_two_minutes
        with writing(kept.mirror.folder):
            answer = ask(kept, COUNT)
        assert answer.entries[0].notes == [FromMirror(timedelta(minutes=2))]
        kept.bench.box.fault("octanist", "status", status=403, times=-1)
        answer = ask(kept, COUNT)
        assert answer.as_of["octanist"] == NOW
        assert isinstance(answer.entries[0].notes[1], NotToppedUp)


def in_two_minutes() -> datetime:
    return NOW + timedelta(minutes=2)


def test_masked_rows_are_made_anew_and_hold_pseudonyms_alone(tmp_path: Any) -> None:
    with keeping(tmp_path, 20, only=["octanist", "leadexec", "convoso"], environment=RECORDED) as kept:
        kept.sync()
        (real,) = ask(kept, "SELECT email FROM leads WHERE email IS NOT NULL AND account = 'octanist' LIMIT 1").rows[0]
    with keeping(
        tmp_path, 20, only=["octanist", "leadexec", "convoso"], environment={**RECORDED, "LEAD_MCP_PII": "masked"}
    ) as kept:
        counted = ask(kept, f"SELECT count(*) FILTER (email = '{real}'), count(*) FROM leads")  # noqa: S608
        assert counted.rows[0][0] == 0
        assert counted.rows[0][1] > 0
        for table in ("leads", "pings", "events", "people", "recordings"):
            mirrored, live = both(kept, f"SELECT * FROM {table} ORDER BY ALL")  # noqa: S608
            assert mirrored.rows == live.rows, table
        assert real not in str(ask(kept, "SELECT * FROM leads").rows)


def test_a_caller_who_sees_less_than_the_tables_show_is_answered_live(tmp_path: Any) -> None:
    with keeping(tmp_path, 20, only=["octanist", "convoso"]) as kept:
        kept.sync()
        whole = kept.bench.runtime
        callers = (Principal("ann", EVERY, None, "masked"), Principal("bea", EVERY, frozenset({"octanist"}), "full"))
        for one, source in zip(callers, ("live", "mirror"), strict=True):
            caller = whole.seen_by(one)
            query = SqlQuery(
                sql="SELECT DISTINCT account FROM leads ORDER BY 1",
                connections=list(caller.connections.values()),
                zone=EASTERN,
                now=NOW,
                deadline=60,
                scan=1000,
                window=EVER,
            )
            answer = kept.bench.portal.call(answer_sql, query, caller.cage, caller.mirror, caller.look)
            assert caller.mirror is whole.mirror, "one file of records has one store"
            assert answer.source == source
            assert [name for (name,) in answer.rows] == sorted(one.accounts or {"convoso", "octanist"})


def test_damaged_files_are_gone_around_and_said_where_only_they_were_wanted(tmp_path: Any) -> None:
    with keeping(tmp_path, 20, only=["octanist"]) as kept:
        kept.sync()
        kept.mirror.store.path.write_bytes(b"not a database at all, and longer than a header" * 40)
        assert ask(kept, COUNT, source="auto").source == "live"
        assert kept.bench.call("summarize_leads")["total"] == 20
        with pytest.raises(Unavailable, match="cannot be read"):
            ask(kept, COUNT)
        with pytest.raises(CallFailed, match="cannot be read"):
            kept.bench.call("summarize_leads", source="mirror")


def test_a_generation_replaced_under_a_reader_is_looked_for_anew(tmp_path: Any) -> None:
    with keeping(tmp_path, 20, only=["octanist"]) as kept:
        kept.sync()
        first = current(kept.mirror.folder)
        assert first is not None
        ask(kept, COUNT)
        kept.bench.portal.call(lambda: kept.mirror.publish(whole=True))
        (kept.mirror.folder / first.base).unlink(missing_ok=True)
        assert ask(kept, COUNT).rows
        replaced = replace(first, base="base-0-0.duckdb")
        assert replaced.files != first.files


def test_questions_side_by_side_each_read_the_files_they_began_with(tmp_path: Any) -> None:
    with keeping(tmp_path, 20, only=["octanist"]) as kept:
        kept.sync()
        first = current(kept.mirror.folder)
        kept.bench.call("insert_lead", account="octanist", lead={"name": "Nova Example", "email": "nova@example.com"})
        kept.bench.runtime.common.clock = in_two_minutes
        with ThreadPoolExecutor(4) as pool:
            counts = [one.rows[0][0] for one in pool.map(lambda _: ask(kept, COUNT), range(6))]
        assert set(counts) <= {20, 21}
        assert ask(kept, COUNT).rows == [[21]]
        assert current(kept.mirror.folder) != first
