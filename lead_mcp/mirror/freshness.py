"""Keeping the mirror fresh by itself: what is too old is topped up before it shows, within seconds."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Final

import anyio
from anyio import to_thread

from lead_mcp.engine.connection import Connection
from lead_mcp.engine.fanout import together
from lead_mcp.errors import Conflict, LeadMcpError, Unavailable
from lead_mcp.mirror.coverage import Places
from lead_mcp.mirror.generation import Generation
from lead_mcp.mirror.lock import writing
from lead_mcp.mirror.mirror import Mirror
from lead_mcp.mirror.publishing import MUCH

TOP_UP: Final = 5.0
"""Seconds that a question waits at most for the accounts' newest changes."""

PUSH: Final = 30.0
"""Seconds that it waits until those are in the lake, where the mirror is in one."""


async def freshen(
    mirror: Mirror, connections: Sequence[Connection], kinds: Sequence[str], *, records: bool = True
) -> None:
    """Top up what is older than it may be, within ``TOP_UP`` seconds; what could not be is as old as it was.

    ``records``: whether they are read afterwards, and not the tables alone.
    """
    await mirror.refresh(records=records)
    places = mirror.places()
    old = [one for one in connections if one.name in mirror.connections and _is_old(mirror, places, one, kinds)]
    if not old or not await _has_records(mirror, old):
        return
    for one in old:
        mirror.failures.pop(one.name, None)
    with suppress(Conflict):  # another process may be at it: what there is can be read meanwhile
        async with mirror.writing():
            await together([partial(_top_up, mirror, one, kinds) for one in old])
            if mirror.lake is not None:
                await _push(mirror, old)


def _is_old(mirror: Mirror, places: Places, connection: Connection, kinds: Sequence[str]) -> bool:
    """Whether some of it was mirrored, too long ago. What was never read is no matter of seconds."""
    found = places.get(connection.name, {})
    asked = [found[kind] for kind in mirror.coverage.kinds(connection) if kind in kinds and kind in found]
    known = [place.as_of for place in asked if place.as_of is not None]
    return any(mirror.terms.clock() - as_of > mirror.max_age for as_of in known)


async def _has_records(mirror: Mirror, connections: Sequence[Connection]) -> bool:
    """Whether they are here, as they have to be where they are topped up; in a lake they are brought up."""
    try:
        await mirror.refresh(records=True)
    except (Unavailable, Conflict) as error:
        mirror.failures.update({one.name: error for one in connections})
        return False
    return True


async def _top_up(mirror: Mirror, connection: Connection, kinds: Sequence[str]) -> None:
    with anyio.move_on_after(TOP_UP):
        for stream in mirror.streams(connection, mirror.terms):
            if stream.kind in kinds:
                try:
                    await stream.top_up(TOP_UP)
                except LeadMcpError as error:
                    mirror.failures[connection.name] = error


async def _push(mirror: Mirror, connections: Sequence[Connection]) -> None:
    """What has been topped up, into the lake; what could not be pushed is pushed with the next change."""
    try:
        with anyio.move_on_after(PUSH):
            await mirror.publish()
    except LeadMcpError as error:
        mirror.failures.update({one.name: error for one in connections})


async def fresh_tables(mirror: Mirror) -> Generation | None:
    """The files for SQL, made anew where records have come since; None where there are none.

    Where another process writes, or it would take too long, they are those that were made last. Raises Unavailable and
    NotConfigured where the mirror is in a lake.
    """
    if mirror.lake is not None:
        await mirror.refresh()
        return mirror.generation if mirror.lake.state is not None else None
    if await to_thread.run_sync(_is_behind, mirror):
        with suppress(Conflict, OSError), writing(mirror.folder), anyio.move_on_after(2 * TOP_UP):
            await mirror.publish()
    return mirror.generation


def _is_behind(mirror: Mirror) -> bool:
    """Whether the files for SQL are not those of what is stored."""
    if not mirror.store.exists:
        return False
    found = mirror.generation
    if found is None:
        return sum(mirror.store.counts().values()) <= MUCH
    return found.places != mirror.places()
