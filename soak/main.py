"""Arguments, the run, the tables. Exit code 1 where anything was at fault."""

from __future__ import annotations

import argparse
import logging
import random
import sys
import time
import warnings
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import anyio
import httpx2
from mcp import Client, MCPDeprecationWarning, StdioServerParameters

from benchmarks.report import where
from lead_mcp.journal.store import Journal
from lead_mcp.vendors import NAMES
from soak.calls import Run, on_and_on
from soak.clock import Clock
from soak.exporting import exports
from soak.growth import ALLOWED, LOADING
from soak.house import WEB, House, house
from soak.pinging import Target, over_http, over_stdio, pinging
from soak.processes import clean
from soak.reading import LIVE, WITH_SQL, ask, counts_in_sql, newest_of_all, reads
from soak.rude import crowd, rudeness, short_lives
from soak.sampling import Series, Watched, sampling
from soak.storms import HUGE, storms
from soak.table import show
from soak.tally import Tally
from soak.truth import Truth
from soak.writing import Book, asked, judge, writes

Work = Callable[[random.Random], Awaitable[None]]
"""What somebody does until the end of the run, by dice of its own."""
LONG: Final = 300.0
"""Seconds from which a run is a long one: it has time to fill what a server keeps, and to load everything beforehand."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the soak; the exit code."""
    given = _parser().parse_args(arguments)
    warnings.simplefilter("ignore", MCPDeprecationWarning)  # pings are of the older era
    logging.getLogger("mcp").setLevel(logging.CRITICAL)  # what our own clients leave behind is their doing
    seconds = 60 * given.minutes
    with TemporaryDirectory(prefix="lead-mcp-soak-") as folder:
        tally, series = soak(Path(folder), seconds, given.leads, given.pace, given.seed)
    print(where())
    show(tally, series, LOADING if seconds < LONG else ALLOWED)
    return 1 if tally.faults else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m soak", description="Servers under mixed load for a while.")
    parser.add_argument("--minutes", type=float, default=60, help="how long (60)")
    parser.add_argument("--leads", type=int, default=300, help="leads of each vendor (300)")
    parser.add_argument("--pace", type=float, default=0.3, help="seconds between two calls of one client (0.3)")
    parser.add_argument("--seed", type=int, default=1, help="of everything that is left to chance (1)")
    return parser


def soak(folder: Path, seconds: float, leads: int, pace: float, seed: int) -> tuple[Tally, Series]:
    """What came of every call, and the sizes of everything, of a run of so many seconds in an empty folder."""
    until, tally, series = datetime.now(UTC).replace(microsecond=0), Tally(), Series()
    with house(folder, leads, until, watch=max(15, min(30, seconds / 20))) as built:
        run = Run(built, Truth(leads, until), Clock(seconds), tally, pace)
        book = Book()
        anyio.run(_load, run, book, series, seed)
        judge(run, book)
        _end(built, tally)
    return tally, series


async def _load(run: Run, book: Book, series: Series, seed: int) -> None:
    """Everybody at once until the end of the run."""
    bare = StdioServerParameters(
        command=sys.executable, args=["-m", "benchmarks.bare"], env=clean(run.house.running.environment)
    )
    if run.clock.seconds >= LONG:
        await crowd(run.house)
    async with (
        run.house.own("stdio", "legacy") as (stdio, pid),
        run.house.client("http") as newer,
        run.house.client("http", "legacy") as older,
        run.house.client("stateless") as stateless,
        httpx2.AsyncClient(trust_env=False, timeout=120) as http,
        Client(bare, mode="legacy") as control,
    ):
        await _warm(run, (stdio, newer, stateless), random.Random(seed))
        web = {name: Target(run.house.pid(name), await over_http(http, run.house.urls[name])) for name in WEB}
        pings = web | {"stdio": Target(pid, over_stdio(stdio))}
        run.clock.started = time.monotonic()
        crew: dict[str, Work] = {
            "sampling": lambda dice: sampling(_watched(run.house, pid), series, run.clock),
            "pinging": lambda dice: pinging(run, pings, over_stdio(control), series),
            "storms": lambda dice: storms(run, dice),
            "stdio": lambda dice: reads(run, stdio, dice, LIVE),
            "newer": lambda dice: reads(run, newer, dice, WITH_SQL),
            "older": lambda dice: reads(run, older, dice, LIVE),
            "stateless": lambda dice: reads(run, stateless, dice, WITH_SQL),
            "writes": lambda dice: writes(run, (stdio, stateless), book, dice),
            "asked, newer": lambda dice: asked(run, "auto", book, dice),
            "asked, older": lambda dice: asked(run, "legacy", book, dice),
            "exports": lambda dice: exports(run, newer, dice),
            "rudeness": lambda dice: rudeness(run, dice),
            "short lives": lambda dice: short_lives(run, 60 * run.pace, dice),
        }
        async with anyio.create_task_group() as group:
            for name, work in crew.items():
                group.start_soon(on_and_on, run, name, partial(work, random.Random(f"{seed} {name}")))


async def _warm(run: Run, clients: Sequence[Client], dice: random.Random) -> None:
    """Every server starts its engine, and meets the largest reply that it will: the memory for both stays with it."""
    for client in clients:
        await ask(run, client, dice, counts_in_sql)
        for vendor in NAMES if run.clock.seconds >= LONG else ():
            httpx2.post(f"{run.house.emulators}/_faults", json={"vendor": vendor, **HUGE}, trust_env=False)
        await ask(run, client, dice, newest_of_all)
    httpx2.delete(f"{run.house.emulators}/_faults", trust_env=False)


def _watched(house: House, stdio: int) -> Watched:
    pids = {one.name: one.pid for one in house.running.started if one.name != "emulators"}
    pages = {name: f"{house.urls[name].removesuffix('/mcp')}/metrics" for name in WEB}
    folders = {"state folder": house.state, "temporary files": house.temporary}
    return Watched({**pids, "stdio": stdio}, pages, folders)


def _end(house: House, tally: Tally) -> None:
    """Everything ends as it should and leaves nothing behind."""
    for name, code in house.running.ended().items():
        if code not in (0, 143, -15):
            tail = (house.running.folder / f"{name}.log").read_text("utf-8")[-300:]
            tally.fault("ended badly", f"{name}: exit code {code}: {tail}")
    if left := house.running.left():
        tally.fault("processes left", str(left))
    if files := [str(one) for one in house.temporary.rglob("*")]:
        tally.fault("temporary files left", str(files))
    for log in house.running.folder.glob("*.log"):
        for line in log.read_text("utf-8").splitlines():
            if "Traceback" in line:
                tally.fault("traceback", f"{log.name}: {line[:150]} ... {line[-400:]}")
    if broken := Journal(None, house.state).verify():
        tally.fault("journal", str(broken[:5]))
