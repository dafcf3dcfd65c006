"""What each kind of setting must look like. A wrong one is a SettingsError that names the key as its user wrote it.

A value is shown only where it can be no secret: people paste keys into the wrong place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from lead_mcp.errors import SettingsError, did_you_mean
from lead_mcp.hosts import is_loopback

Check = Callable[[str, str], None]
"""Takes the key as its user wrote it, and the text. Raises SettingsError."""

RATE: Final = re.compile(r"(\d{1,6})/(\d{1,6})s", re.IGNORECASE)
NO_RATE: Final = "none"
UNEXPANDED: Final = re.compile(r"\$\{[^}]*\}|\$[A-Z][A-Z0-9_]*|%[A-Za-z][A-Za-z0-9_]*%")
"""What a shell or a desktop client should have replaced; the last two only where they are the whole text."""
PASSWORD: Final = re.compile(r"\bpassword\s*=\s*(?:'((?:[^'\\]|\\.)*)'|([^\s;']+))", re.IGNORECASE)
ESCAPED: Final = re.compile(r"\\(.)")
"""As libpq writes a value in quotation marks."""
QUOTES: Final = "\"'`“”‘’„«»"
SCHEME: Final = re.compile(r"(?:authorization\s*:\s*)?(?:bearer|basic|token)\s+|authorization\s*:", re.IGNORECASE)


def check_expanded(key: str, text: str) -> None:
    """Refuses ``${NAME}``, which nobody has filled in."""
    found = UNEXPANDED.search(text) if "${" in text else UNEXPANDED.fullmatch(text)
    if found:
        raise SettingsError(
            f"{key} is {found[0]!r} as it stands: whoever starts this server has not filled that in. "
            "Give the value itself, or leave the setting out."
        )


def check_secret(key: str, text: str) -> None:
    """Refuses what is surely no key: quotation marks or ``Bearer`` round it, characters that cannot be sent."""
    if len(text) > 1 and text[0] in QUOTES and text[-1] in QUOTES:
        raise SettingsError(f"{key} has quotation marks round it, which are no part of a key. Leave them out.")
    if found := SCHEME.match(text):
        word = found[0].strip()
        raise SettingsError(f"{key} begins with {word!r}, which is no part of a key. Give what follows it alone.")
    if not (text.isascii() and text.isprintable()):
        raise SettingsError(f"{key} holds a character that no key has, such as a line break. Paste it again.")


def split_url(text: str) -> SplitResult | None:
    """A URL taken apart, or None where its host or port makes no sense."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    return parts if port != 0 else None


def passwords_in(text: str) -> Iterator[str]:
    """What stands as a password in a URL or a connection string (``host=... password=...``), in clear."""
    if (parts := split_url(text)) and parts.password:
        yield parts.password
    for found in PASSWORD.finditer(text):
        yield ESCAPED.sub(r"\1", found[1]) if found[1] is not None else found[2]


def host_of(url: str) -> str:
    """A URL's host, or an empty text."""
    parts = split_url(url)
    return (parts.hostname if parts else None) or ""


def check_url(key: str, text: str) -> None:
    """A base URL: https, or http on this machine."""
    parts = split_url(text)
    if parts is None or parts.scheme not in ("https", "http") or not parts.hostname:
        # not shown: somebody may have put a password into it
        raise SettingsError(f"{key} must be a URL such as https://api.example.com.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise SettingsError(f"{key} must hold no user, password, query or fragment.")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise SettingsError(f"{key} must start with https:// (plain http is for loopback addresses only).")


def check_zone(key: str, text: str) -> None:
    """A time zone by its IANA name."""
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        near = did_you_mean(text[:60], available_timezones())
        message = f"{key}: {text[:60]!r} is no IANA time zone, such as America/New_York.{near}"
        raise SettingsError(message) from None


def check_rate(key: str, text: str) -> None:
    """``CALLS/SECONDSs``, or ``none``."""
    found = RATE.fullmatch(text)
    if text.casefold() != NO_RATE and (not found or not int(found[1]) or not int(found[2])):
        raise SettingsError(f"{key} must be CALLS/SECONDSs, such as 25/5s, or none.")


def check_nothing(key: str, text: str) -> None:
    """Any text will do."""


CHECKS: Final[Mapping[str, Check]] = {
    "text": check_nothing,
    "list": check_nothing,
    "host_list": check_nothing,
    "url": check_url,
    "zone": check_zone,
    "rate": check_rate,
}
"""By the kind of a vendor's setting."""
