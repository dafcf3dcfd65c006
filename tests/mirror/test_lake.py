"""A mirror in a lake: a real PostgreSQL holds the catalog, a folder the files, two servers share it over the same vendors."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import psycopg
import pyarrow.parquet
import pytest
from anyio import to_thread
from anyio._backends._asyncio import WorkerThread

from lead_mcp.errors import Conflict, NotConfigured, Unavailable
from lead_mcp.mirror import syncing
from lead_mcp.mirror.erasing import drop_all, forget_person
from lead_mcp.mirror.exporting import export_all
from lead_mcp.mirror.lake.lease import Lease
from lead_mcp.mirror.mirror import Mirror
from lead_mcp.mirror.status import status_of
from lead_mcp.sql.tables import TABLES
from tests.driving import now
from tests.mirror.keeping import Keeping, everything, keeping, records
from tests.mirror.lakes import RECORDED, LakeSite, looking_anew
from tests.mirror.test_sql import ask, in_two_minutes

pytestmark = pytest.mark.slow
STORED = [name for name in TABLES if name != "accounts"]
COUNT = "SELECT count(*) FROM leads"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Worker threads end as soon as they may: a process that one of them had started would end with it."""
    monkeypatch.setattr(WorkerThread, "MAX_IDLE_TIME", 0)


@pytest.fixture(scope="module")
def one(site: LakeSite) -> Iterator[Keeping]:
    with site.replica("one") as found:
        assert found.sync().whole
        yield found


@pytest.fixture(scope="module")
def other(site: LakeSite, one: Keeping) -> Iterator[Keeping]:
    with site.replica("other") as found:
        yield found


HELD: Final = "UPDATE lead_mcp_mirror.lead_mcp_lease SET until = {until}, owner = '{owner}', fence = {fence}"


def kept_by(kept: Keeping) -> Any:
    """Records, people, and when each lead's recordings were listed."""
    with kept.mirror.store.reading() as database:
        listings = database.execute(
            "SELECT l.account, id, l.at, listed FROM listings l JOIN records USING (no) ORDER BY 1, 2"
        ).fetchall()
    return everything(kept.mirror), records(kept.mirror, "recording"), listings


def rows(kept: Keeping, name: str = "leads") -> list[list[Any]]:
    return [list(row) for row in ask(looking_anew(kept), f"SELECT * FROM {name} ORDER BY ALL").rows]  # noqa: S608


def test_every_replica_answers_with_the_rows_of_a_local_mirror(
    one: Keeping, other: Keeping, site: LakeSite, tmp_path: Path
) -> None:
    with keeping(tmp_path, box=site.box, environment=RECORDED) as local:
        local.sync()
        heard = len(site.box.stages["octanist"].heard)
        for name in STORED:
            expected = rows(local, name)
            assert expected
            assert rows(one, name) == expected
            assert rows(other, name) == expected
        assert not other.mirror.store.exists, "who asks SQL alone needs no records"
        found = other.bench.page(account="octanist", source="mirror", limit=100)
        assert found["leads"] == local.bench.page(account="octanist", source="mirror", limit=100)["leads"]
        assert kept_by(other) == kept_by(local) == kept_by(one)
        assert len(site.box.stages["octanist"].heard) == heard
        status = status_of(other.mirror)
        assert [line | {"age_s": 0} for line in status["accounts"]] == status_of(local.mirror)["accounts"]
        assert (status["version"], status["version_here"]) == (1, 1)


def test_what_one_tops_up_the_others_see_without_a_vendor(one: Keeping, other: Keeping, site: LakeSite) -> None:
    (before,) = ask(one, COUNT).rows[0]
    one.bench.call(
        "insert_lead",
        account="octanist",
        lead={"name": "Nova Example", "email": "nova@example.com"},
        on_duplicate="allow",
    )
    other.bench.runtime.common.clock = in_two_minutes
    try:
        assert ask(other, COUNT).rows[0] == [before + 1]
        one.bench.runtime.common.clock = in_two_minutes
        heard = len(site.box.stages["octanist"].heard)
        assert ask(looking_anew(one), COUNT).rows[0] == [before + 1]
    finally:
        one.bench.runtime.common.clock = other.bench.runtime.common.clock = now
    assert len(site.box.stages["octanist"].heard) == heard
    assert rows(one) == rows(other)
    generation = one.mirror.generation
    assert generation is not None
    assert generation.delta, "what is new was copied beside the base"


# --- one writes ---------------------------------------------------------------------------------------------------


def test_who_holds_the_lease_writes_and_the_others_read(one: Keeping, site: LakeSite) -> None:
    lease = site.lake("third").lease
    fence = lease.take()
    assert fence is not None
    assert site.lake("fourth").lease.take() is None
    with pytest.raises(Conflict, match="Another replica is writing"):
        one.sync()
    assert ask(one, COUNT).rows[0][0] > 50
    lease.release(fence)
    short = Lease(lease.address, "somebody who died", seconds=0.05)
    assert short.take() is not None
    time.sleep(0.1)
    assert one.sync().whole


