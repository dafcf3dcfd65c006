"""Records out of ``records.sqlite`` for the lake, and the lake's into it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lead_mcp.mirror.lake.state import LakeState
from lead_mcp.mirror.store import Store, adopted, in_pieces, last_number, meta, put_place

PAGE: Final = 1_000
OWN: Final = "no, account, kind, id, partition, at, raw, name, person, seq"
RAW: Final = OWN.split(", ").index("raw")
PIECE: Final = 1_000_000
"""Characters of raw records that are sent at a time."""
CHANGED: Final = f"SELECT {OWN} FROM records WHERE (seq, no) > (?, ?) ORDER BY seq, no LIMIT {PAGE}"
LISTED: Final = (
    "SELECT no, account, at, listed FROM listings "
    "WHERE listed >= ? OR no > ? OR no IN (SELECT no FROM records WHERE seq > ?)"
)
VERSION: Final = "lake_version"
SEQ: Final = "lake_seq"
"""Names of ``meta``: of which version of the lake the records are a copy, and the number of its last change."""
Rows = Sequence[Sequence[Any]]


def changed(database: sqlite3.Connection, since: int) -> Iterator[Rows]:
    """Records that changed since, some at a time, each with what it is found by."""
    seq, no = since, 2**62
    while rows := database.execute(CHANGED, (seq, no)).fetchall():
        no, seq = rows[-1][0], rows[-1][-1]
        keys = _keys(database, [row[0] for row in rows])
        yield from _bounded([[*row, json.dumps(keys.get(row[0], []))] for row in rows])


def _bounded(rows: Rows) -> Iterator[Rows]:
    """The rows, fewer at a time where they are long: whoever takes them in has each several times for a moment."""
    start = size = 0
    for end, row in enumerate(rows):
        size += len(row[RAW])
        if size > PIECE:
            yield rows[start : end + 1]
            start, size = end + 1, 0
    if start < len(rows):
        yield rows[start:]


def _keys(database: sqlite3.Connection, numbers: Sequence[int]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for marks, piece in in_pieces(numbers):
        for no, key, joins in database.execute(f"SELECT no, key, joins FROM keys WHERE no IN ({marks})", piece):
            found.setdefault(no, []).append([key, joins])
    return found


def beside(database: sqlite3.Connection, before: LakeState | None) -> dict[str, Rows]:
    """What the lake has beside the records: numbers that went since, keys that join nobody, marks of the forgotten, and the
    leads whose recordings were listed since, or are to be."""
    since, listed = (before.seq, before.listed) if before else (0, 0)
    known = min(before.adopted.values(), default=0) if before else 0
    return {
        "gone": database.execute("SELECT no, seq FROM gone WHERE seq > ?", (since,)).fetchall(),
        "shared": database.execute("SELECT key FROM shared").fetchall(),
        "forgotten": database.execute("SELECT mark FROM forgotten").fetchall(),
        "listings": database.execute(LISTED, (listed, known, since)).fetchall(),
    }


def counted(database: sqlite3.Connection) -> dict[str, dict[str, int]]:
    """How many records there are, by account and kind."""
    found: dict[str, dict[str, int]] = {}
    for account, kind, many in database.execute("SELECT account, kind, count(*) FROM records GROUP BY account, kind"):
        found.setdefault(account, {})[kind] = many
    return found


def counters(database: sqlite3.Connection) -> dict[str, Any]:
    accounts = [account for (account,) in database.execute("SELECT DISTINCT account FROM listings")]
    return {
        "salt": meta(database, "salt"),
        "passes": int(meta(database, "pass")),
        "last_no": last_number(database),
        "adopted": {account: adopted(database, account) for account in accounts},
        "listed": database.execute("SELECT coalesce(max(listed), 0) FROM listings").fetchone()[0],
    }


# --- into the file ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Standing:
    """Of which version of which lake (by its salt) the records are a copy, their last change, and that of the copy."""

    version: int = 0
    salt: str = ""
    seq: int = 0
    copied: int = 0

    @property
    def is_ahead(self) -> bool:
        """Whether something was changed here that the lake never got."""
        return self.seq != self.copied

    def is_copy_of(self, state: LakeState) -> bool:
        return (self.version, self.salt) == (state.version, state.salt)


def standing(store: Store) -> Standing:
    """Raises NotConfigured, Unavailable where the file cannot be used."""
    if not store.exists:
        return Standing()
    with store.reading() as database:
        version, copied = (int(meta(database, name) or 0) for name in (VERSION, SEQ))
        return Standing(version, meta(database, "salt"), int(meta(database, "seq")), copied)


def emptied(database: sqlite3.Connection) -> None:
    """Nothing of what is here holds any more: all of it comes anew."""
    for name in ("records", "keys", "gone", "listings"):
        database.execute(f"DELETE FROM {name}")


def put_gone(database: sqlite3.Connection, rows: Rows) -> None:
    """Take out what went since."""
    for no, seq in rows:
        database.execute("DELETE FROM keys WHERE no = ?", (no,))
        database.execute("DELETE FROM records WHERE no = ?", (no,))
        database.execute("DELETE FROM listings WHERE no = ?", (no,))
        database.execute("INSERT OR REPLACE INTO gone VALUES (?, ?)", (no, seq))


def put_records(database: sqlite3.Connection, rows: Rows) -> None:
    """Records as they are now, in place of those that were. None has been met by a pass of this file yet."""
    for marks, piece in in_pieces([row[0] for row in rows]):
        database.execute(f"DELETE FROM keys WHERE no IN ({marks})", piece)
    questions = ",".join("?" * (len(OWN.split(",")) + 1))
    database.executemany(
        f"INSERT OR REPLACE INTO records ({OWN}, pass) VALUES ({questions})", [(*row[:-1], 0) for row in rows]
    )
    keys = sorted((key, row[0], joins) for row in rows for key, joins in json.loads(row[-1]))
    database.executemany("INSERT INTO keys VALUES (?, ?, ?)", keys)


def put_listings(database: sqlite3.Connection, rows: Rows) -> None:
    database.executemany("INSERT OR REPLACE INTO listings VALUES (?, ?, ?, ?)", rows)


PUT: Final = {"gone": put_gone, "records": put_records, "listings": put_listings}


def begin(store: Store, state: LakeState, anew: bool) -> None:
    """Make the file one of that lake's; ``anew``: an empty one."""
    with store.writing() as database:
        if anew:
            emptied(database)
            put_meta(database, [("seq", 0), (SEQ, 0), (VERSION, 0)])
        put_meta(database, [("salt", state.salt)])


