"""``lead-mcp export`` of one account's leads to each format: rows a second, and the most memory that the process ever had."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.driving import Failed, clean_environment, emulators
from benchmarks.report import Line
from lead_mcp.exports.formats import FORMATS

ACCOUNT: Final = "leadsquared"
LIMIT: Final = 3600.0
"""Seconds, on a machine that others use too."""
MOST: Final = 300.0
"""MiB, whatever the format: rows are never in memory together."""


@dataclass(frozen=True)
class Run:
    """One export: seconds from the start of the process to its end, processor seconds of it, and peak memory in MiB."""

    seconds: float
    processor: float
    peak: float
    rows: int
    bytes: int


def measure(leads: int) -> list[Line]:
    """``leads``: rows of each file."""
    with emulators(leads, LIMIT) as vendors, tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        environment = {**vendors.environment, "LEAD_MCP_STATE_DIR": place, f"{ACCOUNT.upper()}_RATE": "none"}
        _export(environment, folder / "first.csv", "limit=1")  # the emulator draws its leads
        lines: list[Line] = []
        for form in FORMATS:
            lines += _lines(form, _whole(environment, folder / f"leads.{form}", leads))
        return lines


def _whole(environment: Mapping[str, str], path: Path, leads: int) -> Run:
    found = _export(environment, path)
    if found.rows != leads:
        raise Failed(f"{path.name}: {found.rows:,} rows of {leads:,}")
    return found


def _export(environment: Mapping[str, str], path: Path, *more: str) -> Run:
    words = ("-m", "lead_mcp", "export", str(path), "--tool", "search_leads", f"account={ACCOUNT}", "since=2000-01-01")
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *words, *more],
        env={**clean_environment(), **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    if process.stderr is not None:
        said = process.stderr.read().decode()[-500:]
        process.stderr.close()
        if status:
            raise Failed(f"export {path.name}: {status} {said}")
    manifest = json.loads(path.with_name(f"{path.name}.manifest.json").read_text("utf-8"))
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, manifest["rows"], manifest["bytes"])


def _lines(form: str, found: Run) -> list[Line]:
    size, worked = f"{found.bytes / 2**20:,.1f} MiB", f"{found.processor:,.1f} of {found.seconds:,.1f} s"
    note = f"{found.rows:,} rows, {size}; our processor time {worked}"
    return [
        Line(f"export to {form}, rows a second", found.rows / found.seconds, unit="/s", note=note),
        Line(f"export to {form}, peak memory", found.peak, unit="MiB", most=MOST),
    ]
