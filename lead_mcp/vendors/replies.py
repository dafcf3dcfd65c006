"""Reading replies: shared by the vendors' wire modules. Pure. A reply of an unknown shape is an error, never repaired.

Whatever is taken out of a reply is taken by one of these: each gives the type it names, or raises MalformedReply. Absent and
null are one, and are no fault by themselves.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from lead_mcp.errors import (
    Conflict,
    LeadMcpError,
    MalformedReply,
    NotFound,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
    quoted,
)
from lead_mcp.vendors.spec.http import DECODER, Raw, Reply

Failure = type[LeadMcpError]
BY_STATUS: Final[Mapping[int, Failure]] = {
    401: Unauthorized,
    403: Unauthorized,
    404: NotFound,
    409: Conflict,
    429: RateLimited,
}
SAYING: Final[Mapping[Failure, str]] = {
    Unauthorized: "The vendor refused our credential. Check the account's key and its rights",
    NotFound: "The vendor has no such record",
    Conflict: "The vendor refused because of a conflict",
    RateLimited: "The vendor was asked too often. Wait and try again",
    Rejected: "The vendor refused the request",
    Unavailable: "The vendor failed to answer. Try again later",
    MalformedReply: "The vendor's reply could not be understood",
}


NO_PATH: Final = "The vendor answered 404 without JSON: it has no such path. Check the account's base URL."
MOST: Final = 10**15
"""More of anything than a vendor has."""


def failure(
    kind: Failure,
    text: object = "",
    *,
    code: object = None,
    status: int | None = None,
    retry_after: float | None = None,
) -> LeadMcpError:
    """An error of ``kind`` with what happened and, if there is one, the vendor's message as a quotation."""
    words = f": {quoted(text)}" if text else ""
    vendor_code = None if code is None else str(code)[:60]
    return kind(f"{SAYING[kind]}{words}.", vendor_code=vendor_code, status=status, retry_after=retry_after)


def by_status(status: int) -> Failure:
    """The error an HTTP status stands for: 5xx is the vendor's fault, an unlisted 4xx a refusal."""
    fallback = Unavailable if status >= 500 else Rejected if 400 <= status < 500 else MalformedReply
    return BY_STATUS.get(status, fallback)


def retry_after(reply: Reply) -> float | None:
    """Seconds the vendor asks us to wait, where it says so in seconds."""
    try:
        seconds = float(reply.headers.get("retry-after", ""))
    except ValueError:
        return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def error_of(reply: Reply, text: object = "", *, code: object = None, kind: Failure | None = None) -> LeadMcpError:
    """The error of a failed reply: of ``kind``, else by the HTTP status.

    A 404 that is a page of HTML speaks of the path, and not of a record; a write that got one was not done.
    """
    if kind is None and reply.status == 404 and reply.body.lstrip().startswith(b"<"):
        return Rejected(NO_PATH, status=404)
    chosen = kind or by_status(reply.status)
    return failure(chosen, text, code=code, status=reply.status, retry_after=retry_after(reply))


def ok(reply: Reply) -> bool:
    return 200 <= reply.status < 300


def body_or_none(reply: Reply) -> Any:
    """The JSON of a reply that may have none (error pages), else None."""
    try:
        return reply.json()
    except MalformedReply:
        return None


def as_object(value: Any) -> Mapping[str, Any]:
    """``value`` if it is a JSON object. Raises MalformedReply."""
    if isinstance(value, Mapping):
        return value
    raise failure(MalformedReply, f"a JSON object was expected, not {type(value).__name__}")


def object_at(holder: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The object under ``key``; empty where there is none. Raises MalformedReply where anything else stands there."""
    value = holder.get(key)
    return {} if value is None else as_object(value)


def as_rows(value: Any) -> Sequence[Raw]:
    """``value`` if it is an array of JSON objects. Raises MalformedReply: a row that is no object is never skipped."""
    if not isinstance(value, list):
        raise failure(MalformedReply, f"an array of records was expected, not {type(value).__name__}")
    if set(map(type, value)) - {dict}:
        for row in value:
            as_object(row)
    return value


def with_objects(rows: Sequence[Raw], *names: str) -> Sequence[Raw]:
    """The rows; what stands under one of these names as the JSON text of an object is that object. Other texts stay."""
    if all(not isinstance(row.get(name), str) for row in rows for name in names):
        return rows
    return [{**row, **{name: object_of(row[name]) for name in names if isinstance(row.get(name), str)}} for row in rows]


def object_of(text: str) -> Any:
    """The object that ``text`` is the JSON of; ``text`` where it is that of none."""
    try:
        found = DECODER.decode(text)
    except (ValueError, RecursionError):
        return text
    return found if isinstance(found, Mapping) else text


def counted_rows(value: Any, count: object) -> Sequence[Raw]:
    """``as_rows``, but that null or an empty object is none where the reply itself counts none."""
    return [] if value in (None, {}) and as_count(count) == 0 else as_rows(value)


def as_pairs(value: Any, name: str) -> Mapping[str, Any]:
    """An array of ``[{name, "Value"}]`` pairs as one object. Raises MalformedReply where a pair has no name."""
    rows = as_rows(value)
    if not all(isinstance(row.get(name), str) for row in rows):
        raise failure(MalformedReply, f"a pair without its {name}")
    return {row[name]: row.get("Value") for row in rows}


def as_count(value: Any) -> int | None:
    """A counter that may be a number or the text of one; None where it is neither, negative, or more than any vendor has."""
    try:
        found = int(value) if not isinstance(value, bool) else -1
    except (TypeError, ValueError, OverflowError):
        return None
    return found if 0 <= found <= MOST else None


def as_id(value: Any) -> str | None:
    """An id that may be text or a whole number, as text; None for anything else, 0 and empty text among it."""
    if isinstance(value, bool) or not isinstance(value, str | int) or not value:
        return None
    return str(value).strip() or None
