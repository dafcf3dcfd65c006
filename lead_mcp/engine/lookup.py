"""Records by id: in the order asked for, matched by id and never by position, with what was not found named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import anyio

from lead_mcp.engine.connection import Connection, Names
from lead_mcp.engine.fanout import together
from lead_mcp.engine.limits import account_late
from lead_mcp.engine.records import Record, lead_record
from lead_mcp.errors import BadArgument, LeadMcpError, MalformedReply, NotFound
from lead_mcp.vendors.spec.fields import Paths
from lead_mcp.vendors.spec.http import Raw

OTHERS: Final = (
    "{} was asked for a lead by its id and gave other records: whether it has that lead is not known. search_leads may find it"
    " by a filter on id, within a window."
)


@dataclass
class LookupResult:
    """What a look-up of ids at one account gave: records by id, how many requests it took, why it ended early."""

    connection: Connection
    records: dict[str, Record] = field(default_factory=dict)
    requests: int = 0
    scanned: int = 0
    asked: set[str] = field(default_factory=set)
    """Ids about which the vendor has answered, found or not."""
    error: LeadMcpError | None = None
    late: bool = False
    """Whether the deadline ended it: what was not answered can be asked again."""

    def count(self) -> None:
        self.requests += 1


async def look_up(
    connection: Connection, ids: Sequence[str], names: Names, deadline: float, columns: Paths | None = None
) -> LookupResult:
    """The records of these ids at one account, chunks side by side within its rate. Failures are kept, not raised."""
    lookup, found = connection.vendor.lookup, LookupResult(connection)
    possible = [one for one in dict.fromkeys(ids) if lookup.check(one)]
    found.asked.update(one for one in ids if not lookup.check(one))
    chunks = [possible[at : at + lookup.many] for at in range(0, len(possible), lookup.many)]
    with anyio.move_on_after(deadline) as scope:
        await _all(found, chunks, names, columns)
        if lookup.single_again:
            await _all(found, [[one] for one in possible if one not in found.records and len(ids) > 1], names, columns)
    if scope.cancelled_caught:
        found.late, found.error = True, account_late(connection.name, deadline)
    return found


async def _all(found: LookupResult, chunks: Sequence[Sequence[str]], names: Names, columns: Paths | None) -> None:
    jobs = [partial(_chunk, found, chunk, names, columns) for chunk in chunks]
    try:
        await together(jobs)
    except LeadMcpError as error:
        found.error = error


async def _chunk(found: LookupResult, ids: Sequence[str], names: Names, columns: Paths | None) -> None:
    account, lookup = found.connection.account, found.connection.vendor.lookup
    read = partial(lookup.read, account, ids)
    rows = await found.connection.outbound.fetch(lookup.build(account, ids, columns), read, found.count)
    found.scanned += len(rows)
    wanted = {one.casefold(): one for one in ids}
    for row in rows:
        one = identified(found.connection, row, names, ids)
        if one is not None and one.id.casefold() in wanted:
            found.records[wanted[one.id.casefold()]] = one
    # an id that a list left out is not answered yet where it is asked for again, alone
    again = lookup.single_again and len(ids) > 1
    if rows and not again and not any(one in found.records for one in ids):
        raise MalformedReply(OTHERS.format(account.name), account=account.name)
    found.asked.update(one for one in ids if not again or one in found.records)


def identified(connection: Connection, row: Raw, names: Names, ids: Sequence[str]) -> Record | None:
    """The row as a record; its partition is the one its id names, where ids do."""
    account = connection.account
    partitions = connection.vendor.leads.partitions(account)
    for partition in partitions or (None,):
        name = connection.vendor.leads.identify(account, row, partition)
        if name is not None and (not partitions or name in ids):
            return lead_record(account.name, name, row, names.field, partition)
    return None


async def get_record(connection: Connection, lead_id: str, deadline: float) -> Record:
    """One lead by id. Raises NotFound, or why it could not be read."""
    found = await look_up(connection, [lead_id], Names(connection.account.fields), deadline)
    if found.error:
        raise found.error
    if lead_id not in found.records:
        message = (
            f"{connection.name} has no lead {lead_id[:80]!r}. search_leads finds ids; they are printed in lead URIs."
        )
        raise NotFound(message, account=connection.name)
    return found.records[lead_id]


def check_ids(ids: Sequence[Any]) -> None:
    """Raises BadArgument where there are too many ids or one is no text."""
    if not 1 <= len(ids) <= 10_000:
        raise BadArgument(f"ids: 1 to 10,000 are read at once, not {len(ids):,}.")
