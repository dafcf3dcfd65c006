"""Recordings as facts, lead by lead: no vendor lists those of an account. Never the audio, nor where it lies.

A lead's recordings are listed once, and again when the lead has changed since; each sync also looks at a few leads again
whose last listing is longest ago, those of the trailing days first: a vendor need not say that a lead has a new one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import anyio
from anyio import to_thread

from lead_mcp.engine.connection import Connection
from lead_mcp.engine.fanout import together
from lead_mcp.engine.recordings import recordings_of
from lead_mcp.errors import LeadMcpError, NotFound, TooLarge
from lead_mcp.filters import as_time
from lead_mcp.mirror import saving
from lead_mcp.mirror.place import Place
from lead_mcp.mirror.reading import PATIENCE, SLIP
from lead_mcp.mirror.records import RECORDING, Kept, micros, packed, whole
from lead_mcp.mirror.saving import Saved
from lead_mcp.mirror.store import Store, adopt, adopted, counted_up, put_place
from lead_mcp.mirror.sync import Terms
from lead_mcp.uris import lead_uri
from lead_mcp.vendors.spec.reading import Recording

AT_ONCE: Final = 20
"""Leads that are asked for side by side, and saved together."""
ADOPT: Final = (
    "INSERT INTO listings SELECT no, account, at, NULL FROM records WHERE no > ? AND account = ? AND kind = 'lead'"
)
LISTED: Final = "SELECT l.no, id, l.at FROM listings l JOIN records USING (no) WHERE l.account = ? AND"
DUE: Final = "(listed = 0 OR (listed IS NULL AND l.at >= ?))"
NEVER: Final = "listed IS NULL"
STALE: Final = "listed > 0 AND listed < ? AND l.at >= ?"
AGAIN: Final = 500
"""Leads at most whose recordings one sync lists again without a sign that there are others."""
A_DAY: Final = timedelta(days=1)
Lead = tuple[int, str, int | None]
"""Its number, its id, when it was created (microseconds since 1970)."""


@dataclass
class RecordingStream:
    """The recordings of one account's leads on their way into the store."""

    store: Store
    connection: Connection
    terms: Terms
    kind: str = RECORDING
    saved: Saved = field(default_factory=Saved)
    requests: int = 0
    place: Place = field(init=False)

    def __post_init__(self) -> None:
        self.place = self.store.place(self.connection.name, self.kind)

    async def top_up(self, seconds: float) -> None:
        """Those of leads that are new or have changed. Raises LeadMcpError."""
        if self.place.as_of is not None:
            with anyio.move_on_after(seconds):
                await self._catch_up()

    async def run(self) -> None:
        """Everything that is due. Raises LeadMcpError; what was listed before is kept, and said."""
        now = self.terms.clock()
        try:
            if self.place.as_of is None:
                await self._moved(Place(as_of=now))
            else:
                await self._catch_up()
            await self._list(NEVER)
            await self._moved(replace(self.place, loaded=True, error=""))
            await self._look_again(now)
        except LeadMcpError as error:
            await self._moved(replace(self.place, error=f"{error.code}: {error.message}"))
            raise

    async def _catch_up(self) -> None:
        now, before = self.terms.clock(), self.place.as_of or self.terms.clock()
        await self._list(DUE, micros(before - SLIP))
        await self._moved(replace(self.place, as_of=now, error=""))

    async def _look_again(self, now: datetime) -> None:
        """Leads that were listed longest ago; all of them where that was asked for."""
        if self.terms.full:
            await self._list(STALE, micros(now), -(2**62))
            return
        for at in (micros(now - self.terms.trailing), -(2**62)):
            await self._list(STALE, micros(now - A_DAY), at, most=AGAIN)

    async def _list(self, which: str, *values: int | None, most: int = 2**62) -> None:
        """List the leads of that condition, newest first, until none is left. Raises LeadMcpError."""
        await to_thread.run_sync(self._adopt)
        while most > 0 and (leads := await to_thread.run_sync(self._next, which, values, min(most, AT_ONCE))):
            most -= len(leads)
            found: dict[int, list[Recording]] = {}
            errors: list[LeadMcpError] = []
            await together([partial(self._listed, lead, found, errors) for lead in leads])
            await to_thread.run_sync(self._save, [lead for lead in leads if lead[0] in found], found)
            await self.terms.progress(self.connection.name, self.kind, len(found))
            if errors:
                raise errors[0]

    def _next(self, which: str, values: Sequence[int | None], most: int) -> list[Lead]:
        with self.store.reading() as database:
            question = f"{LISTED} {which} ORDER BY l.at DESC, l.no DESC LIMIT ?"
            return database.execute(question, (self.connection.name, *values, most)).fetchall()

    def _adopt(self) -> None:
        """Take up the leads that have come since the last time."""
        name = self.connection.name
        with self.store.writing() as database:
            database.execute(ADOPT, (adopted(database, name), name))
            adopt(database, name)

    async def _listed(self, lead: Lead, found: dict[int, list[Recording]], errors: list[LeadMcpError]) -> None:
        try:
            calls = await recordings_of(self.connection, lead[1], None, None, PATIENCE)
        except NotFound:
            found[lead[0]] = []
            return
        except LeadMcpError as error:
            errors.append(error)
            return
        self.requests += calls.requests
        if calls.cut is not None:
            cut = f"stopped at {calls.cut.most:,} recordings of one lead"
            errors.append(calls.error or TooLarge(cut, account=self.connection.name))
        elif calls.error is not None:
            errors.append(calls.error)
        else:
            found[lead[0]] = calls.ordered()

    def _save(self, leads: Sequence[Lead], found: dict[int, list[Recording]]) -> None:
        """The recordings of these leads, instead of those that were kept before, and when they were listed."""
        now = micros(self.terms.clock())
        with self.store.writing() as database:
            number = counted_up(database, "pass")
            kept = [facts(self.connection.name, lead, one) for lead in leads for one in found[lead[0]]]
            self.saved += saving.save(database, kept, number)
            gone = [no for lead in leads for no in saving.recordings_of(database, lead[0])]
            self.saved += Saved(removed=saving.remove(database, _before(database, gone, number)))
            database.executemany("UPDATE listings SET listed = ? WHERE no = ?", [(now, lead[0]) for lead in leads])

    async def _moved(self, place: Place) -> None:
        def work() -> None:
            with self.store.writing() as database:
                put_place(database, self.connection.name, self.kind, place)

        await to_thread.run_sync(work)
        self.place = place


