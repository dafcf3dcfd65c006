"""All vendors at once beside the slowest alone; ten thousand ids beside what the rate limit allows."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from benchmarks.driving import OURS, Child, Emulators, Failed, Json, Pipe, emulators
from benchmarks.report import Line, middle
from lead_mcp.vendors import NAMES
from lead_mcp.vendors.leadsquared.fields import EVERY_COLUMN

SLOW: Final = 0.2
"""Seconds that every emulated vendor takes for a request."""
UNHURRIED: Final = {"CONVOSO_RATE": "100000/1s", "LEADSQUARED_RATE": "100000/1s"}
PAGE: Final = 1000
WINDOW: Final = 5.0
"""LeadSquared's window in seconds: 25 requests fit in it."""
EVERY: Final = ",".join(EVERY_COLUMN)
RETRIEVE: Final = "/leadsquared/v2/LeadManagement.svc"


def measure(runs: int, ids: int) -> list[Line]:
    return [*_all(runs), *_ids(ids, max(3, runs // 3))]


# --- all at once --------------------------------------------------------------------------------------------------


def _all(runs: int) -> list[Line]:
    with emulators(500) as vendors, Child(OURS, {**vendors.environment, **UNHURRIED}) as child:
        pipe = Pipe(child)
        pipe.greet()
        who = (*NAMES, "all")
        for name in who:  # logins and connections
            _search(pipe, name)
        for vendor in NAMES:
            vendors.ask("POST", "/_faults", {"vendor": vendor, "kind": "slow", "times": -1, "seconds": SLOW})
        times: dict[str, list[float]] = {name: [] for name in who}
        for _ in range(runs):
            _pause(vendors)
            for name in who:
                times[name].append(_search(pipe, name))
    middles = {name: middle(found) for name, found in times.items()}
    together = middles.pop("all")
    slowest = max(middles, key=lambda name: middles[name])
    note = f"slowest alone: {slowest}; every vendor waits {SLOW * 1000:.0f} ms a request"
    return [Line("all vendors at once, slowest alone", together, middles[slowest], "ms", 1.2, note=note)]


def _pause(vendors: Emulators) -> None:
    """The LeadSquared emulator keeps its own rate: a round begins when its last window has room again."""
    heard = vendors.ask("GET", "/_requests?vendor=leadsquared")
    if len(heard) > 15:
        recent = heard[-15]["at"]
        time.sleep(max(0.0, recent + WINDOW + 0.1 - time.monotonic()))


def _search(pipe: Pipe, account: str) -> float:
    arguments: Json = {"limit": 20, "since": "-30d"} | ({} if account == "all" else {"account": account})
    started = time.perf_counter()
    result = pipe.ask("tools/call", {"name": "search_leads", "arguments": arguments})
    took = (time.perf_counter() - started) * 1000
    failed = [entry for entry in result["structuredContent"]["accounts"] if entry.get("error")]
    if failed:
        raise Failed(str(failed))
    return took


# --- ten thousand ids ---------------------------------------------------------------------------------------------


def _ids(count: int, runs: int) -> list[Line]:
    """Every id through one call with a sort, so that all are read, beside the same requests made bare, four at once."""
    with emulators(count) as vendors, Child(OURS, vendors.environment) as child:
        pipe = Pipe(child)
        pipe.greet()
        ids = _every_id(vendors, count)
        ours, bare, requests = [], [], set()
        for _ in range(runs):
            time.sleep(WINDOW + 0.2)
            took, entry = _by_id(pipe, ids)
            ours.append(took)
            requests.add(entry["requests"])
            time.sleep(WINDOW + 0.2)
            bare.append(_transfer(vendors, ids))
    note = f"{', '.join(map(str, sorted(requests)))} requests; bound: the rate allows 25 in 5 s, so transfer alone"
    return [Line(f"{count:,} LeadSquared ids, sorted", middle(ours), middle(bare), "ms", note=note)]


def _headers(vendors: Emulators) -> dict[str, str]:
    known = vendors.environment
    return {
        "Content-Type": "application/json",
        "x-LSQ-AccessKey": known["LEADSQUARED_ACCESS_KEY"],
        "x-LSQ-SecretKey": known["LEADSQUARED_SECRET_KEY"],
    }


def _every_id(vendors: Emulators, count: int) -> list[str]:
    found: list[str] = []
    for page in range(1, -(-count // PAGE) + 1):
        body = {
            "Parameter": {"LookupName": "CreatedOn", "LookupValue": "1900-01-01 00:00:00", "SqlOperator": ">"},
            "Sorting": {"ColumnName": "CreatedOn", "Direction": "0"},
            "Paging": {"PageIndex": page, "PageSize": PAGE},
            "Columns": {"Include_CSV": "ProspectID"},
        }
        rows = vendors.ask("POST", f"{RETRIEVE}/Leads.Get", body, _headers(vendors))
        found += [row["ProspectID"] for row in rows]
    return found


def _by_id(pipe: Pipe, ids: list[str]) -> tuple[float, dict[str, Any]]:
    arguments: Json = {"account": "leadsquared", "ids": ids, "sort": "created_at:desc", "limit": 20}
    started = time.perf_counter()
    result = pipe.ask("tools/call", {"name": "search_leads", "arguments": arguments})["structuredContent"]
    took = (time.perf_counter() - started) * 1000
    entry: dict[str, Any] = result["accounts"][0]
    if result["total"] != len(ids) or result.get("missing") or not entry["complete"]:
        raise Failed(str({key: result[key] for key in ("total", "accounts")}))
    return took, entry


def _transfer(vendors: Emulators, ids: list[str]) -> float:
    """The same ids fetched from the vendor with nothing done to the rows but reading their JSON."""
    chunks = [ids[at : at + PAGE] for at in range(0, len(ids), PAGE)]

    def fetch(chunk: list[str]) -> int:
        paging = {"PageIndex": 1, "PageSize": PAGE}
        body = {"SearchParameters": {"LeadIds": chunk}, "Paging": paging, "Columns": {"Include_CSV": EVERY}}
        rows = vendors.ask("POST", f"{RETRIEVE}/Leads/Retrieve/ByIds", body, _headers(vendors))
        return len(rows["Leads"] if isinstance(rows, dict) else rows)

    started = time.perf_counter()
    with ThreadPoolExecutor(len(chunks)) as pool:
        got = sum(pool.map(fetch, chunks))
    took = (time.perf_counter() - started) * 1000
    if got != len(ids):
        raise Failed(f"{got} of {len(ids)} leads")
    return took
