"""The mirror in a lake beside the one in a file: a sync over five vendors, what a replica needs to answer, the same questions.

The catalog is a PostgreSQL of this run's own on a free loopback port, the Parquet files lie in a folder.
"""

from __future__ import annotations

import json
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from benchmarks.driving import OURS, ROOT, Child, Failed, Pipe, clean_environment, emulators
from benchmarks.mirror import EVER, MEMORY, QUESTIONS, SYNC, UNBOUND
from benchmarks.report import Line
from lead_mcp.mirror.lake.address import PACKAGES
from tests.writing.cluster import Missing, cluster, fresh_database

OLD_ENOUGH: Final = {"LEAD_MCP_MIRROR_MAX_AGE": "86400"}
"""Nobody tops up while questions are asked."""


@dataclass(frozen=True)
class Ran:
    """A command: seconds, its own processor time and that of its children in seconds, the peak of any of them in MiB."""

    seconds: float
    cpu: float
    peak: float


@dataclass(frozen=True)
class Answered:
    """A server's questions in ms: the first after its start, and the middle of each kind; the peak of any process in MiB."""

    cold: float
    warm: Mapping[str, float]
    peak: float


def measure(leads: int, repeats: int) -> list[Line]:
    """``leads``: of each vendor; ``repeats``: of each warm question. Where there can be no lake, a word why and no lines."""
    if missing := [name for name in PACKAGES if find_spec(name) is None]:
        return _left_out(f"{', '.join(missing)} missing: pip install 'lead-mcp[lake]'")
    try:
        with cluster() as server, emulators(leads) as vendors, tempfile.TemporaryDirectory() as folder:
            url = _address(fresh_database(server, "lake"), Path(folder) / "data")
            return _compared({**vendors.environment, **UNBOUND, **OLD_ENOUGH}, url, Path(folder), repeats)
    except Missing as missing:
        return _left_out(str(missing))


def _left_out(why: str) -> list[Line]:
    print(f"the lake is not measured: {why}", file=sys.stderr)
    return []


def _address(database: str, data: Path) -> str:
    parts = urlsplit(database)
    place = f"host={parts.hostname} port={parts.port} user={parts.username} dbname={parts.path[1:]}"
    return f"ducklake:postgres:{place};data={data}"


def _compared(environment: Mapping[str, str], url: str, folder: Path, repeats: int) -> list[Line]:
    def at(name: str, **more: str) -> dict[str, str]:
        return {**environment, "LEAD_MCP_STATE_DIR": str(folder / name), **more}

    in_file, in_lake = at("file"), at("writer", LEAD_MCP_MIRROR_URL=url)
    replica = at("replica", LEAD_MCP_MIRROR_URL=url)
    _synced(at("apart"), "--since", "2100-01-01")  # the emulators draw their leads
    file, lake = _synced(in_file), _synced(in_lake)
    many = _records(folder / "file" / "mirror" / "records.sqlite")
    first = _answered(replica, 0)
    return [
        *_writing(file, lake, many),
        Line("lake: a new replica's first question", first.cold, note="copies the tables, starts the engine"),
        *_reading(_answered(in_file, repeats), _answered(replica, repeats), first.peak),
    ]


def _writing(file: Ran, lake: Ran, many: int) -> list[Line]:
    note = f"{many:,} records; against the mirror in a file"
    return [
        Line("lake: sync without a rate, records a second", many / lake.seconds, many / file.seconds, "/s", note=note),
        Line("lake: processor time of the sync, per 1,000 records", 1e6 * lake.cpu / many, 1e6 * file.cpu / many),
        Line("lake: peak memory of any process of the sync", lake.peak, file.peak, "MiB", most=MEMORY),
    ]


def _reading(file: Answered, lake: Answered, first: float) -> list[Line]:
    note = f"of any process of a replica; {first:,.0f} while it copied the tables"
    return [
        Line("lake: the first question of a server", lake.cold, file.cold, note="starts the engine; the copy is there"),
        *(Line(f"lake: {name}, warm p50", lake.warm[name], file.warm[name]) for name in QUESTIONS),
        Line("lake: peak memory of a reader", max(lake.peak, first), file.peak, "MiB", most=MEMORY, note=note),
    ]


# --- syncing ------------------------------------------------------------------------------------------------------


MEASURED: Final = """
import json, resource, subprocess, sys
code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]))
sys.exit(code)
"""
"""Runs a command and says what it used. A process apart: what is started counts the memory of what started it as its own."""


def _synced(environment: Mapping[str, str], *words: str) -> Ran:
    started = time.perf_counter()
    ended = subprocess.run(
        [sys.executable, "-c", MEASURED, sys.executable, *SYNC, *words],
        cwd=ROOT,
        env={**clean_environment(), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise Failed(f"mirror sync: {ended.returncode} {ended.stderr[-500:]!r}")
    cpu, peak = json.loads(ended.stdout)
    return Ran(time.perf_counter() - started, cpu, peak)


def _records(path: Path) -> int:
    with closing(sqlite3.connect(path)) as database:
        (many,) = database.execute("SELECT count(*) FROM records").fetchone()
    return int(many)


# --- questions ----------------------------------------------------------------------------------------------------


def _answered(environment: Mapping[str, str], repeats: int) -> Answered:
    with Child(OURS, environment, limit=600) as child:
        pipe = Pipe(child)
        pipe.greet()
        cold = _ask(pipe, next(iter(QUESTIONS.values())))
        warm = {name: statistics.median(_warm(pipe, sql, repeats)) for name, sql in QUESTIONS.items() if repeats}
        return Answered(cold, warm, max(_peaks(child.process.pid)))


def _warm(pipe: Pipe, sql: str, repeats: int) -> list[float]:
    _ask(pipe, sql)
    return [_ask(pipe, sql) for _ in range(repeats)]


def _ask(pipe: Pipe, sql: str) -> float:
    """Milliseconds. Raises Failed where it was not answered from the mirror."""
    started = time.perf_counter()
    arguments = {"sql": sql, "since": EVER, "source": "mirror"}
    found: dict[str, Any] = pipe.ask("tools/call", {"name": "query_sql", "arguments": arguments})["structuredContent"]
    if "result" not in found:
        raise Failed(str(found))
    return 1000 * (time.perf_counter() - started)


def _peaks(pid: int) -> Iterator[float]:
    """The most resident memory that the server and each of its children ever had, MiB."""
    for one in (str(pid), *Path(f"/proc/{pid}/task/{pid}/children").read_text().split()):
        lines = Path(f"/proc/{one}/status").read_text().splitlines()
        yield int(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) / 1024
