"""The server over HTTP under many clients: beside the bare one, with signed tokens, as two replicas, after thousands of calls.

Every server is asked for the same page in turns. A rate on a loaded machine is worth little; its ratio to another's in the
same run is worth more, and processor time a call most of all.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from benchmarks.driving import BARE, OURS, Child, Emulators, Json, Web, emulators, wait_for
from benchmarks.issuer import Issuer, issuer
from benchmarks.report import Line, middle, percentile
from benchmarks.search import ASKED_BARE, ASKED_OURS
from tests.ports import free_port

CLIENTS: Final = (1, 16, 64)
HUNDREDS: Final = 400
"""Calls between two connections, where memory is measured."""
AT: Final = 16
"""Clients at which the goals count."""
SERVER: Final = (*OURS, "--transport", "http", "--stateless", "--port")
GROWTH: Final = 12.0
"""MiB by which memory may have grown after all calls: what the allocator keeps, and no more with more of them."""


@dataclass
class Loaded:
    """A server, or replicas of it, under load."""

    children: Sequence[Child]
    ports: Sequence[int]
    asked: Json
    tokens: Sequence[str] = ()
    webs: list[Web] = field(default_factory=list)
    rates: dict[int, list[float]] = field(default_factory=dict)
    times: dict[int, list[float]] = field(default_factory=dict)
    spent: dict[int, float] = field(default_factory=dict)
    """Processor time a call, by clients, ms."""

    def burst(self, clients: int, calls: int, *, counts: bool = True) -> None:
        """So many calls by so many clients at once, each on a connection of its own, replica by replica."""
        while len(self.webs) < clients:
            nth = len(self.webs)
            at, token = nth % len(self.ports), self.tokens[nth] if self.tokens else ""
            self.webs.append(Web(self.children[at], self.ports[at], token))
        share, before, started = -(-calls // clients), self._cpu(), time.perf_counter()
        with ThreadPoolExecutor(clients) as pool:
            times = [one for some in pool.map(partial(self._some, share), self.webs[:clients]) for one in some]
        if counts:
            self.rates.setdefault(clients, []).append(len(times) / (time.perf_counter() - started))
            known, spent = len(self.times.setdefault(clients, [])), self._cpu() - before
            self.spent[clients] = (self.spent.get(clients, 0.0) * known + spent) / (known + len(times))
            self.times[clients] += times

    def rate(self, clients: int) -> float:
        """Calls a second, the median of the bursts."""
        return middle(self.rates[clients])

    def slowest(self, clients: int) -> float:
        """The time that one call in a hundred passes, ms."""
        return percentile(self.times[clients], 0.99)

    @property
    def spent_a_call(self) -> float:
        """Processor time a call over all bursts, ms: they all have as many calls."""
        return sum(self.spent.values()) / len(self.spent)

    def _some(self, share: int, web: Web) -> list[float]:
        web.connection.close()  # a server leaves none open that nobody used while others were asked
        times = []
        for _ in range(share):
            started = time.perf_counter()
            web.ask("tools/call", self.asked)
            times.append((time.perf_counter() - started) * 1000)
        return times

    def _cpu(self) -> float:
        return sum(child.cpu() for child in self.children)


def measure(rounds: int, burst: int, calls: int) -> list[Line]:
    """``rounds`` bursts of ``burst`` calls for each server and number of clients; memory over ``calls`` calls."""
    with emulators(500) as vendors, issuer() as signs, ExitStack() as stack:
        servers = {name: stack.enter_context(one) for name, one in _servers(vendors, signs).items()}
        for server in servers.values():
            server.burst(max(CLIENTS), burst, counts=False)
        for _ in range(rounds):
            for clients in CLIENTS:
                for server in servers.values():
                    server.burst(clients, burst)
        return [*_beside(servers["ours"], servers["bare"]), *_others(servers), _memory(servers["signed"], calls)]


def _servers(vendors: Emulators, signs: Issuer) -> dict[str, AbstractContextManager[Loaded]]:
    own, tokens = vendors.environment, [signs.token(f"person-{nth}") for nth in range(max(CLIENTS))]
    return {
        "bare": _started(own, ASKED_BARE, BARE),
        "ours": _started(own, ASKED_OURS, SERVER),
        "signed": _started({**own, **signs.environment}, ASKED_OURS, SERVER, tokens=tokens),
        "replicas": _replicas(own),
    }


@contextmanager
def _started(
    environment: dict[str, str], asked: Json, command: Sequence[str], *, many: int = 1, tokens: Sequence[str] = ()
) -> Iterator[Loaded]:
    """Processes of that server, each on a port of its own and with a state of its own."""
    with ExitStack() as stack:
        ports, children = [free_port() for _ in range(many)], []
        for port in ports:
            state = {"LEAD_MCP_STATE_DIR": stack.enter_context(tempfile.TemporaryDirectory(prefix="bench"))}
            children.append(stack.enter_context(Child((*command, str(port)), {**environment, **state}, limit=1800)))
        for port in ports:
            wait_for(port)
        yield Loaded(children, ports, asked, tokens)


@contextmanager
def _replicas(environment: dict[str, str]) -> Iterator[Loaded]:
    """Two of them, which share a Redis where there is one."""
    with ExitStack() as stack:
        own = {**environment, "LEAD_MCP_STATE_KEYS": "k" * 32}
        if shutil.which("redis-server"):
            own["LEAD_MCP_REDIS_URL"] = stack.enter_context(_redis())
        yield stack.enter_context(_started(own, ASKED_OURS, SERVER, many=2))


@contextmanager
def _redis() -> Iterator[str]:
    port = free_port()
    words = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(10)


def _beside(ours: Loaded, bare: Loaded) -> Iterator[Line]:
    for clients in CLIENTS:
        word, goal = f"{clients} client{'s' if clients > 1 else ''}", 0.8 if clients == AT else None
        yield Line(f"rate over HTTP, {word}", ours.rate(clients), bare.rate(clients), "/s", goal, least=True)
        yield Line(f"p99 over HTTP, {word}", ours.slowest(clients), bare.slowest(clients))
    yield Line(f"processor time a call, {AT} clients", ours.spent[AT], bare.spent[AT], note="the server's own")


def _others(servers: dict[str, Loaded]) -> Iterator[Line]:
    ours, signed, replicas = (servers[name] for name in ("ours", "signed", "replicas"))
    note = f"against: the same without; {max(CLIENTS)} people, RS256"
    yield Line("processor time a call, signed tokens", signed.spent_a_call, ours.spent_a_call, goal=1.05, note=note)
    for what, one, against in (("signed tokens", signed, note), ("two replicas", replicas, "against: one")):
        for clients in CLIENTS[1:]:
            rates = one.rate(clients), ours.rate(clients)
            yield Line(f"rate over HTTP, {what}, {clients} clients", rates[0], rates[1], "/s", note=against)


def _memory(server: Loaded, calls: int) -> Line:
    """By how much a server that has warmed up grows."""
    (child,) = server.children
    before = child.rss()
    for _ in range(-(-calls // HUNDREDS)):
        server.burst(AT, HUNDREDS, counts=False)
    after = child.rss()
    note = f"{before:.0f} MiB before, {after:.0f} after"
    return Line(f"memory growth of {calls:,} calls", max(0.0, after - before), unit="MiB", most=GROWTH, note=note)
