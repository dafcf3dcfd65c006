"""Leads counted by status the cheapest way, beside the same question with a sum, for which every lead must be read."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

from benchmarks.driving import OURS, Child, Failed, Json, Pipe, emulators
from benchmarks.report import Line

PATIENT: Final = {"LEAD_MCP_DEADLINE": "1200", "LEAD_MCP_SUMMARY_LIMIT": "1000000"}
GROWTH: Final = 150.0
"""MiB that reading may cost at most."""


def measure(sizes: Sequence[int]) -> list[Line]:
    """Seconds and requests for each number of leads; memory for the largest."""
    lines: list[Line] = []
    for leads in sizes:
        lines += _of(leads)
    return [line for line in lines if line.most is None] + [line for line in lines if line.most is not None][-1:]


def _of(leads: int) -> list[Line]:
    with emulators(leads) as vendors, Child(OURS, {**vendors.environment, **PATIENT}, limit=1500) as child:
        pipe = Pipe(child)
        pipe.greet()
        for measures in (["count"], ["count", "sum:value"]):  # the emulator draws its leads, everything is loaded
            _summary(pipe, measures, {"since": "-1h"})
        before, clocks = child.rss(), [child.cpu()]
        counted, few = _summary(pipe, ["count"])
        clocks.append(child.cpu())
        read, many = _summary(pipe, ["count", "sum:value"])
        clocks.append(child.cpu())
        growth = child.peak() - before
        _check(few, many, leads)
    spent, worked = (after - start for start, after in pairwise(clocks))
    asked = [entry["accounts"][0]["requests"] for entry in (few, many)]
    note = (
        f"{asked[0]} requests against {asked[1]:,} by reading; our processor time {spent:,.0f} ms against {worked:,.0f}"
    )
    return [
        Line(f"count by status, {leads:,} leads", counted, read, "s", note=note),
        Line(
            f"memory growth of reading {leads:,}", growth, unit="MiB", most=GROWTH, note="peak, after a first small one"
        ),
    ]


def _summary(pipe: Pipe, measures: list[str], more: Json | None = None) -> tuple[float, dict[str, Any]]:
    arguments: Json = {"account": "octanist", "group_by": ["status"], "measures": measures, **(more or {})}
    started = time.perf_counter()
    found: dict[str, Any] = pipe.ask("tools/call", {"name": "summarize_leads", "arguments": arguments})
    return time.perf_counter() - started, found["structuredContent"]


def _check(few: dict[str, Any], many: dict[str, Any], leads: int) -> None:
    """Both ways count the same, and all of them; the first without reading."""
    counts = [{row[0]: row[1] for row in said["groups"]["rows"]} for said in (few, many)]
    read = [said["accounts"][0].get("scanned", 0) for said in (few, many)]
    if counts[0] != counts[1] or few["total"] != leads or many["total"] != leads or read != [0, leads]:
        raise Failed(f"{counts}, read {read}, {few['how']}, {many['how']}")
