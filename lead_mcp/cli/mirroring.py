"""What the commands of ``lead-mcp mirror`` do."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import anyio
from anyio import to_thread

from lead_mcp.cli.opened import settings_for
from lead_mcp.cli.output import json_line
from lead_mcp.cli.tables import print_rows
from lead_mcp.cli.terminal import agreed, interruptible
from lead_mcp.dates import parse, stamp
from lead_mcp.engine.connection import Connection
from lead_mcp.errors import BadArgument, Conflict, NotConfigured, Unavailable
from lead_mcp.mirror.erasing import drop_all, forget_person
from lead_mcp.mirror.exporting import export_all
from lead_mcp.mirror.mirror import Mirror
from lead_mcp.mirror.status import status_of
from lead_mcp.mirror.sync import Progress, silent
from lead_mcp.mirror.syncing import SyncReport, sync_all
from lead_mcp.outgoing.masking import masked_by
from lead_mcp.outgoing.render import error_text
from lead_mcp.runtime import Runtime, running

Work = Callable[[Runtime, Mirror], Awaitable[int]]
PATIENCE: Final = 60.0
"""Seconds that a sync waits for another process to have written: a server that tops up is done in a few."""
AGAIN: Final = 0.5
THREADS: Final = 3
"""That a sync works in: only one computes at a time, and each keeps memory of its own."""
COLLECTED: Final = 20_000
"""Objects that are made between two collections while a sync runs."""
OFF: Final = "LEAD_MCP_MIRROR is off. Set it to on: the accounts' records are then kept on this machine."


@dataclass(frozen=True)
class SyncOptions:
    """What ``sync`` was asked for."""

    account: str | None = None
    since: str | None = None
    full: bool = False
    watch: float | None = None


def _with_mirror(config: Path | None, work: Work, *, sandbox: bool) -> int:
    """What ``work`` gives over the configured mirror, whether it is on or not."""

    async def run() -> int:
        settings, network = settings_for(config, sandbox=sandbox)
        async with running(settings, network()) as runtime:
            mirror = runtime.common.make_mirror()
            try:
                with masked_by(runtime.masker):
                    return await work(runtime, mirror)
            finally:
                await mirror.aclose()

    return anyio.run(interruptible, run)


# --- sync ---------------------------------------------------------------------------------------------------------


def sync(options: SyncOptions, config: Path | None, *, sandbox: bool) -> int:
    """Sync once, or again and again; the exit code of the last one."""

    async def work(runtime: Runtime, mirror: Mirror) -> int:
        if runtime.server.mirror == "off":
            raise NotConfigured(OFF)
        gc.freeze()  # records are trees without a cycle, of which the collector would look at every part again and again
        gc.set_threshold(COLLECTED, 50, 50)
        to_thread.current_default_thread_limiter().total_tokens = THREADS
        while True:
            code = await _once(runtime, mirror, options)
            if options.watch is None:
                return code
            await anyio.sleep(options.watch)

    return _with_mirror(config, work, sandbox=sandbox)


async def _once(runtime: Runtime, mirror: Mirror, options: SyncOptions) -> int:
    """One sync, in turn. Who watches says why it could not be, and tries again at the next one."""
    try:
        return await in_turn(partial(_synced, runtime, mirror, options))
    except (Conflict, Unavailable) as error:
        if options.watch is None:
            raise
        print(f"lead-mcp: {error_text(error)}", file=sys.stderr, flush=True)
        return 1


async def in_turn(work: Callable[[], Awaitable[int]]) -> int:
    """What ``work`` gives once no other process writes. Raises Conflict where one writes for longer than ``PATIENCE``."""
    until = anyio.current_time() + PATIENCE
    while True:
        try:
            return await work()
        except Conflict:
            if anyio.current_time() >= until:
                raise
        await anyio.sleep(AGAIN)


async def _synced(runtime: Runtime, mirror: Mirror, options: SyncOptions) -> int:
    now, zone = runtime.now(), runtime.server.zone
    since = parse(options.since, zone, now, name="since").start if options.since else None
    with _progress() as progress:
        terms = replace(mirror.terms, since=since, full=options.full, progress=progress)
        started = time.monotonic()
        report = await sync_all(mirror, _mirrored(runtime, mirror, options.account), terms)
    _print_report(report, time.monotonic() - started)
    return 0 if report.whole else 1


def _mirrored(runtime: Runtime, mirror: Mirror, account: str | None) -> list[Connection]:
    """The accounts to sync. Those that each person reads with a credential of their own are named and left out."""
    chosen = runtime.chosen(account)
    for one in chosen:
        if one.name not in mirror.connections:
            print(f"{one.name}: not mirrored, since each person reads it with their own credential", file=sys.stderr)
    return [one for one in chosen if one.name in mirror.connections]


@contextmanager
def _progress() -> Iterator[Progress]:
    """A line an account on a terminal, how many records have come; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield silent
        return
    from rich.console import Console
    from rich.progress import Progress as Bars
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TextColumn("{task.completed:,} read"),
        TimeElapsedColumn(),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        lines: dict[tuple[str, str], Any] = {}

        async def on_progress(account: str, kind: str, many: int) -> None:
            if (account, kind) not in lines:
                lines[account, kind] = bars.add_task(f"{account} {kind}", total=None)
            bars.advance(lines[account, kind], many)

        yield on_progress


