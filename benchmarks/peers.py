"""lead-mcp beside public servers of the same kind, over the same leads: ``python -m benchmarks.peers [--write FILE]``.

Each peer is installed from its registry, pointed at a back end on loopback that answers with the same leads in the peer's own
vendor's form, started over stdio and asked for the 20 newest leads. The table goes between the marks of docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from benchmarks.driving import Child, Emulators, Failed, Pipe, emulators
from benchmarks.peers_installed import from_npm, from_pypi
from benchmarks.report import middle, where
from benchmarks.tokens import INPUT_SIDE, compact, counted
from tests.certificates import self_signed

LEADS: Final = 1000
ROWS: Final = 20
STARTS: Final = 3
CALLS: Final = 40
AT_ONCE: Final = 4
KEY: Final = "sandbox-octanist-api-key"
BEGIN, END = "<!-- peers -->", "<!-- /peers -->"
HUBSPOT_FIELDS: Final = ["firstname", "email", "phone", "hs_lead_status", "createdate"]


@dataclass(frozen=True)
class Backends:
    """Where the leads are: our emulators, the peers' back end without and with TLS, and a DuckDB file."""

    emulators: Emulators
    plain: str
    secure: str
    certificate: Path
    database: Path


@dataclass(frozen=True)
class Peer:
    """One server. ``command`` may install it; ``call`` asks for the newest leads; ``requests``: those its back end saw."""

    name: str
    command: Callable[[Backends], Sequence[str]]
    environment: Callable[[Backends], Mapping[str, str]]
    call: tuple[str, Mapping[str, Any]]
    requests: Callable[[Backends], int | None]


def _octanist(backends: Backends) -> int:
    return len(backends.emulators.ask("GET", "/_requests?vendor=octanist"))


def _none(backends: Backends) -> None:
    """Its data is in a file of its own."""


def _count(address: Callable[[Backends], str]) -> Callable[[Backends], int]:
    def counted_there(backends: Backends) -> int:
        import httpx2

        trust = str(backends.certificate) if address(backends).startswith("https") else True
        with httpx2.Client(verify=trust, trust_env=False) as client:
            return int(client.get(f"{address(backends)}/_count").json())

    return counted_there


SQL: Final = f"SELECT id, name, email, phone, status, created_at FROM leads ORDER BY created_at DESC LIMIT {ROWS}"  # noqa: S608 - a number of ours
SOQL: Final = f"SELECT Id, Name, Email, Phone, Status, CreatedDate FROM Lead ORDER BY CreatedDate DESC LIMIT {ROWS}"  # noqa: S608 - as above
PEERS: Final = (
    Peer(
        "lead-mcp",
        lambda backends: (sys.executable, "-m", "lead_mcp", "serve"),
        lambda backends: backends.emulators.environment,
        ("search_leads", {"account": "octanist", "limit": ROWS}),
        _octanist,
    ),
    Peer(
        "the bare SDK, one tool",
        lambda backends: (sys.executable, "-m", "benchmarks.bare"),
        lambda backends: backends.emulators.environment,
        ("search_leads", {"limit": ROWS}),
        _octanist,
    ),
    Peer(
        "mcp-server-motherduck 1.1.0",
        lambda backends: (
            *from_pypi("mcp-server-motherduck==1.1.0", "mcp-server-motherduck"),
            "--db-path",
            str(backends.database),
        ),
        lambda backends: {},
        ("execute_query", {"sql": SQL}),
        _none,
    ),
    Peer(
        "mcp-salesforce-connector 0.1.18",
        lambda backends: from_pypi("mcp-salesforce-connector==0.1.18", "salesforce"),
        lambda backends: {
            "SALESFORCE_ACCESS_TOKEN": "not-a-token",
            "SALESFORCE_INSTANCE_URL": backends.secure,
            "REQUESTS_CA_BUNDLE": str(backends.certificate),
        },
        ("run_soql_query", {"query": SOQL}),
        _count(lambda backends: backends.secure),
    ),
    Peer(
        "@hubspot/mcp-server 0.4.0",
        lambda backends: from_npm("@hubspot/mcp-server@0.4.0", "@hubspot/mcp-server/dist/index.js"),
        lambda backends: {"PRIVATE_APP_ACCESS_TOKEN": "not-a-token", "BASE_URL_OVERRIDE": backends.plain},
        ("hubspot-list-objects", {"objectType": "contacts", "limit": ROWS, "properties": HUBSPOT_FIELDS}),
        _count(lambda backends: backends.plain),
    ),
    Peer(
        "mcp-atlassian 0.23.1",
        lambda backends: from_pypi("mcp-atlassian==0.23.1", "mcp-atlassian"),
        lambda backends: {"JIRA_URL": backends.plain, "JIRA_PERSONAL_TOKEN": "not-a-token"},
        (
            "jira_search",
            {
                "jql": "project = LEAD ORDER BY created DESC",
                "limit": ROWS,
                "fields": "summary,description,status,created",
            },
        ),
        _count(lambda backends: backends.plain),
    ),
)


