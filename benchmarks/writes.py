"""Inserts through the journal beside the same requests without it; a file imported beside what its vendor takes."""

from __future__ import annotations

import csv
import json
import os
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from urllib.parse import urlsplit

import anyio

from benchmarks.driving import Emulators, Failed, emulators, finished, settings_in
from benchmarks.report import Line, middle
from lead_mcp.runtime import Runtime, running
from lead_mcp.sandbox.world import Person, World
from lead_mcp.settings import Settings
from lead_mcp.writing.call import WriteCall
from lead_mcp.writing.inserts import InsertIntent
from lead_mcp.writing.outcome import OutcomeKind, Tool

AT_ONCE: Final = 4
"""Requests under way at once: as many as lead-mcp asks a vendor at once."""
CONVOSO: Final = 100
"""Calls a second that the import into Convoso is held to."""
Write = Callable[[int], Awaitable[object]]


def measure(inserts: int, rows: int) -> list[Line]:
    """Inserts a second, ``inserts`` each way; files of ``rows`` rows."""
    lines = _journal(inserts)
    with TemporaryDirectory() as folder:
        lines += [_unhurried(rows, Path(folder)), _held_to_rate(rows, Path(folder))]
    return lines


# --- the journal --------------------------------------------------------------------------------------------------


def _journal(inserts: int) -> list[Line]:
    with emulators(1) as vendors, TemporaryDirectory() as state:
        settings = settings_in({**vendors.environment, "LEAD_MCP_STATE_DIR": state, "LEAD_MCP_WRITES": "allow"})
        lines: list[Line] = anyio.run(_journal_rates, settings, inserts)
    return lines


