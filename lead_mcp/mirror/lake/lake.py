"""The lake as a replica holds it: which version it is of, and a copy of that version in the replica's own folder."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Final

import anyio
from anyio import to_thread

from lead_mcp.errors import Conflict, NotConfigured, Unavailable
from lead_mcp.mirror.generation import NAME as POINTER
from lead_mcp.mirror.generation import Generation, current, point_at, schema, sweep
from lead_mcp.mirror.lake import copying
from lead_mcp.mirror.lake.address import LakeAddress
from lead_mcp.mirror.lake.lease import Lease
from lead_mcp.mirror.lake.process import LONG, LakeProcess
from lead_mcp.mirror.lake.state import FORMAT, LakeState
from lead_mcp.mirror.lock import writing
from lead_mcp.mirror.store import Store
from lead_mcp.state_dir import private_file, private_folder, read_private

if TYPE_CHECKING:
    from lead_mcp.mirror.lake.turn import Turn

OWNER: Final = "replica"
"""The file with this folder's name among the replicas."""
LOOKED: Final = 1.0
"""Seconds for which the version that was seen last holds."""
COPYING: Final = 30.0
"""Seconds that a question waits for them at most; the next one goes on."""
TRIES, PAUSE = 20, 0.5
"""How often, and after how many seconds each, another process of this machine is waited for that copies records."""
VERSION: Final = "The mirror in the lake was made by another version of lead-mcp."


@dataclass(frozen=True)
class Settled:
    """What tables hang on beside the records. Another replica's are good for this one where it is the same there."""

    look: str
    meaning: Callable[[str], str]
    """By the lake's salt."""