def test_a_writer_that_lost_its_lease_changes_nothing(one: Keeping, other: Keeping, site: LakeSite) -> None:
    refused: list[str] = []

    async def late() -> None:
        async with one.mirror.writing() as turn:
            assert turn is not None
            for stream in one.mirror.streams(one.mirror.connections["octanist"], one.mirror.terms):
                await stream.run()
            site.execute(HELD.format(until=0, owner="", fence=turn.fence))
            refused.append(await refusal(one.mirror))
            await to_thread.run_sync(other.sync)
            site.execute(HELD.format(until=1e12, owner=turn.lease.owner, fence=turn.fence))
            refused.append(await refusal(one.mirror))

    lead = {"name": "Late Example", "email": "late@example.com"}
    one.bench.call("insert_lead", account="octanist", lead=lead, on_duplicate="allow")
    before = status_of(one.mirror)["version"]
    one.bench.portal.call(late)
    assert ["did not renew" in refused[0], "has written" in refused[1]] == [True, True]
    assert one.sync().whole
    assert rows(one) == rows(other)
    assert status_of(other.mirror)["version"] > before
    with_records(other)
    assert kept_by(one) == kept_by(other)


async def refusal(held: Mirror) -> str:
    try:
        await held.publish()
    except Conflict as error:
        return error.message
    return "nothing was refused"


def with_records(kept: Keeping) -> None:
    kept.bench.portal.call(partial(looking_anew(kept).mirror.refresh, records=True))


def test_a_process_killed_while_it_pushes_is_gone_on_with(
    catalogs: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = LakeSite(catalogs(), str(tmp_path / "data"), tmp_path)
    killed = fresh.started("one")
    until = time.monotonic() + 120
    while not list(tmp_path.glob("one/lake-*/push-*.duckdb")) and killed.poll() is None and time.monotonic() < until:
        time.sleep(0.005)
    killed.send_signal(signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    monkeypatch.setattr(syncing, "PUSH_EVERY", 0.2)
    with fresh.replica("one") as one, keeping(tmp_path / "local", box=fresh.box, environment=RECORDED) as local:
        assert one.sync().whole, "its own lease is taken again at once"
        local.sync()
        with fresh.replica("other") as other:
            assert [rows(other, name) for name in STORED] == [rows(local, name) for name in STORED]
            with_records(other)
            assert kept_by(other) == kept_by(local)


# --- what was erased ----------------------------------------------------------------------------------------------


def in_files(site: LakeSite, words: str) -> list[str]:
    """The lake's files that hold the words, read as what they are."""
    return [path for path in site.files() if words in str(pyarrow.parquet.read_table(path).to_pylist())]


def test_what_was_forgotten_is_in_no_file_of_any_replica(one: Keeping, other: Keeping, site: LakeSite) -> None:
    with_records(other)
    lead = next(lead for lead in one.bench.everything("octanist")[1:] if lead.get("email"))
    email = str(lead.get("email"))
    assert in_files(site, email)
    assert one.bench.portal.call(partial(forget_person, one.mirror, email=email)) >= 1
    assert in_files(site, email) == []
    assert email not in site.catalog()
    assert ask(looking_anew(other), f"SELECT count(*) FROM leads WHERE uri = '{lead.uri}'").rows == [[0]]  # noqa: S608
    for kept in (one, other):
        held = [path.name for path in kept.mirror.folder.iterdir() if email.encode() in path.read_bytes()]
        assert held == []
    assert other.sync(full=True).whole
    assert ("octanist", lead.id) not in records(other.mirror)


# --- what can be wrong --------------------------------------------------------------------------------------------


def test_without_the_catalog_nothing_is_answered_from_the_mirror(one: Keeping, site: LakeSite) -> None:
    name = site.database.rpartition("/")[2]
    server = f"{site.database.rpartition('/')[0].replace('+psycopg', '')}/postgres"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'.encode())
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        try:
            for question in (partial(ask, one, COUNT), one.sync, partial(one.bench.portal.call, one.mirror.observe)):
                looking_anew(one)
                with pytest.raises(Unavailable, match="catalog cannot be asked") as caught:
                    question()
                assert "hunter2" not in str(caught.value)
            assert ask(one, COUNT, source="auto").source == "live"
            assert "from the mirror" not in str(one.bench.call("summarize_leads")["accounts"])
        finally:
            connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'.encode())
    assert ask(one, COUNT).source == "mirror"


def test_a_replica_with_other_settings_reads_nothing_and_tops_nothing_up(one: Keeping, site: LakeSite) -> None:
    with site.replica("masked", LEAD_MCP_PII="masked") as masked:
        with pytest.raises(NotConfigured, match="LEAD_MCP_PII"):
            ask(masked, COUNT)
        assert ask(masked, COUNT, source="auto").source == "live"
        assert ask(looking_anew(one), COUNT).source == "mirror"
        assert masked.sync().whole, "who syncs makes the tables anew"
        assert "@" not in str(ask(masked, "SELECT email FROM leads").rows)
    with pytest.raises(NotConfigured, match="LEAD_MCP_PII"):
        ask(looking_anew(one), COUNT)
    assert one.sync().whole
    assert "@" in str(ask(looking_anew(one), "SELECT email FROM leads").rows)


def test_an_export_and_a_drop(one: Keeping, other: Keeping, site: LakeSite, tmp_path: Path) -> None:
    manifest = other.bench.portal.call(export_all, other.mirror, tmp_path / "out")
    leads = [line["records"] for line in status_of(other.mirror)["accounts"] if line["kind"] == "lead"]
    assert manifest["tables"]["leads"]["rows"] == sum(leads) > 50
    one.bench.portal.call(drop_all, one.mirror)
    assert site.files() == {}
    assert site.catalog() == ""
    with pytest.raises(NotConfigured, match="holds nothing yet"):
        ask(looking_anew(other), COUNT)
    left = {path.name for path in other.mirror.folder.iterdir()}
    assert left <= {"lock", "replica"}
    assert other.sync().whole
    assert rows(other) == rows(one)
