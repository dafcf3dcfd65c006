"""All cells: every vendor, every fault, every tool that the vendor serves; and the table of what came of them."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from lead_mcp.vendors import NAMES
from lead_mcp.vendors.spec.vendor import Vendor
from tests.faults import reads, writes
from tests.faults.reads import READS, Read
from tests.faults.scene import Scene, scene
from tests.faults.table import FAULTS, Fault, Words
from tests.faults.writes import MODES, WRITES, Mode, Write

FAILED: Final = "FAILED"
"""The word for a cell that does not hold."""


@dataclass(frozen=True)
class Cell:
    """One call under one fault: how it is run, and which words it may answer with."""

    vendor: str
    fault: Fault
    call: str
    run: Callable[[Scene], str]
    expected: Words

    def word(self, found: Scene) -> str:
        """What came of it. Raises AssertionError where that was not to be."""
        word = self.run(found)
        assert word in self.expected, f"{word}, not {' or '.join(sorted(self.expected))}"
        return word

    def __str__(self) -> str:
        return f"{self.vendor}, {self.fault}, {self.call}"


@dataclass(frozen=True)
class Outcome:
    """What came of a cell."""

    vendor: str
    fault: str
    call: str
    word: str


def reading(vendor: str, fault: Fault, known: Vendor) -> list[Cell]:
    return [_read(vendor, fault, read) for read in READS if read.offered(known)]


def _read(vendor: str, fault: Fault, read: Read) -> Cell:
    run = partial(reads.cell, vendor=vendor, fault=fault, read=read)
    return Cell(vendor, fault, read.name, run, read.expected(fault))


def writing(vendor: str, fault: Fault, known: Vendor) -> list[Cell]:
    return [
        _write(vendor, fault, write, mode)
        for write in WRITES
        if write.offered(known)
        for mode in MODES
        if mode.fits(fault)
    ]


def _write(vendor: str, fault: Fault, write: Write, mode: Mode) -> Cell:
    run = partial(writes.cell, vendor=vendor, fault=fault, write=write, mode=mode)
    return Cell(vendor, fault, f"{write.name}, {mode.name}", run, writes.expected(fault, mode))


def outcomes(vendor: str, told: Callable[[str], object]) -> Iterator[Outcome]:
    """Every cell of a vendor, one after the other; what fails is told and goes on."""
    for cells, only in ((reading, NAMES), (writing, (vendor,))):
        with tempfile.TemporaryDirectory() as folder, scene(Path(folder), only) as found:
            for fault in FAULTS:
                for cell in cells(vendor, fault, found.vendor(vendor)):
                    yield Outcome(vendor, fault.name, cell.call, _word(cell, found, told))


def _word(cell: Cell, found: Scene, told: Callable[[str], object]) -> str:
    try:
        return cell.word(found)
    except AssertionError as error:
        told(f"{cell}: {str(error).splitlines()[0][:300]}")
        return FAILED


# --- the table ----------------------------------------------------------------------------------------------------

HEAD: Final = """# Faults

What every vendor's tools answer when the vendor, or the network before it, misbehaves. `make faults` runs every cell and
prints this file; `make check` runs a sample. A cell is one call of one tool under one fault. It holds if the answer or the
code is one that was to be expected, the ledger is true (`complete` false where something is missing, no total but a known
one), the deadline is kept, memory stays within {bound} MB of what it was, no secret shows, and the same call
answers as before once the fault is gone. A write is held against what the vendor then has: never twice, never claimed and
not there, and the same call with the same key settles it.

- `right`: the answer of a quiet vendor. `part`: something is missing, and the answer says so. `other`: it differs, and
  nobody could know (the vendor says so itself).
- `created`, `updated`, `deleted`: the write's outcome. Everything else is an error's code.

{count}
"""


def table(found: Sequence[Outcome], bound: int) -> str:
    """The outcomes as a page: a row a fault, a column a vendor."""
    failed = sum(one.word == FAILED for one in found)
    count = f"{len(found):,} cells: {len(FAULTS)} faults at {len(NAMES)} vendors; {failed or 'none'} failed."
    groups = dict.fromkeys(fault.group for fault in FAULTS)
    parts = ["\n".join([f"## {group.capitalize()}", "", *_rows(group, found)]) + "\n" for group in groups]
    return "\n".join([HEAD.format(bound=bound // 1_000_000, count=count), *parts])


def _rows(group: str, found: Sequence[Outcome]) -> Iterator[str]:
    yield f"| fault | strikes | {' | '.join(NAMES)} |"
    yield "|" + " --- |" * (len(NAMES) + 2)
    for fault in FAULTS:
        if fault.group == group:
            mine = [[one.word for one in found if (one.fault, one.vendor) == (fault.name, name)] for name in NAMES]
            yield f"| {fault.name} | {fault.where.value} | {' | '.join(map(_counted, mine))} |"


def _counted(words: Iterable[str]) -> str:
    return ", ".join(f"{word} {many}" for word, many in Counter(words).most_common())
