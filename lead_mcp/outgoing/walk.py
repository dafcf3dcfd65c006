"""Going through any JSON by what its places hold; personal values known from elsewhere are looked for in its free text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from lead_mcp.filters import folded
from lead_mcp.outgoing.kinds import Kinds
from lead_mcp.outgoing.pseudonyms import WHOLE
from lead_mcp.outgoing.scanning import Mask, Scanner
from lead_mcp.vendors.spec.fields import Personal
from lead_mcp.vendors.spec.shapes import EMAIL, shape_of

PAIRS: Final = ("attribute", "field", "key", "name")
"""``{"Attribute": name, "Value": value}`` and its like: the value goes by the name beside it."""
PLAIN_ID: Final = re.compile(r"[\w.\-]+", re.ASCII)
WORD: Final = re.compile(r"\w{3,}")


@dataclass(frozen=True)
class Walk:
    """Goes through any JSON by what its places hold, and puts what ``mask`` gives in the place of personal values."""

    mask: Mask
    kinds: Kinds
    known: KnownValues | None = None

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
class KnownValues:
    """Personal values known from elsewhere (the call, the record itself), looked for in free text."""

    kinds: Mapping[str, Personal]
    """By folded value."""
    spellings: Mapping[str, str]
    """Value to folded value."""

    @staticmethod
    def of(found: Iterable[tuple[Personal, str]], beside: KnownValues | None = None) -> KnownValues | None:
        """Whole values, and of names each word too; ``beside``: what is known already."""
        kinds, spellings = (dict(beside.kinds), dict(beside.spellings)) if beside else ({}, {})
        for kind, value in found:
            words = WORD.findall(value) if kind == "name" else ()
            for one in (value.strip(), *words):
                if len(one) > 2:
                    spellings[one] = folded(one)
                    kinds[spellings[one]] = kind
        return KnownValues(kinds, spellings) if kinds else None

    def masked(self, text: str, mask: Mask) -> str:
        same = folded(text)
        there = sorted((one for one, plain in self.spellings.items() if plain in same), key=len, reverse=True)
        if not there:
            return text
        pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, there))})(?!\w)", re.IGNORECASE)
        return pattern.sub(lambda match: mask(self.kinds.get(folded(match[0]), "other"), match[0]), text)


def collecting(found: list[tuple[Personal, str]]) -> Mask:
    """A mask that leaves every value as it is, and writes down what is personal."""

    def mask(kind: Personal, value: str) -> str:
        found.append((kind, value))
        return value

    return mask
