"""Sockets of the event loop for httpcore2's pool: asyncio's own transport and protocol, without a layer between.

Errors are httpcore2's: ConnectError and ConnectTimeout until a connection stands; then ReadError, ReadTimeout, WriteError and
WriteTimeout.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable
from typing import Any, Final, cast

import httpcore2

HIGH_WATER: Final = 256 * 1024
"""Bytes that wait to be read from which on the peer has to wait."""
SECOND_ADDRESS: Final = 0.25
"""Seconds after which a host's next address is tried beside the first (RFC 8305, section 5)."""


class Sockets(httpcore2.AsyncNetworkBackend):
    """Connections of the running event loop."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """``local_address`` and ``socket_options`` are never given by our pool."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout):
                _, receiver = await loop.create_connection(Receiver, host, port, happy_eyeballs_delay=SECOND_ADDRESS)
        except TimeoutError as error:
            raise httpcore2.ConnectTimeout from error
        except OSError as error:
            raise httpcore2.ConnectError from error
        return Socket(receiver)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Receiver(asyncio.Protocol):
    """What a connection has brought and nobody has read; who waits for more of it, or for room to write."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport
        self.waiting = bytearray()
        self.ended = False
        """Whether nothing more comes."""
        self.failure: Exception | None = None
        self.is_full = False
        """Whether the peer has to take what was written before more is."""
        self._paused = False
        self._news: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.waiting += data
        if len(self.waiting) >= HIGH_WATER and not self._paused:
            self._paused = True
            self.transport.pause_reading()
        self._tell()

    def eof_received(self) -> None:
        self.ended = True
        self._tell()

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended, self.failure, self.is_full = True, self.failure or exc, False
        self._tell()

    def pause_writing(self) -> None:
        self.is_full = True

    def resume_writing(self) -> None:
        self.is_full = False
        self._tell()

    def _tell(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    async def changed(self, timeout: float | None) -> None:
        """Wait until something came, the end did, or there is room again. Raises TimeoutError."""
        loop = asyncio.get_running_loop()
        self._news = loop.create_future()
        timer = None if timeout is None else loop.call_later(timeout, _expire, self._news)
        try:
            await self._news
        finally:
            if timer is not None:
                timer.cancel()

    def taken(self, most: int) -> bytes:
        """Up to so many bytes of what waits."""
        found = bytes(self.waiting[:most])
        del self.waiting[:most]
        if self._paused and len(self.waiting) < HIGH_WATER and not self.ended:
            self._paused = False
            self.transport.resume_reading()
        return found


class Socket(httpcore2.AsyncNetworkStream):
    """One connection, used by one exchange at a time."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self.has_read = False
        """Whether anything was read since the last request went out."""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """What came, or b"" at the end."""
        receiver = self._receiver
        if not receiver.waiting and not receiver.ended:
            await self._arrival(timeout)
        if not receiver.waiting and receiver.failure is not None:
            raise httpcore2.ReadError from receiver.failure
        self.has_read = True
        return receiver.taken(max_bytes)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        receiver = self._receiver
        if receiver.transport.is_closing():
            raise httpcore2.WriteError from receiver.failure
        self.has_read = False
        receiver.transport.write(buffer)
        if receiver.is_full:
            await self._room(timeout)

    async def _arrival(self, timeout: float | None) -> None:
        try:
            while not self._receiver.waiting and not self._receiver.ended:
                await self._receiver.changed(timeout)
        except TimeoutError as error:
            raise httpcore2.ReadTimeout from error

    async def _room(self, timeout: float | None) -> None:
        try:
            while self._receiver.is_full:
                await self._receiver.changed(timeout)
        except TimeoutError as error:
            raise httpcore2.WriteTimeout from error

    async def aclose(self) -> None:
        """At once: what was not sent yet is never sent."""
        self._receiver.transport.abort()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.AsyncNetworkStream:
        try:
            async with asyncio.timeout(timeout):
                self._receiver.transport = await self._secured(ssl_context, server_hostname)
        except BaseException as error:
            self._receiver.transport.abort()
            if isinstance(error, TimeoutError):
                raise httpcore2.ConnectTimeout from error
            if isinstance(error, OSError):
                raise httpcore2.ConnectError from error
            raise
        return self

    async def _secured(self, context: ssl.SSLContext, name: str | None) -> asyncio.Transport:
        """Raises OSError where the handshake fails."""
        receiver, loop = self._receiver, asyncio.get_running_loop()
        secure = await loop.start_tls(receiver.transport, receiver, context, server_hostname=name)
        if secure is None:
            raise ConnectionAbortedError
        return secure

    def get_extra_info(self, info: str) -> Any:
        """httpcore2 asks for these two alone: whether TLS chose HTTP/2, and whether a kept connection is no longer idle."""
        if info == "is_readable":
            return bool(self._receiver.waiting) or self._receiver.ended
        return self._receiver.transport.get_extra_info(info)


def _expire(news: asyncio.Future[None]) -> None:
    if not news.done():
        news.set_exception(TimeoutError())
