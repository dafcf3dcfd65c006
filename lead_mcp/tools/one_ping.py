"""The one ping that a URI names."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from lead_mcp.dates import SECOND, Window
from lead_mcp.engine.query import Query
from lead_mcp.engine.records import Record
from lead_mcp.engine.search import search
from lead_mcp.errors import NotFound
from lead_mcp.filters import Filter, Op, newest_first
from lead_mcp.runtime import Runtime
from lead_mcp.tools.pings import with_pings
from lead_mcp.uris import Uri, ping_moment

FIRST: Final = datetime.min.replace(tzinfo=UTC)
LAST: Final = datetime.max.replace(tzinfo=UTC)


async def one_ping(runtime: Runtime, found: Uri) -> Record:
    """The ping a URI names: the vendor has no call for one, so the moment it carries is read again. Raises NotFound."""
    name, direction, wanted = found.parts
    connection = with_pings(runtime, runtime.connection(name).name, direction)[0]
    moment, partitions = ping_moment(found), connection.vendor.pings[direction].partitions(connection.account)
    query = Query(
        kind=direction,
        filters=[Filter("id", Op.EQ, wanted)],
        window=_around(moment, runtime) if moment else None,
        orders=newest_first("at"),
        limit=1,
        now=runtime.now(),
        zone=runtime.server.zone,
        partition=next((one for one in partitions if one == found.query.get("type")), None),
    )
    answer = await search([connection], query, runtime.limits, runtime.seal)
    if not answer.records and "at" not in found.query:  # an id that looks as if it told a time need not
        answer = await search([connection], replace(query, window=None), runtime.limits, runtime.seal)
    if not answer.records:
        raise NotFound(f"{name} has no {direction} ping {wanted[:80]!r} at that time.", account=name)
    return answer.records[0]


def _around(moment: datetime, runtime: Runtime) -> Window:
    """The whole second, and one before and behind it, where the calendar has them."""
    since, until = max(moment, FIRST + SECOND) - SECOND, min(moment, LAST - 2 * SECOND) + 2 * SECOND
    return Window(since, until, runtime.server.zone.key)
