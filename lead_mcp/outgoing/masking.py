"""``LEAD_MCP_PII=masked``: personal values leave as stable pseudonyms, on every path.

A pseudonym is a keyed hash (the key lies in the state folder), so the same e-mail is the same pseudonym everywhere: joins
and counts still work. Filters still take real values, but only ``eq``, ``in`` and ``exists``: a range, ``contains``, a
sort or a text search would let somebody spell a value out. E-mails and telephone numbers inside other text are found and
masked too.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from dataclasses import field as attribute
from datetime import datetime
from decimal import Decimal
from ipaddress import AddressValueError, IPv6Address
from pathlib import Path
from secrets import token_bytes
from typing import Any, Final
from urllib.parse import unquote, unquote_plus

from lead_mcp.errors import BadArgument, NotAllowed
from lead_mcp.filters import Op, folded
from lead_mcp.phones import e164
from lead_mcp.state_dir import private_file, private_folder, read_private
from lead_mcp.vendors.spec.fields import Field

KINDS: Final[Mapping[str, re.Pattern[str]]] = {
    "email": re.compile(r"e?-?mail", re.IGNORECASE),
    "phone": re.compile(r"phone|mobile|fax|\bcell|number_dialed|msisdn", re.IGNORECASE),
    "ip": re.compile(r"(^|[_.a-z])ip(_?addr|lat|long|$)|ipaddress|ipadress|\bip\b", re.IGNORECASE),
    "address": re.compile(r"addr|street|^lat$|^long$|latitude|longitude|postdata|postal|zip", re.IGNORECASE),
    "birth": re.compile(r"birth|\bdob\b", re.IGNORECASE),
    "name": re.compile(r"^(first|last|full|middle|sur|given|family)?_?name$|firstname|lastname", re.IGNORECASE),
}
OURS: Final = {
    "email": "email",
    "phone": "phone",
    "name": "name",
    "first_name": "name",
    "last_name": "name",
    "address": "address",
    "postal_code": "address",
}
NOT_PERSONAL: Final = frozenset(
    "form_name formName username campaign_name source_name status_name directory_name user_name list_name plan_name "
    "conversionName googleAdsCampaignName googleAdsAdGroupName phone_code carrier_name AlternateName".split()
)
LOCAL: Final = r"A-Za-z0-9._%+'\-\u00c0-\uffff"
EMAIL: Final = re.compile(
    rf"(?<![{LOCAL}])[{LOCAL}]+(?:@|%40)[A-Za-z0-9.\-\u00c0-\uffff]+\.[A-Za-z\u00c0-\uffff]{{2,}}", re.IGNORECASE
)
PHONE: Final = re.compile(
    r"(?<![\w/\-.])(?<!\d\d:)(?:%2B|\+|00)?\(?\d[\d ().\-]{7,16}\d(?:(?=x\d)|(?![\w/\-:]))", re.IGNORECASE
)
PAIR: Final = re.compile(r"(?<![\w.\-])(?P<name>[\w.\-]{2,60})=(?P<value>[^&;\s\"'<>]+)")
ELEMENT: Final = re.compile(r"<(?P<name>[\w.\-]{2,60})>(?P<value>[^<]+)</")
"""A form's body or query, and XML."""
STAMP: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
IP: Final = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?!\w|\.\d)")
IP6: Final = re.compile(r"(?<![\w:.])(?=[0-9a-f]*:[0-9a-f]*:)[0-9a-f:]{3,39}(?![\w:])", re.IGNORECASE)
PSEUDONYM: Final = re.compile(rf"({'|'.join(KINDS)}|other)_[0-9a-f]{{10}}")
HOLDERS: Final = frozenset("custom formData userData".split())
"""Whole forms: their text holds names and addresses."""
ASKABLE: Final = frozenset({Op.EQ, Op.IN, Op.EXISTS})


