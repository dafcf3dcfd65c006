"""``records.sqlite``: every record as it was sent, how far each account was read, what must not come back.

Every change of the records has a number (``seq``): what has a larger one than a base holds has changed since. Numbers of
records (``no``) are never given twice. ``listings``: leads whose recordings are kept, each with when they were listed (NULL:
never; 0: the lead has changed since). Times are microseconds since 1970. SQLite's write-ahead log lets every process read
while one writes.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from secrets import token_hex
from threading import Lock
from typing import Any, Final

from lead_mcp.dates import EPOCH
from lead_mcp.errors import NotConfigured, Unavailable
from lead_mcp.mirror.place import Place
from lead_mcp.mirror.records import MICROSECOND, RECORDING, micros
from lead_mcp.mirror.vault import ANEW, Vault, wrong_key
from lead_mcp.state_dir import private_file, private_folder

FORMAT: Final = "2"
"""Of this file. One of another format is refused: the vendors still have everything."""
SEALED_FORMAT: Final = "3"
"""Of one whose personal values are sealed (``vault``); ``meta`` has the mark of the key."""
NAME: Final = "records.sqlite"
WAIT: Final = 30.0
"""Seconds that a writer waits for another one's transaction."""
TABLES: Final = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE records (
  no INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, partition TEXT,
  at INTEGER, raw TEXT NOT NULL, name TEXT, person TEXT, seq INTEGER NOT NULL, pass INTEGER NOT NULL,
  UNIQUE (account, kind, id));
