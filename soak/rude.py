"""Clients without manners: they say half a word, leave in the middle of an answer, or are killed."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import closing
from typing import Any, Final
from urllib.parse import urlsplit

import anyio
import httpx2
from mcp import Client, MCPError

from soak.calls import Run, leaves
from soak.house import WEB, House
from soak.pinging import ACCEPTS, HELLO
from soak.reading import ask, every_lead, newest_of_all

RESET: Final = struct.pack("ii", 1, 0)
"""SO_LINGER: close sends a reset, as from a process that was killed."""
HEAD: Final = (
    "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    "Accept: application/json, text/event-stream\r\n"
)
STAYS: Final = 12.0
"""Seconds that a silent connection is held."""
CROWD: Final = 500
"""Sessions that are opened and never ended: as many as a server keeps."""
Manner = Callable[[Run, str, random.Random], Awaitable[None]]


async def rudeness(run: Run, dice: random.Random) -> None:
    """One rude client after the other, at any server over HTTP."""
    while run.clock.is_running:
        manner = dice.choice(MANNERS)
        try:
            await manner(run, run.house.urls[dice.choice(WEB)], dice)
        except (OSError, httpx2.HTTPError) as error:
            run.tally.fault("connection refused", f"{manner.__name__}: {error!r}")
        run.tally.count("rude clients")
        await anyio.sleep(run.pace * dice.uniform(1, 3))


def _connected(url: str) -> socket.socket:
    parts = urlsplit(url)
    found = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    return found


def _request(tool: str, arguments: dict[str, Any]) -> bytes:
    params = {"name": tool, "arguments": arguments}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
    return f"{HEAD}Content-Length: {len(body)}\r\n\r\n{body}".encode()


async def says_nothing(run: Run, url: str, dice: random.Random) -> None:
    with closing(_connected(url)):
        await anyio.sleep(STAYS)


async def says_half_a_word(run: Run, url: str, dice: random.Random) -> None:
    whole = _request("search_leads", {"limit": 200})
    with closing(_connected(url)) as one:
        one.sendall(whole[: dice.randrange(1, len(whole))])
        await anyio.sleep(dice.uniform(0, STAYS))


async def says_nonsense(run: Run, url: str, dice: random.Random) -> None:
    with closing(_connected(url)) as one:
        one.sendall(dice.randbytes(dice.randrange(1, 5000)))


async def leaves_before_the_answer(run: Run, url: str, dice: random.Random) -> None:
    tool = dice.choice(("search_leads", "summarize_leads"))
    with closing(_connected(url)) as one:
        one.sendall(_request(tool, run.truth.window))
        await anyio.sleep(dice.uniform(0, 0.3))


async def reads_nothing(run: Run, url: str, dice: random.Random) -> None:
    with closing(_connected(url)) as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        for _ in range(20):
            one.sendall(_request("search_leads", {"limit": 200, "detail": "detailed"}))
        await anyio.sleep(STAYS)


async def leaves_its_session(run: Run, url: str, dice: random.Random) -> None:
    """A session with an open stream of notices, and nobody says goodbye."""
    async with httpx2.AsyncClient(trust_env=False, timeout=60) as http:
        hello = (await http.post(url, json=HELLO, headers=ACCEPTS)).raise_for_status()
        session = {"Mcp-Session-Id": hello.headers.get("mcp-session-id", "none")}
        with anyio.move_on_after(dice.uniform(0, 1)):
            async with http.stream("GET", url, headers={**ACCEPTS, **session}) as stream:
                await stream.aread()


async def gives_up_a_call(run: Run, url: str, dice: random.Random) -> None:
    """A polite client whose user presses the stop button."""
    name = next(name for name, known in run.house.urls.items() if known == url)
    async with run.house.client(name, dice.choice(("auto", "legacy"))) as client:
        with anyio.move_on_after(dice.uniform(0, 0.2)):
            await client.call_tool("search_leads", {"limit": 200, **run.truth.window})


MANNERS: Final[tuple[Manner, ...]] = (
    says_nothing,
    says_half_a_word,
    says_nonsense,
    leaves_before_the_answer,
    reads_nothing,
    leaves_its_session,
    gives_up_a_call,
)


async def crowd(house: House) -> None:
    """As many sessions as a server keeps, at once and for good: it holds no more from then on."""
    async with httpx2.AsyncClient(trust_env=False, timeout=60) as http:
        for _ in range(CROWD):
            (await http.post(house.urls["http"], json=HELLO, headers=ACCEPTS)).raise_for_status()


# --- processes of their own ---------------------------------------------------------------------------------------


async def short_lives(run: Run, pause: float, dice: random.Random) -> None:
    """Desktop clients that start a server, ask something, and end it or kill it in the middle."""
    while run.clock.is_running:
        await _short_life(run, dice)
        await anyio.sleep(pause * dice.uniform(0.5, 1.5))


async def _short_life(run: Run, dice: random.Random) -> None:
    killed = dice.random() < 0.5
    try:
        async with run.house.own("short", dice.choice(("auto", "legacy"))) as (client, pid):
            await ask(run, client, dice, newest_of_all)
            if killed:
                await _killed(run, client, pid, dice)
    except* (MCPError, OSError, anyio.BrokenResourceError, anyio.ClosedResourceError) as broken:
        if not killed:
            run.tally.fault("client broken", f"a short life: {'; '.join(map(repr, leaves(broken)))}")
    run.tally.count(f"servers on stdio, {'killed' if killed else 'ended'}")


async def _killed(run: Run, client: Client, pid: int, dice: random.Random) -> None:
    """The server dies while it answers."""
    async with anyio.create_task_group() as group:
        group.start_soon(ask, run, client, dice, every_lead)
        await anyio.sleep(dice.uniform(0, 0.3))
        os.kill(pid, signal.SIGKILL)
        group.cancel_scope.cancel()
