"""``LEAD_MCP_PII=masked``: personal values leave as stable pseudonyms, on every path.

What is personal is said by the field maps (``kinds.py``), for the rest by names (``names.py``) and by the look of values
(``scanning.py``). A pseudonym is a keyed hash (the key lies in the state folder, ``mask_key.py``), so the same e-mail is the
same pseudonym everywhere: joins and counts still work.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from dataclasses import field as attribute
from datetime import datetime
from typing import Any, Final

from lead_mcp.engine.records import Record
from lead_mcp.outgoing.kinds import LEAD, Kinds, kind_of, of_anybody, stronger
from lead_mcp.outgoing.pseudonyms import WHOLE, Pseudonyms
from lead_mcp.outgoing.walk import KnownValues, Walk, collecting
from lead_mcp.vendors.spec.fields import PERSONAL, Field, FieldMap, Personal

NAMES: Final = ("name", "first_name", "last_name", "address", "postal_code")
"""What of a lead is looked for in its own free text."""


@dataclass(frozen=True)
class Masker:
    """Makes pseudonyms with one key; ``accounts``: what the records of each account hold, by kind of record."""

    key: bytes = attribute(repr=False)
    region: str = "US"
    accounts: Mapping[str, Mapping[str, Kinds]] = attribute(default_factory=dict, repr=False)
    known: KnownValues | None = attribute(default=None, repr=False)
    anybody: Kinds = attribute(default_factory=Kinds, repr=False)
    """What names mean where no account is at hand."""

    def pseudonym(self, kind: Personal, value: str) -> str:
        return Pseudonyms(self.key, self.region).of(kind, value)

    def knowing(self, arguments: Any) -> Masker:
        """This masker, which also knows the personal values in there: those a call was made with, or a story's names."""
        found: list[tuple[Personal, str]] = []
        Walk(collecting(found), self.anybody).value(arguments, "", None)
        return replace(self, known=KnownValues.of(found, self.known))

    def text(self, text: str) -> str:
        """Text with everything personal in it masked."""
        return str(self._walk(self.anybody).value(text, "", None))

    def tree(self, value: Any) -> Any:
        """Any JSON, by the names in it."""
        return self._walk(self.anybody).value(value, "", None)

    def named(self, name: str, value: Any, account: str = "") -> Any:
        """The value of what ``account`` calls ``name``: a field of ours, of the vendor's, of a write."""
        kinds = self._kinds(account, LEAD)
        return self._walk(kinds).value(value, name, kinds.of(name))

    def field(self, record: Record, name: str, value: Any) -> Any:
        """The value of one of a record's fields (``value``: readable already)."""
        if value is None or value == "":
            return value
        known, what = record.reads(name), record_kind(record.uri)
        kind = self.kind(name, known, record.account, what)
        if kind in WHOLE:
            return self._walk(self.anybody).value(value, name, kind)
        if isinstance(record.get(name), datetime):
            return value
        walk = self._walk(self._kinds(record.account, what))
        if kind != "" and isinstance(value, str | list | dict):
            walk = replace(walk, known=KnownValues.of(_names_of(record), self.known))
        return walk.value(value, known.paths[0] if known and known.paths else name, kind)

    def kind(self, name: str, known: Field | None, account: str = "", what: str = "") -> Personal:
        """What a field is: as it says itself, or as the account's map says of the places it reads, if that is more."""
        kind = kind_of(name, known)
        if kind in WHOLE or known is None:
            return kind
        some = self.accounts.get(account, {})
        everybody = (one for found in self.accounts.values() for one in found.values())
        maps = [some[what]] if what in some else [*some.values()] or [*everybody]
        return stronger(kind, *(kinds.places.get(path) for kinds in maps for path in known.paths))

    def of_kind(self, kind: Personal | None, value: Any, path: str = "") -> Any:
        """A value of a kind that somebody has found out already."""
        return self._walk(self.anybody).value(value, path, kind)

    def raw(self, record: Record, raw: Any, discovered: FieldMap | None = None) -> Any:
        """A whole record as its vendor sent it (``raw``: cleaned already)."""
        kinds = self._kinds(record.account, record_kind(record.uri)).with_discovered(discovered)
        found: list[tuple[Personal, str]] = []
        Walk(collecting(found), kinds).value(raw, "", None)
        names = [(kind, value) for kind, value in found if kind in ("name", "address")]
        return replace(self._walk(kinds), known=KnownValues.of(names, self.known)).value(raw, "", None)

    def _walk(self, kinds: Kinds) -> Walk:
        return Walk(self.pseudonym, kinds, self.known)

    def _kinds(self, account: str, kind: str) -> Kinds:
        return self.accounts.get(account, {}).get(kind, self.anybody)


def _names_of(record: Record) -> Iterator[tuple[Personal, str]]:
    for name in NAMES:
        if isinstance(value := record.get(name), str):
            yield PERSONAL[name], value


def record_kind(uri: str) -> str:
    """``lead``, or the direction of a ping."""
    return uri.split("/", 4)[3] if uri.startswith("ping://") else LEAD


def masker_of(key: bytes, region: str, accounts: Mapping[str, Mapping[str, Kinds]]) -> Masker:
    return Masker(key, region, accounts, anybody=of_anybody(accounts.values()))


# --- the masker in use --------------------------------------------------------------------------------------------

CURRENT: ContextVar[Masker | None] = ContextVar("lead_mcp_masker", default=None)


@contextmanager
def masked_by(masker: Masker | None) -> Iterator[None]:
    """Everything rendered inside is masked by ``masker``."""
    token = CURRENT.set(masker)
    try:
        yield
    finally:
        CURRENT.reset(token)


def masker_in_use() -> Masker | None:
    return CURRENT.get()


def masked(name: str, value: Any, account: str = "") -> Any:
    """The value of what ``account`` calls ``name`` (ours, the vendor's, a write's), masked where masks are on."""
    masker = CURRENT.get()
    return value if masker is None else masker.named(name, value, account)


def masked_text(text: str) -> str:
    """Text, with everything personal in it masked where masks are on."""
    masker = CURRENT.get()
    return text if masker is None else masker.text(text)


def masked_tree(value: Any) -> Any:
    """Any JSON, masked by the names in it where masks are on."""
    masker = CURRENT.get()
    return value if masker is None else masker.tree(value)
