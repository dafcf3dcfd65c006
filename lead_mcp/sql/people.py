"""Who is the same person: leads joined by telephone (E.164) and e-mail (folded), through any chain of them. Pure.

Guards, as a person would want them: a number that is plainly no number, and a number or e-mail that stands beside more than
``MOST_NAMES`` different names (a switchboard, ``info@``), join nobody; how many there were is said. The id is made of the
smallest of a person's numbers and e-mails, so that another window over the same leads mostly gives the same id.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

from lead_mcp.engine.notes import JoinedNobody
from lead_mcp.engine.persons.shared import MOST_NAMES
from lead_mcp.filters import folded

COLUMNS: Final = {"t": "phone_e164", "e": "email_folded"}
"""The column that a key's value stands in."""
SEQUENCES: Final = ("01234567890123456789", "98765432109876543210")
TEST_WORD: Final = re.compile(r"(?:^|[^a-z])(?:test|tester|testing|dummy|fake|asdf|qwerty)(?:[^a-z]|$)")
TEST_EMAIL: Final = re.compile(r"(?:no-?reply|none|null|asdf|qwerty)@|.*@(?:test|none|null|invalid)\.[a-z]+$")


def is_fake_phone(e164: str) -> bool:
    """``+10000000000``, ``+15555555555``, ``+11234567890``: one digit repeated, or digits in a row (nine at least)."""
    digits = e164.lstrip("+")
    national = digits[-10:]
    tail = digits[-9:]
    return len(set(national[1:])) <= 1 or any(tail in row for row in SEQUENCES)


def is_test(name: str | None, email: str | None, phone_e164: str | None) -> bool:
    """Whether the lead is plainly somebody's test."""
    address = folded(email or "").strip()
    return (
        TEST_WORD.search(folded(name or "")) is not None
        or TEST_WORD.search(address.partition("@")[0]) is not None
        or TEST_EMAIL.match(address) is not None
        or (phone_e164 is not None and is_fake_phone(phone_e164))
    )


def keys_of(phone_e164: str | None, email_folded: str | None) -> tuple[str, ...]:
    """What joins a lead to others: its phone and its e-mail, as ``t:`` and ``e:`` texts."""
    phone = f"t:{phone_e164}" if phone_e164 and not is_fake_phone(phone_e164) else ""
    return tuple(key for key in (phone, f"e:{email_folded}" if email_folded else "") if key)


@dataclass
class People:
    """Leads as they come in, by their keys; joined when all are there."""

    keys: list[tuple[str, ...]] = field(default_factory=list)
    """For each lead its phone and its e-mail, as ``t:`` and ``e:`` texts."""
    own: list[str] = field(default_factory=list)
    """For each lead what it is known by alone: its URI."""
    names: dict[str, set[str]] = field(default_factory=dict)

    def add(self, uri: str, name: str | None, phone_e164: str | None, email_folded: str | None) -> None:
        """One lead, with its real values."""
        found = keys_of(phone_e164, email_folded)
        self.keys.append(found)
        self.own.append(uri)
        for key in found:
            names = self.names.setdefault(key, set())
            if name and len(names) <= MOST_NAMES:
                names.add(folded(name).strip())

    @property
    def shared(self) -> frozenset[str]:
        """Keys beside too many names to be one person's."""
        return frozenset(key for key, names in self.names.items() if len(names) > MOST_NAMES)

    def note(self) -> JoinedNobody | None:
        """What joined nobody, without any value; None where there was no such key."""
        shared = self.shared
        phones = sum(key.startswith("t:") for key in shared)
        return JoinedNobody(phones, len(shared) - phones, MOST_NAMES) if shared else None

    def ids(self, seen: Callable[[str, str], str]) -> list[str]:
        """A ``person_id`` for each lead, in the order they came in. ``seen``: a column's value as others may see it."""
        found = roots(self.keys, self.own, self.shared)
        named = {root: person_id(root, seen) for root in set(found)}
        return [named[root] for root in found]


def roots(keys: Sequence[tuple[str, ...]], own: Sequence[str], shared: Collection[str]) -> list[str]:
    """For each lead the smallest key of its person: by its ``keys`` but those that are ``shared``, else ``own``."""
    parent = dict[str, str]()
    kept = [tuple(key for key in found if key not in shared) for found in keys]
    for found in kept:
        for key in found:
            _unite(parent, found[0], key)
    return [_root(parent, found[0]) if found else f"u:{one}" for found, one in zip(kept, own, strict=True)]


def person_id(root: str, seen: Callable[[str, str], str]) -> str:
    """An id made of what may be seen alone: a hash of a bare telephone number is soon undone."""
    kind, _, value = root.partition(":")
    text = f"{kind}:{seen(COLUMNS[kind], value)}" if kind in COLUMNS else root
    return "p" + hashlib.blake2b(text.encode(errors="replace"), digest_size=8).hexdigest()


def _root(parent: dict[str, str], key: str) -> str:
    """The smallest key of the person; the way there made short."""
    way = []
    while (above := parent.setdefault(key, key)) != key:
        way.append(key)
        key = above
    for one in way:
        parent[one] = key
    return key


def _unite(parent: dict[str, str], one: str, other: str) -> None:
    """The smaller root is the person's: so the id does not hang on the order of reading."""
    first, second = sorted((_root(parent, one), _root(parent, other)))
    parent[second] = first
