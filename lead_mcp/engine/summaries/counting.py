"""Counting by the vendor's own numbers: its total, or one total for each word of a closed list.

Both are one small request a partition and a word. A number is used only where the vendor counts just what was asked; counts
by word only where they add up to the total (a record without the word, or with a word nobody listed, is in no count).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import anyio

from lead_mcp.engine.plan import Criteria, Plan, bound_clauses
from lead_mcp.engine.planner import plan
from lead_mcp.engine.query import AccountQuery, Query
from lead_mcp.engine.readers.budget import Usage
from lead_mcp.engine.readers.heeding import FEW, Unheeded
from lead_mcp.engine.readers.paging import Pager
from lead_mcp.errors import LeadMcpError
from lead_mcp.filters import Clause, Op, Where, newest_first
from lead_mcp.vendors.spec.reading import PageRequest


@dataclass
class VendorCounter:
    """Asks one account's vendor for totals alone, in pages of one record, or of a few that show that it heeds a filter.

    ``deadline``: when time is up, by the event loop's clock. ``pushed``: what the first question pushed; the counts of single
    words are ours, nobody asked for them.
    """

    account_query: AccountQuery
    query: Query
    deadline: float
    usage: Usage = field(default_factory=lambda: Usage(1_000_000))
    pushed: tuple[Clause, ...] | None = None

    @property
    def requests(self) -> int:
        """What counting has cost so far, whether its numbers were of use or not."""
        return self.usage.requests

    async def total(self) -> int | None:
        """How many match; None where the vendor's total is not just that."""
        return await self._count(self.account_query.clauses)

    async def by_word(self, name: str) -> Mapping[str, int] | None:
        """How many match for each word of a field's closed list; None where the counts do not add up to the total."""
        known, key = self.account_query.names.field(name), self.account_query.names.key(name)
        if known is None or key is None or not (known.values and known.closed):
            return None
        total = await self.total()
        if total is None or len(known.values) >= total:  # reading so few costs no more
            return None
        counts: dict[str, int] = {}
        for word in known.values:
            found = await self._count((*self.account_query.clauses, Where(key, Op.EQ, word)))
            if found is None:
                return None
            counts[word] = found
        return counts if sum(counts.values()) == total else None

    async def _count(self, clauses: Sequence[Where]) -> int | None:
        search, connection = self.account_query.search, self.account_query.connection
        orders = newest_first(search.when)
        criteria = Criteria(tuple(clauses), self.query.text, orders, self.query.now)
        found = plan(search, self.account_query.names.fields, criteria)
        if not found.counts_exactly:
            return None
        self.pushed = found.pushed if self.pushed is None else self.pushed
        # counts of single words need no rows: they have to add up to the total
        total, rows = 0, FEW if found.trusted and len(clauses) == len(self.account_query.clauses) else 1
        for partition in search.partitions(connection.account) or (None,):
            count = await self._in_partition(found, partition, rows)
            if count is None:
                return None
            total += count
        return total

    async def _in_partition(self, found: Plan, partition: str | None, rows: int) -> int | None:
        outbound = self.account_query.connection.outbound
        pager = Pager(outbound, self.usage, self.query.now, partition, trusted=found.trusted)
        where = (*found.sent, *bound_clauses(found, found.bounds))
        request = PageRequest(where=where, text=self.query.text, order=found.criteria.orders[0], limit=rows)
        try:
            with anyio.move_on_after(max(0.0, self.deadline - anyio.current_time())):
                return (await pager.page(found.route, request)).total
        except Unheeded as unheeded:
            self.account_query.connection.learned.refused.add((unheeded.where.field, unheeded.where.op))
        except LeadMcpError:
            return None  # reading tells what is wrong, in the ledger
        return None
