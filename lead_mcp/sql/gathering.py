"""Rows on their way to the engine: records become rows, rows become columns of JSON, in a thread and in pieces.

Held encoded, about as small as they were sent, until everything is read: only then is it known who is the same person.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import anyio
from anyio import to_thread

from lead_mcp.engine.notes import JoinedNobody
from lead_mcp.engine.records import Record
from lead_mcp.sql.people import People
from lead_mcp.sql.rows import Mask, Row, decoded, encoded
from lead_mcp.sql.tables import TABLES

PIECE: Final = 5000
"""Rows that are encoded and loaded at a time."""
Rows = Callable[[Record], Mapping[str, Sequence[Row]]]
"""A record's rows by table."""


@dataclass
class Piece:
    """Some rows of a table, a JSON list a column."""

    table: str
    rows: int
    blobs: list[bytes]


@dataclass
class GatheredRows:
    """Everything that was read for one statement. ``columns`` of each table, in order."""

    columns: Mapping[str, Sequence[str]]
    people: People | None = None
    pieces: list[Piece] = field(default_factory=list)
    size: int = 0
    """Bytes of all pieces, encoded."""
    _waiting: list[tuple[Rows, Record]] = field(default_factory=list)
    _turn: anyio.Lock = field(default_factory=anyio.Lock)

    def take(self, rows: Rows, record: Record) -> None:
        """One record as it comes in; its rows are made later."""
        self._waiting.append((rows, record))

    async def drain(self, least: int = PIECE) -> None:
        """Make rows of what waits, if there are enough of them, in a thread."""
        if len(self._waiting) < least:
            return
        async with self._turn:
            taken, self._waiting = self._waiting, []
            for start in range(0, len(taken), PIECE):
                await to_thread.run_sync(self._convert, taken[start : start + PIECE])

    def put(self, table: str, rows: Sequence[Row]) -> None:
        """Rows that are made already."""
        if rows:
            blobs = encoded(rows, len(self.columns[table]))
            self.pieces.append(Piece(table, len(rows), blobs))
            self.size += sum(map(len, blobs))

    def _convert(self, taken: Sequence[tuple[Rows, Record]]) -> None:
        by_table: dict[str, list[Row]] = {}
        for rows, record in taken:
            for table, made in rows(record).items():
                by_table.setdefault(table, []).extend(made)
        for table, made in by_table.items():
            self.put(table, made)

    async def join_people(self, mask: Mask) -> JoinedNobody | None:
        """Fill in ``person_id`` once every lead is here; what joined nobody."""
        if self.people is None or "person_id" not in self.columns.get("leads", ()):
            return None
        return await to_thread.run_sync(partial(self._join, self.people, mask))

    def _join(self, people: People, mask: Mask) -> JoinedNobody | None:
        ids = iter(people.ids(lambda column, value: str(mask(column, value, None))))
        nth = self.columns["leads"].index("person_id")
        for piece in self.pieces:
            if piece.table == "leads":
                (piece.blobs[nth],) = encoded([[next(ids)] for _ in range(piece.rows)], 1)
        return people.note()

    async def leave_out(self, accounts: Collection[str]) -> None:
        """Forget every row of these accounts."""
        await to_thread.run_sync(self._keep_others, accounts)

    def _keep_others(self, accounts: Collection[str]) -> None:
        kept = [_without(piece, self.columns[piece.table].index("account"), accounts) for piece in self.pieces]
        self.pieces = [piece for piece in kept if piece is not None]

    def loads(self) -> Iterator[tuple[str, list[tuple[str, str]], list[bytes]]]:
        """What to load: table, names and types of columns, their values."""
        for piece in self.pieces:
            types = TABLES[piece.table].types
            yield piece.table, [(name, types[name]) for name in self.columns[piece.table]], piece.blobs


def _without(piece: Piece, nth: int, accounts: Collection[str]) -> Piece | None:
    """The piece without the rows of these accounts, which stand in its column ``nth``; None where none are left."""
    rows = decoded(piece.blobs, piece.rows)
    kept = [row for row in rows if row[nth] not in accounts]
    if len(kept) == len(rows):
        return piece
    return Piece(piece.table, len(kept), encoded(kept, len(piece.blobs))) if kept else None
