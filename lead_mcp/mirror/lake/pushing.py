"""What has changed here, into the lake: the records that one reading of the file sees, and the rows that were made of them."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, replace
from secrets import token_hex
from typing import Any, Final

from anyio import to_thread

from lead_mcp.mirror.generation import Generation, point_at
from lead_mcp.mirror.lake import copying
from lead_mcp.mirror.lake.lake import Lake, alike
from lead_mcp.mirror.lake.opened import BESIDE
from lead_mcp.mirror.lake.process import LONG
from lead_mcp.mirror.lake.state import LakeState
from lead_mcp.mirror.lake.turn import Turn
from lead_mcp.mirror.store import Store
from lead_mcp.sql.rows import encoded

TIDY: Final = 20
"""Changes of the lake after which small files are put together."""


@dataclass(frozen=True)
class Push:
    """One replica's change of the lake. Only while it holds the lease."""

    lake: Lake
    store: Store

    async def __call__(self, database: sqlite3.Connection, made: Generation) -> Generation:
        """``made`` as it is known here afterwards. Raises Conflict where another replica may write by now, Unavailable."""
        turn, before = self.lake.turn, self.lake.state
        if turn is None:
            raise AssertionError("who pushes holds the lease")
        if before is not None and not turn.erases and _same(before, made):
            return await self._noted(made, before)
        after = self._after(database, before, made, turn)
        await self._stage(database, before)
        await turn.check()
        anew = before is None or not alike(before.generation, made)
        asked: dict[str, Any] = {"version": after.version - 1, "fence": turn.fence, "state": after.packed()}
        await self.lake.process.ask("push", seconds=LONG, anew=anew, files=made.files, **asked)
        made = await self._noted(made, after)
        self.lake.state = after
        await self._keep(after, turn)
        return made

    async def _keep(self, after: LakeState, turn: Turn) -> None:
        """What is gone out of the files: at once where somebody was erased, else now and then."""
        if turn.erases:
            await self.lake.process.ask("erase", seconds=LONG)
            await to_thread.run_sync(self.lake.lease.forget_values)
        elif after.version % TIDY == 0:
            await self.lake.process.ask("tidy", seconds=LONG)

    def _after(self, database: sqlite3.Connection, before: LakeState | None, made: Generation, turn: Turn) -> LakeState:
        version = (before.version if before else 0) + 1
        return LakeState(
            version=version,
            fence=turn.fence,
            generation=replace(made, base="", delta="", version=version),
            erased=version if turn.erases else before.erased if before else 0,
            records=copying.counted(database),
            **copying.counters(database),
        )

    async def _stage(self, database: sqlite3.Connection, before: LakeState | None) -> None:
        """The records that have changed since, and the lists beside them, to the process that will push them."""
        ask = self.lake.process.ask
        await ask("stage", file=f"push-{token_hex(6)}.duckdb")
        pieces = copying.changed(database, before.seq if before else 0)
        while rows := await to_thread.run_sync(next, pieces, None):
            await ask("stage", encoded([list(row) for row in rows], len(BESIDE["records"])), table="records")
        for table, rows in copying.beside(database, before).items():
            for start in range(0, len(rows), copying.PAGE):
                some = [list(row) for row in rows[start : start + copying.PAGE]]
                await ask("stage", encoded(some, len(BESIDE[table])), table=table)

    async def _noted(self, made: Generation, state: LakeState) -> Generation:
        """What is here is of that version now."""
        made = replace(made, version=state.version)

        def work() -> None:
            point_at(self.lake.folder, made)
            with self.store.writing() as database:
                copying.put_version(database, state)

        await to_thread.run_sync(work)
        return made


def _same(before: LakeState, made: Generation) -> bool:
    """Whether the lake holds all of that already."""
    return alike(before.generation, made) and (before.seq, before.generation.places) == (made.seq, made.places)
