"""Start of process to the first answer and to ``tools/list`` over stdio, and memory after it; an account of every vendor."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.driving import BARE, OURS, Child, Emulators, Pipe
from benchmarks.report import Line, middle

ERAS: Final = {False: "legacy initialize", True: "modern server/discover"}


@dataclass(frozen=True)
class Start:
    """Milliseconds from the start of the process, processor milliseconds, memory in MiB."""

    first: float
    listed: float
    cpu: float
    rss: float


def measure(vendors: Emulators, runs: int) -> list[Line]:
    """The lines, medians of ``runs`` starts each, taken in turns."""
    lines: list[Line] = []
    for modern, era in ERAS.items():
        ours, bare = [], []
        for nth in range(runs + 1):
            pair = (_start(OURS, vendors, modern=modern), _start(BARE, vendors, modern=modern))
            if nth:  # the first start of each may compile
                ours.append(pair[0])
                bare.append(pair[1])
        lines += _lines(era, ours, bare)
    return lines


def _start(arguments: Sequence[str], vendors: Emulators, *, modern: bool) -> Start:
    started = time.perf_counter()
    with Child(arguments, vendors.environment, limit=60) as child:
        pipe = Pipe(child, modern=modern)
        pipe.greet()
        first = time.perf_counter()
        pipe.ask("tools/list", {})
        listed = time.perf_counter()
        return Start((first - started) * 1000, (listed - started) * 1000, child.cpu(), child.rss())


def _lines(era: str, ours: Sequence[Start], bare: Sequence[Start]) -> list[Line]:
    def line(what: str, name: str, goal: float | None, unit: str = "ms") -> Line:
        mine, other = (middle([getattr(one, name) for one in starts]) for starts in (ours, bare))
        return Line(what, mine, other, unit, goal)

    return [
        line(f"start to first answer, {era}", "first", 1.1),
        line(f"start to tools/list, {era}", "listed", 1.1),
        line(f"processor time till then, {era}", "cpu", None),
        line(f"memory after start, {era}", "rss", 1.1, "MiB"),
    ]
