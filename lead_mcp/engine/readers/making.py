"""Making the reader of one partition: which way it reads, what it asks for, and another way where the first one fails."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from lead_mcp.dates import Window
from lead_mcp.engine.bounds import Bounds
from lead_mcp.engine.connection import Names
from lead_mcp.engine.cursor import PageState
from lead_mcp.engine.plan import REFUSED, Criteria, Plan, doubtful, unfiltered
from lead_mcp.engine.query import AccountQuery, Query
from lead_mcp.engine.readers.base import OutOfOrder, Reader, Refused, TooDeep
from lead_mcp.engine.readers.budget import Budget, Usage
from lead_mcp.engine.readers.ends import EndsReader
from lead_mcp.engine.readers.full import FullReader
from lead_mcp.engine.readers.paging import Pager
from lead_mcp.engine.readers.person import PersonReader
from lead_mcp.engine.readers.sorted import SortedReader
from lead_mcp.engine.readers.time_slices import TimeSliceReader
from lead_mcp.engine.records import Position, Record, Sorter, lead_record
from lead_mcp.engine.text import TEXT_FIELDS
from lead_mcp.engine.windows import default_window
from lead_mcp.errors import LeadMcpError, MalformedReply
from lead_mcp.filters import Order
from lead_mcp.uris import escaped, lead_uri, ping_uri
from lead_mcp.vendors.spec.fields import Paths
from lead_mcp.vendors.spec.http import Raw

ProgressCallback = Callable[[int], Awaitable[None]]
NO_PERSON_SEARCH: Final = "the vendor refused its searches for one person: asked of its listing"
Sink = Callable[[Record], None]


@dataclass(frozen=True)
class ReaderMaker:
    """Makes the readers of one page. ``base``: the order of reading; ``share``: records that each may read of
    the ``budget``.

    ``sink`` takes every match, where no page is wanted.
    """

    query: Query
    state: PageState
    base: tuple[Order, ...]
    share: int
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

    def reader(
        self, account_query: AccountQuery, partition: str | None, found: Plan, usage: Usage | None = None
    ) -> Reader:
        """The reader of one partition. ``usage``: what an earlier attempt at it has cost already."""
        pager = Pager(
            account_query.connection.outbound,
            usage or Usage(self.share, self.budget),
            self.state.frozen,
            partition,
            columns_of(account_query, self.query),
            identifier(account_query, partition),
            learned=account_query.connection.learned,
            on_progress=self.on_progress,
        )
        return _way_of(found)(
            pager=pager,
            plan=found,
            sorter=Sorter(self.base),
            record=record_maker(account_query, self.query.kind, partition),
            after=self.state.page_end.start if self.batched else self.state.page_end.after,
            need=None if self.batched or self.sink else self.query.limit + 1,
            sink=self.sink,
        )


@dataclass
class PartitionReading:
    """One partition's reading. Another reader takes the first one's place where the vendor's call does not serve."""

    account_query: AccountQuery
    partition: str | None
    reader: Reader
    maker: ReaderMaker
    misled: bool = False
    """Whether the vendor does not sort by the wanted field as we do."""

    @property
    def in_batches(self) -> bool:
        """Whether all have to be read along another field, and sorted here: this order is not ours, or leads no further."""
        return self.misled or (isinstance(self.reader, EndsReader) and self.reader.stuck)

    async def run(self) -> None:
        """Read, in another way if need be. Failures are kept by the reader."""
        usage = self.reader.pager.usage
        try:
            while not await self._ran():
                pass
        finally:
            usage.end()

    async def _ran(self) -> bool:
        """Whether the reading came to its end."""
        try:
            await self.reader.run()
        except OutOfOrder:
            if isinstance(self.reader, EndsReader):
                self._mislead()
                return True
            self.reader = _again(self.reader, _unsorted_way_of(self.reader.plan), self.reader.plan)
        except TooDeep:
            self.reader = self._by_another_route()
        except Refused as refused:
            return self._is_refused(refused)
        else:
            return True
        return False

    def _mislead(self) -> None:
        """The vendor's order by the wanted field is not ours: nobody is asked for it again."""
        plan, leading = self.reader.plan, self.reader.sorter.orders[0].field
        self.account_query.connection.learned.misordered.add((plan.route.name, leading))
        self.misled = True

    def _is_refused(self, refused: Refused) -> bool:
        """Whether the refusal stands: no filter was sent that could be checked here."""
        if self.reader.plan.person is not None:
            self.reader = self._by_listing()
            return False
        if self.reader.plan.route.needs:  # a call for nothing but this filter
            self.reader = self._by_another_route()
            return False
        doubts = doubtful(self.reader.plan, self.account_query.names.fields)
        if doubts:
            self.account_query.connection.learned.refused |= doubts
            found = self.maker.plan(self.account_query)
            note = REFUSED.format(", ".join(sorted(field for field, _ in doubts)))
            found = replace(found, notes=(*found.notes, note))
            self.reader = self.maker.reader(self.account_query, self.partition, found, self.reader.pager.usage)
            return False
        plain = unfiltered(self.reader.plan, self.account_query.names.fields)
        if plain is None:
            if isinstance(refused.__cause__, LeadMcpError):
                self.reader.fail(refused.__cause__)
            return True
        self.reader = _again(self.reader, type(self.reader), plain)
        return False

    def _by_listing(self) -> Reader:
        """The partition by the vendor's listing, where the vendor refused its searches for one person."""
        tired, one = self.reader, self.account_query
        one.search = replace(one.search, person=None)
        alike = {route.name for route in one.search.routes if route.needs and "text" not in route.needs}
        found = self.maker.plan(one, frozenset(alike))
        found = replace(found, notes=(*found.notes, NO_PERSON_SEARCH))
        reader = self.maker.reader(one, self.partition, found, tired.pager.usage)
        ordered = tired.sorter.orders[0].field == found.along or isinstance(reader, EndsReader)
        return reader if ordered else _again(reader, FullReader, found)

    def _by_another_route(self) -> Reader:
        """The partition again by another route, where the first one's call does not reach far enough."""
        tired = self.reader
        other = self.maker.plan(self.account_query, without=frozenset({tired.plan.route.name}))
        reader = self.maker.reader(self.account_query, self.partition, other, tired.pager.usage)
        reader.follow(tired)
        return reader


