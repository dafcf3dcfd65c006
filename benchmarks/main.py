"""Arguments, the measurements in turn, the table. Exit code 1 where a goal was missed."""

from __future__ import annotations

import argparse
import shlex
import shutil
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from benchmarks import (
    export,
    install,
    kills,
    lake,
    many,
    mirror,
    over_http,
    search,
    sql,
    startup,
    summaries,
    view,
    writes,
)
from benchmarks.driving import emulators
from benchmarks.report import Line, show, where, write

LEADS: Final = 2000
PARTS: Final = tuple(
    "startup search http many writes kills summaries sql mirror lake export install view tokens".split()
)
SIZES: Final = (1_000, 10_000, 100_000)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks; the exit code."""
    asked = _parser().parse_args(arguments)
    quick, lines = asked.quick, list[Line]()
    if {"startup", "search"} & set(asked.only):
        with emulators(LEADS) as vendors:
            if "startup" in asked.only:
                lines += startup.measure(vendors, 5 if quick else 15)
            if "search" in asked.only:
                lines += search.measure(vendors, 150 if quick else 1500)
    parts: dict[str, Callable[[], Sequence[Line]]] = {
        "http": lambda: over_http.measure(*((3, 96, 1_200) if quick else (9, 320, 10_000))),
        "many": lambda: many.measure(3 if quick else 9, 2_000 if quick else 10_000),
        "writes": lambda: writes.measure(180 if quick else 900, 500 if quick else 10_000),
        "kills": lambda: kills.measure(50 if quick else 1_000),
        "summaries": lambda: summaries.measure(SIZES[:2] if quick else SIZES),
        "sql": lambda: sql.measure(1_000 if quick else 5_000),
        "mirror": lambda: mirror.measure(500 if quick else 5_000, 5 if quick else 15),
        "lake": lambda: lake.measure(500 if quick else 4_000, 5 if quick else 15),
        "export": lambda: export.measure(10_000 if quick else 100_000),
        "install": install.measure,
        "view": lambda: view.measure(3 if quick else 9),
        "tokens": _tokens,
    }
    for name, measured in parts.items():
        if name in asked.only:
            lines += measured()
    print(where())
    show(lines)
    if asked.write:
        write(asked.write, lines, shlex.join(["python", "-m", "benchmarks", *(arguments or sys.argv[1:])]))
    return 1 if any(line.met is False for line in lines) else 0


def _tokens() -> Sequence[Line]:
    """``benchmarks/tokens.py`` prints and keeps a table of its own, and needs node; nothing where either is missing."""
    if find_spec("benchmarks.tokens") is not None and shutil.which("node") is not None:
        import_module("benchmarks.tokens").main()
    return []


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="lead-mcp beside a bare server.")
    parser.add_argument("--quick", action="store_true", help="fewer repeats: an impression in a few minutes")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="only these parts")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the table as Markdown as well")
    return parser
