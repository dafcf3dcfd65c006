"""Secrets redacted from text, however they are spelled there.

A spelling is a chain of escapes (JSON's, percent, HTML's, in any order and several times over), or base64 or hex of the
secret, alone or inside something longer. Text is read through its escapes step by step, and searched after every step.

That costs too much for every page of a large answer, so a quick look comes first. Nobody escapes letters and digits for
no reason: where no escape could stand for one, the longest run of letters and digits of a secret stands in the text as it
is, or the secret is not there at all.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, Final
from urllib.parse import quote, quote_plus, unquote

REDACTED: Final = "[secret]"
SHORTEST: Final = 4
"""Shorter secrets are left alone: they would tear holes into what leads say."""
SHORTEST_ENCODED: Final = 8
"""Letters of base64 or hex by which a secret is known."""
PIECE: Final = 1 << 17
"""Characters that are searched in one call, about."""
ROUNDS: Final = 8
"""Escapes inside escapes that are read through."""

RUN: Final = re.compile(r"[A-Za-z0-9]+")
JSON_ESCAPE: Final = re.compile(r'\\(?:u([0-9A-Fa-f]{4})|(["\\/]))')
WORD: Final = "3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa]"
"""Letters and digits, as two hex digits."""
MARK: Final = "2[35]|5[Cc]"
"""``#``, ``%`` and the backslash, which begin an escape or stand in one; ``&`` is common, and matters before few words."""
NUMBER: Final = r"3[578]|92|4[89]|5[0-7]|6[5-9]|7\d|8\d|90|9[789]|1[01]\d|12[012]"
"""All of these, in decimal."""
NAME: Final = "(?:amp|AMP|num;|percnt;|bsol;|fjlig;)"
"""The names in HTML of all of these; two need no semicolon."""
ESCAPES: Final = (
    ("\\", re.compile(rf"\\u00(?:{WORD}|{MARK}|26(?=#|{NAME}))")),
    ("%", re.compile(rf"%(?:{WORD}|{MARK}|26(?=#|{NAME}))")),
    ("&", re.compile(rf"&(?:#0*(?:{NUMBER})(?!\d)|#[xX]0*(?:{WORD}|{MARK}|26)|amp;?(?=#|{NAME})|(?!amp){NAME})")),
)
"""By its first character: an escape that could stand for a letter, a digit, or the beginning of another escape."""


def unescaped_json(text: str) -> str:
    """``text`` with the escapes of a JSON string read; what is none stays."""
    if "\\" not in text:
        return text
    return JSON_ESCAPE.sub(lambda found: chr(int(found[1], 16)) if found[1] else found[2], text)


def unescaped_html(text: str) -> str:
    """``text`` with the entities of HTML read."""
    if "&" not in text:
        return text
    import html  # and its table of names, which few replies need

    return html.unescape(text)


STEPS: Final = (unescaped_json, unquote, unescaped_html)