@dataclass(frozen=True)
class Row:
    """What was measured of one peer. Times in ms, memory in MiB; tokens by o200k_base."""

    name: str
    tools: int
    listed: int
    told: int
    per_lead: float
    start: float
    start_processor: float
    memory: float
    p50: float
    processor: float
    rate: float
    requests: int | None

    def cells(self) -> tuple[str, ...]:
        asked = "" if self.requests is None else str(self.requests)
        start = (self.start, self.start_processor, self.memory)
        whole = (f"{one:,.0f}" for one in (self.tools, self.listed, self.told, self.per_lead, *start))
        return self.name, *whole, f"{self.p50:.1f}", f"{self.processor:.1f}", f"{self.rate:,.0f}", asked


HEADINGS: Final = (
    "server",
    "tools",
    "tokens of tools/list",
    "of which the input side",
    "tokens a lead",
    "start to tools/list, ms",
    "its processor time, ms",
    "memory, MiB",
    "p50 of a list, ms",
    "its processor time, ms",
    "lists a second",
    "requests a list",
)


def measured(peer: Peer, backends: Backends) -> Row:
    """The row of one peer. Raises Failed."""
    program, *arguments = peer.command(backends)
    environment = {**peer.environment(backends), "LEAD_MCP_TIMEZONE": "UTC"}

    def child() -> Child:
        return Child(arguments, environment, program=program)

    tools, starts = _starts(child)
    with child() as running:
        pipe = Pipe(running)
        pipe.greet()
        pipe.ask("tools/list", {})
        memory = running.rss()
        params = {"name": peer.call[0], "arguments": peer.call[1]}
        answer = pipe.ask("tools/call", params)
        before = peer.requests(backends)
        pipe.ask("tools/call", params)
        after = peer.requests(backends)
        used = running.cpu()
        p50 = _times(pipe, params)
        used = (running.cpu() - used) / CALLS
        rate = _rate(pipe, params)
    text = "\n".join(block["text"] for block in answer["content"] if block["type"] == "text")
    sides = compact([{key: one[key] for key in INPUT_SIDE if key in one} for one in tools])
    listed, told, answered = counted([compact(tools), sides, text])
    asked = None if before is None or after is None else after - before
    return Row(peer.name, len(tools), listed, told, answered / ROWS, *starts, memory, p50, used, rate, asked)


def _starts(child: Callable[[], Child]) -> tuple[list[Any], tuple[float, float]]:
    """The tools; milliseconds from the start of the process to them, by the clock and of the processor, as medians."""
    tools, clock, processor = list[Any](), list[float](), list[float]()
    for _ in range(STARTS):
        started = time.perf_counter()
        with child() as running:
            pipe = Pipe(running)
            pipe.greet()
            tools = pipe.ask("tools/list", {})["tools"]
            clock.append((time.perf_counter() - started) * 1000)
            processor.append(running.cpu())
    return tools, (middle(clock), middle(processor))


def _times(pipe: Pipe, params: dict[str, Any]) -> float:
    """The median of a call, ms."""
    found = []
    for _ in range(CALLS):
        started = time.perf_counter()
        pipe.ask("tools/call", params)
        found.append((time.perf_counter() - started) * 1000)
    return middle(found)


