"""Readers against an invented vendor: whatever its page sizes, totals and order, records come settled, each once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_mcp.engine.limits import Limit
from lead_mcp.engine.notes import LimitReached
from lead_mcp.engine.plan import Criteria
from lead_mcp.engine.planner import plan
from lead_mcp.engine.readers.base import OutOfOrder, Reader, Refused, TooDeep
from lead_mcp.engine.readers.budget import Usage
from lead_mcp.engine.readers.full import FullReader
from lead_mcp.engine.readers.intake import Intake
from lead_mcp.engine.readers.matching import Matching
from lead_mcp.engine.readers.paging import Pager
from lead_mcp.engine.readers.sorted import SortedReader
from lead_mcp.engine.readers.time_slices import TimeSliceReader
from lead_mcp.engine.records import Position, Record, Sorter
from lead_mcp.errors import Rejected, TooLarge
from lead_mcp.filters import RANGE, Op, Order, Where
from lead_mcp.transport.outbound import Outbound
from lead_mcp.vendors.spec.fields import Field, FieldMap, moment
from lead_mcp.vendors.spec.http import Reply, Request
from lead_mcp.vendors.spec.reading import Page, PageRequest, Push, Route, Search
from tests.profiles import examples

NOW = datetime(2026, 11, 21, tzinfo=UTC)
STAMP = moment()
FIELDS = FieldMap(ours={"id": Field("id"), "created_at": Field("at", codec=STAMP, exact=RANGE), "name": Field("name")})


@dataclass
class Acme:
    """A vendor that may sort badly, cap its pages in silence, say no total, or send replies that are too large."""

    rows: Sequence[dict[str, Any]]
    sorts: bool = True
    cap: int = 1000
    tells: bool = True
    too_large: int = 1_000_000
    refuses: int | None = None
    """The first page it refuses where it is asked to filter by name."""
    asks: list[PageRequest] = field(default_factory=list)
    account: Any = None

    async def fetch(self, request: Request, read: Callable[[Reply], Page], count: Callable[[], None]) -> Page:
        count()
        return read(Reply(200, b""))

    def page(self, ask: PageRequest) -> Page:
        self.asks.append(ask)
        if ask.limit > self.too_large:
            raise TooLarge("too large")
        if self.refuses is not None and ask.page >= self.refuses and any(where.field == "name" for where in ask.where):
            raise Rejected("no such filter")
        found = [row for row in self.rows if all(holds(where, row) for where in ask.where)]
        if ask.order and self.sorts:
            found.sort(key=lambda row: str(row["at"]), reverse=ask.order.descending)
        size = min(ask.limit, self.cap)
        start = (ask.page - 1) * size  # page numbers count the vendor's own pages
        return Page(found[start : start + size], len(found) if self.tells else None)


def holds(where: Where, row: dict[str, Any]) -> bool:
    if where.field == "name":
        return bool(row["name"] == where.value)
    at = STAMP.decode(row["at"])
    assert isinstance(at, datetime)
    return bool(at >= where.value if where.op is Op.GTE else at < where.value)


def route(acme: Acme, **options: Any) -> Route:
    return Route(
        name="list",
        build=lambda account, ask: Request("GET", "/list"),
        read=lambda account, ask, reply: acme.page(ask),
        page=options.pop("page", 10),
        **options,
    )


def reader(
    acme: Acme, kind: type[Reader], clauses: Sequence[Where] = (), *, share: int = 1000, **options: Any
) -> Reader:
    descending, after, need = (options.pop(key, default) for key, default in READING.items())
    way = (
        {"orders": frozenset({"created_at"})}
        if kind is SortedReader
        else {"slices": "created_at"}
        if kind is TimeSliceReader
        else {}
    )
    search = Search(fields=lambda _: FIELDS, routes=(route(acme, **way, **options),), identify=lambda *_: "1")
    orders = (Order("created_at", descending=descending),)
    found = plan(search, FIELDS, Criteria(tuple(clauses), orders=orders, frozen=NOW))
    pager = Pager(cast("Outbound", acme), Usage(share), NOW)
    taken = Intake(Matching(found), Sorter(orders), pager.usage, after)
    return kind(pager, found, record, taken, need)


READING: dict[str, Any] = {"descending": True, "after": None, "need": None}


def record(raw: Any) -> Record:
    return Record("acme", raw["id"], f"lead://acme/{raw['id']}", raw, FIELDS.ours.get)


def rows_at(seconds: Sequence[int]) -> list[dict[str, Any]]:
    return [
        {
            "id": f"{nth:04}",
            "at": STAMP.encode(NOW - timedelta(days=1, seconds=second)),
            "name": "even odd".split()[nth % 2],
        }
        for nth, second in enumerate(seconds)
    ]


def run(one: Reader) -> Reader:
    anyio.run(one.run)
    return one


def in_order(rows: Sequence[dict[str, Any]], *, descending: bool = True) -> list[str]:
    return [one.id for one in sorted(map(record, rows), key=Sorter((Order("created_at", descending=descending),)).key)]


seconds = st.lists(st.one_of(st.integers(0, 5), st.integers(0, 200_000)), max_size=70)


@examples(400)
@given(
    at=seconds,
    kind=st.sampled_from([SortedReader, TimeSliceReader, FullReader]),
    descending=st.booleans(),
    need=st.one_of(st.none(), st.integers(1, 30)),
    cap=st.sampled_from([3, 7, 1000]),
    tells=st.booleans(),
    large=st.sampled_from([1, 4, 1000]),
    odd=st.booleans(),
)
def test_what_is_settled_is_a_true_beginning(
    at: list[int],
    kind: type[Reader],
    descending: bool,
    need: int | None,
    cap: int,
    tells: bool,
    large: int,
    odd: bool,
) -> None:
    """Every match up to the watermark, in order, each once; all of them where the reader says it is done."""
    if not tells or kind is not SortedReader:
        cap = 1000  # a cap nobody can notice: only a total betrays it
    acme = Acme(rows_at(at), cap=cap, tells=tells, too_large=large)
    clauses = [Where("name", Op.EQ, "odd")] if odd else []
    found = run(reader(acme, kind, clauses, descending=descending, need=need))
    wanted = in_order([r for r in acme.rows if not odd or r["name"] == "odd"], descending=descending)
    got = [one.id for one in found.taken.rows]
    assert found.extent.error is None
    assert got == wanted[: len(got)]
    if found.extent.done:
        assert got == wanted
        assert found.counted() == len(wanted)
    else:
        assert found.extent.lacks or (need is not None and len(got) >= need)
        assert found.counted() in (None, len(wanted))
        first_unread = (
            next((one for one in acme.rows if one["id"] == wanted[len(got)]), None) if got != wanted else None
        )
        if first_unread and found.taken.settled_any and isinstance(found.taken.watermark, datetime):
            unread = STAMP.decode(first_unread["at"])
            assert isinstance(unread, datetime)
            assert unread < found.taken.watermark if descending else unread > found.taken.watermark


@examples(200)
@given(
    at=seconds, kind=st.sampled_from([SortedReader, TimeSliceReader]), descending=st.booleans(), need=st.integers(1, 20)
)
def test_going_on_from_a_position_neither_repeats_nor_skips(
    at: list[int], kind: type[Reader], descending: bool, need: int
) -> None:
    acme, got = Acme(rows_at(at)), list[str]()
    after: Position | None = None
    for _ in range(200):
        found = run(reader(acme, kind, descending=descending, need=need, after=after))
        page = found.taken.rows[:need]
        got += [one.id for one in page]
        if found.extent.done and len(page) == len(found.taken.rows):
            break
        assert page
        after = found.taken.sorter.position(page[-1])
    assert got == in_order(acme.rows, descending=descending)


@pytest.mark.parametrize(
    ("kind", "deep", "refuses", "stops"),
    [(SortedReader, 20, None, TooDeep), (SortedReader, 1000, 1, Refused), (FullReader, 1000, 2, Refused)],
)
def test_whoever_reads_on_in_another_way_hands_every_match_over_once(
    kind: type[Reader], deep: int, refuses: int | None, stops: type[Exception]
) -> None:
    """Whatever had come by then: records that one way has read and not settled are the next one's to hand over."""
    acme, taken = Acme(rows_at([0, 0, *range(60)]), tells=False, refuses=refuses), list[str]()
    tired = reader(acme, kind, [Where("name", Op.EQ, "odd")], takes=lambda *_: Push.EXACT, deep=deep)
    tired.taken.sink = lambda one: taken.append(one.id)
    with pytest.raises(stops):
        run(tired)
    given = len(taken)
    other = run(tired.replaced_by(FullReader, replace(tired.plan, sent=(), checked=tired.plan.criteria.clauses)))
    assert (given > 0) is (stops is TooDeep)
    assert sorted(taken) == sorted(row["id"] for row in acme.rows if row["name"] == "odd")
    assert (other.taken.kept, other.taken.rows) == (len(taken), [])
    assert other.pager.usage.requests == len(acme.asks)


