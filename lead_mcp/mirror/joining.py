"""Who is the same person, kept up as records come and go: only the people that a change touches are joined anew.

The rules are those of ``sql/people.py``. A key beside too many names (``shared``) joins nobody; whether it is, is looked at
again whenever a record that has it changes. Records whose person became another get the change's number, so that they are
written anew.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from lead_mcp.engine.persons.shared import MOST_NAMES
from lead_mcp.mirror.records import Kept
from lead_mcp.mirror.store import Database, in_pieces
from lead_mcp.sql.people import roots
from lead_mcp.uris import lead_uri

NAMES: Final = (
    "SELECT DISTINCT name FROM keys JOIN records USING (no) WHERE key = ? AND joins AND name IS NOT NULL LIMIT ?"
)
NOBODY: Final[Mapping[int, Kept]] = MappingProxyType({})


@dataclass(frozen=True)
class _Touched:
    """What the touched keys are now. ``holders``: the records of those that join somebody, or did before."""

    shared: set[str]
    holders: dict[str, list[int]]
    steady: bool
    """Whether each of them is shared as it was."""

    @property
    def numbers(self) -> set[int]:
        return {no for numbers in self.holders.values() for no in numbers}


def join(
    database: Database,
    changed: Collection[int],
    touched: Collection[str],
    seq: int,
    added: Mapping[int, Kept] = NOBODY,
) -> dict[int, str]:
    """Give the changed records, and whoever is one with them by a touched key, their persons.

    ``added``: those of the changed that are not stored yet, though their keys are; their persons.
    """
    found = _touched(database, touched, added)
    if found.steady and len(added) == len(changed):
        return _merged(database, found, seq, added)
    numbers = {*changed, *found.numbers} - added.keys()
    numbers |= _of_persons(database, set(_persons(database, numbers).values()))
    keys, (own, before) = _keys(database, numbers), _own(database, numbers)
    further = {key for some in keys.values() for key in some}.difference(touched)
    shared = found.shared | _known(database, "SELECT key FROM shared WHERE key IN", further)
    keys.update((no, one.joins) for no, one in added.items())
    own.update((no, lead_uri(one.account, one.id)) for no, one in added.items())
    persons = dict(
        zip(own, _roots(database, [keys.get(no, ()) for no in own], list(own.values()), shared), strict=True)
    )
    moved = [(person, seq, no) for no, person in persons.items() if no not in added and before[no] != person]
    database.executemany("UPDATE records SET person = ?, seq = ? WHERE no = ?", moved)
    return persons


def _merged(database: Database, found: _Touched, seq: int, added: Mapping[int, Kept]) -> dict[int, str]:
    """The same where records were only added: so persons grow together and nobody's comes apart, and each person stands for
    all of its keys, of which it is the smallest."""
    before = _persons(database, found.numbers - added.keys())
    pairs = list({(key, before[no]) for key, numbers in found.holders.items() for no in numbers if no in before})
    own = [lead_uri(one.account, one.id) for one in added.values()]
    joins = [one.joins for one in added.values()]
    persons = _roots(database, [*joins, *pairs], [*own, *("" for _ in pairs)], found.shared)
    moved = {(now, seq, was) for (_, was), now in zip(pairs, persons[len(own) :], strict=True) if now != was}
    database.executemany("UPDATE records SET person = ?, seq = ? WHERE person = ?", moved)
    return dict(zip(added, persons, strict=False))


def _roots(
    database: Database, keys: Iterable[Sequence[str]], own: Sequence[str], shared: Iterable[str]
) -> Sequence[str]:
    """The persons of leads with these keys, worked out from the values themselves."""
    if not database.vault.mark:
        return roots([tuple(some) for some in keys], own, set(shared))
    word = database.vault.opened_word
    opened = [tuple(map(word, some)) for some in keys]
    return list(map(database.vault.word, roots(opened, own, set(map(word, shared)))))


def _touched(database: sqlite3.Connection, touched: Collection[str], added: Mapping[int, Kept]) -> _Touched:
    """What they are now; ``shared`` is brought up to date."""
    before = _known(database, "SELECT key FROM shared WHERE key IN", touched)
    holders = _holders(database, {*touched} - before)
    crowded = before | {key for key, numbers in holders.items() if len(numbers) > MOST_NAMES}
    named = _names(added) if crowded else {}
    now = {key for key in crowded if _is_shared(database, key, named.get(key, ()))}
    database.executemany("INSERT OR IGNORE INTO shared VALUES (?)", [(key,) for key in now - before])
    database.executemany("DELETE FROM shared WHERE key = ?", [(key,) for key in before - now])
    return _Touched(now, holders | _holders(database, before - now), now == before)


def _names(added: Mapping[int, Kept]) -> dict[str, set[str]]:
    """The names that stand beside each key."""
    found: dict[str, set[str]] = {}
    for one in added.values():
        for key in one.joins if one.name is not None else ():
            found.setdefault(key, set()).add(one.name or "")
    return found


def _is_shared(database: sqlite3.Connection, key: str, names: Iterable[str]) -> bool:
    """Whether a key stands beside too many names: those of stored records, and further ones."""
    return len({*names, *(name for (name,) in database.execute(NAMES, (key, MOST_NAMES + 1)))}) > MOST_NAMES


def _known(database: sqlite3.Connection, question: str, values: Iterable[str]) -> set[str]:
    found = set[str]()
    for marks, piece in in_pieces(sorted(values)):
        found.update(one for (one,) in database.execute(f"{question} ({marks})", piece))
    return found


def _holders(database: sqlite3.Connection, keys: Collection[str]) -> dict[str, list[int]]:
    """The records that each of the keys joins, where it joins any."""
    found: dict[str, list[int]] = {}
    for marks, piece in in_pieces(sorted(keys)):
        for key, no in database.execute(f"SELECT key, no FROM keys WHERE joins AND key IN ({marks})", piece):
            found.setdefault(key, []).append(no)
    return found


def _persons(database: sqlite3.Connection, numbers: Collection[int]) -> dict[int, str]:
    """The person of each record that is one's."""
    found: dict[int, str] = {}
    for marks, piece in in_pieces(sorted(numbers)):
        rows = database.execute(f"SELECT no, person FROM records WHERE person IS NOT NULL AND no IN ({marks})", piece)
        found.update(rows.fetchall())
    return found


def _of_persons(database: sqlite3.Connection, persons: Collection[str]) -> set[int]:
    found = set[int]()
    for marks, piece in in_pieces(sorted(persons)):
        found.update(no for (no,) in database.execute(f"SELECT no FROM records WHERE person IN ({marks})", piece))
    return found


def _keys(database: sqlite3.Connection, numbers: Collection[int]) -> dict[int, Sequence[str]]:
    found: dict[int, Sequence[str]] = {}
    for marks, piece in in_pieces(sorted(numbers)):
        for no, key in database.execute(f"SELECT no, key FROM keys WHERE joins AND no IN ({marks})", piece):
            found[no] = (*found.get(no, ()), key)
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