def partition_readings(maker: ReaderMaker, account_queries: Sequence[AccountQuery]) -> list[PartitionReading]:
    """A reading for every partition of every account."""
    plans = {one.account: maker.plan(one) for one in account_queries}
    return [
        PartitionReading(one, partition, maker.reader(one, partition, plans[one.account]), maker)
        for one, partition in partitions_of(account_queries)
    ]


def partitions_of(account_queries: Sequence[AccountQuery]) -> list[tuple[AccountQuery, str | None]]:
    """Every account with each of its partitions; with None where it has none."""
    return [
        (one, partition)
        for one in account_queries
        for partition in one.search.partitions(one.connection.account) or (None,)
    ]


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


def record_maker(account_query: AccountQuery, kind: str, partition: str | None) -> Callable[[Raw], Record]:
    """What makes records of rows. It raises MalformedReply where a row has no id."""
    account, names, search = account_query.connection.account, account_query.names, account_query.search
    name, identify, reads, leads = account.name, search.identify, names.field, lead_uri(account.name, "")

    def record(raw: Raw) -> Record:
        found = identify(account, raw, partition)
        if found is None:
            raise MalformedReply(f"{name} sent a record without an id.", account=name)
        if kind == "lead":
            return Record(name, found, leads + escaped(found), raw, reads, partition)
        return record_of(name, kind, found, raw, names, search.when, partition)

    return record


def identifier(account_query: AccountQuery, partition: str | None) -> Callable[[Raw], str | None]:
    """What finds a row's id."""
    account, identify = account_query.connection.account, account_query.search.identify
    return lambda raw: identify(account, raw, partition)


def record_of(
    account: str, kind: str, record_id: str, raw: Raw, names: Names, when: str, partition: str | None
) -> Record:
    """A record with its URI: a ping's names what it takes to read it again. ``when``: its field of time."""
    if kind == "lead":
        return lead_record(account, record_id, raw, names.field, partition)
    at = names.field(when)
    moment = at.read(raw) if at else None
    where = ping_uri(account, kind, record_id, moment if isinstance(moment, datetime) else None)
    return Record(account, record_id, where, raw, names.field, partition, {when: moment})


def _way_of(found: Plan) -> type[Reader]:
    if found.person is not None:
        return PersonReader
    if found.criteria.orders and found.criteria.orders[0].field in found.route.nullable:
        return EndsReader
    sorts = found.along in found.route.orders and found.route.page > 0
    return SortedReader if sorts else _unsorted_way_of(found)


def _unsorted_way_of(found: Plan) -> type[Reader]:
    """The way of reading that needs no order from the vendor."""
    return TimeSliceReader if found.route.slices == found.along else FullReader


def _again(reader: Reader, way: type[Reader], found: Plan) -> Reader:
    """The partition from its beginning, read in another way; what it has cost so far still counts."""
    return way(reader.pager, found, reader.sorter, reader.record, reader.after, reader.need, sink=reader.sink)


def _ending_at(found: Plan, end: Position) -> Plan:
    """The plan read no further than a batch's end (which has been read whole)."""
    moment = end.values[0]
    if not isinstance(moment, datetime):
        return found
    lower = moment if found.bounds.lower is None else max(moment, found.bounds.lower)
    return replace(found, bounds=replace(found.bounds, lower=lower))
