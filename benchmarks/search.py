"""``search_leads`` of one account beside the bare tool: the same page of the same emulator, call by call in turns."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Final

from benchmarks.driving import BARE, OURS, Child, Client, Emulators, Json, Pipe, Web, wait_for
from benchmarks.report import Line, middle, percentile
from tests.ports import free_port

WON: Final = [{"field": "status", "op": "eq", "value": "won"}]
ASKED_OURS: Final[Json] = {
    "name": "search_leads",
    "arguments": {"account": "octanist", "limit": 20, "filters": WON},
}
ASKED_BARE: Final[Json] = {"name": "search_leads", "arguments": {"status": "won", "limit": 20}}
AT_ONCE: Final = 4
"""Calls under way at once where the rate is measured: as many as lead-mcp asks a vendor at once."""
Burst = Callable[[int], None]
Opened = Callable[[Emulators], AbstractContextManager[tuple[Pipe | Web, Pipe | Web]]]
Times = tuple[list[float], list[float]]


def measure(vendors: Emulators, calls: int) -> list[Line]:
    """p50, p99 and rate over both transports, ``calls`` calls each."""
    lines = []
    ways: Sequence[tuple[str, Opened]] = (("stdio", _pipes), ("HTTP", _webs))
    for transport, opened in ways:
        with opened(vendors) as (ours, bare):
            _check(ours, bare)
            lines += _latencies(transport, vendors, _in_turns(ours, bare, calls))
        with opened(vendors) as (ours, bare):
            lines += _rates(transport, (ours, bare), calls)
    return lines


def _check(ours: Client, bare: Client) -> None:
    """Both answer with the same twenty leads, or the race is none."""
    table = ours.ask("tools/call", ASKED_OURS)["structuredContent"]["leads"]
    mine = [row[0].rpartition("/")[2] for row in table["rows"]]
    said = json.loads(bare.ask("tools/call", ASKED_BARE)["content"][0]["text"])
    theirs = [lead["id"] for lead in said["data"]]
    if mine != theirs or len(mine) != 20:
        raise AssertionError(f"not the same page: {mine} and {theirs}")


# --- one at a time ------------------------------------------------------------------------------------------------


def _in_turns(ours: Client, bare: Client, calls: int) -> Times:
    for _ in range(20):
        _timed(ours, ASKED_OURS)
        _timed(bare, ASKED_BARE)
    times: Times = ([], [])
    for nth in range(calls):
        pair = [(0, ours, ASKED_OURS), (1, bare, ASKED_BARE)]
        for who, client, asked in pair if nth % 2 else reversed(pair):
            times[who].append(_timed(client, asked))
    return times


def _timed(client: Client, asked: Json) -> float:
    started = time.perf_counter()
    client.ask("tools/call", asked)
    return (time.perf_counter() - started) * 1000


def _latencies(transport: str, vendors: Emulators, times: Times) -> list[Line]:
    (p50, p99), (bare50, bare99) = ([percentile(some, share) for share in (0.5, 0.99)] for some in times)
    note = f"the emulator alone: {_vendor_alone(vendors):.1f} ms"
    return [
        Line(f"search p50, {transport}", p50, bare50, "ms", 1.5, note=note),
        Line(f"search p99, {transport}", p99, bare99, "ms", 2.0),
    ]


def _vendor_alone(vendors: Emulators) -> float:
    """The emulator's own part of a call, the naive tool's page asked without any MCP."""
    headers = {"X-API-KEY": vendors.environment["OCTANIST_API_KEY"]}
    times = []
    for _ in range(30):
        started = time.perf_counter()
        vendors.ask("GET", "/octanist/api/leads?limit=20&page=1&sort=createdAt:desc&status=won", headers=headers)
        times.append((time.perf_counter() - started) * 1000)
    return middle(times)


# --- as many as it can --------------------------------------------------------------------------------------------


def _rates(transport: str, clients: Sequence[Pipe | Web], calls: int, rounds: int = 9) -> list[Line]:
    """Calls per second with a few under way at once, the median of bursts taken in turns; processor time a call."""
    size = max(AT_ONCE * 4, calls // rounds // AT_ONCE * AT_ONCE)
    bursts = [_burst(client, asked) for client, asked in zip(clients, (ASKED_OURS, ASKED_BARE), strict=True)]
    rates: tuple[list[float], list[float]] = ([], [])
    for burst in bursts:
        burst(AT_ONCE * 4)
    before = [client.child.cpu() for client in clients]
    for _ in range(rounds):
        for who, burst in enumerate(bursts):
            started = time.perf_counter()
            burst(size)
            rates[who].append(size / (time.perf_counter() - started))
    spent = [(client.child.cpu() - was) / (size * rounds) for client, was in zip(clients, before, strict=True)]
    note = f"{AT_ONCE} under way at once"
    return [
        Line(f"search rate, {transport}", middle(rates[0]), middle(rates[1]), "/s", 0.85, least=True, note=note),
        Line(f"search, processor time a call, {transport}", spent[0], spent[1], goal=1.3, note="the server's own"),
    ]


def _burst(client: Pipe | Web, asked: Json) -> Burst:
    if isinstance(client, Web):
        return _threaded(client, asked)
    return _pipelined(client, asked)


def _pipelined(pipe: Pipe, asked: Json) -> Burst:
    def burst(size: int) -> None:
        for _ in range(AT_ONCE):
            pipe.send("tools/call", asked)
        for nth in range(size):
            pipe.receive()
            if nth + AT_ONCE < size:
                pipe.send("tools/call", asked)

    return burst


def _threaded(client: Web, asked: Json) -> Burst:
    webs = [Web(client.child, client.port) for _ in range(AT_ONCE)]

    def burst(size: int) -> None:
        def some(web: Web) -> None:
            for _ in range(size // AT_ONCE):
                web.ask("tools/call", asked)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(some, webs))

    return burst


# --- both servers -------------------------------------------------------------------------------------------------


@contextmanager
def _pipes(vendors: Emulators) -> Iterator[tuple[Pipe, Pipe]]:
    """Both on stdio, legacy era."""
    with Child(OURS, vendors.environment) as ours, Child(BARE, vendors.environment) as bare:
        pipes = Pipe(ours), Pipe(bare)
        for pipe in pipes:
            pipe.greet()
        yield pipes


@contextmanager
def _webs(vendors: Emulators) -> Iterator[tuple[Web, Web]]:
    """Both over HTTP, modern era."""
    ports = free_port(), free_port()
    commands = (*OURS, "--transport", "http", "--port", str(ports[0])), (*BARE, str(ports[1]))
    with ExitStack() as stack:
        children = [stack.enter_context(Child(command, vendors.environment)) for command in commands]
        for port in ports:
            wait_for(port)
        yield Web(children[0], ports[0]), Web(children[1], ports[1])