CREATE INDEX records_seq ON records (seq);
CREATE INDEX records_at ON records (account, kind, at);
CREATE INDEX records_person ON records (person) WHERE person IS NOT NULL;
CREATE TABLE keys (key TEXT NOT NULL, no INTEGER NOT NULL, joins INTEGER NOT NULL, PRIMARY KEY (key, no)) WITHOUT ROWID;
CREATE INDEX keys_no ON keys (no);
CREATE TABLE shared (key TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE gone (no INTEGER PRIMARY KEY, seq INTEGER NOT NULL);
CREATE TABLE places (account TEXT NOT NULL, kind TEXT NOT NULL, place TEXT NOT NULL, PRIMARY KEY (account, kind));
CREATE TABLE forgotten (mark TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE listings (no INTEGER PRIMARY KEY, account TEXT NOT NULL, at INTEGER, listed INTEGER);
CREATE INDEX listings_listed ON listings (account, listed, at);
"""
PRAGMAS: Final = (
    "foreign_keys=OFF",
    "synchronous=NORMAL",
    "secure_delete=ON",
    "temp_store=MEMORY",
    "cache_size=-8000",
    "wal_autocheckpoint=4000",  # pages (16 MB): a page that changes again and again is moved into the file once
)


class Database(sqlite3.Connection):
    """A connection, and what seals the values that it stores."""

    vault: Vault


@dataclass(frozen=True)
class Store:
    """The file in its folder. Any thread may call every method: what reads opens a connection of its own."""

    folder: Path
    vault: Vault = field(default_factory=Vault)
    _turn: Lock = field(default_factory=Lock, compare=False, repr=False)
    _open: list[Database | None] = field(default_factory=list, compare=False, repr=False)
    """For each ``held``, the connection that was opened within it, if any."""

    @property
    def path(self) -> Path:
        return self.folder / NAME

    @property
    def exists(self) -> bool:
        """Whether there is a mirror; a process that was killed while it made one leaves an empty file."""
        if not self.path.is_file():
            return False
        try:
            with closing(self._connected()) as database:
                return bool(database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])
        except sqlite3.DatabaseError:
            return True  # no database: what is wrong with it is said where it is read

    @contextmanager
    def reading(self) -> Iterator[Database]:
        """A connection that reads one state of the records throughout.

        Raises NotConfigured where there is no mirror, or one of another format or key; Unavailable where it cannot be read.
        """
        if not self.exists:
            raise NotConfigured("There is no mirror yet: run `lead-mcp mirror sync`.")
        with closing(self._connected()) as database:
            try:
                database.execute("PRAGMA query_only=ON")
                self._check(database)
                database.execute("BEGIN")
                yield database
            except sqlite3.Error as error:
                raise Unavailable(f"The mirror in {self.folder} cannot be read: {error}.") from error

    @contextmanager
    def writing(self) -> Iterator[Database]:
        """One transaction: whole, or not at all. Only who holds the lock may ask for one. Raises Unavailable."""
        with self._turn, self._writer() as database:
            try:
                database.execute("BEGIN IMMEDIATE")
                self._check(database, new=True)
                yield database
                database.execute("COMMIT")
            except sqlite3.Error as error:  # the disk is full, say
                raise Unavailable(f"The mirror in {self.folder} cannot be written: {error}.") from error
            finally:
                if database.in_transaction:
                    database.rollback()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Within it one connection serves all transactions: with the last one closed, SQLite moves its whole log."""
        self._open.append(None)
        try:
            yield
        finally:
            with self._turn:
                if (database := self._open.pop()) is not None:
                    database.close()

    @contextmanager
    def _writer(self) -> Iterator[Database]:
        if self._open and self._open[-1] is not None:
            yield self._open[-1]
            return
        database = self._ready()
        if self._open:
            self._open[-1] = database
            yield database
            return
        with closing(database):
            yield database

    def _ready(self) -> Database:
        """A connection that may write. Raises Unavailable."""
        private_folder(self.folder)
        os.close(private_file(self.path))
        database = self._connected()
        try:
            for pragma in ("journal_mode=WAL", *PRAGMAS):
                database.execute(f"PRAGMA {pragma}")
        except sqlite3.Error as error:
            database.close()
            raise Unavailable(f"The mirror in {self.folder} cannot be written: {error}.") from error
        return database

    def settle(self) -> None:
        """Nothing of what was taken out stays in the log beside the file."""
        with closing(self._connected()) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _connected(self) -> Database:
        """Used by one thread at a time, though not always by the same one."""
        database = sqlite3.connect(
            self.path, timeout=WAIT, isolation_level=None, check_same_thread=False, factory=Database
        )
        database.vault = self.vault
        return database

    def _check(self, database: sqlite3.Connection, *, new: bool = False) -> None:
        """Make the tables in an empty file. Raises NotConfigured where the file is of another format or key."""
        if database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0 and new:
            for statement in TABLES.split(";\n"):
                database.execute(statement)
            own = [("format", SEALED_FORMAT), ("sealed", self.vault.mark)] if self.vault.mark else [("format", FORMAT)]
            values = [*own, ("seq", "0"), ("pass", "0"), ("salt", token_hex(16))]
            database.executemany("INSERT INTO meta VALUES (?, ?)", values)
        try:
            found = meta(database, "format")
        except sqlite3.DatabaseError:
            found = "none"
        if found not in (FORMAT, SEALED_FORMAT):
            made = f"was made by another version of lead-mcp (format {found}, not {FORMAT} or {SEALED_FORMAT})"
            raise NotConfigured(f"The mirror in {self.folder} {made}. {ANEW}.")
        if (mark := meta(database, "sealed")) != self.vault.mark:
            raise NotConfigured(f"The mirror in {self.folder} {wrong_key(mark, self.vault.mark)}")

    def place(self, account: str, kind: str) -> Place:
        """How far the account was read; an empty place where it never was."""
        return self.places().get((account, kind), Place())

    def places(self) -> dict[tuple[str, str], Place]:
        """Every place, by account and kind."""
        if not self.exists:
            return {}
        with self.reading() as database:
            return places_in(database)

    def counts(self) -> dict[tuple[str, str], int]:
        """How many records there are, by account and kind."""
        with self.reading() as database:
            rows = database.execute("SELECT account, kind, count(*) FROM records GROUP BY account, kind").fetchall()
        return {(account, kind): many for account, kind, many in rows}


def meta(database: sqlite3.Connection, name: str) -> str:
    row = database.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    return str(row[0]) if row else ""


def counted_up(database: sqlite3.Connection, name: str) -> int:
    """The next number of ``seq`` or ``pass``."""
    number = int(meta(database, name)) + 1
    database.execute("UPDATE meta SET value = ? WHERE name = ?", (str(number), name))
    return number


def last_number(database: sqlite3.Connection) -> int:
    """The largest number that a record ever had."""
    row = database.execute("SELECT seq FROM sqlite_sequence WHERE name = 'records'").fetchone()
    return int(row[0]) if row else 0


def places_in(database: sqlite3.Connection) -> dict[tuple[str, str], Place]:
    """Every place, by account and kind. Recordings reach back to the latest lead whose recordings were never listed."""
    found: dict[tuple[str, str], Place] = {}
    for account, kind, text in database.execute("SELECT account, kind, place FROM places").fetchall():
        place = Place.unpacked(text)
        if kind == RECORDING and place.as_of is not None:
            place = replace(place, reached=_listed_back_to(database, account, micros(place.as_of) or 0))
        found[account, kind] = place
    return found


def _listed_back_to(database: sqlite3.Connection, account: str, as_of: int) -> datetime | None:
    questions = (
        "SELECT max(at) FROM listings WHERE account = ? AND listed IS NULL AND at < ?",
        f"SELECT max(at) FROM records WHERE no > {adopted(database, account)} AND account = ? AND kind = 'lead' AND at < ?",
    )
    found = [database.execute(one, (account, as_of)).fetchone()[0] for one in questions]
    latest = max((one for one in found if one is not None), default=None)
    return None if latest is None else EPOCH + (latest + 1) * MICROSECOND


def adopted(database: sqlite3.Connection, account: str) -> int:
    """The number up to which the account's leads stand in ``listings``."""
    return int(meta(database, f"adopted {account}") or 0)


def adopt(database: sqlite3.Connection, account: str) -> None:
    """All that there are now do."""
    database.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (f"adopted {account}", str(last_number(database))))


def put_place(database: sqlite3.Connection, account: str, kind: str, place: Place) -> None:
    database.execute("INSERT OR REPLACE INTO places VALUES (?, ?, ?)", (account, kind, place.packed()))


def in_pieces(values: Sequence[Any], size: int = 500) -> Iterator[tuple[str, Sequence[Any]]]:
    """Question marks for so many values at a time, and the values."""
    for start in range(0, len(values), size):
        piece = values[start : start + size]
        yield ",".join("?" * len(piece)), piece
