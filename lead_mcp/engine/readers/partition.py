"""The reading of one partition of one account: in the way its plan is best read, in others where that one fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from lead_mcp.engine.notes import FilterIgnored, FilterRefused, PersonSearchRefused
from lead_mcp.engine.query import AccountQuery
from lead_mcp.engine.readers.base import OutOfOrder, Reader, Refused, TooDeep
from lead_mcp.engine.readers.full import FullReader
from lead_mcp.engine.readers.heeding import Unheeded
from lead_mcp.engine.readers.making import ReaderMaker, unsorted_way_of, way_of
from lead_mcp.engine.refusals import doubtful, unfiltered
from lead_mcp.errors import LeadMcpError
from lead_mcp.filters import Where


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
        return self.misled or self.reader.extent.stuck

    async def run(self) -> None:
        """Read, in another way if need be. Failures are kept by the reader."""
        usage = self.reader.pager.usage
        try:
            while (other := await self._ran()) is not None:
                self.reader = other
        finally:
            usage.end()

    async def _ran(self) -> Reader | None:
        """Read to the end; the reader to go on with, where this one got to none."""
        try:
            await self.reader.run()
        except OutOfOrder:
            return self._unsorted()
        except TooDeep:
            return self._by_another_route()
        except Refused as refused:
            return self._after_refusal(refused)
        except Unheeded as unheeded:
            return self._checked_here(unheeded.where)
        return None

    def _unsorted(self) -> Reader | None:
        """By a way that needs no order. None where the wanted field has no such way: the vendor is not asked for it again."""
        plan, leading = self.reader.plan, self.reader.taken.sorter.orders[0].field
        if not self.reader.along_absent:
            return self.reader.replaced_by(unsorted_way_of(plan), plan)
        self.account_query.connection.learned.misordered.add((plan.route.name, leading))
        self.misled = True
        return None

    def _by_another_route(self) -> Reader:
        """By another route, where the first one's call does not reach far enough, or is refused."""
        other = self.maker.plan(self.account_query, without=frozenset({self.reader.plan.route.name}))
        return self.reader.replaced_by(way_of(other), other)

    def _checked_here(self, where: Where) -> Reader:
        """Without a filter that the vendor does not heed; it is not sent again."""
        self.account_query.connection.learned.refused.add((where.field, where.op))
        found = self.maker.plan(self.account_query)
        found = replace(found, notes=(*found.notes, FilterIgnored(where.field)))
        return self.reader.replaced_by(way_of(found), found)

    # --- where the vendor refuses what it was asked -------------------------------------------------------------------

    def _after_refusal(self, refused: Refused) -> Reader | None:
        """The first way that asks for less. None where there is none: then the refusal stands, as the reading's error."""
        less: Sequence[Callable[[], Reader | None]] = (
            self._by_listing,
            self._without_its_route,
            self._without_doubtful,
            self._unfiltered,
        )
        for way in less:
            if (other := way()) is not None:
                return other
        if isinstance(refused.__cause__, LeadMcpError):
            self.reader.extent.error = refused.__cause__
        return None

    def _by_listing(self) -> Reader | None:
        """By the vendor's listing, where its searches for one person were asked."""
        tired, one = self.reader, self.account_query
        if tired.plan.person is None:
            return None
        one.search = replace(one.search, person=None)
        alike = {route.name for route in one.search.routes if route.needs and "text" not in route.needs}
        found = self.maker.plan(one, frozenset(alike))
        found = replace(found, notes=(*found.notes, PersonSearchRefused()))
        way = way_of(found)
        ordered = tired.taken.sorter.orders[0].field == found.along or way.along_absent
        return tired.replaced_by(way if ordered else FullReader, found)

    def _without_its_route(self) -> Reader | None:
        """By another route, where this one is a call for nothing but the filter that was refused."""
        return self._by_another_route() if self.reader.plan.route.needs else None

    def _without_doubtful(self) -> Reader | None:
        """Without the filters of which no document says that they are taken; they are not sent again."""
        doubts = doubtful(self.reader.plan, self.account_query.names.fields)
        if not doubts:
            return None
        self.account_query.connection.learned.refused |= doubts
        found = self.maker.plan(self.account_query)
        note = FilterRefused(tuple(sorted(field for field, _ in doubts)))
        found = replace(found, notes=(*found.notes, note))
        return self.reader.replaced_by(way_of(found), found)

    def _unfiltered(self) -> Reader | None:
        """Without any filter that can be checked here."""
        found = unfiltered(self.reader.plan, self.account_query.names.fields)
        return None if found is None else self.reader.replaced_by(type(self.reader), found)


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