@dataclass(frozen=True)
class Redactor:
    """Redacts ``secrets`` (in clear). It keeps nothing of what it has read."""

    secrets: tuple[str, ...] = field(repr=False)

    def text(self, text: str) -> str:
        """``text`` without secrets. Where there was one, the escapes round it are read as well."""
        if not self.secrets or self.is_clean(text):
            return text
        found = read = text
        for _ in range(ROUNDS):
            before = read
            for step in STEPS:
                without = self._without(read)
                found = without if without != read else found
                read = step(without)
            if read == before:
                break
        return found

    def tree(self, value: Any) -> Any:
        """Parsed JSON without secrets, in keys and in numbers too; what holds none is the same object."""
        if isinstance(value, str):
            return self.text(value) if self._sign.search(value) else value
        if isinstance(value, Mapping):
            found = {self.tree(key): self.tree(one) for key, one in value.items()}
            same = all(a is b for a, b in zip(found, value, strict=False)) and len(found) == len(value)
            return value if same and all(found[key] is value[key] for key in value) else found
        if isinstance(value, list):
            items = [self.tree(one) for one in value]
            return value if all(a is b for a, b in zip(items, value, strict=True)) else items
        if value is None or isinstance(value, bool):
            return value
        return value if self.text(str(value)) == str(value) else REDACTED

    def is_clean(self, text: str) -> bool:
        """Whether no secret can be in ``text``, by a quick look; False is no proof of one."""
        for run in self._runs:
            if run in text:
                return False
        return not any(first in text and _has(escape, text) for first, escape in ESCAPES)

    def _without(self, text: str) -> str:
        """``text`` without the secrets that need no further escape read."""
        for form in self._plain:
            text = text.replace(form, REDACTED)
        for form in self._encoded:
            if form in text:
                text = re.sub(rf"[A-Za-z0-9+/_-]*{re.escape(form)}[A-Za-z0-9+/_-]*=*", REDACTED, text)
        return text

    @cached_property
    def _plain(self) -> tuple[str, ...]:
        """The secrets as text may hold them; the longer first, as one may begin another."""
        found = {form for secret in self.secrets for form in readings(secret)}
        found |= {form.replace(" ", "+") for form in found}  # a form's body spells a space so
        return tuple(sorted((form for form in found if len(form) >= SHORTEST), key=len, reverse=True))

    @cached_property
    def _encoded(self) -> tuple[str, ...]:
        """What is sure to stand in any base64 or hex of a secret, or of one escaped before it was encoded."""
        spelled = {
            form
            for secret in self.secrets
            for form in (secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1])
        }
        found = {form for one in spelled for form in (*in_base64(one.encode()), *in_hex(one.encode()))}
        return tuple(sorted((form for form in found if len(form) >= SHORTEST_ENCODED), key=len, reverse=True))

    @cached_property
    def _runs(self) -> frozenset[str]:
        """For each form its longest run of letters and digits."""
        return frozenset(max(RUN.findall(form), key=len, default="") for form in (*self._plain, *self._encoded))

    @cached_property
    def _sign(self) -> re.Pattern[str]:
        """What a short text has that needs a closer look."""
        return re.compile("|".join([r"[\\%&]", *map(re.escape, sorted(self._runs))]))


def _has(escape: re.Pattern[str], text: str) -> bool:
    """Whether an escape stands in the text. It goes piece by piece, as one call on all of it lets nobody else run; a piece
    ends behind a quotation mark, which no escape holds."""
    start = 0
    while start < len(text):
        end = text.find('"', start + PIECE) + 1 or len(text)
        if escape.search(text, start, end):
            return True
        start = end
    return False


def redactor(secrets: Iterable[str]) -> Redactor:
    """The redactor of these secrets, of which those too short are left out."""
    return _made(frozenset(secret for secret in secrets if len(secret) >= SHORTEST))


@lru_cache(maxsize=64)
def _made(secrets: frozenset[str]) -> Redactor:
    return Redactor(tuple(sorted(secrets)))


def readings(secret: str) -> set[str]:
    """The secret, and what becomes of one that itself looks like escapes when escapes are read."""
    found, read = {secret}, secret
    for _ in range(ROUNDS):
        for step in STEPS:
            read = step(read)
            found.add(read)
    return found


def in_base64(secret: bytes) -> list[str]:
    """The middle of its base64, after as many other bytes as may stand before it in a group of three."""
    found = list[str]()
    for before in range(3):
        first, end = -(-before * 8 // 6), (before + len(secret)) * 8 // 6
        spelled = (encode(bytes(before) + secret) for encode in (base64.b64encode, base64.urlsafe_b64encode))
        found += [one.decode()[first:end] for one in spelled]
    return found


def in_hex(secret: bytes) -> list[str]:
    """Its hex digits in both cases."""
    return [secret.hex(), secret.hex().upper()]
