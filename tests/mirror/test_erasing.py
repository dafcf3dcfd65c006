"""Forgetting: erased everywhere, and away for good. Exports: whole, by account and month, read by another engine."""

from __future__ import annotations

import json
import sqlite3
import stat
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.dataset
import pytest

from lead_mcp.errors import BadArgument, NotConfigured
from lead_mcp.mirror.erasing import drop_all, forget_person
from lead_mcp.mirror.exporting import export_all
from lead_mcp.mirror.setting import folder_of
from lead_mcp.mirror.status import status_of
from tests.mirror.keeping import Keeping, keeping, records
from tests.mirror.test_sql import ask


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Keeping]:
    with keeping(tmp_path, 40, only=["octanist", "leadexec"]) as found:
        assert found.sync().whole
        yield found


def forget(kept: Keeping, **whom: str) -> int:
    return kept.bench.portal.call(partial(forget_person, kept.mirror, **whom))


def held(kept: Keeping, words: str) -> list[str]:
    """The files of the mirror that hold the words."""
    return [path.name for path in kept.mirror.folder.iterdir() if words.encode() in path.read_bytes()]


@pytest.mark.parametrize("by", ["email", pytest.param("phone", marks=pytest.mark.slow), "uri"])
def test_what_was_forgotten_is_in_no_file_and_never_comes_back(kept: Keeping, by: str) -> None:
    leads = [one for one in kept.bench.everything("octanist") if one.get("email") and one.get("phone")]
    lead, email = leads[0], str(leads[0].get("email"))
    if by == "uri":
        same = [one for one in leads if one.get("email") == lead.get("email") and one.uri != lead.uri]
        assert forget(kept, uri=lead.uri) == 1
        assert ("octanist", lead.id) not in records(kept.mirror)
        assert {("octanist", one.id) for one in same} <= records(kept.mirror).keys()
    else:
        assert forget(kept, **{by: email.upper() if by == "email" else str(lead.get("phone"))}) >= 1
    if by == "email":
        assert held(kept, email) == []
    for full in (False, True):
        kept.sync(full=full)
        assert ("octanist", lead.id) not in records(kept.mirror)
    assert ask(kept, f"SELECT count(*) FROM leads WHERE uri = '{lead.uri}'").rows == [[0]]  # noqa: S608


def test_a_leads_pings_are_forgotten_with_it(kept: Keeping) -> None:
    followed = ask(kept, "SELECT lead_uri FROM pings WHERE lead_uri IS NOT NULL AND direction = 'inbound' LIMIT 1")
    uri = str(followed.rows[0][0])
    forget(kept, uri=uri)
    assert ask(kept, f"SELECT count(*) FROM pings WHERE lead_uri = '{uri}'").rows == [[0]]  # noqa: S608
    kept.sync(full=True)
    assert ask(kept, f"SELECT count(*) FROM pings WHERE lead_uri = '{uri}'").rows == [[0]]  # noqa: S608


def test_who_is_not_there_yet_can_be_forgotten_beforehand(kept: Keeping) -> None:
    assert forget(kept, email="nova@example.com") == 0
    kept.bench.call("insert_lead", account="octanist", lead={"name": "Nova Example", "email": "nova@example.com"})
    kept.sync(full=True)
    assert "nova@example.com" not in str(records(kept.mirror))
    with pytest.raises(BadArgument):
        forget(kept, phone="12")


def test_every_file_is_its_owners_alone_and_drop_leaves_none(kept: Keeping) -> None:
    files = [path for path in kept.mirror.folder.iterdir() if path.is_file()]
    assert files
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert status_of(kept.mirror)["tables"] is True
    kept.bench.portal.call(drop_all, kept.mirror)
    assert [path.name for path in kept.mirror.folder.iterdir()] == ["lock"]
    assert {one["records"] for one in status_of(kept.mirror)["accounts"]} == {0}
    assert kept.sync().whole
    assert len(records(kept.mirror)) == 80


# --- exports ------------------------------------------------------------------------------------------------------


def test_an_export_is_whole_and_replaces_only_an_export(kept: Keeping, tmp_path: Path) -> None:
    folder = tmp_path / "out" / "leads"
    manifest = kept.bench.portal.call(export_all, kept.mirror, folder)
    assert manifest == json.loads((folder / "manifest.json").read_text("utf-8"))
    assert manifest["tables"]["leads"]["rows"] == 80
    months = {path.parent.name for path in (folder / "leads" / "account=octanist").rglob("*.parquet")}
    assert months
    assert all(name.startswith("month=20") for name in months)
    again = kept.bench.portal.call(export_all, kept.mirror, folder)
    assert again["tables"]["leads"]["rows"] == 80
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work", "utf-8")
    with pytest.raises(BadArgument, match="something else"):
        kept.bench.portal.call(export_all, kept.mirror, tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").exists()


SUMS = "account, count(*), sum(value), count(DISTINCT person_id), epoch_us(min(created_at)) FROM leads GROUP BY 1 ORDER BY 1"


def by_arrow(folder: Path) -> list[list[Any]]:
    """The sums of the exported leads, by Arrow's engine."""
    leads = pyarrow.dataset.dataset(folder / "leads", format="parquet", partitioning=None).to_table()
    measures = [("id", "count"), ("value", "sum"), ("person_id", "count_distinct"), ("created_at", "min")]
    found = leads.group_by("account").aggregate(measures).sort_by("account").to_pylist()
    names = ("account", "id_count", "value_sum", "person_id_count_distinct")
    return [[*(one[name] for name in names), round(one["created_at_min"].timestamp() * 1e6)] for one in found]


def by_clickhouse(folder: Path) -> list[list[Any]]:
    """The same by ClickHouse's."""
    chdb = pytest.importorskip("chdb", reason="chdb is 180 MB and no dependency: `make engines` installs it")
    sums = "account, count(), sum(value), uniqExact(person_id), toUnixTimestamp64Micro(min(created_at))"
    sql = f"SELECT {sums} FROM file('{folder}/leads/*/*/*.parquet', Parquet) GROUP BY 1 ORDER BY 1"  # noqa: S608
    lines = [json.loads(line) for line in str(chdb.query(sql, "JSONCompactStringsEachRow")).splitlines()]
    return [[name, int(many), Decimal(value), int(people), int(first)] for name, many, value, people, first in lines]


@pytest.mark.parametrize("engine", [by_arrow, by_clickhouse])
def test_another_engine_reads_the_same_sums(kept: Keeping, tmp_path: Path, engine: Callable[[Path], Any]) -> None:
    kept.bench.portal.call(export_all, kept.mirror, tmp_path / "out")
    ours = ask(kept, f"SELECT {SUMS}").rows
    assert engine(tmp_path / "out") == [list(row) for row in ours]


def test_where_a_mirror_can_lie() -> None:
    state = Path("/var/lib/lead-mcp")
    assert folder_of("", state) == state / "mirror"
    assert folder_of("/data/leads", state) == Path("/data/leads")
    assert folder_of("file:///data/leads", state) == Path("/data/leads")
    with pytest.raises(NotConfigured, match="not built in"):
        folder_of("s3://leads/mirror", state)


def test_the_log_beside_the_records_is_emptied(kept: Keeping) -> None:
    lead = next(one for one in kept.bench.everything("octanist") if one.get("email"))
    forget(kept, email=str(lead.get("email")))
    log = kept.mirror.store.path.with_name(f"{kept.mirror.store.path.name}-wal")
    assert not log.exists() or log.stat().st_size == 0
    with sqlite3.connect(kept.mirror.store.path) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()