def test_a_vendor_that_does_not_sort_as_asked_is_caught() -> None:
    acme = Acme(rows_at([5, 1, 9, 3]), sorts=False)
    with pytest.raises(OutOfOrder):
        run(reader(acme, SortedReader))


def test_a_page_size_capped_in_silence_loses_nothing() -> None:
    acme = Acme(rows_at(range(50)), cap=3)
    found = run(reader(acme, SortedReader))
    assert [one.id for one in found.taken.rows] == in_order(acme.rows)
    assert found.extent.done


def test_pages_are_asked_side_by_side_where_a_total_is_known() -> None:
    known, unknown = Acme(rows_at(range(100))), Acme(rows_at(range(100)), tells=False)
    for acme in (known, unknown):
        assert run(reader(acme, SortedReader)).extent.done
    assert [ask.offset for ask in known.asks] == list(range(0, 100, 10))
    assert known.asks[-1].offset == 90, "no page behind the total is asked for"
    assert unknown.asks[-1].offset == 100, "only an empty page ends what has no total"


def test_a_reply_too_large_is_halved_and_later_pages_start_small() -> None:
    acme = Acme(rows_at(range(40)), too_large=5)
    found = run(reader(acme, SortedReader))
    assert found.extent.done
    assert [ask.limit for ask in acme.asks] == [10, *[5] * 8]


