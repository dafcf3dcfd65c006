"""Records into the store, out of it, and what is never to come back. Each function works within one transaction."""

from __future__ import annotations

import hashlib
import hmac
import sqlite3
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from lead_mcp.mirror.joining import join
from lead_mcp.mirror.records import Kept
from lead_mcp.mirror.store import Database, counted_up, in_pieces, last_number, meta
from lead_mcp.uris import lead_uri

Complete = Callable[[Sequence[Kept]], list[Kept]]
CHANGING: Final = "partition, at, raw, name, seq, pass"
Known = tuple[int, str | bytes, str | None]
"""A stored record's number, what was sent (sealed where there is a key), and its partition."""
FOUND: Final = "SELECT id, no, raw, partition FROM records WHERE account = ? AND kind = ? AND id IN"


@dataclass
class Saved:
    """What a batch came to. ``changed``: records that are new or different now."""

    read: int = 0
    changed: int = 0
    removed: int = 0

    def __add__(self, other: Saved) -> Saved:
        return Saved(self.read + other.read, self.changed + other.changed, self.removed + other.removed)


@dataclass
class _Batch:
    """Records of one account and kind on their way in."""

    database: Database
    number: int
    """Of the pass in which they were read."""
    seq: int = 0
    known: dict[str, Known] = field(default_factory=dict)
    """What there is of them already, by their ids."""
    changed: set[int] = field(default_factory=set)
    touched: set[str] = field(default_factory=set)
    """Keys that a changed record has or had, by which records are joined."""

    def fresh(self, records: Sequence[Kept]) -> list[Kept]:
        """Those that are new or others now; of the rest it is noted that they were met. Each comes once."""
        self.known = known = self._known(records)
        raw = self.database.vault.raw
        same = {
            one.id: known[one.id][0]
            for one in records
            if one.id in known and known[one.id][1:] == (raw(str(one.raw)), one.partition)
        }
        numbers = [(self.number, no) for no in same.values()]
        self.database.executemany("UPDATE records SET pass = ? WHERE no = ?", numbers)
        return [one for one in records if one.id not in same]

    def save(self, fresh: Sequence[Kept]) -> None:
        self.seq = counted_up(self.database, "seq")
        changed = {self.known[one.id][0]: one for one in fresh if one.id in self.known}
        new = (one for one in fresh if one.id not in self.known)
        added = dict(enumerate(new, 1 + last_number(self.database)))
        self._change(changed)
        self._put_keys({**changed, **added})
        persons = dict[int, str]()
        if any(one.kind == "lead" for one in (*changed.values(), *added.values())):
            persons = join(self.database, self.changed, self.touched, self.seq, added)
        self._add(added, persons)

    def _known(self, records: Sequence[Kept]) -> dict[str, Known]:
        first = records[0]
        found: dict[str, Known] = {}
        for marks, ids in in_pieces([one.id for one in records]):
            rows = self.database.execute(f"{FOUND} ({marks})", (first.account, first.kind, *ids))
            found.update({id_: (no, raw, partition) for id_, no, raw, partition in rows})
        return found

    def _add(self, added: Mapping[int, Kept], persons: Mapping[int, str]) -> None:
        self.database.executemany(
            f"INSERT INTO records (no, account, kind, id, person, {CHANGING}) VALUES (?,?,?,?,?,?,?,?,?,?,?)",
            [(no, one.account, one.kind, one.id, persons.get(no), *self._changing(one)) for no, one in added.items()],
        )

    def _change(self, changed: Mapping[int, Kept]) -> None:
        self.database.executemany(
            f"UPDATE records SET ({CHANGING}) = (?,?,?,?,?,?) WHERE no = ?",
            [(*self._changing(one), no) for no, one in changed.items()],
        )
        for no in changed:
            self.touched |= forget_keys(self.database, no)
        numbers = [(no,) for no in changed]
        self.database.executemany("UPDATE listings SET listed = 0 WHERE no = ? AND listed IS NOT NULL", numbers)

    def _changing(self, one: Kept) -> tuple[Any, ...]:
        return one.partition, one.at, one.raw, one.name, self.seq, self.number

    def _put_keys(self, numbered: Mapping[int, Kept]) -> None:
        """What the records are found by. In order, since SQLite takes sorted rows into a tree faster."""
        rows = sorted((key, no, key in one.joins) for no, one in numbered.items() for key in one.keys)
        self.database.executemany("INSERT INTO keys VALUES (?, ?, ?)", rows)
        self.changed.update(numbered)
        self.touched.update(key for one in numbered.values() for key in one.joins)