def _print_report(report: SyncReport, seconds: float) -> None:
    rows = []
    for stream in report.streams:
        error = report.errors.get((stream.connection.name, stream.kind))
        saved = stream.saved
        numbers = [f"{number:,}" for number in (saved.read, saved.changed, saved.removed, stream.requests)]
        rows.append([stream.connection.name, stream.kind, *numbers, error_text(error) if error else "ok"])
    print_rows(["account", "kind", "read", "changed", "gone", "requests", "state"], rows)
    read = sum(stream.saved.read for stream in report.streams)
    print(f"{read:,} records in {seconds:,.1f} s")
    if report.unpublished is not None:
        print(f"lead-mcp: {error_text(report.unpublished)}", file=sys.stderr)


# --- the others ---------------------------------------------------------------------------------------------------


def status(config: Path | None, *, as_json: bool, sandbox: bool) -> int:
    """What is there."""

    async def work(runtime: Runtime, mirror: Mirror) -> int:
        await mirror.observe()
        found = status_of(mirror)
        if as_json:
            print(json_line(found))
            return 0
        columns = ("account", "kind", "records", "as_of", "age_s", "since", "complete", "error")
        rows = [[_cell(one[name]) for name in columns] for one in found["accounts"]]
        print_rows(columns, rows)
        state = "on" if runtime.server.mirror == "on" else "off (LEAD_MCP_MIRROR)"
        if "lake" in found:
            print(f"lake: {found['lake']}; version {found['version']}, here {found['version_here']}")
        print(f"{found['folder']}: {found['bytes'] / 1e6:,.1f} MB, {state}")
        return 0

    return _with_mirror(config, work, sandbox=sandbox)


def forget(email: str | None, phone: str | None, uri: str | None, config: Path | None, *, sandbox: bool) -> int:
    """Erase; say how many records."""
    if len([one for one in (email, phone, uri) if one]) != 1:
        raise BadArgument("Name whom to forget by --email, --phone or --uri: one of them.")

    async def work(runtime: Runtime, mirror: Mirror) -> int:
        many = await forget_person(mirror, email=email, phone=phone, uri=uri)
        print(f"{many:,} record{'' if many == 1 else 's'} erased; no sync brings them back")
        return 0

    return _with_mirror(config, work, sandbox=sandbox)


def drop(config: Path | None, *, yes: bool, sandbox: bool) -> int:
    """Remove everything, after asking."""

    async def work(runtime: Runtime, mirror: Mirror) -> int:
        where = f"the lake ({mirror.lake.address.shown}), for every replica" if mirror.lake else "this machine"
        if not agreed(f"Remove the mirror from {where}?", yes=yes):
            return 1
        print(f"{await drop_all(mirror):,} files removed")
        return 0

    return _with_mirror(config, work, sandbox=sandbox)


def export(folder: Path, config: Path | None, *, sandbox: bool) -> int:
    """Write the files; say which."""

    async def work(runtime: Runtime, mirror: Mirror) -> int:
        manifest = await export_all(mirror, folder)
        print_rows(
            ["table", "rows", "files"],
            [[name, f"{one['rows']:,}", str(len(one["files"]))] for name, one in manifest["tables"].items()],
        )
        return 0

    return _with_mirror(config, work, sandbox=sandbox)


def _cell(value: Any) -> str:
    if isinstance(value, datetime):
        return stamp(value) or ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else f"{value:,}" if isinstance(value, int) else str(value)
