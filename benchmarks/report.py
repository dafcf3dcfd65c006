"""The goals, and the table that says whether they are met."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table
from rich.text import Text


@dataclass(frozen=True)
class Line:
    """One measurement beside what it is measured against, if anything is.

    ``goal``: the ratio's bound; ``least``: it is a lower one. ``most``: what the measurement itself must not pass.
    """

    what: str
    ours: float
    other: float | None = None
    unit: str = "ms"
    goal: float | None = None
    least: bool = False
    note: str = ""
    most: float | None = None

    @property
    def ratio(self) -> float:
        return self.ours / self.other if self.other else math.nan

    @property
    def met(self) -> bool | None:
        """None where there is no goal."""
        if self.most is not None:
            return self.ours <= self.most
        if self.goal is None:
            return None
        return self.ratio >= self.goal if self.least else self.ratio <= self.goal

    def cells(self) -> tuple[str, ...]:
        word = {None: "", True: "met", False: "MISSED"}[self.met]
        ratio = "" if self.other is None else f"{self.ratio:.2f}x"
        return self.what, self._said(self.ours), self._said(self.other), ratio, self._goal(), word, self.note

    def _said(self, value: float | None) -> str:
        if value is None:
            return ""
        digits = 2 if value < 10 and value != int(value) else 0
        return f"{value:,.{digits}f} {self.unit}".strip()

    def _goal(self) -> str:
        if self.most is not None:
            return f"≤ {self._said(self.most)}"
        return "" if self.goal is None else f"{'≥' if self.least else '≤'} {self.goal:g}x"


HEADINGS = ("measured", "lead-mcp", "against", "ratio", "goal", "", "note")


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that ``share`` of them do not pass."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def middle(values: Sequence[float]) -> float:
    return float(median(values))


def show(lines: Sequence[Line]) -> None:
    table = Table(*HEADINGS)
    for line in lines:
        style = "bold" if line.met is False else ""
        table.add_row(*(Text(cell, style=style) for cell in line.cells()))
    Console(width=max(140, Console().width)).print(table)


def write(path: Path, lines: Sequence[Line], command: str) -> None:
    """The table as Markdown, with when, where and how it was made."""
    rows = [HEADINGS, ("---",) * len(HEADINGS), *(line.cells() for line in lines)]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    path.write_text(f"# Benchmark results\n\n{where()}\n\n`{command}`\n\n{table}\n", encoding="utf-8")


def where() -> str:
    """Date, machine, versions."""
    now = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    machine = f"{_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}"
    load = f"load average {os.getloadavg()[0]:.1f}"
    return f"{now}; {machine}; {load}; Python {platform.python_version()}, mcp {version('mcp')}."


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
