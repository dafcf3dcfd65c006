"""One request and its reply: what leaves for it, and what the reply says of waiting."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urlencode

import httpx2

from lead_mcp.transport.network import Network, SignedRequest
from lead_mcp.vendors.spec.http import Reply, Request, Signature

HEADERS: Final[Mapping[str, str]] = {
    "User-Agent": "lead-mcp",
    "Accept": "application/json",
    "Accept-Encoding": "gzip, deflate",
}
"""Of every request that does not say otherwise itself."""
FORM: Final = "application/x-www-form-urlencoded"
RETRY_AFTER: Final = "retry-after"
LONGEST_TARGET: Final = 65_536
"""Characters; httpx2's own bound."""
SENDABLE: Final = re.compile(r"[!-~]*")


async def exchanged(network: Network, base: str, request: Request, signature: Signature, limit: int) -> Reply:
    """The reply as it came, of ``limit`` bytes at most. ``base``: the URL that the request's path is below.

    Raises TooLarge, and whatever the network raises (``network_error``).
    """
    reply = await network.exchange(signed_request(base, request, signature), limit)
    return replace(reply, headers=_in_seconds(reply.headers)) if RETRY_AFTER in reply.headers else reply


def signed_request(base: str, request: Request, signature: Signature) -> SignedRequest:
    """The request with its credential, as it leaves."""
    content, kind = _content(request, signature)
    return SignedRequest(
        request.method,
        base,
        _target(request.path, {**request.query, **signature.query}),
        _headers({**kind, **request.headers, **signature.headers}),
        content,
    )


def _content(request: Request, signature: Signature) -> tuple[bytes, dict[str, str]]:
    """The body, and the header that says what it is."""
    if request.form is not None:
        return urlencode({**request.form, **signature.form}).encode(), {"Content-Type": FORM}
    if request.json is None:
        return b"", {}
    body = {**request.json, **signature.json} if signature.json else request.json
    return json.dumps(body, ensure_ascii=False).encode(), {"Content-Type": "application/json"}


def _headers(own: Mapping[str, str]) -> Sequence[tuple[bytes, bytes]]:
    """Everybody's headers, but those that the request has itself, and the request's."""
    names = {key.lower() for key in own}
    usual = ((key, value) for key, value in HEADERS.items() if key.lower() not in names)
    return [(key.encode("ascii"), value.encode("ascii")) for key, value in (*usual, *own.items())]


def _target(path: str, query: Mapping[str, str]) -> str:
    """The path, whose values are escaped already, and the query. Raises InvalidURL."""
    found = f"{path}{'&' if '?' in path else '?'}{urlencode(query)}" if query else path
    if len(found) > LONGEST_TARGET or not SENDABLE.fullmatch(found):
        raise httpx2.InvalidURL("too long, or no URL")
    return found


def _in_seconds(headers: Mapping[str, str]) -> Mapping[str, str]:
    """The headers with a ``Retry-After`` that is a date as seconds from the reply's own date, or from now."""
    if (until := http_date(headers.get("retry-after"))) is None:
        return headers
    wait = (until - (http_date(headers.get("date")) or datetime.now(UTC))).total_seconds()
    return {**headers, "retry-after": str(max(0.0, wait))}


def http_date(text: str | None) -> datetime | None:
    """The moment of a header that is a date (RFC 9110, section 5.6.7); None where it is none."""
    if text is None:
        return None
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