async def _journal_rates(settings: Settings, inserts: int, rounds: int = 9) -> list[Line]:
    """The medians of bursts taken in turns. A write is three commits, each on disk before the next step."""
    lines, disk = [], _disk(settings.server.state_dir)
    async with running(settings) as runtime:
        numbers = count()
        ways = _through(runtime), _without(runtime)
        for at_once in (1, AT_ONCE):
            rates: tuple[list[float], list[float]] = ([], [])
            for nth in range(rounds + 1):
                for who, way in enumerate(ways):
                    rate = await _burst(way, max(4, inserts // rounds), at_once, numbers)
                    if nth:
                        rates[who].append(rate)
            what = "inserts, one at a time" if at_once == 1 else f"inserts, {at_once} at once"
            note = f"against: the same requests without the journal; 3 commits each, one fsync here {disk:.1f} ms"
            lines.append(Line(what, middle(rates[0]), middle(rates[1]), "/s", note=note))
    return lines


def _disk(folder: Path) -> float:
    """What the disk takes to keep 4 KiB, ms."""
    times = []
    with (folder / "disk").open("wb") as file:
        for _ in range(50):
            started = time.perf_counter()
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
            times.append((time.perf_counter() - started) * 1000)
    return middle(times)


def _through(runtime: Runtime) -> Write:
    async def write(number: int) -> None:
        intent, key = _intent(runtime, number), f"key {number}"
        arguments = {"account": "octanist", "lead": intent.lead, "vendor_fields": None, "on_duplicate": "allow"}
        call = WriteCall(Tool.INSERT_LEAD, arguments, key, runtime.principal)
        outcome = await runtime.pipeline("allow", None, {}).run(intent, call)
        if outcome.kind is not OutcomeKind.CREATED:
            raise Failed(str(outcome))

    return write


def _without(runtime: Runtime) -> Write:
    async def write(number: int) -> None:
        prepared = await _intent(runtime, number).prepare(runtime.context(), "0" * 40)
        if prepared.request is None or prepared.read is None:
            raise Failed(str(prepared))
        await prepared.connection.outbound.fetch(prepared.request, prepared.read, lambda: None)

    return write


def _intent(runtime: Runtime, number: int) -> InsertIntent:
    """A new lead that nobody is looked up for: one request."""
    lead = {"name": f"Zed Zap{number}", "email": f"zed.{number}@example.com"}
    return InsertIntent(runtime.connection("octanist"), lead, {}, "allow", looks=False)


async def _burst(write: Write, size: int, at_once: int, numbers: Iterator[int]) -> float:
    """Writes a second."""
    left = iter(range(size))

    async def worker() -> None:
        for _ in left:
            await write(next(numbers))

    started = time.perf_counter()
    async with anyio.create_task_group() as group:
        for _ in range(at_once):
            group.start_soon(worker)
    return size / (time.perf_counter() - started)


# --- imports ------------------------------------------------------------------------------------------------------


def _people(first: int, many: int) -> list[Person]:
    world = World(1)
    return [world.person(index) for index in range(first, first + many)]


def _unhurried(rows: int, folder: Path) -> Line:
    """The command beside the same requests made bare, half of them before it and half after."""
    with emulators(1) as vendors:
        half = rows // 2
        bare = _bare(vendors, _people(rows, half))
        took = _import(vendors, "leadtrackr", rows, folder)
        bare += _bare(vendors, _people(rows + half, rows - half))
    note = f"no rate; {rows / took:,.0f} rows/s; against: the bare requests, {AT_ONCE} at once"
    return Line(f"import of {rows:,} rows, leadtrackr", took, bare, "s", note=note)


def _held_to_rate(rows: int, folder: Path) -> Line:
    with emulators(1) as vendors:
        took = _import(vendors, "convoso", rows, folder, {"CONVOSO_RATE": f"{CONVOSO}/1s"})
    note = f"CONVOSO_RATE={CONVOSO}/1s; {rows / took:,.0f} rows/s; against: the rate alone"
    return Line(f"import of {rows:,} rows, convoso", took, rows / CONVOSO, "s", note=note)


def _import(vendors: Emulators, vendor: str, rows: int, folder: Path, more: Mapping[str, str] | None = None) -> float:
    """Seconds of the whole command, checking the file included, one request a row."""
    path = folder / f"{vendor}.csv"
    _write(path, vendor, _people(0, rows))
    state = {"LEAD_MCP_STATE_DIR": str(folder / vendor), "LEAD_MCP_WRITES": "allow"}
    command = ("-m", "lead_mcp", "import", str(path), "--account", vendor, "--on-duplicate", "allow", "--yes")
    took, said = finished(command, {**vendors.environment, **state, **(more or {})})
    if f"{rows:,} created" not in said:
        raise Failed(said)
    return took


def _write(path: Path, vendor: str, people: Sequence[Person]) -> None:
    own = {"list_id": "2101"} if vendor == "convoso" else {}
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["first_name", "last_name", "email", "phone", *own])
        writer.writerows([one.first_name, one.last_name, one.email, one.phone, *own.values()] for one in people)


def _bare(vendors: Emulators, people: Sequence[Person]) -> float:
    """Seconds for a request a person, as a naive importer sends it, on four connections that stay open."""
    known = vendors.environment
    bodies = [json.dumps(_body(known["LEADTRACKR_PROJECT_ID"], person)) for person in people]
    headers = {"X-API-Key": known["LEADTRACKR_API_KEY"], "Content-Type": "application/json"}

    def some(share: Sequence[str]) -> None:
        connection = HTTPConnection(urlsplit(vendors.origin).netloc, timeout=60)
        for body in share:
            connection.request("POST", "/leadtrackr/api/leads/createServerSideLead", body, headers)
            response = connection.getresponse()
            said = response.read()
            if response.status >= 300:
                raise Failed(f"{response.status} {said[:200]!r}")
        connection.close()

    started = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(some, [bodies[nth::AT_ONCE] for nth in range(AT_ONCE)]))
    return time.perf_counter() - started


def _body(project: str, person: Person) -> dict[str, Any]:
    user = {"firstName": person.first_name, "lastName": person.last_name, "phone": person.phone}
    event = {"uniqueEventId": f"bare {person.index}"}
    return {"projectId": project, "userData": {**user, "email": person.email or ""}, "formData": event}
