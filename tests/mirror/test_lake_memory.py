"""The memory of the process that speaks to the lake: bounded, whatever the number of records."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import anyio
import duckdb
import pytest

from lead_mcp.mirror.lake.opened import BESIDE, columns_of
from lead_mcp.mirror.lake.process import LakeProcess
from lead_mcp.mirror.segments import COLUMNS
from lead_mcp.sql.rows import encoded
from tests.mirror.lakes import LakeSite

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="a process's peak is read from /proc"),
]
MOST: Final = 300.0
"""MiB. With pieces of DuckDB's own size this many records took twice that, and more with each further one."""
RECORDS: Final = 30_000
LENGTH: Final = 4_000
"""Characters of a record, half of which say nothing new."""
STATE: Final = "{}"


def rows(noise: random.Random) -> Iterator[list[list[Any]]]:
    """Records as they are staged, some at a time."""
    for first in range(1, RECORDS, 250):
        yield [
            [no, "octanist", "lead", f"l{no}", None, no, raw(noise), None, f"p{no}", no // 250 + 1, "[]"]
            for no in range(first, first + 250)
        ]


def raw(noise: random.Random) -> str:
    return json.dumps({"note": noise.randbytes(LENGTH // 2).hex()})


def made_of_them(path: Path) -> None:
    """The tables that a publisher would have made."""
    with duckdb.connect(str(path)) as database:
        for name, columns in COLUMNS.items():
            database.execute(f"CREATE TABLE {name} ({columns_of(columns)})")
        database.execute(
            "INSERT INTO leads (uri, account, email, raw, record_no) "
            "SELECT 'lead://octanist/l' || n, 'octanist', 'p' || n || '@example.com', "
            "json_object('note', (SELECT string_agg(md5((n * 1000 + i)::VARCHAR), '') FROM range(?) r(i))), n "
            "FROM range(1, ?) t(n)",
            [LENGTH // 32, RECORDS + 1],
        )


async def through(process: LakeProcess) -> list[float]:
    """Everything that such a process does; its peak after each, MiB."""
    peaks = list[float]()

    async def ask(op: str, *blobs: bytes, **asked: Any) -> dict[str, Any]:
        told, _ = await process.ask(op, blobs, 600, **asked)
        peaks.append(peak(process))
        return told

    await ask("stage", file="push-1.duckdb")
    for some in rows(random.Random(1)):
        await ask("stage", *encoded(some, len(BESIDE["records"])), table="records")
    await ask("push", version=0, fence=1, state=STATE, anew=True, files={"base": "base-1.duckdb"})
    await ask("tidy")
    await ask("copy", file="copy-1.duckdb", since=None)
    await ask("changes", since=0, version=0)
    while (await ask("more"))["table"]:
        pass
    await process.aclose()
    return peaks


def peak(process: LakeProcess) -> float:
    child = process._child
    assert child is not None
    lines = Path(f"/proc/{child.process.pid}/status").read_text("utf-8").splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) / 1024


def test_what_it_takes_does_not_grow_with_the_records(site: LakeSite, tmp_path: Path) -> None:
    made_of_them(tmp_path / "base-1.duckdb")
    peaks = anyio.run(through, LakeProcess(site.lake("any").address, tmp_path))
    assert max(peaks) < MOST, [round(one) for one in peaks]
    with duckdb.connect(str(tmp_path / "copy-1.duckdb"), read_only=True) as database:
        assert database.execute("SELECT count(*), count(DISTINCT record_no) FROM leads").fetchall() == [
            (RECORDS, RECORDS)
        ]
