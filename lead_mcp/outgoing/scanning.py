"""Finding what is personal inside text: e-mails, telephone numbers, addresses of machines, values beside a name that tells.

Text is looked at as it is written and as it reads when its escapes are undone (percent, entities, backslashes, base64, hex):
where only the second shows something, the second is what leaves, masked.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final
from urllib.parse import unquote, unquote_plus

from lead_mcp.outgoing.pseudonyms import WHOLE
from lead_mcp.vendors.spec.fields import Personal

Mask = Callable[[Personal, str], str]
"""What stands in the place of a personal value."""
Named = Callable[[str], Personal | None]
"""What values of a name are."""

SUSPECT: Final = re.compile(r"[@\uff20\ufe6b%&=<{\[\\]|\d[\d\W]{5}|\d\.\d|:[^:]*:|[A-Za-z0-9+/_\-]{12}")
"""Text without any of these holds nothing that is looked for here."""
LOCAL: Final = r"\w.%+'\-!#$*?^~"
EMAIL: Final = re.compile(
    rf"(?<![{LOCAL}])[{LOCAL}]+(?:[@\uff20\ufe6b]|%40)+(?:\[[0-9a-f:.]+\]|\w(?:[\w.\-]*\w)?)", re.IGNORECASE
)
GAP: Final = r" \u00a0\u2009\u202f().\-\u2010-\u2015\u2212/\u00b7\u2022"
"""What people write between the digits of a telephone number."""
PHONE: Final = re.compile(
    rf"(?<![\w/\-.@])(?<!\d\d:)(?:%2B|\+|00)?\(?\d[\d{GAP}]{{7,18}}\d(?:(?=x\d)|(?![\w/\-:@]))", re.IGNORECASE
)
DATE: Final = re.compile(r"(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4})(?!\d)[ ]?")
IP: Final = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?!\w|\.\d)")
IP6: Final = re.compile(r"(?<![\w:.])(?=[0-9a-f]*:[0-9a-f]*:)[0-9a-f:]{3,39}(?![\w:])", re.IGNORECASE)
PAIR: Final = re.compile(r"(?<![\w.\-])(?P<name>[\w.\-\[\]]{2,60})=(?P<value>[^&;\s\"'<>]+)")
ELEMENT: Final = re.compile(r"<(?P<name>[\w.\-:]{2,60})(?: [^<>]*)?>(?P<value>[^<]+)</")
QUOTED: Final = re.compile(
    r"\\*[\"'](?P<name>[\w.\- ]{2,60})\\*[\"']\s*(?::|=>)\s*(?P<mark>\\*[\"'])(?P<value>.+?)(?<!\\)(?P=mark)"
)
"""A form's body or query, XML, a piece of JSON or of somebody's printed record."""
ESCAPED: Final = re.compile(r"\S*(?:%[0-9a-f]{2}|&#?\w{2,8};|\\[ux][0-9a-f]{2})\S*", re.IGNORECASE)
BACKSLASH: Final = re.compile(r"\\(?:u([0-9a-f]{4})|x([0-9a-f]{2}))", re.IGNORECASE)
CODED: Final = re.compile(r"(?<![A-Za-z0-9+/_\-=])(?:[A-Za-z0-9+/_\-]{12,})={0,2}(?![A-Za-z0-9+/_\-=])")
HEX: Final = re.compile(r"(?:[0-9a-f]{2}){8,}", re.IGNORECASE)
DEPTH: Final = 4
"""Codes within codes that are undone."""


@dataclass(frozen=True)
class Scanner:
    """Masks what it finds. ``named``: what a name that stands beside a value says of it."""

    mask: Mask
    named: Named

    def text(self, text: str, depth: int = DEPTH) -> str:
        """``text`` with everything personal in it masked. Masking twice changes nothing more."""
        if not SUSPECT.search(text):
            return text
        found = self._beside_names(text)
        if depth:
            found = ESCAPED.sub(lambda match: self._plain(match[0], _unescaped(match[0]), depth), found)
            found = CODED.sub(lambda match: self._coded(match[0], depth), found)
        if "@" in found or "%40" in found or "\uff20" in found or "\ufe6b" in found:
            found = EMAIL.sub(lambda match: self.mask("email", _at(unquote(match[0]))), found)
        if found.count(".") > 2:
            found = IP.sub(self._ip, found)
        if found.count(":") > 1:
            found = IP6.sub(self._ip6, found)
        return PHONE.sub(self._phone, found)

    def _beside_names(self, text: str) -> str:
        found = PAIR.sub(self._pair, text) if "=" in text else text
        found = ELEMENT.sub(self._element, found) if "</" in found else found
        return QUOTED.sub(self._element, found) if '"' in found or "'" in found else found

    def _pair(self, match: re.Match[str]) -> str:
        value = match["value"]
        if (kind := self.named(match["name"])) in WHOLE:
            return f"{match['name']}={self.mask(kind, unquote_plus(value))}"
        return f"{match['name']}={self._beside_names(value)}" if "=" in value else match[0]

    def _element(self, match: re.Match[str]) -> str:
        kind = self.named(match["name"])
        if kind not in WHOLE or not match["value"].strip():
            return match[0]
        start, end = (place - match.start() for place in match.span("value"))
        return match[0][:start] + self.mask(kind, html.unescape(match["value"])) + match[0][end:]

    def _plain(self, written: str, plain: str, depth: int) -> str:
        """The text as it reads, where that shows something personal."""
        masked = self.text(plain, depth - 1) if plain != written else plain
        return masked if masked != plain else written

    def _coded(self, written: str, depth: int) -> str:
        for plain in (_from_base64(written), _from_hex(written)):
            if plain is not None and self.text(plain, depth - 1) != plain:
                return self.mask("other", written)
        return written

    def _ip(self, match: re.Match[str]) -> str:
        try:
            return self.mask("ip", str(IPv4Address(match[0])))
        except AddressValueError:
            return match[0]

    def _ip6(self, match: re.Match[str]) -> str:
        """A time of day has colons too: what is no address stays."""
        try:
            return self.mask("ip", IPv6Address(match[0]).compressed)
        except AddressValueError:
            return match[0]

    def _phone(self, match: re.Match[str]) -> str:
        """A date before it, or alone, is none."""
        date = DATE.match(match[0])
        if date:
            return date[0] + PHONE.sub(self._phone, match[0][date.end() :])
        return self.mask("phone", unquote(match[0])) if 9 <= sum(map(str.isdigit, match[0])) <= 15 else match[0]


def _at(text: str) -> str:
    return text.replace("\uff20", "@").replace("\ufe6b", "@")


def _unescaped(text: str) -> str:
    """``text`` with percent signs, entities and backslashes undone, as often as they are nested."""
    for _ in range(DEPTH):
        plain = html.unescape(unquote(BACKSLASH.sub(lambda found: chr(int(found[1] or found[2], 16)), text)))
        if plain == text:
            break
        text = plain
    return text


def _from_base64(text: str) -> str | None:
    bare = text.rstrip("=").replace("-", "+").replace("_", "/")
    with suppress(binascii.Error, UnicodeDecodeError):
        return _printable(base64.b64decode(bare + "=" * (-len(bare) % 4)).decode("utf-8"))
    return None


def _from_hex(text: str) -> str | None:
    if HEX.fullmatch(text):
        with suppress(ValueError, UnicodeDecodeError):
            return _printable(bytes.fromhex(text).decode("utf-8"))
    return None


def _printable(text: str) -> str | None:
    return text if text.replace("\n", " ").isprintable() else None
