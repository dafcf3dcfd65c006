"""Exchanges over httpcore2's connection pool, the engine below httpx2.

Measured on 2026-11-27: of the processor time of one exchange through httpx2's client a third goes into what we have no use
for (cookies, redirects, an authentication flow, a URL read twice), and a quarter into a layer between pool and event loop.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import httpcore2
import httpx2

from lead_mcp.transport.network import (
    CONNECT_SECONDS,
    CONNECTIONS,
    KEPT_CONNECTIONS,
    KEPT_SECONDS,
    SILENT_SECONDS,
    Body,
    SignedRequest,
)
from lead_mcp.transport.sockets import Socket, Sockets
from lead_mcp.vendors.spec.http import Reply


class Pool:
    """Direct connections to the vendors, kept while they are used. ``context``: of TLS; None where nothing is asked by it.
    ``silence``: seconds that a vendor may say nothing, or take nothing.
    """

    def __init__(self, context: ssl.SSLContext | None, silence: float = SILENT_SECONDS) -> None:
        self._timeouts = {"connect": CONNECT_SECONDS, "read": silence, "write": silence, "pool": None}
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=context,
            max_connections=CONNECTIONS,
            max_keepalive_connections=KEPT_CONNECTIONS,
            keepalive_expiry=KEPT_SECONDS,
            network_backend=Sockets(),
        )

    async def exchange(self, request: SignedRequest, limit: int) -> Reply:
        response = await self._pool.handle_async_request(_sent(request, {"timeout": self._timeouts}))
        try:
            _check_asked(response)
            headers = _headers(response.headers)
            body = Body(response.status, limit)
            async for part in _parts(response, headers):
                body.add(part)
            return Reply(response.status, body.whole(), headers)
        finally:
            await response.aclose()

    async def aclose(self) -> None:
        await self._pool.aclose()


@dataclass(frozen=True, slots=True)
class Address:
    """What a base URL says, read once."""

    scheme: bytes
    host: bytes
    port: int | None
    authority: bytes
    path: bytes


@lru_cache(maxsize=256)
def address_of(base: str) -> Address:
    """Raises InvalidURL."""
    url = httpx2.URL(base)
    return Address(url.raw_scheme, url.raw_host, url.port, url.netloc, url.raw_path.rstrip(b"/"))


def _sent(request: SignedRequest, extensions: dict[str, Any]) -> httpcore2.Request:
    address = address_of(request.base)
    target = address.path + request.target.encode("ascii")
    own = [(b"Host", address.authority)]
    if request.content or request.method != "GET":
        own.append((b"Content-Length", str(len(request.content)).encode()))
    return httpcore2.Request(
        request.method,
        httpcore2.URL(scheme=address.scheme, host=address.host, port=address.port, target=target or b"/"),
        headers=[*own, *request.headers],
        content=request.content or None,
        extensions=extensions,
    )


def _check_asked(response: httpcore2.Response) -> None:
    """Raises RemoteProtocolError for a reply that was there before its request: it came unasked with the one before, and
    h11 would hand it on as the answer to this request.
    """
    stream = response.extensions["network_stream"]
    if isinstance(stream, Socket) and not stream.has_read:
        raise httpcore2.RemoteProtocolError("a reply that nobody asked for")


def _headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """By name in lower case; what comes several times is one list, as HTTP allows (RFC 9110, section 5.2)."""
    found: dict[str, str] = {}
    for key, value in raw:
        name, text = key.decode("latin-1").lower(), _text(value)
        found[name] = f"{found[name]}, {text}" if name in found else text
    return found


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _parts(response: httpcore2.Response, headers: dict[str, str]) -> AsyncIterator[bytes]:
    """The body's parts, decompressed by httpx2. Raises DecodingError."""
    if "content-encoding" not in headers:
        return response.aiter_stream()
    coded = httpx2.Response(response.status, headers=response.headers, stream=_Stream(response))
    return coded.aiter_bytes()


class _Stream(httpx2.AsyncByteStream):
    """The body as httpx2 takes it."""

    def __init__(self, response: httpcore2.Response) -> None:
        self._response = response

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._response.aiter_stream()
