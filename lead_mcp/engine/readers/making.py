"""Making the reader of one partition: which way it reads, by which plan, and what it asks for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime

from lead_mcp.dates import Window
from lead_mcp.engine.bounds import Bounds
from lead_mcp.engine.cursor import PageState
from lead_mcp.engine.plan import Criteria, Plan
from lead_mcp.engine.query import AccountQuery, Query
from lead_mcp.engine.readers.base import Reader
from lead_mcp.engine.readers.budget import Budget, Usage
from lead_mcp.engine.readers.ends import EndsReader
from lead_mcp.engine.readers.full import FullReader
from lead_mcp.engine.readers.intake import Intake, Sink
from lead_mcp.engine.readers.matching import Matching
from lead_mcp.engine.readers.paging import Pager
from lead_mcp.engine.readers.person import PersonReader
from lead_mcp.engine.readers.sorted import SortedReader
from lead_mcp.engine.readers.time_slices import TimeSliceReader
from lead_mcp.engine.records import Position, Sorter
from lead_mcp.engine.rows import identifier, record_maker
from lead_mcp.engine.text_search import TEXT_FIELDS
from lead_mcp.engine.windows import default_window
from lead_mcp.filters import Order
from lead_mcp.vendors.spec.fields import Paths

ProgressCallback = Callable[[int], Awaitable[None]]


@dataclass(frozen=True)
class ReaderMaker:
    """Makes the readers of one page. ``base``: the order of reading; ``sink`` takes every match, where no page is wanted."""

    query: Query
    state: PageState
    base: tuple[Order, ...]
    budget: Budget
    sink: Sink | None = None
    on_progress: ProgressCallback | None = None

    @property
    def batched(self) -> bool:
        """Whether the reading goes along another order than the one asked for."""
        return self.base != self.query.orders

    def window(self, account_query: AccountQuery) -> Window | None:
        """The window used at this account where its vendor insists on one and none was asked for."""
        return default_window(account_query, self.state.frozen, self.query.zone.key)

    def plan(self, account_query: AccountQuery, without: frozenset[str] = frozenset()) -> Plan:
        """The plan for this account, within its default window and its batch."""
        criteria = criteria_of(account_query, self.query, self.base, self.state.frozen)
        found = account_query.plan(criteria, without)
        if (window := self.window(account_query)) is not None:
            when = account_query.search.when
            bounds = found.bounds if found.along == when else Bounds()
            found = replace(found, along=when, bounds=replace(bounds, lower=window.since))
        end = self.state.page_end.end
        return _ending_at(found, end) if self.batched and end is not None else found

    def reader(self, account_query: AccountQuery, partition: str | None, found: Plan) -> Reader:
        """The first reader of one partition."""
        pager = Pager(
            account_query.connection.outbound,
            Usage(self.budget.share, self.budget),
            self.state.frozen,
            partition,
            columns_of(account_query, self.query),
            identifier(account_query, partition),
            learned=account_query.connection.learned,
            on_progress=self.on_progress,
        )
        after = self.state.page_end.start if self.batched else self.state.page_end.after
        return way_of(found)(
            pager=pager,
            plan=found,
            record=record_maker(account_query, self.query.kind, partition),
            taken=Intake(Matching(found), Sorter(self.base), pager.usage, after, self.sink),
            need=None if self.batched or self.sink else self.query.limit + 1,
        )


def criteria_of(account_query: AccountQuery, query: Query, orders: tuple[Order, ...], frozen: datetime) -> Criteria:
    refused = frozenset(account_query.connection.learned.refused)
    return Criteria(account_query.clauses, query.text, orders, frozen, refused)


def reads_along(
    account_query: AccountQuery, query: Query, orders: tuple[Order, ...], frozen: datetime, *, begun: bool = False
) -> bool:
    """Whether the account can be read in this order, or in none and is sorted here whole.

    ``begun``: earlier pages were read so, which later ones must follow.
    """
    criteria = criteria_of(account_query, query, orders, frozen)
    route = account_query.plan(criteria).route
    leading = orders[0].field
    if leading in route.nullable:
        return begun or (route.name, leading) not in account_query.connection.learned.misordered
    return leading in route.orders or leading == route.slices or not (route.orders or route.slices)


def columns_of(account_query: AccountQuery, query: Query) -> Paths | None:
    """The vendor's own names of everything that the answer will read; None: everything there is."""
    if query.whole:
        return None
    sorts = (order.field for order in query.orders)
    shown = (*query.columns, *query.defaults, *sorts, account_query.search.when)
    searched = TEXT_FIELDS if query.text else ()
    names = dict.fromkeys((*shown, *(where.field for where in account_query.clauses), *searched, "id"))
    known = (account_query.names.field(name) for name in names)
    return tuple(dict.fromkeys(path for field in known if field for path in field.paths))


def way_of(found: Plan) -> type[Reader]:
    """The way of reading that serves a plan best."""
    if found.person is not None:
        return PersonReader
    if found.criteria.orders and found.criteria.orders[0].field in found.route.nullable:
        return EndsReader
    sorts = found.along in found.route.orders and found.route.page > 0
    return SortedReader if sorts else unsorted_way_of(found)


def unsorted_way_of(found: Plan) -> type[Reader]:
    """The way of reading that needs no order from the vendor."""
    return TimeSliceReader if found.route.slices == found.along else FullReader


def _ending_at(found: Plan, end: Position) -> Plan:
    """The plan read no further than a batch's end (which has been read whole)."""
    moment = end.values[0]
    if not isinstance(moment, datetime):
        return found
    lower = moment if found.bounds.lower is None else max(moment, found.bounds.lower)
    return replace(found, bounds=replace(found.bounds, lower=lower))
