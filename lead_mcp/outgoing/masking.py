"""``LEAD_MCP_PII=masked``: personal values leave as stable pseudonyms, on every path.

What is personal is said by the field maps (``kinds.py``), for the rest by names (``names.py``) and by the look of values
(``scanning.py``). A pseudonym is a keyed hash (the key lies in the state folder, ``mask_key.py``), so the same e-mail is the
same pseudonym everywhere: joins and counts still work.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, replace
from dataclasses import field as attribute
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from lead_mcp.engine.records import Record
from lead_mcp.filters import folded
from lead_mcp.outgoing.kinds import LEAD, Kinds, kind_of, of_anybody, stronger
from lead_mcp.outgoing.pseudonyms import WHOLE, Pseudonyms
from lead_mcp.outgoing.scanning import Mask, Scanner
from lead_mcp.vendors.spec.fields import PERSONAL, Field, FieldMap, Personal
from lead_mcp.vendors.spec.shapes import EMAIL, shape_of

PAIRS: Final = ("attribute", "field", "key", "name")
"""``{"Attribute": name, "Value": value}`` and its like: the value goes by the name beside it."""
NAMES: Final = ("name", "first_name", "last_name", "address", "postal_code")
"""What of a lead is looked for in its own free text."""
PLAIN_ID: Final = re.compile(r"[\w.\-]+", re.ASCII)
WORD: Final = re.compile(r"\w{3,}")


@dataclass(frozen=True)
class Walk:
    """Goes through any JSON by what its places hold, and puts what ``mask`` gives in the place of personal values."""

    mask: Mask
    kinds: Kinds
    known: Known | None = None

    def value(self, value: Any, path: str, kind: Personal | None) -> Any:
        """What stands at ``path``."""
        if value is None or value == "" or isinstance(value, bool):
            return value
        if isinstance(value, Mapping):
            return self._mapping(value, path, kind)
        if isinstance(value, list | tuple):
            return [self.value(item, path, kind) for item in value]
        if kind in WHOLE:  # an e-mail is one, whatever it was typed into
            text = str(value)
            return self.mask("email" if "@" in text and EMAIL.fullmatch(text.strip()) else kind, text)
        if isinstance(value, str):
            return self._text(value, path, kind)
        personal = kind != "" and isinstance(value, int | float | Decimal) and shape_of(_plain(value)) == "phone"
        return self.mask("phone", str(_plain(value))) if personal else value

    def _mapping(self, value: Mapping[str, Any], path: str, kind: Personal | None) -> dict[str, Any]:
        """An object, key by key; of a name and its value, the value goes by the name."""
        name = _name_beside(value)
        masked = {}
        for key, item in value.items():
            called = str(name if name is not None and str(key).lower() == "value" else key)
            place = f"{path}.{called}" if path else called
            above = self.kinds.of(called) if called is name else None
            masked[self._key(key)] = self.value(item, place, self.kinds.at(place, called, above or kind))
        return masked

    def _key(self, key: Any) -> str:
        text = str(key)
        return text if text.isidentifier() else self.sentence(text)

    def _text(self, text: str, path: str, kind: Personal | None) -> str:
        whole = self._json(text, path, kind) if text.lstrip()[:1] in ("{", "[") else None
        if whole is not None:
            return whole
        if kind == "form":
            return self.mask("other", text)
        if kind == "":  # an id may look like a telephone number
            return text if PLAIN_ID.fullmatch(text) else self._scanned(text)
        return self.sentence(text)

    def _json(self, text: str, path: str, kind: Personal | None) -> str | None:
        """A record written as text; a bare list of texts says nowhere what they are, so all of them are masked."""
        with suppress(ValueError, RecursionError):
            found = json.loads(text)
            if isinstance(found, dict | list):
                masked = self.value(found, path, "form" if isinstance(found, list) and kind != "" else kind)
                return text if masked == found else json.dumps(masked, ensure_ascii=False)
        return None

    def sentence(self, text: str) -> str:
        """Free text: what is known to be personal here is masked, then whatever looks it."""
        return self._scanned(self.known.masked(text, self.mask) if self.known else text)

    def _scanned(self, text: str) -> str:
        return Scanner(self.mask, self.kinds.of).text(text)


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, Decimal) and value == value.to_integral_value() else value


def _name_beside(value: Mapping[str, Any]) -> str | None:
    """The name in ``{"Attribute": name, "Value": value}``."""
    lower = {str(key).lower(): item for key, item in value.items()} if len(value) <= 3 else {}
    name = next((lower[key] for key in PAIRS if key in lower), None)
    return name if isinstance(name, str) and "value" in lower else None


@dataclass(frozen=True)
class Known:
    """Personal values known from elsewhere (the call, the record itself), looked for in free text."""

    kinds: Mapping[str, Personal]
    """By folded value."""
    spellings: Mapping[str, str]
    """Value to folded value."""

    @staticmethod
    def of(found: Iterable[tuple[Personal, str]], beside: Known | None = None) -> Known | None:
        """Whole values, and of names each word too; ``beside``: what is known already."""
        kinds, spellings = (dict(beside.kinds), dict(beside.spellings)) if beside else ({}, {})
        for kind, value in found:
            words = WORD.findall(value) if kind == "name" else ()
            for one in (value.strip(), *words):
                if len(one) > 2:
                    spellings[one] = folded(one)
                    kinds[spellings[one]] = kind
        return Known(kinds, spellings) if kinds else None

    def masked(self, text: str, mask: Mask) -> str:
        same = folded(text)
        there = sorted((one for one, plain in self.spellings.items() if plain in same), key=len, reverse=True)
        if not there:
            return text
        pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, there))})(?!\w)", re.IGNORECASE)
        return pattern.sub(lambda match: mask(self.kinds.get(folded(match[0]), "other"), match[0]), text)


@dataclass(frozen=True)
class Masker:
    """Makes pseudonyms with one key; ``accounts``: what the records of each account hold, by kind of record."""

    key: bytes = attribute(repr=False)
    region: str = "US"
    accounts: Mapping[str, Mapping[str, Kinds]] = attribute(default_factory=dict, repr=False)
    known: Known | None = attribute(default=None, repr=False)
    anybody: Kinds = attribute(default_factory=Kinds, repr=False)
    """What names mean where no account is at hand."""

    def pseudonym(self, kind: Personal, value: str) -> str:
        return Pseudonyms(self.key, self.region).of(kind, value)

    def knowing(self, arguments: Any) -> Masker:
        """This masker, which also knows the personal values in there: those a call was made with, or a story's names."""
        found: list[tuple[Personal, str]] = []
        Walk(_collecting(found), self.anybody).value(arguments, "", None)
        return replace(self, known=Known.of(found, self.known))

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
            walk = replace(walk, known=Known.of(_names_of(record), self.known))
        return walk.value(value, known.paths[0] if known and known.paths else name, kind)

    def kind(self, name: str, known: Field | None, account: str = "", what: str = "") -> Personal:
        """What a field is: as it says itself, or as the account's map says of the places it reads, if that is more."""
        kind = kind_of(name, known)
        if kind in WHOLE or known is None:
            return kind
        some = self.accounts.get(account, {})
        maps = [some[what]] if what in some else [one for found in self.accounts.values() for one in found.values()]
        return stronger(kind, *(kinds.places.get(path) for kinds in maps for path in known.paths))

    def of_kind(self, kind: Personal | None, value: Any, path: str = "") -> Any:
        """A value of a kind that somebody has found out already."""
        return self._walk(self.anybody).value(value, path, kind)

    def raw(self, record: Record, raw: Any, discovered: FieldMap | None = None) -> Any:
        """A whole record as its vendor sent it (``raw``: cleaned already)."""
        kinds = self._kinds(record.account, record_kind(record.uri)).with_discovered(discovered)
        found: list[tuple[Personal, str]] = []
        Walk(_collecting(found), kinds).value(raw, "", None)
        names = [(kind, value) for kind, value in found if kind in ("name", "address")]
        return replace(self._walk(kinds), known=Known.of(names, self.known)).value(raw, "", None)

    def _walk(self, kinds: Kinds) -> Walk:
        return Walk(self.pseudonym, kinds, self.known)

    def _kinds(self, account: str, kind: str) -> Kinds:
        return self.accounts.get(account, {}).get(kind, self.anybody)


def _names_of(record: Record) -> Iterator[tuple[Personal, str]]:
    for name in NAMES:
        if isinstance(value := record.get(name), str):
            yield PERSONAL[name], value


def _collecting(found: list[tuple[Personal, str]]) -> Mask:
    def mask(kind: Personal, value: str) -> str:
        found.append((kind, value))
        return value

    return mask


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
