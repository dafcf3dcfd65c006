"""Listening for HTTP: sockets, uvicorn, and an end in good order."""

from __future__ import annotations

import errno
import os
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import anyio

from lead_mcp.hosts import in_url
from lead_mcp.serving.signals import GRACE, HAS_SIGNALS, ending_signals

if TYPE_CHECKING:
    import uvicorn
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from lead_mcp.serving.http_connection import HttpLimits

ABSENT: Final = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})
"""An address this machine does not have: ``localhost`` names one of IPv6 where there is no IPv6."""
QUEUE: Final = 1024
"""Connections that may wait to be taken."""
ALIVE: Final = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 20, "TCP_KEEPCNT": 3}
"""Seconds and times after which a client that is gone without a word is known to be; where the system has these."""


def bound(host: str, port: int) -> list[socket.socket]:
    """Sockets that listen on every address of the host, all on one port. Raises OSError that names the address."""
    found: list[socket.socket] = []
    try:
        for family, _, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            own = found[0].getsockname()[1] if found else port
            try:
                found.append(_listening_socket(family, (address[0], own, *address[2:])))
            except OSError as error:
                if error.errno not in ABSENT:
                    raise
        if not found:
            raise OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))  # noqa: TRY301 - worded like the others
    except OSError as error:
        for one in found:
            one.close()
        raise OSError(error.errno, f"cannot listen on {in_url(host)}:{port}: {error.strerror}") from None
    return found


def _listening_socket(family: int, address: tuple[Any, ...]) -> socket.socket:
    one = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # asyncio turns Nagle off only for TCP by name
    try:
        if os.name == "posix":
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in ALIVE.items():
            if hasattr(socket, name):
                one.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
        one.bind(address)
        one.listen()
    except OSError:
        one.close()
        raise
    return one


async def serve_until_signalled(app: ASGIApp, sockets: list[socket.socket], host: str, path: str = "") -> int:
    """Serve until a signal; the exit code. Writes to stderr where it listens, once it does.

    Then: no new requests; the app's own end, which lets sessions say goodbye; whatever is still open is ended.
    """
    requests = Requests(app)
    listener = listener_of(requests)
    ended = 0

    async def watch() -> None:
        nonlocal ended
        async for code in ending_signals():
            ended = code
            listener.should_exit = requests.ending = True
            with anyio.move_on_after(GRACE / 2):
                await listener.lifespan.shutdown()
            requests.end()
            await anyio.sleep(GRACE / 2)
            listener.force_exit = True

    async with anyio.create_task_group() as group:
        if HAS_SIGNALS:
            group.start_soon(watch)
        group.start_soon(_announce, listener, sockets, f"http://{in_url(host)}:{sockets[0].getsockname()[1]}{path}")
        with _own_signals(listener) if HAS_SIGNALS else nullcontext():
            await listener.serve(sockets)
        group.cancel_scope.cancel()
    return ended


def listener_of(app: ASGIApp, limits: HttpLimits | None = None, *, lifespan: bool = True) -> uvicorn.Server:
    """uvicorn, with a bound on connections and on every wait of one. ``lifespan``: whether the app has one."""
    import uvicorn

    from lead_mcp.serving.http_connection import AT_ONCE, HttpConnection, limits_here

    limits = limits or limits_here()
    connection: Any = partial(HttpConnection, limits=limits)
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=connection,
            ws="none",
            backlog=AT_ONCE,
            timeout_keep_alive=limits.idle,
            timeout_graceful_shutdown=1,
            access_log=False,
            log_level="warning",
            log_config=None,
            lifespan="on" if lifespan else "off",
        )
    )


@asynccontextmanager
async def listening(app: ASGIApp, limits: HttpLimits | None = None) -> AsyncIterator[str]:
    """An ASGI app on a free loopback port, ended with the block; its origin."""
    sockets = bound("127.0.0.1", 0)
    listener = listener_of(app, limits, lifespan=False)
    async with anyio.create_task_group() as group:
        with _own_signals(listener):
            group.start_soon(listener.serve, sockets)
            await _started(listener, sockets)
            try:
                yield f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
            finally:
                listener.should_exit = True
                with anyio.move_on_after(GRACE / 2, shield=True):  # else its task is cut off, with a traceback
                    await listener.lifespan.shutdown()
                listener.force_exit = True


async def _started(listener: uvicorn.Server, sockets: list[socket.socket]) -> None:
    while not listener.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await anyio.sleep(0.01)
    for one in sockets:
        one.listen(QUEUE)  # asyncio takes as many at once as may queue, which is to be few; this is the queue alone


async def _announce(listener: uvicorn.Server, sockets: list[socket.socket], url: str) -> None:
    await _started(listener, sockets)
    sys.stderr.write(f"lead-mcp listens on {url}\n")
    sys.stderr.flush()


@contextmanager
def _own_signals(listener: uvicorn.Server) -> Iterator[None]:
    """uvicorn leaves the signals to us: it would raise them again after its own end."""

    @contextmanager
    def nothing() -> Iterator[None]:
        yield

    listener.capture_signals = nothing  # type: ignore[method-assign]  # its documented way to run inside another program
    yield


LEFT: Final = frozenset(("BrokenResourceError", "ClientDisconnect", "ClosedResourceError"))
"""What says that a client left: in the middle of its request, or its session in the moment of its last message. By name,
since who logs needs not load what raises them."""


def has_left(error: BaseException | None) -> bool:
    """Whether an error, or every one of a group, says no more than that."""
    if isinstance(error, BaseExceptionGroup):
        return all(map(has_left, error.exceptions))
    return type(error).__name__ in LEFT


class Requests:
    """The requests of an ASGI app that are being answered, so that they can be ended in good order.

    uvicorn by itself would wait for open streams, then cut them off with a traceback each.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.ending = False
        self.open: set[anyio.CancelScope] = set()

    def end(self) -> None:
        """Unwind what is open; a stream that has begun is closed as if it were complete."""
        self.ending = True
        for scope in list(self.open):
            scope.cancel()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        answer = TrackedResponse(send)
        if not self.ending:
            with anyio.CancelScope() as own:
                self.open.add(own)
                try:
                    return await self.app(scope, receive, answer.send)
                except Exception as error:
                    if not (self.ending or has_left(error)):
                        raise  # what breaks because its client is gone is no news
                finally:
                    self.open.discard(own)
        await answer.finish()


class TrackedResponse:
    """How far an answer has got."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.begun = self.complete = self.counted = False

    async def send(self, message: Message) -> None:
        if self.complete:
            return  # a second one: the SDK answers once more where a session ends behind its last answer
        await self._send(message)
        if message["type"] == "http.response.start":
            self.begun = True
            self.counted = any(name.lower() == b"content-length" for name, _ in message.get("headers", ()))
        elif message["type"] == "http.response.body":
            self.complete = not message.get("more_body", False)

    async def finish(self) -> None:
        """The end of a stream, or a refusal where there was no word yet."""
        if not self.begun:
            headers = [(b"content-type", b"text/plain"), (b"connection", b"close"), (b"content-length", b"0")]
            await self.send({"type": "http.response.start", "status": 503, "headers": headers})
            await self.send({"type": "http.response.body", "body": b""})
        elif not (self.complete or self.counted):
            await self.send({"type": "http.response.body", "body": b""})