def save(database: Database, records: Sequence[Kept], number: int, complete: Complete = list) -> Saved:
    """Put in records of one account and kind, read in pass ``number``; each once; those forgotten are left out.

    ``complete``: adds what they are found by; it is asked only for those that are not here as they are.
    """
    if not records:
        return Saved()
    batch = _Batch(database, number)
    fresh = batch.fresh(list({one.id: one for one in records}.values()))
    if fresh and (fresh := allowed(database, complete(fresh))):
        batch.save(database.vault.sealed(fresh))
    return Saved(len(records), len(batch.changed))


def forget_keys(database: sqlite3.Connection, no: int) -> set[str]:
    """Drop what a record is found by; the keys that joined it."""
    rows = database.execute("SELECT key FROM keys WHERE no = ? AND joins", (no,)).fetchall()
    database.execute("DELETE FROM keys WHERE no = ?", (no,))
    return {key for (key,) in rows}


def remove(database: Database, numbers: Collection[int]) -> int:
    """Take records out, and the recordings of leads with them; how many."""
    if not numbers:
        return 0
    numbers = {*numbers, *(one for no in numbers for one in recordings_of(database, no))}
    seq, touched, persons = counted_up(database, "seq"), set[str](), set[str]()
    for no in numbers:
        row = database.execute("SELECT person FROM records WHERE no = ?", (no,)).fetchone()
        persons.update(one for one in row or () if one)
        touched |= forget_keys(database, no)
        database.execute("DELETE FROM records WHERE no = ?", (no,))
        database.execute("DELETE FROM listings WHERE no = ?", (no,))
        database.execute("INSERT OR REPLACE INTO gone VALUES (?, ?)", (no, seq))
    beside = set[int]()
    for marks, piece in in_pieces(sorted(persons)):
        beside.update(no for (no,) in database.execute(f"SELECT no FROM records WHERE person IN ({marks})", piece))
    join(database, beside, touched, seq)
    return len(numbers)


def recordings_of(database: Database, no: int) -> list[int]:
    """The recordings of a lead; none of another record."""
    lead = database.execute("SELECT account, id FROM records WHERE no = ? AND kind = 'lead'", (no,)).fetchone()
    key = database.vault.word(f"u:{lead_uri(*lead)}") if lead else ""
    found = database.execute("SELECT no FROM keys JOIN records USING (no) WHERE key = ? AND kind = 'recording'", (key,))
    return [one for (one,) in found]


def unseen(
    database: sqlite3.Connection, account: str, kind: str, since: int | None, until: int, number: int
) -> list[int]:
    """Records of a time that a whole reading of it (pass ``number``) did not meet: their vendor has them no more."""
    rows = database.execute(
        "SELECT no FROM records WHERE account = ? AND kind = ? AND at < ? AND at >= ? AND pass < ?",
        (account, kind, until, since if since is not None else -(2**62), number),
    )
    return [no for (no,) in rows]


def older(database: sqlite3.Connection, before: int) -> list[int]:
    """Records from before a moment."""
    return [no for (no,) in database.execute("SELECT no FROM records WHERE at < ?", (before,))]


# --- what is never to come back -----------------------------------------------------------------------------------


def marks_of(database: Database, names: Iterable[str]) -> dict[str, str]:
    """Each key or ``u:URI`` as the store remembers it, salted: what was erased cannot be read from there."""
    salt = database.vault.salted(meta(database, "salt"))
    return {name: hmac.new(salt, name.encode(errors="replace"), hashlib.sha256).hexdigest() for name in names}


def names_of(record: Kept) -> set[str]:
    """Everything that a record may have been forgotten by."""
    own = {f"u:{lead_uri(record.account, record.id)}"} if record.kind == "lead" else set()
    return {*record.keys, *own}


def allowed(database: Database, records: Sequence[Kept]) -> list[Kept]:
    """The records but those of whom somebody said: forget them."""
    if database.execute("SELECT 1 FROM forgotten LIMIT 1").fetchone() is None:
        return list(records)
    marks = marks_of(database, {name for one in records for name in names_of(one)})
    gone = set[str]()
    for questions, piece in in_pieces(list(marks.values())):
        gone.update(m for (m,) in database.execute(f"SELECT mark FROM forgotten WHERE mark IN ({questions})", piece))
    return [one for one in records if not any(marks[name] in gone for name in names_of(one))]


def forget(database: Database, names: Iterable[str], numbers: Collection[int]) -> int:
    """Erase records, and remember the names so that no sync brings them back; how many were erased."""
    marks = marks_of(database, names)
    database.executemany("INSERT OR IGNORE INTO forgotten VALUES (?)", [(mark,) for mark in marks.values()])
    return remove(database, numbers)
