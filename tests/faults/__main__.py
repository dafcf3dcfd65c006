"""``python -m tests.faults``: every cell, vendor after vendor, then docs/faults.md. Exit code 1 if a cell does not hold.

``python -m tests.faults VENDOR FILE`` runs one vendor and keeps its outcomes; ``--from FILE ...`` makes the page of these.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from lead_mcp.vendors import NAMES
from tests.faults.matrix import FAILED, Outcome, outcomes, table
from tests.faults.memory import BOUND
from tests.profiles import register

PAGE: Final = Path(__file__).parents[2] / "docs" / "faults.md"


def main(words: Sequence[str]) -> int:
    register()
    if words and words[0] == "--from":
        return written([Outcome(**one) for path in words[1:] for one in json.loads(Path(path).read_text())])
    if words:
        vendor, place = words
        found = list(outcomes(vendor, told))
        Path(place).write_text(json.dumps([asdict(one) for one in found]))
        return result(found)
    return written([one for vendor in NAMES for one in outcomes(vendor, told)])


def told(line: str) -> None:
    print(line, flush=True)  # noqa: T201


def written(found: Sequence[Outcome]) -> int:
    PAGE.write_text(table(found, BOUND), encoding="utf-8")
    return result(found)


def result(found: Sequence[Outcome], say: Callable[[str], object] = told) -> int:
    failed = sum(one.word == FAILED for one in found)
    say(f"{len(found):,} cells, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
