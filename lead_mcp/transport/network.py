"""What a way to the vendors is: it takes a ``SignedRequest`` and gives its ``Reply``. There are two, in ``pool`` and in
``through_client``; what a broken exchange means is one table for both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import httpcore2
import httpx2

from lead_mcp.errors import BadArgument, LeadMcpError, MalformedReply, TimedOut, TooLarge, Unavailable
from lead_mcp.vendors.spec.http import Reply

CONNECT_SECONDS: Final = 10.0
SILENT_SECONDS: Final = 30.0
"""How long a vendor may say nothing, or take nothing, in an exchange."""
CONNECTIONS: Final = 100
KEPT_CONNECTIONS: Final = 40
KEPT_SECONDS: Final = 5.0
"""How long a connection that nobody uses is kept."""


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """One request as it leaves, credential included. ``target``: path and query below ``base``, in ASCII."""

    method: str
    base: str
    target: str = field(repr=False)
    headers: Sequence[tuple[bytes, bytes]] = field(repr=False)
    content: bytes = field(default=b"", repr=False)


class Network(Protocol):
    """The way to the vendors."""

    async def exchange(self, request: SignedRequest, limit: int) -> Reply:
        """The reply without its compression, of ``limit`` bytes at most. Raises TooLarge, and one of ``BROKEN``."""
        ...

    async def aclose(self) -> None: ...


BROKEN: Final = (
    httpx2.HTTPError,
    httpx2.InvalidURL,
    UnicodeError,
    httpcore2.NetworkError,
    httpcore2.TimeoutException,
    httpcore2.ProtocolError,
    httpcore2.UnsupportedProtocol,
)
UNSENDABLE: Final = (httpx2.InvalidURL, UnicodeError, httpx2.LocalProtocolError, httpcore2.LocalProtocolError)
"""Raised before a byte has left."""
NEVER_LEFT: Final = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.UnsupportedProtocol,
    httpcore2.ConnectError,
    httpcore2.ConnectTimeout,
    httpcore2.PoolTimeout,
    httpcore2.UnsupportedProtocol,
)


def network_error(error: Exception) -> LeadMcpError:
    """What a broken exchange means, and whether the request provably never left. The error's own words stay out."""
    kind = type(error).__name__
    if isinstance(error, UNSENDABLE):
        return BadArgument(
            f"A value of this request cannot be sent over HTTP ({kind}): too long, or no text.", sent=False
        )
    if isinstance(error, httpx2.DecodingError):
        return MalformedReply("The vendor's reply is not compressed as it says. Try again later.")
    if isinstance(error, NEVER_LEFT):
        return Unavailable(f"The vendor could not be reached ({kind}). Check the base URL and the network.", sent=False)
    if isinstance(error, httpx2.TimeoutException | httpcore2.TimeoutException):
        return TimedOut(f"The vendor did not answer in time ({kind}). Try again later.")
    return Unavailable(f"The connection broke before the whole answer came ({kind}). Try again later.")


class Body:
    """The parts of a body as they come. Raises TooLarge as soon as they pass ``limit`` bytes."""

    def __init__(self, status: int, limit: int) -> None:
        self._status, self._limit = status, limit
        self._parts: list[bytes] = []
        self._size = 0

    def add(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > self._limit:
            message = f"The vendor's reply passed {self._limit:,} bytes (LEAD_MCP_REPLY_LIMIT). Ask for less at once."
            raise TooLarge(message, status=self._status)
        self._parts.append(part)

    def whole(self) -> bytes:
        return b"".join(self._parts)
