"""From the store to the files for SQL: the rows of what has changed, made anew, in a file of their own.

A delta holds everything that changed since the base; once that is much, one new base takes the place of both. Rows are made
here, a few thousand at a time; a child process writes them (``builder``).
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby
from operator import itemgetter
from secrets import token_hex
from typing import Any, Final

from anyio import to_thread

from lead_mcp.engine.connection import Connection
from lead_mcp.engine.fanout import together
from lead_mcp.errors import NotOffered, Unavailable
from lead_mcp.mirror.generation import Generation, current, point_at
from lead_mcp.mirror.place import Place
from lead_mcp.mirror.records import offers
from lead_mcp.mirror.rows import Columns, Stored, StoredRows
from lead_mcp.mirror.sealing import Sealing
from lead_mcp.mirror.segments import COLUMNS
from lead_mcp.mirror.store import Store, meta, places_in
from lead_mcp.sql.cage import CageError, Child, is_installed
from lead_mcp.sql.rows import Mask, RowMaker, encoded_columns, unmasked
from lead_mcp.vendors.spec.events import TimelineEvent

FULL: Final = "full"
"""The mark of values as they are."""
START: Final = "import sys; sys.path.append(sys.argv[2]); from lead_mcp.mirror.builder import main; main(sys.argv[1])"
PIECE: Final = 1_000
"""Records whose rows are made and written at a time; two such pieces are in memory."""
MUCH: Final = 20_000
"""Changed records from which on a new base may be due, and is where they are a fifth of all."""
KEPT: Final = "no, account, kind, id, partition, raw, person"
CHANGED: Final = f"SELECT {KEPT}, seq FROM records WHERE (seq, no) > (?, ?) ORDER BY seq, no LIMIT ?"
Made = dict[str, list[bytes]]
"""Rows by table, as the child takes them."""


async def at_once() -> None:
    return None


@dataclass(frozen=True, kw_only=True)
class Look:
    """How values are shown in the rows: the mask, an event's words, and a mark by which another look is told apart.

    ``prepare`` is awaited before rows are made.
    """

    mask: Mask = unmasked
    words: Callable[[TimelineEvent], str] = lambda event: str(event.kind)
    mark: str = FULL
    prepare: Callable[[], Awaitable[None]] = at_once


@dataclass(frozen=True)
class Publisher:
    """Makes the generation that holds what the store holds now. ``connections``: whose records are shown.

    ``push``: puts it elsewhere too, from the same reading of the records.
    """

    store: Store
    connections: Mapping[str, Connection]
    region: str
    look: Look
    push: Callable[[sqlite3.Connection, Generation], Awaitable[Generation]] | None = None
    sealing: Sealing = field(default_factory=Sealing)
    _makers: dict[tuple[str, str], StoredRows] = field(default_factory=dict)

    def meaning(self, salt: str) -> str:
        """What the rows hang on beside the records: whose they are, how fields are named, where numbers are dialled."""
        accounts: list[Any] = [salt]
        accounts += [
            [
                one.name,
                one.vendor.name,
                sorted(one.account.names.items()),
                sorted(one.account.stages.items()),
                self.region,
            ]
            for one in self.connections.values()
        ]
        return hashlib.sha256(json.dumps(accounts).encode()).hexdigest()[:16]

    async def publish(self, *, whole: bool = False) -> Generation:
        """The generation, in force; ``whole``: without a delta.

        Raises NotOffered without DuckDB, Unavailable where it cannot be written.
        """
        if not is_installed():
            raise NotOffered("The mirror's tables need DuckDB: pip install 'lead-mcp[sql]'.")
        before = current(self.store.folder)
        with self.store.reading() as database:
            made_with = (self.look.mark, self._meaning(database), self.sealing.mark)
            if before is not None and (before.look, before.meaning, before.sealed) != made_with:
                before = None
            made = await self._published(database, before, whole=whole)
            return made if self.push is None else await self.push(database, made)

    def _meaning(self, database: sqlite3.Connection) -> str:
        return self.meaning(meta(database, "salt"))

    async def _published(self, database: sqlite3.Connection, before: Generation | None, *, whole: bool) -> Generation:
        seq = int(meta(database, "seq"))
        state = self._state(database)
        if before is not None and before.seq == seq and not (whole and before.delta):
            made = replace(before, **state, version=0)
        else:
            try:
                made = await self._made(database, before, seq, state, whole=whole)
            except (CageError, OSError) as error:
                raise Unavailable(f"The mirror's tables could not be written: {error}") from error
        await to_thread.run_sync(point_at, self.store.folder, made)
        return made

    async def _made(
        self,
        database: sqlite3.Connection,
        before: Generation | None,
        seq: int,
        state: Mapping[str, Any],
        *,
        whole: bool,
    ) -> Generation:
        base_seq = before.base_seq if before else 0
        changed = database.execute("SELECT count(*) FROM records WHERE seq > ?", (base_seq,)).fetchone()[0]
        whole = whole or before is None or changed > max(MUCH, _count(database) // 5)
        file = f"{'base' if whole else 'delta'}-{seq}-{token_hex(4)}.duckdb"
        await self._written(database, file, before, base_seq, keep=whole and before is not None)
        known = {"look": self.look.mark, "meaning": self._meaning(database), "sealed": self.sealing.mark, **state}
        if before is None or whole:
            return Generation(base=file, base_seq=seq, seq=seq, **known)
        return Generation(base=before.base, base_seq=base_seq, seq=seq, delta=file, **known)

    async def _written(
        self, database: sqlite3.Connection, file: str, before: Generation | None, base_seq: int, *, keep: bool
    ) -> None:
        child = Child({"folder": str(self.store.folder)}, START)
        try:
            await child.greet()
            bases = {"file": file, "before": before.base if before and keep else ""}
            await child.ask({"op": "open", **bases, **self.sealing.writing()})
            if before is not None:
                await child.ask({"op": "gone"}, [await to_thread.run_sync(_gone, database, base_seq)])
            await self._load(child, self._pieces(database, base_seq))
            await child.ask({"op": "finish", "keep": keep})
        finally:
            await child.end()

    async def _load(self, child: Child, pieces: Iterator[Made]) -> None:
        """The rows to the child: it takes one piece in while the next is made here, on another processor if there is one."""
        made: list[Made] = [{}]
        while made:
            await together([partial(_taken, child, made.pop()), partial(_make, pieces, made)])

    def _state(self, database: sqlite3.Connection) -> dict[str, Any]:
        """How far each account has been read, and how many leads it has here."""
        places: dict[str, dict[str, Place]] = {name: {} for name in self.connections}
        for (name, kind), place in places_in(database).items():
            if name in places:
                places[name][kind] = place
        counts = dict(database.execute("SELECT account, count(*) FROM records WHERE kind = 'lead' GROUP BY account"))
        return {"places": places, "counts": {name: counts.get(name, 0) for name in self.connections}}

    # --- rows ---------------------------------------------------------------------------------------------------

    def _pieces(self, database: sqlite3.Connection, base_seq: int) -> Iterator[Made]:
        """The rows of every changed record, by table, some at a time."""
        seq, no = base_seq, 2**62
        while rows := database.execute(CHANGED, (seq, no, PIECE)).fetchall():
            no, seq = rows[-1][0], rows[-1][-1]
            yield self._rows([self._opened(row) for row in rows])

    def _opened(self, row: Sequence[Any]) -> Stored:
        no, account, kind, id_, partition, raw, person, _ = row
        vault = self.store.vault
        return no, account, kind, id_, partition, vault.opened_raw(raw), person and vault.opened_word(person)

    def _rows(self, stored: Sequence[Stored]) -> Made:
        made: Columns = {}
        for (account, kind), some in groupby(sorted(stored, key=itemgetter(1, 2)), key=itemgetter(1, 2)):
            if (rows := self._rows_of(account, kind)) is not None:
                rows.into(made, list(some))
        return {table: encoded_columns(columns) for table, columns in made.items()}

    def _rows_of(self, account: str, kind: str) -> StoredRows | None:
        """What makes rows of such records; None where they are nobody's any more."""
        connection = self.connections.get(account)
        if connection is None or not offers(connection, kind):
            return None
        if (account, kind) not in self._makers:
            maker = RowMaker(connection.vendor.name, self.region, self.look.mask, self.look.words)
            self._makers[account, kind] = StoredRows(connection, kind, maker)
        return self._makers[account, kind]


async def _make(pieces: Iterator[Made], made: list[Made]) -> None:
    if (piece := await to_thread.run_sync(next, pieces, None)) is not None:
        made.append(piece)


async def _taken(child: Child, piece: Made) -> None:
    for table, blobs in piece.items():
        columns = [list(one) for one in COLUMNS[table].items()]
        await child.ask({"op": "load", "table": table, "columns": columns}, blobs)


def _count(database: sqlite3.Connection) -> int:
    return int(database.execute("SELECT count(*) FROM records").fetchone()[0])


def _gone(database: sqlite3.Connection, base_seq: int) -> bytes:
    """The numbers of records whose rows in the base are no more true."""
    question = "SELECT no FROM records WHERE seq > ? UNION ALL SELECT no FROM gone WHERE seq > ?"
    return json.dumps([no for (no,) in database.execute(question, (base_seq, base_seq))]).encode()
