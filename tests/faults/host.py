"""The emulators behind a real HTTP/1.1 server on loopback, whose bytes a fault may spoil.

The server runs in the loop of the bench, so that waits cost nothing. A fault gets the connection and the means to have the
emulator do its work (``Exchange``); what it then writes, and how it closes, is the fault's own.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
from urllib.parse import unquote, urlsplit

import anyio
from anyio.abc import SocketAttribute, SocketStream, TaskGroup, TaskStatus
from starlette.types import ASGIApp, Message

from tests.heard import Heard, hear

GONE: Final = (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError)
NO_LINGER: Final = struct.pack("ii", 1, 0)
"""For SO_LINGER: close sends a reset."""
SETTLED: Final = 0.01
"""Seconds until what was sent has been read at the other end."""


@dataclass(frozen=True)
class Answered:
    """A reply as a server means it: the host adds what frames it."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def to_bytes(self, **more: str) -> bytes:
        """The reply on the wire. ``more``: headers that replace or add, with ``_`` for ``-``."""
        own = {key: value for key, value in self.headers.items() if key not in ("connection", "date", "server")}
        headers = {**own, "content-length": str(len(self.body)), **{k.replace("_", "-"): v for k, v in more.items()}}
        return self.head(headers) + self.body

    def head(self, headers: Mapping[str, str]) -> bytes:
        lines = [f"HTTP/1.1 {self.status} Said", *(f"{key}: {value}" for key, value in headers.items()), "", ""]
        return "\r\n".join(lines).encode("latin-1")


@dataclass
class Exchange:
    """One request at a vendor, and the connection it came on."""

    heard: Heard
    app: ASGIApp
    stream: SocketStream
    works: bool = True
    sent: int = 0
    """Bytes of the reply so far."""

    async def work(self) -> None:
        """The emulator does what it was asked, unless the fault comes before that; nobody sees its reply."""
        if self.works:
            await self.reply()

    async def reply(self) -> Answered:
        """The emulator's own reply; its work is done thereby."""
        return await asked(self.app, self.heard)

    async def send(self, data: bytes) -> None:
        await self.stream.send(data)
        self.sent += len(data)

    async def answer(self, said: Answered, **more: str) -> None:
        await self.send(said.to_bytes(**more))

    async def reset(self) -> None:
        """Close with a reset."""
        await anyio.sleep(SETTLED)
        connection = self.stream.extra(SocketAttribute.raw_socket)  # noqa: S610 - no Django here
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        await self.stream.aclose()

    async def close(self) -> None:
        await self.stream.aclose()


class Play(Protocol):
    """What a fault does with a request that it strikes."""

    def __call__(self, exchange: Exchange, /) -> Awaitable[None]: ...


@dataclass
class Host:
    """The server. ``struck``: what a fault does with a request; None where it is left alone."""

    app: ASGIApp
    tasks: TaskGroup
    port: int = 0
    struck: Callable[[Heard], Play | None] = lambda heard: None
    works: bool = True
    """Whether the work of a request whose answer a fault replaces is done."""
    heard: list[Heard] = field(default_factory=list)
    most_sent: int = 0
    """The most bytes that one reply had."""
    _listening: anyio.CancelScope | None = None

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def listen(self) -> None:
        """Accept connections until ``refuse``, at the same port each time."""
        await self.tasks.start(self._listen)

    async def _listen(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=self.port)
        self.port = int(listener.extra(SocketAttribute.local_port))  # noqa: S610 - no Django here
        with anyio.CancelScope() as self._listening:
            async with listener:
                task_status.started()
                await listener.serve(self._serve)

    async def refuse(self) -> None:
        """Refuse connections, and drop those there are."""
        if self._listening is not None:
            self._listening.cancel()
        await anyio.sleep(SETTLED)

    async def _serve(self, stream: SocketStream) -> None:
        left = b""
        with suppress(*GONE):
            async with stream:
                while True:
                    found, left = await hear(stream, left)
                    self.heard.append(found)
                    await self._answer(Exchange(found, self.app, stream, self.works))

    async def _answer(self, exchange: Exchange) -> None:
        play = self.struck(exchange.heard) or answer
        try:
            await play(exchange)
        finally:
            self.most_sent = max(self.most_sent, exchange.sent)


async def answer(exchange: Exchange) -> None:
    """What a server does where no fault strikes."""
    await exchange.answer(await exchange.reply())


async def asked(app: ASGIApp, heard: Heard) -> Answered:
    """What the application answers to that request."""
    split, messages = urlsplit(heard.target), list[Message]()
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": heard.method,
        "scheme": "http",
        "path": unquote(split.path),
        "raw_path": split.path.encode(),
        "query_string": split.query.encode(),
        "root_path": "",
        "headers": [(key.encode("latin-1"), value.encode("latin-1")) for key, value in heard.headers.items()],
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 1),
    }

    async def receive() -> Message:
        return {"type": "http.request", "body": heard.body, "more_body": False}

    async def send(message: Message) -> None:
        messages.append(message)

    await app(scope, receive, send)
    headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in messages[0]["headers"]}
    return Answered(messages[0]["status"], headers, b"".join(one.get("body", b"") for one in messages[1:]))


@asynccontextmanager
async def hosting(app: ASGIApp) -> AsyncIterator[Host]:
    """The host, listening for as long as the block runs."""
    async with anyio.create_task_group() as tasks:
        host = Host(app, tasks)
        await host.listen()
        yield host
        tasks.cancel_scope.cancel()
