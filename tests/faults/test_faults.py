"""A sample of the fault matrix: every fault at one vendor at least, read and written. ``make faults`` runs every cell."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest

from lead_mcp.vendors import NAMES
from lead_mcp.vendors.spec.vendor import Vendor
from tests.faults.__main__ import PAGE
from tests.faults.matrix import Cell, reading, writing
from tests.faults.scene import Scene, scene
from tests.faults.table import FAULTS, Fault

pytestmark = pytest.mark.slow
COUNTING: Final = ("convoso", "leadexec")
"""Vendors of whose lists the total alone says where they end."""
Cells = Callable[[str, Fault, Vendor], list[Cell]]


@pytest.fixture(scope="module")
def readers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with scene(tmp_path_factory.mktemp("readers")) as found:
        yield found


@pytest.fixture(scope="module")
def writers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with scene(tmp_path_factory.mktemp("writers")) as found:
        yield found


def sampled(found: Scene, nth: int, cells: Cells) -> Cell:
    """One cell of the nth fault: vendors and calls take turns."""
    vendor = NAMES[nth % len(NAMES)]
    choice = cells(vendor, FAULTS[nth], found.vendor(vendor))
    return choice[(nth // len(NAMES)) % len(choice)]


@pytest.mark.parametrize("nth", range(len(FAULTS)), ids=[fault.name for fault in FAULTS])
def test_a_read_under_a_fault_is_right_or_says_what_it_lacks(readers: Scene, nth: int) -> None:
    sampled(readers, nth, reading).word(readers)


@pytest.mark.parametrize("nth", range(0, len(FAULTS), 3), ids=[fault.name for fault in FAULTS[::3]])
def test_a_write_under_a_fault_is_done_once_or_not_at_all(writers: Scene, nth: int) -> None:
    sampled(writers, nth, writing).word(writers)


@pytest.mark.parametrize("vendor", COUNTING)
@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.group == "rows"], ids=str)
def test_a_list_that_lies_is_never_taken_for_the_whole(readers: Scene, vendor: str, fault: Fault) -> None:
    reading(vendor, fault, readers.vendor(vendor))[0].word(readers)


@pytest.mark.parametrize("vendor", NAMES)
def test_leads_whose_time_cannot_be_read_are_not_passed_over_in_silence(readers: Scene, vendor: str) -> None:
    """A window leaves them out, since nobody can say where they lie; the answer is not whole, and has no total."""
    odd = next(fault for fault in FAULTS if fault.name == "times in another order")
    with readers.under(odd, vendor, only=None, works=True):
        said = readers.call("search_leads", account=vendor, since="2026-01-01").structured_content or {}
    (entry,) = said["accounts"]
    assert (said["leads"]["rows"], said["total"], entry["complete"]) == ([], None, False)
    assert "a created_at that cannot be read" in entry["note"]


def test_the_page_shows_every_fault_and_no_other() -> None:
    first = [
        line.split(" | ")[0].removeprefix("| ") for line in PAGE.read_text("utf-8").splitlines() if line[:2] == "| "
    ]
    assert [name for name in first if name not in ("fault", "---")] == [fault.name for fault in FAULTS]


def test_a_reply_is_read_no_further_than_its_limit(readers: Scene) -> None:
    """What is sent without an end is left soon."""
    sent: dict[str, Any] = {name: host.most_sent for name, host in readers.hosts.items()}
    assert max(sent.values()) < 16_000_000, sent
