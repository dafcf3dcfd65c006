"""Arguments, the measurements in turn, the table. Exit code 1 where a goal was missed."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks import many, search, startup
from benchmarks.driving import emulators
from benchmarks.report import Line, show, where, write

LEADS: Final = 2000
PARTS: Final = ("startup", "search", "many")


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
    if "many" in asked.only:
        lines += many.measure(3 if quick else 9, 2_000 if quick else 10_000)
    print(where())
    show(lines)
    if asked.write:
        write(asked.write, lines, shlex.join(["python", "-m", "benchmarks", *(arguments or sys.argv[1:])]))
    return 1 if any(line.met is False for line in lines) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="lead-mcp beside a bare server.")
    parser.add_argument("--quick", action="store_true", help="fewer repeats: an impression in under two minutes")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="only these parts")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the table as Markdown as well")
    return parser
