"""One HTTP exchange as plain values. ``Request`` never holds a secret; ``Signature`` is what signing adds last."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from lead_mcp.errors import MalformedReply

Raw = Mapping[str, Any]
"""A record as its vendor sent it."""
UNREAD: Final = object()
"""The content of a reply whose JSON nobody has parsed yet."""


class Effect(StrEnum):
    """What a request does at the vendor, whatever its HTTP method; ``off`` switches are enforced by this word."""

    READ = "read"
    WRITE = "write"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request without its credential. ``base`` names one of the account's base URLs (a settings key)."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] | None = None
    json: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    base: str = "base_url"
    effect: Effect = Effect.READ


@dataclass(frozen=True, slots=True)
class Signature:
    """What a credential adds to a request, at the last step before sending; absent from every repr."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    form: Mapping[str, str] = field(default_factory=dict, repr=False)
    json: Mapping[str, str] = field(default_factory=dict, repr=False)


def _no_number(word: str) -> Any:
    """Python reads ``NaN`` and ``Infinity``; nobody who gets our answers could."""
    raise ValueError(f"{word} is no JSON")


def _finite(digits: str) -> float:
    found = float(digits)
    if math.isinf(found):
        raise ValueError("a number greater than any")
    return found


class StrictDecoder(json.JSONDecoder):
    """Python's own decoder, but for words and numbers that are no JSON. Raises ValueError."""

    def __init__(self) -> None:
        super().__init__(parse_constant=_no_number, parse_float=_finite)


DECODER: Final = StrictDecoder()


@dataclass(frozen=True, slots=True)
class RateHint:
    """What a vendor says in a reply of its own limit: ``calls`` left, and ``seconds`` until there are more."""

    calls: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, whole: status, headers in lower case, body within the reply cap.

    ``content``: the body's JSON, where it has been parsed.
    """

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    content: Any = field(default=UNREAD, repr=False, compare=False)

    def json(self) -> Any:
        """The body as JSON. Raises MalformedReply where it is none: HTML, truncated, empty, numbers that JSON has not."""
        if self.content is not UNREAD:
            return self.content
        try:
            found = DECODER.decode(self.body.decode(json.detect_encoding(self.body), "surrogatepass"))
        except (ValueError, RecursionError):
            start = self.body[:80].decode("utf-8", "replace")
            kind = "an HTML page" if start.lstrip().startswith("<") else "nothing" if not self.body else "no valid JSON"
            message = f"The vendor answered {self.status} with {kind} where JSON was expected. Try again later."
            raise MalformedReply(message, status=self.status) from None
        object.__setattr__(self, "content", found)  # parsed once, whoever asks
        return found
