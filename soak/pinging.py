"""A ping a second to every server: it is answered within a second, whatever else goes on.

A machine that others use too holds up everybody. So two things are not counted against a server: how long its threads and our
own have waited for a processor meanwhile, and how long a bare server of the same SDK takes, which nobody else asks and which
is pinged at the same moment.
"""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import anyio
import httpx2
from mcp import Client

from soak.calls import LONGEST, Run
from soak.sampling import Series, waited

LATE: Final = 1.0
ACCEPTS: Final = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
VERSION: Final = "2025-11-25"
HELLO: Final[Mapping[str, Any]] = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": VERSION, "capabilities": {}, "clientInfo": {"name": "soak", "version": "1"}},
}
PING: Final = {"jsonrpc": "2.0", "id": 2, "method": "ping"}
Send = Callable[[], Awaitable[object]]


@dataclass(frozen=True)
class Target:
    """A server that is pinged, and its process."""

    pid: int
    send: Send


async def pinging(run: Run, targets: Mapping[str, Target], bare: Send, series: Series) -> None:
    """Pings until the end of the run. ``bare``: the ping that the others are compared with."""
    while run.clock.is_running:
        took: dict[str, float] = {}
        before = {name: _held_up(one) for name, one in targets.items()}
        async with anyio.create_task_group() as group:
            for name, send in {**{name: one.send for name, one in targets.items()}, "bare": bare}.items():
                group.start_soon(_timed, run, name, send, took)
        held_up = {name: _held_up(one) - before[name] for name, one in targets.items()}
        for name, seconds in took.items():
            series.add(name, {"ping ms": 1000 * seconds})
        for name in targets:
            if took[name] > LATE + took["bare"] + max(0, held_up[name]):
                shares = f"a bare server's {took['bare']:.2f} s, no processor for {held_up[name]:.2f} s"
                run.tally.fault("late ping", f"{name}: {took[name]:.2f} s, {shares}")
        await anyio.sleep(1)


def _held_up(one: Target) -> float:
    """Seconds that the server, and we who ask it, have waited for a processor, all in all."""
    return waited(one.pid) + waited(os.getpid())


async def _timed(run: Run, name: str, send: Send, took: dict[str, float]) -> None:
    started = time.monotonic()
    try:
        with anyio.fail_after(LONGEST):
            await send()
    except (TimeoutError, httpx2.HTTPError) as error:
        run.tally.fault("ping not answered", f"{name}: {error!r}")
    took[name] = time.monotonic() - started


def over_stdio(client: Client) -> Send:
    return client.send_ping


async def over_http(http: httpx2.AsyncClient, url: str) -> Send:
    """Pings in a session of their own, where the server keeps sessions."""
    hello = (await http.post(url, json=HELLO, headers=ACCEPTS)).raise_for_status()
    session = {"Mcp-Session-Id": hello.headers["mcp-session-id"]} if "mcp-session-id" in hello.headers else {}

    async def ping() -> None:
        (await http.post(url, json=PING, headers={**ACCEPTS, **session})).raise_for_status()

    return ping