def put(store: Store, table: str, rows: Rows, upto: int) -> None:
    """Rows as they are now; ``upto``: the file holds all that changed up to there, where it is not 0."""
    with store.writing() as database:
        PUT[table](database, rows)
        if upto:
            put_meta(database, [("seq", upto), (SEQ, upto)])


def end(store: Store, state: LakeState, lists: Mapping[str, Rows]) -> None:
    """Lists, places and counters: with them the file is a copy of that version of the lake."""
    with store.writing() as database:
        for name, rows in lists.items():
            database.execute(f"DELETE FROM {name}")
            database.executemany(f"INSERT INTO {name} VALUES (?)", rows)
        database.execute("DELETE FROM places")
        for account, kinds in state.generation.places.items():
            for kind, place in kinds.items():
                put_place(database, account, kind, place)
        _put_counters(database, state)
        put_version(database, state)
    store.settle()


def _put_counters(database: sqlite3.Connection, state: LakeState) -> None:
    passes = max(state.passes, int(meta(database, "pass")))
    numbers = [(f"adopted {account}", no) for account, no in state.adopted.items()]
    put_meta(database, [("seq", state.seq), ("pass", passes), *numbers])
    if database.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = 'records'", (state.last_no,)).rowcount == 0:
        database.execute("INSERT INTO sqlite_sequence VALUES ('records', ?)", (state.last_no,))


def put_version(database: sqlite3.Connection, state: LakeState) -> None:
    """Note that the file is a copy of that version, or what the version was made from."""
    put_meta(database, [(VERSION, state.version), (SEQ, state.seq)])


def put_meta(database: sqlite3.Connection, values: Iterable[tuple[str, Any]]) -> None:
    texts = [(name, str(value)) for name, value in values]
    database.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", texts)