def _before(database: sqlite3.Connection, numbers: Sequence[int], number: int) -> list[int]:
    question = "SELECT no FROM records WHERE no = ? AND pass < ?"
    return [no for no in numbers if database.execute(question, (no, number)).fetchone()]


# --- a recording as it is kept ------------------------------------------------------------------------------------


def facts(account: str, lead: Lead, one: Recording) -> Kept:
    """What is kept of a recording: it goes when its lead does."""
    _, lead_id, created = lead
    kept = {**asdict(one), "lead_id": lead_id, "created": created}
    return Kept(
        account=account,
        kind=RECORDING,
        id=whole(f"{lead_id}/{one.id}"),
        partition=None,
        at=micros(one.started_at),
        raw=packed({name: _plain(kept[name]) for name in KEPT}),
        name=None,
        joins=(),
        keys=frozenset({f"u:{lead_uri(account, lead_id)}"}),
    )


KEPT: Final = ("id", "lead_id", "started_at", "ended_at", "seconds", "created")


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def recording(raw: Mapping[str, Any]) -> Recording:
    """The recording of those facts."""
    started_at, ended_at = as_time(raw["started_at"]), as_time(raw["ended_at"])
    return Recording(raw["id"], raw["lead_id"], started_at, ended_at, raw["seconds"], None)
