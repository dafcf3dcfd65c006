"""Which accounts of a question are answered by the mirror, and which by their vendors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from lead_mcp.dates import Window
from lead_mcp.engine.connection import Connection
from lead_mcp.engine.ledger import LedgerEntry
from lead_mcp.engine.notes import Note
from lead_mcp.engine.query import Query
from lead_mcp.errors import NotConfigured, Unavailable
from lead_mcp.filters import LOWER
from lead_mcp.mirror.connection import mirrored
from lead_mcp.mirror.coverage import no_mirror
from lead_mcp.mirror.freshness import TOP_UP, freshen
from lead_mcp.mirror.mirror import Mirror
from lead_mcp.mirror.notes import MirrorBegins, MirrorTooOld
from lead_mcp.mirror.place import Place
from lead_mcp.mirror.records import LEAD
from lead_mcp.sql.reading import default_stretch
from lead_mcp.writing.looking import AccountCopy, Source

ELSE: Final = "source=live reads the vendor now; `lead-mcp mirror status` tells what there is."
WHEN: Final = "created_at"


@dataclass(frozen=True)
class Sourced:
    """The accounts to ask: some as the mirror answers for them. ``notes``: what is said of each of these."""

    connections: Sequence[Connection]
    notes: dict[str, list[Note]] = field(default_factory=dict)

    @property
    def is_local(self) -> bool:
        """Whether no vendor is asked for records."""
        return len(self.notes) == len(self.connections)

    def tell(self, entries: Iterable[LedgerEntry]) -> None:
        """Say in the ledger which accounts' parts came from the mirror, and how old they are."""
        for entry in entries:
            entry.note(*self.notes.get(entry.account, ()))


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a question reads. ``kinds``: of records, of which leads decide. ``window``: as asked.

    Where none bounds it from below, each vendor's own default does, or (``together``) one for all of them; ``everything``:
    none does.
    """

    window: Window | None
    now: datetime
    kinds: Sequence[str] = (LEAD,)
    together: bool = False
    everything: bool = False

    def window_at(self, connection: Connection, connections: Sequence[Connection]) -> Window | None:
        """What is read of one account; None: everything."""
        if self.everything or (self.window is not None and self.window.since is not None):
            return None if self.everything else self.window
        back = default_stretch(connections if self.together else [connection], LEAD)
        until = (self.window.until if self.window else None) or self.now
        return None if back is None else Window(until - back, until, "UTC")


def wanted_by(query: Query, *, together: bool = False) -> Wanted:
    """What a question over leads reads; a filter may reach further back than any default."""
    reaches = any(one.field == WHEN and one.op in LOWER for one in query.filters)
    return Wanted(
        window=query.window, now=query.now, together=together, everything=reaches and not _since(query.window)
    )


def _since(window: Window | None) -> datetime | None:
    return window.since if window else None


async def sourced(mirror: Mirror | None, connections: Sequence[Connection], source: Source, wanted: Wanted) -> Sourced:
    """The accounts as ``source`` wants them: with ``auto``, the mirror's where it holds everything that is read.

    Raises NotConfigured where the mirror alone was wanted and does not.
    """
    if source == "live" or mirror is None:
        if source == "mirror":
            raise no_mirror()
        return Sourced(connections)
    try:
        return await _mirrored(mirror, connections, source, wanted)
    except (NotConfigured, Unavailable):  # files of another format, or damaged ones
        if source == "mirror":
            raise
    return Sourced(connections)


async def _mirrored(mirror: Mirror, connections: Sequence[Connection], source: Source, wanted: Wanted) -> Sourced:
    await freshen(mirror, connections, wanted.kinds)
    places = mirror.places()
    chosen: list[Connection] = []
    notes: dict[str, list[Note]] = {}
    for one in connections:
        window = wanted.window_at(one, connections)
        held = [kind for kind in wanted.kinds if mirror.coverage.covers(places, one, kind, window)]
        if LEAD in held:
            chosen.append(mirrored(one, mirror.store, held))
            known = [as_of for kind in held if kind in places[one.name] and (as_of := places[one.name][kind].as_of)]
            notes[one.name] = mirror.coverage.notes(one, min(known), wanted.now)
        elif source == "mirror":
            raise NotConfigured(f"source: the mirror does not hold all of that of {one.name}. {ELSE}")
        else:
            chosen.append(one)
    return Sourced(chosen, notes)


# --- the look for duplicates --------------------------------------------------------------------------------------


async def copied(mirror: Mirror | None, connection: Connection, source: Source) -> AccountCopy | None:
    """The account in the mirror, to look for the same person in; None where its vendor is to be asked.

    With ``auto`` only a mirror that holds every lead will do, and one that is as young as it shall be: a duplicate that is
    missed is made. Raises NotConfigured where the mirror alone was wanted and holds nothing of the account.
    """
    if mirror is None:
        if source == "mirror":
            raise no_mirror()
        return None
    try:
        found = await _copied(mirror, connection)
    except (NotConfigured, Unavailable):  # files of another format, or damaged ones
        if source == "mirror":
            raise
        return None
    return None if found.lacks and source == "auto" else found


async def _copied(mirror: Mirror, connection: Connection) -> AccountCopy:
    await freshen(mirror, [connection], (LEAD,))
    places, now = mirror.places(), mirror.terms.clock()
    place = places.get(connection.name, {}).get(LEAD, Place())
    if place.as_of is None:
        raise NotConfigured(f"source: the mirror holds nothing of {connection.name}. {ELSE}")
    lacks: Note | None = None
    if not mirror.coverage.covers(places, connection, LEAD, None):
        begin = mirror.coverage.since(place)
        lacks = MirrorBegins(begin) if begin else None
    elif now - place.as_of > mirror.max_age + timedelta(seconds=TOP_UP):
        lacks = MirrorTooOld()
    notes = mirror.coverage.notes(connection, place.as_of, now)
    return AccountCopy(mirrored(connection, mirror.store, (LEAD,)), notes, lacks)
