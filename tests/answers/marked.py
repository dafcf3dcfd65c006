"""A world whose every personal value is known by its look, so that one search finds any that slips out."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote

from lead_mcp.sandbox.world import Person, World

MARKS = re.compile(
    r"q(first|last|mail|street)\d"  # names, e-mails, streets
    r"|\b19[4-9]\d-\d\d-\d\d"  # dates of birth
    r"|\b(203\.0\.113|198\.51\.100|192\.0\.2)\.\d+",  # the addresses that documents use
    re.IGNORECASE,
)
PHONE = re.compile(r"(?<!\d)1?([2-9]\d{2})55501\d\d(?!\d)")
BETWEEN = re.compile(r"[\s().\-+/]|%2B|%20", re.IGNORECASE)


@dataclass(frozen=True)
class Marked(World):
    """The usual world; its people are named for what they are, and their notes name them again."""

    def person(self, index: int) -> Person:
        usual = super().person(index)
        email = f"qmail{index}@example.com" if usual.email else None
        return replace(
            usual,
            first_name=f"Qfirst{index}",
            last_name=f"Qlast{index}",
            email=email,
            street=f"{index % 900 + 1} Qstreet{index} Road",
            note=f"{'call after five ' * (index % 12)}{spelled(index, usual.phone)} or {email or 'nobody'} tomorrow",
        )


def spelled(index: int, phone: str) -> str:
    """A telephone number as people write it, each in turn."""
    area, office, line = phone[2:5], phone[5:8], phone[8:]
    ways = (
        phone,
        f"({area}) {office}-{line}",
        f"{area}.{office}.{line}",
        f"tel:{phone}",
        f"phone:{area}-{office}-{line}",
        f"1 {area} {office} {line}",
        f"{area}-{office}-{line}x12",
        f"mailto:qmail{index}@example.com {phone}",
        f"https://forms.example/?mail=qmail{index}%40example.com&p={phone}",
    )
    return ways[index % len(ways)]


def leaks(text: str) -> list[str]:
    """Every personal value in the text, however it is spelled or coded."""
    return [found for plain in {text, *decoded(text)} for found in _in_clear(plain)]


def _in_clear(text: str) -> list[str]:
    found = [match[0] for match in MARKS.finditer(text)]
    return found + [match[0] for match in PHONE.finditer(BETWEEN.sub("", text))]


def decoded(text: str) -> Iterator[str]:
    """What codes in the text stand for: percent signs twice over, entities, backslashes, base64, hex."""
    yield html.unescape(unquote(unquote(text)))
    yield re.sub(r"\\\\?u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), text)
    for word in re.findall(r"[A-Za-z0-9+/=]{12,}", text):
        with suppress(ValueError):
            yield base64.b64decode(word).decode()
        with suppress(ValueError):
            yield bytes.fromhex(word).decode()


def strings(value: Any) -> Iterator[str]:
    """Every string in a JSON value, keys and numbers too."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from strings(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from strings(item)
    elif value is not None and not isinstance(value, bool):
        yield str(value)
