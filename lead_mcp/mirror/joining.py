"""Who is the same person, kept up as records come and go: only the people that a change touches are joined anew.

The rules are those of ``sql/people.py``. A key beside too many names (``shared``) joins nobody; whether it is, is looked at
again whenever a record that has it changes. Records whose person became another get the change's number, so that they are
written anew.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable
from typing import Final

from lead_mcp.mirror.store import Database, in_pieces
from lead_mcp.sql.people import MOST_NAMES, roots
from lead_mcp.uris import lead_uri

CROWDED: Final = (
    "SELECT value FROM json_each(?) WHERE "
    "(SELECT count(*) FROM (SELECT 1 FROM keys WHERE key = value AND joins LIMIT ?)) > ?"
)
NAMES: Final = (
    "SELECT DISTINCT name FROM keys JOIN records USING (no) WHERE key = ? AND joins AND name IS NOT NULL LIMIT ?"
)


def join(database: Database, changed: Collection[int], touched: Collection[str], seq: int) -> None:
    """Give the changed records, and whoever is one with them by a touched key, their persons."""
    numbers = {*changed, *_holders(database, _joining(database, touched))}
    numbers |= _of_persons(database, _persons(database, numbers))
    keys = _keys(database, numbers)
    shared = _known(database, "SELECT key FROM shared WHERE key IN", {key for found in keys.values() for key in found})
    own, before = _own(database, numbers)
    ordered, word = sorted(own), database.vault.opened_word
    opened = [tuple(sorted(map(word, keys.get(no, ())))) for no in ordered]
    found = map(database.vault.word, roots(opened, [own[no] for no in ordered], set(map(word, shared))))
    moved = [(root, seq, no) for no, root in zip(ordered, found, strict=True) if before[no] != root]
    database.executemany("UPDATE records SET person = ?, seq = ? WHERE no = ?", moved)


def _joining(database: sqlite3.Connection, touched: Collection[str]) -> set[str]:
    """The touched keys that join somebody now, or did before; ``shared`` is brought up to date."""
    before = _known(database, "SELECT key FROM shared WHERE key IN", touched)
    now = {key for key in _crowded(database, touched) if _is_shared(database, key)}
    database.executemany("INSERT OR IGNORE INTO shared VALUES (?)", [(key,) for key in now - before])
    database.executemany("DELETE FROM shared WHERE key = ?", [(key,) for key in before - now])
    return {key for key in touched if not (key in before and key in now)}


def _crowded(database: sqlite3.Connection, keys: Collection[str]) -> set[str]:
    """The keys of so many records that they may stand beside too many names: few are."""
    rows = database.execute(CROWDED, (json.dumps(sorted(keys)), MOST_NAMES + 1, MOST_NAMES))
    return {key for (key,) in rows}


def _is_shared(database: sqlite3.Connection, key: str) -> bool:
    return len(database.execute(NAMES, (key, MOST_NAMES + 1)).fetchall()) > MOST_NAMES


def _known(database: sqlite3.Connection, question: str, values: Iterable[str]) -> set[str]:
    found = set[str]()
    for marks, piece in in_pieces(sorted(values)):
        found.update(one for (one,) in database.execute(f"{question} ({marks})", piece))
    return found


def _holders(database: sqlite3.Connection, keys: Collection[str]) -> set[int]:
    found = set[int]()
    for marks, piece in in_pieces(sorted(keys)):
        rows = database.execute(f"SELECT no FROM keys WHERE joins AND key IN ({marks})", piece)
        found.update(no for (no,) in rows)
    return found


def _persons(database: sqlite3.Connection, numbers: Collection[int]) -> set[str]:
    found = set[str]()
    for marks, piece in in_pieces(sorted(numbers)):
        rows = database.execute(f"SELECT DISTINCT person FROM records WHERE no IN ({marks})", piece)
        found.update(person for (person,) in rows if person)
    return found


def _of_persons(database: sqlite3.Connection, persons: Collection[str]) -> set[int]:
    found = set[int]()
    for marks, piece in in_pieces(sorted(persons)):
        found.update(no for (no,) in database.execute(f"SELECT no FROM records WHERE person IN ({marks})", piece))
    return found


def _keys(database: sqlite3.Connection, numbers: Collection[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for marks, piece in in_pieces(sorted(numbers)):
        for no, key in database.execute(f"SELECT no, key FROM keys WHERE joins AND no IN ({marks})", piece):
            found.setdefault(no, []).append(key)
    return found


def _own(database: sqlite3.Connection, numbers: Collection[int]) -> tuple[dict[int, str], dict[int, str | None]]:
    """Each record's URI, and the person it had."""
    own: dict[int, str] = {}
    before: dict[int, str | None] = {}
    for marks, piece in in_pieces(sorted(numbers)):
        rows = database.execute(f"SELECT no, account, id, person FROM records WHERE no IN ({marks})", piece)
        for no, account, id_, person in rows:
            own[no], before[no] = lead_uri(account, id_), person
    return own, before