@dataclass(frozen=True)
class Masker:
    """Makes pseudonyms with one key."""

    key: bytes = attribute(repr=False)
    region: str = "US"

    def pseudonym(self, kind: str, value: str) -> str:
        """The same for the same value, however it is spelled; a pseudonym is its own."""
        if PSEUDONYM.fullmatch(value):
            return value
        plain = (
            (e164(value, self.region) or "".join(filter(str.isdigit, value)))
            if kind == "phone"
            else folded(value.strip())
        )
        return f"{kind}_{hmac.new(self.key, f'{kind}:{plain}'.encode(), hashlib.sha256).hexdigest()[:10]}"

    def value(self, name: str, value: Any) -> Any:
        """A field's value as it may be shown."""
        kind = kind_of(name)
        if value is None or value == "" or isinstance(value, bool):
            return value
        if kind is not None and isinstance(value, str | int | float | Decimal | datetime):
            return self.pseudonym(kind, str(value))
        return self.tree(value, name)

    def tree(self, value: Any, name: str = "") -> Any:
        """A record, or any JSON, with its personal parts masked: by key, and inside every text."""
        if isinstance(value, Mapping):
            named = self._pairs(value)
            return (
                named
                if named is not None
                else {key: self.value(_under(name, key), item) for key, item in value.items()}
            )
        if isinstance(value, list):
            return [self.value(name, item) for item in value]
        return self.text(value) if isinstance(value, str) else value

    def _pairs(self, value: Mapping[str, Any]) -> dict[str, Any] | None:
        """``{"Attribute": name, "Value": value}`` and its like: the value goes by the name beside it."""
        lower = {str(key).lower(): key for key in value}
        names = [lower[key] for key in ("attribute", "key", "name") if key in lower]
        if len(value) <= 3 and names and "value" in lower and isinstance(value[names[0]], str):
            return {**value, lower["value"]: self.value(str(value[names[0]]), value[lower["value"]])}
        return None

    def text(self, text: str) -> str:
        """Text with every e-mail, telephone number and IP address in it masked, and what a record in it names."""
        found = self._record(text)
        found = EMAIL.sub(lambda match: self.pseudonym("email", unquote(match[0])), found)
        found = IP.sub(lambda match: self.pseudonym("ip", match[0]), found)
        found = IP6.sub(self._ip6, found)
        return PHONE.sub(self._phone, found)

    def _record(self, text: str) -> str:
        """A record written as text (JSON, a form's body, XML): its values go by the names beside them."""
        if text.lstrip()[:1] in ("{", "["):
            with suppress(ValueError, RecursionError):
                return json.dumps(self._unnamed(json.loads(text)), ensure_ascii=False)
        found = PAIR.sub(self._pair, text) if "=" in text else text
        return ELEMENT.sub(self._pair, found) if "</" in found else found

    def _unnamed(self, found: Any) -> Any:
        """A bare list of texts says nowhere what they are: some form's answers, all of them masked."""
        if isinstance(found, list):
            return [
                self.pseudonym("other", one) if isinstance(one, str) and one else self._unnamed(one) for one in found
            ]
        return self.tree(found)

    def _pair(self, match: re.Match[str]) -> str:
        kind = kind_of(match["name"])
        if kind is None or not match["value"].strip():
            return match[0]
        start, end = (at - match.start() for at in match.span("value"))
        return match[0][:start] + self.pseudonym(kind, unquote_plus(match["value"])) + match[0][end:]

    def _phone(self, match: re.Match[str]) -> str:
        digits = sum(map(str.isdigit, match[0]))
        if not 9 <= digits <= 15 or STAMP.match(match[0]):
            return match[0]
        return self.pseudonym("phone", unquote(match[0]))

    def _ip6(self, match: re.Match[str]) -> str:
        """A time of day has colons too: what is no address stays."""
        try:
            return self.pseudonym("ip", IPv6Address(match[0]).compressed)
        except AddressValueError:
            return match[0]


def _under(name: str, key: Any) -> str:
    """What a value inside goes by: its own key, or the name above it where only that one says what it is."""
    return str(key) if kind_of(str(key)) or not kind_of(name) else name


def kind_of(name: str) -> str | None:
    """What kind of personal value a field of that name holds; None where it holds none."""
    last = name.removeprefix("raw.").rpartition(".")[2]
    if name in OURS:
        return OURS[name]
    if last in NOT_PERSONAL:
        return None
    return next((kind for kind, words in KINDS.items() if words.search(last)), None)


CURRENT: ContextVar[Masker | None] = ContextVar("lead_mcp_masker", default=None)


@contextmanager
def masked_by(masker: Masker | None) -> Iterator[None]:
    """Everything shown inside is masked by ``masker``."""
    token = CURRENT.set(masker)
    try:
        yield
    finally:
        CURRENT.reset(token)


def shown(name: str, value: Any) -> Any:
    """A field's value, masked where masks are on."""
    masker = CURRENT.get()
    return value if masker is None else masker.value(name, value)


def shown_tree(value: Any) -> Any:
    """A whole record or any JSON, masked where masks are on."""
    masker = CURRENT.get()
    return value if masker is None else masker.tree(value)


def shown_text(text: str) -> str:
    """Text, masked where masks are on."""
    masker = CURRENT.get()
    return text if masker is None else masker.text(text)


def is_on() -> bool:
    return CURRENT.get() is not None


class MaskGuard:
    """What may be asked of masked fields: nothing that would spell a value out (see ``engine/guard.py``)."""

    def check_filter(self, name: str, field: Field, op: Op) -> None:
        holds = kind_of(name) or name.removeprefix("raw.") in HOLDERS
        if holds and op not in ASKABLE:
            raise BadArgument(f"filters: {name} is masked (LEAD_MCP_PII=masked) and takes only eq, in and exists.")

    def check_order(self, name: str, field: Field, argument: str) -> None:
        if kind_of(name):
            raise BadArgument(f"{argument}: {name} is masked (LEAD_MCP_PII=masked) and cannot be ordered or compared.")

    def check_text(self, text: str) -> None:
        message = "text: a free-text search is off while LEAD_MCP_PII=masked; filter with email eq or phone eq instead."
        raise NotAllowed(message)


def check_no_pseudonyms(values: Mapping[str, Any] | None, where: str) -> None:
    """Raises BadArgument where somebody hands a pseudonym back as if it were a value."""
    for name, value in (values or {}).items():
        if isinstance(value, str) and PSEUDONYM.fullmatch(value.strip()):
            raise BadArgument(
                f"{where}: {name} is a mask, not a value; this server shows masked values (LEAD_MCP_PII)."
            )


def masker_in(folder: Path, region: str) -> Masker:
    """The masker whose key lies in the state folder; the key is made on first use. Raises NotAllowed."""
    path = folder / "mask.key"
    try:
        private_folder(folder)
        try:
            descriptor = private_file(path, new=True)
        except FileExistsError:
            return Masker(_read(path), region)
        with os.fdopen(descriptor, "wb") as file:
            file.write(token_bytes(32))
        return Masker(_read(path), region)
    except OSError as error:
        message = f"The mask key in {folder} cannot be read or made ({error.strerror}). Check LEAD_MCP_STATE_DIR."
        raise NotAllowed(message) from None


def _read(path: Path) -> bytes:
    """The key; another process may be writing it just now."""
    import time

    for _ in range(100):
        key = read_private(path)
        if len(key) == 32:
            return key
        time.sleep(0.01)
    raise OSError(None, "the key is not whole")