@dataclass
class Lake:
    """The lake at an address, and this replica's copy of it in ``folder``."""

    address: LakeAddress
    folder: Path
    state: LakeState | None = None
    """As it was seen last."""
    turn: Turn | None = None
    """While this process is the one who writes."""
    _snapshot: int | None = None
    _looked: float = -1e9
    _copying: anyio.Lock = field(default_factory=anyio.Lock)

    @cached_property
    def process(self) -> LakeProcess:
        return LakeProcess(self.address, self.folder)

    @cached_property
    def lease(self) -> Lease:
        """The right to write. A replica is a folder on a machine, of which one process at a time asks for it."""
        private_folder(self.folder)
        path = self.folder / OWNER
        with suppress(FileExistsError), os.fdopen(private_file(path, new=True), "w", encoding="utf-8") as file:
            file.write(token_hex(8))
        return Lease(self.address, f"{socket.gethostname()} {read_private(path).decode()}")

    async def aclose(self) -> None:
        """End the process that speaks to it, if there is one."""
        await self.process.aclose()

    # --- which version --------------------------------------------------------------------------------------------

    async def observe(self, *, again: bool = False) -> None:
        """See what it holds now: within a second only if ``again``. Raises Unavailable, NotConfigured."""
        now = time.monotonic()
        if not again and now - self._looked < LOOKED:
            return
        snapshot = await to_thread.run_sync(self.lease.snapshot)
        if snapshot is None:
            await self._leave_behind()
        elif snapshot != self._snapshot or self.state is None:
            await self._read_state()
        self._snapshot, self._looked = snapshot, now

    async def _leave_behind(self) -> None:
        """The lake was dropped: what was known of it holds no more, nor does the process's own knowledge."""
        self.state = None
        await self.process.aclose()

    async def _read_state(self) -> None:
        try:
            found, _ = await self.process.ask("state")
        except Unavailable:  # its connection may have been an old one
            found, _ = await self.process.ask("state")
        state = read_state(found["state"])
        if self.state is not None and (state is None or state.salt != self.state.salt):
            await self._leave_behind()
            state = read_state((await self.process.ask("state"))[0]["state"])
        self.state = state

    # --- the copy -------------------------------------------------------------------------------------------------

    async def refresh(self, settled: Settled, store: Store, *, records: bool) -> None:
        """Bring this replica's copy of the tables up, and of the ``records`` where those are wanted.

        Raises Unavailable where the lake cannot be read, NotConfigured where its tables are made by other settings.
        """
        async with self._copying:
            await self.observe()
            if self.turn is not None:  # what is here is newer
                return
            if self.state is None:
                self._leave(store)
                return
            check(self.state, settled)
            erased = await self._copy_tables()
            if records or (erased and store.exists):
                with anyio.move_on_after(COPYING) as scope:
                    await self._copy_when_free(store)
                if scope.cancelled_caught:
                    raise Unavailable("This replica is still copying the lake's records. Ask again in a minute.")

    async def catch_up(self, settled: Settled, store: Store) -> None:
        """What the one who writes needs: the records as the lake has them, its tables if they are good for this replica."""
        async with self._copying:
            await self.observe(again=True)
            await self.copy_records(store)
            if self.state is not None:
                with suppress(NotConfigured):  # tables made with other settings: they will be made anew
                    check(self.state, settled)
                    await self._copy_tables()

    def _leave(self, store: Store) -> None:
        """Somebody has dropped the lake: a copy of it goes too."""
        local = current(self.folder)
        if local is not None and local.version:
            with suppress(Conflict), writing(self.folder):
                self.clear(store)

    def clear(self, store: Store) -> None:
        """Remove the copy."""
        (self.folder / POINTER).unlink(missing_ok=True)
        sweep(self.folder, set(), grace=0)
        for path in self.folder.glob(f"{store.path.name}*"):
            path.unlink(missing_ok=True)

    async def _copy_tables(self) -> bool:
        """Whether somebody was erased from them since."""
        local, state = current(self.folder), self.state
        usable = state is not None and local is not None and local.version > 0 and alike(local, state.generation)
        if state is None or local is None or not usable:
            await self._point_at(await self._copied(None), erased=True)
            return True
        if local.version != state.version:
            erased = state.erased > local.version
            await self._point_at(await self._copied(None if erased else local), erased=erased)
            return erased
        return False

    async def _point_at(self, made: Generation, *, erased: bool) -> None:
        await to_thread.run_sync(point_at, self.folder, made)
        if erased:  # nothing of theirs stays in a file that readers have left
            sweep(self.folder, set(made.files.values()), grace=0)

    async def _copied(self, beside: Generation | None) -> Generation:
        """The tables as they are in the lake now, in a file of their own: all of them, or what is new ``beside`` a base."""
        file, since = f"copy-{token_hex(6)}.duckdb", beside.base_seq if beside else None
        found, _ = await self.process.ask("copy", file=file, since=since, seconds=LONG)
        state = self.state = known_state(found["state"])
        if found["whole"] or beside is None:
            return replace(state.generation, version=state.version, base=file, base_seq=state.seq, delta="")
        return replace(state.generation, version=state.version, base=beside.base, base_seq=beside.base_seq, delta=file)

    # --- the copy of the records ----------------------------------------------------------------------------------

    async def _copy_when_free(self, store: Store) -> None:
        """Bring the records up, unless another process of this machine does, or writes them. Raises Conflict."""
        for _ in range(TRIES):
            if self.state is None or copying.standing(store).is_copy_of(self.state):
                return
            try:
                with writing(self.folder):
                    await self.copy_records(store)
            except Conflict:
                await anyio.sleep(PAUSE)
        raise Conflict("Another process of this machine is writing the mirror's records. Try again later.")

    async def copy_records(self, store: Store) -> None:
        """Bring the records up. What was changed here and never came into the lake goes, where the lake went on.

        Only who has the right to write this machine's files may.
        """
        found = await to_thread.run_sync(copying.standing, store)
        if self.state is None:
            if found.version:  # the lake was dropped
                self.clear(store)
            return
        if found.is_copy_of(self.state):
            return
        if anew := found.is_ahead or found.salt not in ("", self.state.salt):
            (self.folder / POINTER).unlink(missing_ok=True)
        await self._copy_changes(store, copying.Standing() if anew else found, anew=anew)

    async def _copy_changes(self, store: Store, since: copying.Standing, *, anew: bool) -> None:
        """Piece by piece: whoever is stopped goes on from there."""
        answer, _ = await self.process.ask("changes", seconds=LONG, since=since.seq, version=since.version)
        state = known_state(answer["state"])
        await to_thread.run_sync(copying.begin, store, state, anew)
        lists: dict[str, list[Any]] = {"shared": [], "forgotten": []}
        while True:
            answer, (blob,) = await self.process.ask("more")
            table, rows = answer["table"], json.loads(blob)
            if table in lists:
                lists[table] += rows
            elif table:
                await to_thread.run_sync(copying.put, store, table, rows, answer["upto"])
            else:
                break
        await to_thread.run_sync(copying.end, store, state, lists)
        self.state = state

    async def drop(self) -> None:
        """Remove everything from the lake, its catalog included; only who holds the lease may. Raises Unavailable."""
        if await to_thread.run_sync(self.lease.snapshot) is not None:
            await self.process.ask("drop", seconds=LONG)
        await self.process.aclose()
        await to_thread.run_sync(self.lease.drop)
        self.state, self._snapshot, self._looked = None, None, -1e9


def check(state: LakeState, settled: Settled) -> None:
    """Raises NotConfigured where this replica could not use the tables as they are."""
    found = state.generation
    if state.format != FORMAT or found.schema != schema():
        raise NotConfigured(
            f"{VERSION} Run the same version in every replica; `lead-mcp mirror sync` makes the tables anew."
        )
    if (found.look, found.meaning) != (settled.look, settled.meaning(state.salt)):
        raise NotConfigured(
            "The mirror in the lake was made with other settings: accounts, their fields and stages, LEAD_MCP_PII and its key "
            "and LEAD_MCP_PHONE_REGION have to be the same in every replica. `lead-mcp mirror sync` makes it anew by these."
        )


def alike(one: Generation, other: Generation) -> bool:
    """Whether rows of both can stand side by side."""
    return (one.schema, one.look, one.meaning) == (other.schema, other.look, other.meaning)


def read_state(text: str) -> LakeState | None:
    """None where nothing was written yet. Raises NotConfigured for what no version of ours wrote."""
    if not text:
        return None
    try:
        return LakeState.unpacked(text)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise NotConfigured(VERSION) from None


def known_state(text: str) -> LakeState:
    if (found := read_state(text)) is None:
        raise Unavailable("The lake has just been dropped. Try again.")
    return found
