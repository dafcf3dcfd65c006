"""Vendors that order ties anew for every request, repeat a page, or count more than they give: never a part as the whole."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_mcp.engine.notes import FewerThanCounted, SamePageAgain, SecondCut, TieCut
from lead_mcp.engine.readers.base import Reader
from lead_mcp.engine.readers.budget import Budget, Usage
from lead_mcp.engine.readers.full import FullReader
from lead_mcp.engine.readers.sorted import SortedReader
from lead_mcp.engine.readers.time_slices import TimeSliceReader
from lead_mcp.vendors.spec.fields import Field, FieldMap
from lead_mcp.vendors.spec.reading import Page, PageRequest
from tests.engine import test_readers
from tests.engine.test_readers import STAMP, Acme, holds, in_order, reader, rows_at, run
from tests.profiles import examples

WAYS = [SortedReader, TimeSliceReader, FullReader]


@dataclass
class Shuffling(Acme):
    """Ties, and what has no order at all, come in another order with every request."""

    def page(self, ask: PageRequest) -> Page:
        self.asks.append(ask)
        found = [row for row in self.rows if all(holds(where, row) for where in ask.where)]
        random.Random(len(self.asks)).shuffle(found)
        if ask.order:
            found.sort(key=lambda row: str(row["at"]), reverse=ask.order.descending)
        start = ask.offset
        return Page(found[start : start + ask.limit], len(found) if self.tells else None)


def ids(found: Reader) -> list[str]:
    return [one.id for one in found.taken.rows]


seconds = st.lists(st.one_of(st.integers(0, 3), st.integers(0, 100_000)), min_size=1, max_size=80)


@examples(300)
@given(
    at=seconds,
    descending=st.booleans(),
    page=st.sampled_from([3, 7, 10]),
    tells=st.booleans(),
    most=st.sampled_from([1, 9]),
)
def test_pages_that_repeat_ties_lose_none_or_say_so(
    at: list[int], descending: bool, page: int, tells: bool, most: int
) -> None:
    """With a total and a window of its own, a tie is read whole; else the reading says that records may be missing."""
    acme = Shuffling(rows_at(at), tells=tells)
    found = run(reader(acme, SortedReader, descending=descending, page=page, most=most, share=100_000))
    wanted = in_order(acme.rows, descending=descending)
    assert len(ids(found)) == len(set(ids(found)))
    assert ids(found) == [one for one in wanted if one in ids(found)], "what was found is in order"
    assert found.extent.done
    if ids(found) != wanted:
        assert found.extent.lacks
        assert found.counted() in (None, len(wanted))
    if tells and most > 1 and not found.extent.lacks:
        assert ids(found) == wanted
    if max(at.count(second) for second in at) <= page and most > 1:
        assert ids(found) == wanted, "a tie that a page holds is always whole"
        assert not found.extent.lacks


@examples(100)
@given(at=seconds, kind=st.sampled_from([TimeSliceReader, FullReader]), page=st.sampled_from([3, 7, 10]))
def test_what_has_no_order_is_read_until_as_many_came_as_are_counted(
    at: list[int], kind: type[Reader], page: int
) -> None:
    acme = Shuffling(rows_at(at))
    found = run(reader(acme, kind, page=page, share=100_000))
    wanted = in_order(acme.rows)
    assert ids(found) == [one for one in wanted if one in ids(found)]
    assert (ids(found) == wanted) or bool(found.extent.lacks)
    assert len(ids(found)) >= len(wanted) * 0.7


def test_six_hundred_records_in_few_seconds_are_all_found() -> None:
    """As an outside check did it: 114 of them were lost, and the answer said complete."""
    acme = Shuffling(rows_at([nth // 150 for nth in range(600)]))
    found = run(reader(acme, SortedReader, page=100, share=100_000))
    assert ids(found) == in_order(acme.rows)
    assert (found.extent.done, found.extent.lacks, found.counted()) == (True, [], 600)


def test_fewer_records_than_the_vendor_counts_are_not_complete() -> None:
    acme = Acme(rows_at(range(30)))
    usual = acme.page
    acme.page = lambda ask: Page(usual(ask).rows, 40)  # type: ignore[method-assign]
    for kind in (SortedReader, FullReader):
        found = run(reader(acme, kind))
        assert len(found.taken.rows) == 30
        assert found.extent.lacks == [FewerThanCounted(40, 30, in_a_second=False)]


@pytest.mark.parametrize("bounded", [True, False])
@pytest.mark.parametrize("tells", [True, False])
def test_a_page_that_comes_again_and_again_ends_the_reading_or_is_passed_by_its_times(
    monkeypatch: pytest.MonkeyPatch, bounded: bool, tells: bool
) -> None:
    """A vendor that ignores the page asked for: by bounds of time everything is found, without them that is said."""
    if not bounded:
        plain = {"id": Field("id"), "created_at": Field("at", codec=STAMP), "name": Field("name")}
        monkeypatch.setattr(test_readers, "FIELDS", FieldMap(ours=plain))
    acme = Acme(rows_at(range(40)), tells=tells)
    usual = acme.page

    def page(ask: PageRequest) -> Page:
        from dataclasses import replace

        return usual(replace(ask, offset=0))

    acme.page = page  # type: ignore[method-assign]
    found = run(reader(acme, SortedReader, share=1_000))
    assert found.extent.done
    assert len(acme.asks) < 30, "it does not go on to the scan limit"
    if bounded:
        assert ids(found) == in_order(acme.rows)
        assert not found.extent.lacks
    else:
        assert ids(found) == in_order(acme.rows)[:10]
        assert SamePageAgain() in found.extent.lacks
        assert found.counted() in (None, 40)


# --- limits -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", WAYS)
@pytest.mark.parametrize("tells", [True, False])
def test_endless_ties_are_read_no_further_than_the_limit(kind: type[Reader], tells: bool) -> None:
    acme = Acme(rows_at([7] * 500), tells=tells)
    found = run(reader(acme, kind, share=50))
    looking = 24 if kind is TimeSliceReader else 4
    assert found.pager.usage.scanned <= 50 + looking * 10, "the limit, and small pages that were under way"
    assert found.extent.lacks
    assert 0 < len(found.taken.rows) <= 90, "what was read is handed out"
    assert found.counted() in (None, 500)
    if kind is not FullReader:
        assert {TieCut, SecondCut} & {type(note) for note in found.extent.lacks}
        assert found.taken.settled_any, "the next page goes on behind them"


@pytest.mark.parametrize("kind", [SortedReader, TimeSliceReader])
def test_behind_endless_ties_the_reading_goes_on(kind: type[Reader]) -> None:
    acme = Acme(rows_at([7] * 500 + [20, 30]))
    first = run(reader(acme, kind, share=50))
    after = first.taken.sorter.position(first.taken.rows[-1])
    behind = type(after)((first.taken.watermark,))
    second = run(reader(acme, kind, share=50, after=behind))
    assert ids(second) == ["0500", "0501"]
    assert second.extent.done


def test_a_probe_spends_little_of_the_share() -> None:
    """A vendor that cannot sort, and matches that are few: its first request finds out how much there is, no more."""
    acme = Acme(rows_at([nth * 600 for nth in range(3_000)]))
    found = run(reader(acme, TimeSliceReader, _rare(), page=2_000, share=2_000, need=5))
    assert acme.asks[0].limit <= 100
    assert found.taken.settled_any
    assert found.pager.usage.scanned <= 4_000


def test_what_one_large_page_holds_is_read_in_two_requests() -> None:
    acme = Acme(rows_at([nth * 600 for nth in range(900)]))
    found = run(reader(acme, TimeSliceReader, _rare(), page=2_000, share=2_000, need=5))
    assert found.extent.done
    assert [ask.limit for ask in acme.asks] == [100, 2_000]


def _rare() -> list[Any]:
    from lead_mcp.filters import Op, Where

    return [Where("name", Op.EQ, "nobody")]


# --- what others leave --------------------------------------------------------------------------------------------


def test_a_reader_may_have_what_others_did_not_need() -> None:
    async def main() -> list[tuple[bool, int]]:
        budget = Budget(300, reading=3)
        usages = [Usage(100, budget) for _ in range(3)]
        got: list[tuple[bool, int]] = []

        async def hungry(usage: Usage) -> None:
            usage.scanned = 100
            went_on = await usage.may_go_on()
            got.append((went_on, usage.left))
            usage.scanned += usage.left
            usage.end()

        async def sated(usage: Usage, scanned: int) -> None:
            await anyio.sleep(0.01)
            usage.scanned = scanned
            usage.end()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(hungry, usages[0])
            tasks.start_soon(sated, usages[1], 10)
            tasks.start_soon(sated, usages[2], 60)
        assert sum(usage.scanned for usage in usages) <= 300
        return got

    ((went_on, left),) = anyio.run(main)
    assert went_on
    assert left in (90, 130), "of one, or of both of them"


@examples(60)
@given(needs=st.lists(st.integers(0, 400), min_size=1, max_size=6), limit=st.integers(6, 600))
def test_nobody_waits_for_ever_and_nothing_is_read_beyond_the_limit(needs: Sequence[int], limit: int) -> None:
    async def main() -> None:
        budget = Budget(limit, reading=len(needs))
        usages = [Usage(max(1, limit // len(needs)), budget) for _ in needs]

        async def read(usage: Usage, need: int) -> None:
            while usage.scanned < need and await usage.may_go_on():
                usage.scanned += min(usage.left, need - usage.scanned)
                await anyio.lowlevel.checkpoint()
            usage.end()

        with anyio.fail_after(20):
            async with anyio.create_task_group() as tasks:
                for usage, need in zip(usages, needs, strict=True):
                    tasks.start_soon(read, usage, need)
        read_in_all = sum(usage.scanned for usage in usages)
        assert read_in_all <= limit
        assert read_in_all >= min(sum(needs), limit - len(needs)), "what one did not need another had"

    anyio.run(main)