def test_one_record_too_large_is_an_error_of_that_reader() -> None:
    found = run(reader(Acme(rows_at(range(4)), too_large=0), SortedReader))
    assert isinstance(found.extent.error, TooLarge)


def test_the_scan_limit_stops_a_reading_and_says_so() -> None:
    acme = Acme(rows_at(range(100)))
    found = run(reader(acme, SortedReader, [Where("name", Op.EQ, "nobody")], share=30, need=5))
    assert not found.extent.done
    assert found.taken.rows == []
    assert found.pager.usage.scanned == 30
    assert found.extent.lacks == [LimitReached(Limit.SCAN, 30)]
    assert found.taken.watermark == NOW - timedelta(days=1, seconds=28), (
        "the last record may have ties that were not read"
    )


def test_reading_stops_behind_the_far_bound() -> None:
    acme = Acme(rows_at(range(100)))
    low = Where("created_at", Op.GTE, NOW - timedelta(days=1, seconds=14))
    found = run(reader(acme, SortedReader, [low]))
    assert len(found.taken.rows) == 15
    assert found.pager.usage.requests == 2


def test_empty_bounds_are_asked_of_nobody() -> None:
    acme = Acme(rows_at(range(4)))
    found = run(reader(acme, SortedReader, [Where("created_at", Op.GTE, NOW)]))
    assert (found.extent.done, found.taken.rows, acme.asks) == (True, [], [])


def test_more_records_in_one_second_than_a_page_holds_are_all_read() -> None:
    acme = Acme(rows_at([100] * 35 + [*range(200_000, 200_030)]))
    found = run(reader(acme, TimeSliceReader))
    assert [one.id for one in found.taken.rows] == in_order(acme.rows)


@pytest.mark.parametrize("descending", [True, False])
def test_slices_of_a_vendor_that_cuts_pages_short_and_says_only_that_more_follow(descending: bool) -> None:
    rows = rows_at([nth * 977 for nth in range(150)])
    acme = Acme(rows)

    def page(ask: PageRequest) -> Page:
        found = [row for row in rows if all(holds(where, row) for where in ask.where)]
        cut = found[ask.offset : ask.offset + min(ask.limit, 7)]
        acme.asks.append(ask)
        return Page(cut, None, True if len(cut) == 7 else None)

    acme.page = page  # type: ignore[method-assign]
    read = run(reader(acme, TimeSliceReader, descending=descending, page=100))
    assert [one.id for one in read.taken.rows] == in_order(rows, descending=descending)
    assert read.extent.done
    assert {ask.limit for ask in acme.asks[1:]} == {7}, "what the vendor gives is what is asked for from then on"


@pytest.mark.parametrize("tells", [True, False])
@pytest.mark.parametrize("descending", [True, False])
def test_a_vendor_that_answers_wider_than_asked_is_read_past_it_in_few_requests(descending: bool, tells: bool) -> None:
    """Round a change of clocks bounds are hours too wide: no narrower slice holds fewer records than a page."""
    rows = rows_at([nth * 97 for nth in range(40)] + [nth * 9_001 for nth in range(1, 20)])
    acme = Acme(rows, tells=tells)

    def page(ask: PageRequest) -> Page:
        acme.asks.append(ask)
        assert len(acme.asks) < 200
        wide = [
            replace(one, value=one.value + (4 if one.op is Op.LT else -4) * timedelta(hours=1)) for one in ask.where
        ]
        found = [row for row in rows if all(holds(where, row) for where in wide)]
        return Page(found[ask.offset :][: min(ask.limit, 10)], len(found) if tells else None)

    acme.page = page  # type: ignore[method-assign]
    read = run(reader(acme, TimeSliceReader, descending=descending, page=100))
    assert [one.id for one in read.taken.rows] == in_order(rows, descending=descending)
    assert read.extent.done
    assert not read.extent.lacks
