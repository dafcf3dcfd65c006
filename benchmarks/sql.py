"""``query_sql`` live: every lead of five vendors read and joined by person: seconds, requests, memory."""

from __future__ import annotations

import time
from typing import Any, Final

from benchmarks.driving import OURS, Child, Failed, Pipe, emulators, engine_peak
from benchmarks.report import Line
from lead_mcp.vendors import NAMES

EVER: Final = "2000-01-01"
PATIENT: Final = {
    **{f"{name.upper()}_RATE": "none" for name in NAMES},
    "LEAD_MCP_DEADLINE": "600",
    "LEAD_MCP_SUMMARY_LIMIT": "1000000",
}
READ: Final = "SELECT account, count(*) AS leads FROM leads GROUP BY account"
JOINED: Final = (
    "SELECT count(*) AS pairs, count(DISTINCT a.person_id) AS people, "
    "median(date_diff('minute', a.created_at, b.created_at)) AS minutes "
    "FROM leads a JOIN leads b USING (person_id) WHERE a.created_at < b.created_at AND a.account <> b.account"
)
NOTHING: Final = "SELECT 1"


def measure(leads: int) -> list[Line]:
    """``leads``: of each vendor."""
    with emulators(leads) as vendors, Child(OURS, {**vendors.environment, **PATIENT}, limit=1500) as child:
        pipe = Pipe(child)
        pipe.greet()
        idle = child.rss()
        cold, _ = _ask(pipe, NOTHING)
        warm, _ = min((_ask(pipe, NOTHING) for _ in range(9)), key=lambda found: found[0])
        _ask(pipe, READ)  # the emulators draw their leads
        read, counts = _ask(pipe, READ)
        joined, found = _ask(pipe, JOINED)
        growth, engine = child.peak() - idle, engine_peak(child)
    every = leads * len(NAMES)
    if (
        sum(row[1] for row in counts["result"]["rows"]) != every
        or not found["complete"]
        or not found["result"]["rows"][0][1]
    ):
        raise Failed(f"{counts['result']} {found['result']}")
    requests = sum(entry["requests"] for entry in found["accounts"])
    pairs, people, _ = found["result"]["rows"][0]
    note = (
        f"{requests:,} requests; {people:,} people at several vendors, {pairs:,} pairs; beside counting the same leads"
    )
    return [
        Line("SQL: SELECT 1, warm", 1000 * warm, note=f"the first one starts the engine: {1000 * cold:,.0f} ms"),
        Line(f"SQL live: {every:,} leads of {len(NAMES)} vendors joined by person", joined, read, "s", note=note),
        Line(
            "SQL live: memory growth of the server",
            growth,
            unit="MiB",
            note=f"peak; the engine's own {engine:,.0f} MiB",
        ),
    ]


def _ask(pipe: Pipe, sql: str) -> tuple[float, dict[str, Any]]:
    started = time.perf_counter()
    said = pipe.ask("tools/call", {"name": "query_sql", "arguments": {"sql": sql, "since": EVER}})
    found: dict[str, Any] = said["structuredContent"]
    return time.perf_counter() - started, found
