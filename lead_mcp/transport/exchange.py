"""One request and its reply over the network; what a broken exchange means."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urlencode

import httpx2

from lead_mcp.errors import BadArgument, LeadMcpError, MalformedReply, TimedOut, TooLarge, Unavailable
from lead_mcp.vendors.spec.http import Reply, Request, Signature


async def exchanged(client: httpx2.AsyncClient, base: str, request: Request, signature: Signature, limit: int) -> Reply:
    """The reply as it came, of ``limit`` bytes at most. ``base``: the URL that the request's path is below.

    Raises TooLarge, and whatever the client raises (``network_error``).
    """
    form = None if request.form is None else {**request.form, **signature.form}
    body = {**request.json, **signature.json} if signature.json else request.json
    # made here, not by the client, which would send one account's cookies, or one person's, with another's requests
    sent = httpx2.Request(
        request.method,
        _address(base.rstrip("/") + request.path, {**request.query, **signature.query}),
        data=form,
        content=None if body is None else json.dumps(body, ensure_ascii=False).encode(),
        headers=_headers(client, {**_content_type(request), **request.headers, **signature.headers}),
        extensions={"timeout": client.timeout.as_dict()},
    )
    response = await client.send(sent, stream=True)
    try:
        content = await _bounded(response, limit)
        return Reply(response.status_code, content, _in_seconds(dict(response.headers.items())))
    finally:
        await response.aclose()


def _headers(client: httpx2.AsyncClient, own: Mapping[str, str]) -> Sequence[tuple[bytes, bytes]]:
    """The client's headers, but those that the request has itself, and the request's."""
    mine = [(key.encode("ascii"), value.encode("ascii")) for key, value in own.items()]
    names = {key.lower() for key, _ in mine}
    return [*(one for one in client.headers.raw if one[0].lower() not in names), *mine]


def _address(url: str, query: Mapping[str, str]) -> str:
    """The URL with its query, whole: the client reads it once, where it would read URL and query one after the other."""
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}" if query else url


def _content_type(request: Request) -> dict[str, str]:
    return {"Content-Type": "application/json"} if request.json is not None else {}


def _in_seconds(headers: dict[str, str]) -> dict[str, str]:
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


async def _bounded(response: httpx2.Response, limit: int) -> bytes:
    """The whole body, read in a stream. Raises TooLarge as soon as it passes ``limit`` bytes."""
    parts, size = [], 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > limit:
            message = f"The vendor's reply passed {limit:,} bytes (LEAD_MCP_REPLY_LIMIT). Ask for less at once."
            raise TooLarge(message, status=response.status_code)
        parts.append(part)
    return b"".join(parts)


UNSENT: Final = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.UnsupportedProtocol)


def network_error(error: Exception) -> LeadMcpError:
    """What a broken exchange means, and whether the request provably never left. The error's own words stay out."""
    kind = type(error).__name__
    if isinstance(error, httpx2.InvalidURL | UnicodeError):
        return BadArgument(
            f"A value of this request cannot be sent over HTTP ({kind}): too long, or no text.", sent=False
        )
    if isinstance(error, httpx2.DecodingError):
        return MalformedReply("The vendor's reply is not compressed as it says. Try again later.")
    if isinstance(error, UNSENT):
        return Unavailable(f"The vendor could not be reached ({kind}). Check the base URL and the network.", sent=False)
    if isinstance(error, httpx2.TimeoutException):
        return TimedOut(f"The vendor did not answer in time ({kind}). Try again later.")
    return Unavailable(f"The connection broke before the whole answer came ({kind}). Try again later.")