def _rate(pipe: Pipe, params: dict[str, Any]) -> float:
    """Calls a second with some under way at all times."""
    started = time.perf_counter()
    for _ in range(AT_ONCE):
        pipe.send("tools/call", params)
    for _ in range(CALLS):
        pipe.receive()
        pipe.send("tools/call", params)
    for _ in range(AT_ONCE):
        pipe.receive()
    return (CALLS + AT_ONCE) / (time.perf_counter() - started)


# --- the back ends ------------------------------------------------------------------------------------------------


@contextmanager
def backends() -> Iterator[Backends]:
    """Every back end, over the same leads."""
    with tempfile.TemporaryDirectory() as name, emulators(LEADS) as vendors:
        folder = Path(name)
        leads = _leads(vendors)
        source = folder / "leads.json"
        source.write_text(json.dumps(leads), encoding="utf-8")
        certificate = self_signed(folder)
        module = ("-m", "benchmarks.peers_backend", str(source))
        with Child(module, limit=1800) as plain, Child((*module, str(certificate)), limit=1800) as secure:
            ports = [int(one.line()) for one in (plain, secure)]
            yield Backends(
                vendors,
                f"http://127.0.0.1:{ports[0]}",
                f"https://localhost:{ports[1]}",
                certificate,
                _database(folder, leads),
            )


def _leads(vendors: Emulators) -> list[dict[str, Any]]:
    """The Octanist emulator's leads, newest first."""
    path = urlsplit(vendors.environment["OCTANIST_BASE_URL"]).path
    found: list[dict[str, Any]] = []
    for page in range(1, LEADS // 100 + 1):
        answer = vendors.ask(
            "GET", f"{path}/leads?limit=100&page={page}&sort=createdAt:desc", headers={"X-API-KEY": KEY}
        )
        data = answer["data"]
        found += data["leads"] if isinstance(data, dict) else data
    return found


def _database(folder: Path, leads: Sequence[Mapping[str, Any]]) -> Path:
    """A DuckDB file with the leads as a table."""
    import duckdb

    path = folder / "leads.duckdb"
    with duckdb.connect(str(path)) as database:
        columns = "id TEXT, name TEXT, email TEXT, phone TEXT, status TEXT, created_at TIMESTAMP"
        database.execute(f"CREATE TABLE leads ({columns})")
        rows = [[one[key] for key in ("id", "name", "email", "phone", "status", "createdAt")] for one in leads]
        database.executemany("INSERT INTO leads VALUES (?, ?, ?, ?, ?, ?)", rows)
    return path


# --- the table ----------------------------------------------------------------------------------------------------


def table(rows: Sequence[Row], failed: Mapping[str, str]) -> str:
    """The table as Markdown, and why what is missing in it is missing."""
    lines = [HEADINGS, ("---", *("---:",) * (len(HEADINGS) - 1)), *(row.cells() for row in rows)]
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    missing = "".join(f"\n\n{name} could not be measured: {why}" for name, why in failed.items())
    return f"{where()}\n\n{text}{missing}\n"


def write(path: Path, text: str) -> None:
    """Put the table between the marks of that file."""
    page = path.read_text("utf-8")
    before, _, rest = page.partition(BEGIN)
    path.write_text(f"{before}{BEGIN}\n{text}{END}{rest.partition(END)[2]}", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description="lead-mcp beside public servers.")
    parser.add_argument("--only", nargs="+", metavar="WORD", help="only peers whose name holds one of these")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the table between the marks of that file")
    asked = parser.parse_args(arguments)
    rows, failed = list[Row](), dict[str, str]()
    with backends() as there:
        for peer in PEERS:
            if asked.only and not any(word in peer.name for word in asked.only):
                continue
            print(f"{peer.name} ...", file=sys.stderr)
            try:
                rows.append(measured(peer, there))
            except Failed as error:
                failed[peer.name] = str(error)
    text = table(rows, failed)
    print(text)
    if asked.write:
        write(asked.write, text)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
