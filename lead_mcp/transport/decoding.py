"""From the bytes of a reply to what readers get: secrets redacted in every string and key, large JSON parsed already.

A large reply is read in a worker thread, and its JSON element by element: one call that parses 14 MB holds the
interpreter for a quarter of a second, and nobody else is answered meanwhile.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

import anyio.to_thread

from lead_mcp.errors import MalformedReply
from lead_mcp.transport.redaction import Redactor
from lead_mcp.vendors.spec.http import DECODER, UNREAD, Reply

LARGE: Final = 64 * 1024
"""Bytes of a body from which on a thread reads it."""
ENVELOPES: Final = 3
"""Objects inside objects that are read member by member; an array is read element by element, each in one call."""
BLANK: Final = re.compile(r"[ \t\n\r]*")


async def reply_of(status: int, body: bytes, headers: Mapping[str, str], redactor: Redactor) -> Reply:
    """The reply without secrets. Raises MalformedReply for JSON nested too deeply."""
    if len(body) < LARGE:
        return _reply(status, body, headers, redactor)
    return await anyio.to_thread.run_sync(_reply, status, body, headers, redactor)


def _reply(status: int, body: bytes, headers: Mapping[str, str], redactor: Redactor) -> Reply:
    clean = redactor.is_clean("\n".join(headers.values()))
    safe = headers if clean else {key: redactor.text(value) for key, value in headers.items()}
    encoding = json.detect_encoding(body)
    text = body.decode(encoding, "replace")
    if not redactor.is_clean(text):
        return _redacted(status, text, safe, redactor)
    content = UNREAD
    if len(body) >= LARGE:
        with suppress(ValueError, RecursionError):
            content = parsed(body.decode(encoding))
    return Reply(status, body if encoding == "utf-8" else text.encode(), safe, content)


def _redacted(status: int, text: str, headers: Mapping[str, str], redactor: Redactor) -> Reply:
    try:
        content = parsed(text)
        redacted = redactor.tree(content)
    except ValueError:  # an error page
        return Reply(status, redactor.text(text).encode("utf-8", "replace"), headers)
    except RecursionError:
        raise MalformedReply("The vendor's reply is nested too deeply to be read.", status=status) from None
    whole = text if redacted is content else written(redacted)
    return Reply(status, whole.encode("utf-8", "replace"), headers, redacted)


def written(value: Any, envelopes: int = ENVELOPES) -> str:
    """``json.dumps``, in steps."""
    if envelopes and isinstance(value, dict):
        members = (f"{json.dumps(key)}: {written(one, envelopes - 1)}" for key, one in value.items())
        return f"{{{', '.join(members)}}}"
    return f"[{', '.join(map(json.dumps, value))}]" if envelopes and isinstance(value, list) else json.dumps(value)


def parsed(text: str) -> Any:
    """``json.loads``, in steps. Raises ValueError for what is no JSON, RecursionError for what is nested too deeply."""
    value, end = _value(text, _blank(text, 0), ENVELOPES)
    if _blank(text, end) != len(text):
        raise ValueError("something follows the value")
    return value


def _value(text: str, at: int, envelopes: int) -> tuple[Any, int]:
    """The value that begins at ``at``, and where it ends."""
    first = text[at : at + 1]
    if envelopes and first == "{":
        return _object(text, at + 1, envelopes - 1)
    return _array(text, at + 1) if envelopes and first == "[" else DECODER.raw_decode(text, at)


def _object(text: str, at: int, envelopes: int) -> tuple[dict[str, Any], int]:
    found: dict[str, Any] = {}
    at = _blank(text, at)
    if text[at : at + 1] == "}":
        return found, at + 1
    while True:
        if text[at : at + 1] != '"':
            raise ValueError("a key is missing")
        key, at = DECODER.raw_decode(text, at)
        found[key], at = _value(text, _after(text, at, ":"), envelopes)
        at = _blank(text, at)
        if text[at : at + 1] == "}":
            return found, at + 1
        at = _after(text, at, ",")


def _array(text: str, at: int) -> tuple[list[Any], int]:
    found: list[Any] = []
    at = _blank(text, at)
    if text[at : at + 1] == "]":
        return found, at + 1
    while True:
        item, at = DECODER.raw_decode(text, at)
        found.append(item)
        at = _blank(text, at)
        if text[at : at + 1] == "]":
            return found, at + 1
        at = _after(text, at, ",")


def _after(text: str, at: int, mark: str) -> int:
    """Where the next value begins behind ``mark``. Raises ValueError where it is missing."""
    at = _blank(text, at)
    if text[at : at + 1] != mark:
        raise ValueError(f"{mark} is missing")
    return _blank(text, at + 1)


def _blank(text: str, at: int) -> int:
    """The end of the white space at ``at``."""
    found = BLANK.match(text, at)
    return found.end() if found else at
