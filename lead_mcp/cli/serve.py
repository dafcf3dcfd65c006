"""``lead-mcp serve``: the transports, and how they end.

End of input, Ctrl-C and SIGTERM all unwind open work and close the runtime, then leave within a second. The reader thread
of the SDK's stdio never returns by itself, so a signal ends the process once everything is closed.
"""

from __future__ import annotations

import errno
import gc
import hmac
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio

from lead_mcp.cli.setup import settings_for
from lead_mcp.errors import SettingsError
from lead_mcp.hosts import is_loopback
from lead_mcp.server import LeadServer, build_server
from lead_mcp.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    import uvicorn
    from mcp.server.transport_security import TransportSecuritySettings
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HAS_SIGNALS: Final = sys.platform != "win32"
"""Windows has no signals that an event loop could wait for: there the end of input ends stdio, and uvicorn the rest."""
GRACE: Final = 0.6
"""Seconds that open work has to unwind after a signal."""


def run(transport: str, host: str, port: int, *, stateless: bool, config: Path | None, sandbox: bool) -> int:
    """Serve until the end; the exit code. Raises SettingsError."""
    settings, network = settings_for(config, sandbox=sandbox)
    if transport != "stdio":
        _check_exposure(settings, host)
    server = build_server(settings, network)
    gc.freeze()  # what is loaded stays: the collector need not look at it again
    gc.enable()
    if transport == "stdio":
        return anyio.run(_stdio, server)
    return anyio.run(_http, server, settings, transport, host, port, stateless)


def _check_exposure(settings: Settings, host: str) -> None:
    if settings.server.http_token is None and not is_loopback(host):
        message = f"--host {host} is not loopback: set LEAD_MCP_HTTP_TOKEN, the bearer token that clients must send."
        raise SettingsError(message)


# --- stdio --------------------------------------------------------------------------------------------------------


async def _stdio(server: LeadServer) -> int:
    async def watch(serving: anyio.CancelScope) -> None:
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as received:
            async for signum in received:
                serving.cancel()
                with anyio.move_on_after(GRACE):
                    await server.closed.wait()
                sys.stderr.flush()
                os._exit(128 + signum)

    async with anyio.create_task_group() as group:
        with anyio.CancelScope() as serving:
            if HAS_SIGNALS:
                group.start_soon(watch, serving)
            await server.run_stdio_async()
        group.cancel_scope.cancel()
    return 0


# --- HTTP ---------------------------------------------------------------------------------------------------------


async def _http(server: LeadServer, settings: Settings, transport: str, host: str, port: int, stateless: bool) -> int:
    sockets = bound(host, port)
    security = _security(host)
    if transport == "sse":
        app: ASGIApp = server.sse_app(host=host, transport_security=security)
    else:
        app = server.streamable_http_app(stateless_http=stateless, host=host, transport_security=security)
    token = settings.server.http_token
    guarded = Bearer(app, token.get_secret_value()) if token else app
    async with server.hold():
        ended = await serve_until_signalled(guarded, sockets, host, f"/{'sse' if transport == 'sse' else 'mcp'}")
    return leave(ended)


def _security(host: str) -> TransportSecuritySettings | None:
    """On loopback only its own names are answered, whichever of its addresses it is: a page in a browser could else reach
    us through a name of its own. Beyond loopback the names are unknown here, and the token stands guard."""
    if not is_loopback(host):
        return None
    from mcp.server.transport_security import TransportSecuritySettings

    names = [
        form for name in dict.fromkeys(("127.0.0.1", "localhost", "[::1]", shown(host))) for form in (name, f"{name}:*")
    ]
    return TransportSecuritySettings(allowed_hosts=names, allowed_origins=[f"http://{name}" for name in names])


def shown(host: str) -> str:
    """The host as a URL has it."""
    return f"[{host}]" if ":" in host else host


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
            raise OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))  # noqa: TRY301 - said like the others
    except OSError as error:
        for one in found:
            one.close()
        raise OSError(error.errno, f"cannot listen on {shown(host)}:{port}: {error.strerror}") from None
    return found


ABSENT: Final = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})
"""An address this machine does not have: ``localhost`` names one of IPv6 where there is no IPv6."""


def _listening_socket(family: int, address: tuple[Any, ...]) -> socket.socket:
    one = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # asyncio turns Nagle off only for TCP by name
    try:
        if os.name == "posix":
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        one.bind(address)
        one.listen(2048)
    except OSError:
        one.close()
        raise
    return one


async def serve_until_signalled(app: ASGIApp, sockets: list[socket.socket], host: str, path: str = "") -> int:
    """Serve until a signal; the exit code. Says on stderr where it listens, once it does.

    Then: no new requests; the app's own end, which lets sessions say goodbye; whatever is still open is ended.
    """
    import uvicorn

    ended = 0
    requests = Requests(app)
    listener = uvicorn.Server(
        uvicorn.Config(requests, log_level="warning", log_config=None, timeout_graceful_shutdown=1)
    )

    async def watch() -> None:
        nonlocal ended
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as received:
            async for signum in received:
                ended = 128 + signum
                listener.should_exit = requests.ending = True
                with anyio.move_on_after(GRACE / 2):
                    await listener.lifespan.shutdown()
                requests.end()
                await anyio.sleep(GRACE)
                listener.force_exit = True

    async with anyio.create_task_group() as group:
        if HAS_SIGNALS:
            group.start_soon(watch)
        group.start_soon(_announce, listener, f"http://{shown(host)}:{sockets[0].getsockname()[1]}{path}")
        with _own_signals(listener) if HAS_SIGNALS else nullcontext():
            await listener.serve(sockets)
        group.cancel_scope.cancel()
    return ended


def leave(code: int) -> int:
    """End the process now if a signal asked for it: a thread that still resolves a name would keep it for minutes."""
    if code:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code


async def _started(listener: uvicorn.Server) -> None:
    while not listener.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await anyio.sleep(0.01)


async def _announce(listener: uvicorn.Server, url: str) -> None:
    await _started(listener)
    sys.stderr.write(f"lead-mcp listens on {url}\n")
    sys.stderr.flush()


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
        answer = Answer(send)
        if not self.ending:
            with anyio.CancelScope() as own:
                self.open.add(own)
                try:
                    return await self.app(scope, receive, answer.send)
                except Exception:
                    if not self.ending:  # what breaks because its session ended is no news
                        raise
                finally:
                    self.open.discard(own)
        await answer.finish()


class Answer:
    """How far an answer has got."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.begun = self.complete = self.counted = False

    async def send(self, message: Message) -> None:
        await self._send(message)
        if message["type"] == "http.response.start":
            self.begun = True
            self.counted = any(name.lower() == b"content-length" for name, _ in message.get("headers", ()))
        elif message["type"] == "http.response.body":
            self.complete = not message.get("more_body", False)

    async def finish(self) -> None:
        """The end of a stream, or a refusal where nothing was said yet."""
        if not self.begun:
            headers = [(b"content-type", b"text/plain"), (b"connection", b"close"), (b"content-length", b"0")]
            await self.send({"type": "http.response.start", "status": 503, "headers": headers})
            await self.send({"type": "http.response.body", "body": b""})
        elif not (self.complete or self.counted):
            await self.send({"type": "http.response.body", "body": b""})


@contextmanager
def _own_signals(listener: uvicorn.Server) -> Iterator[None]:
    """uvicorn leaves the signals to us: it would raise them again after its own end."""

    @contextmanager
    def nothing() -> Iterator[None]:
        yield

    listener.capture_signals = nothing  # type: ignore[method-assign]  # its documented way to run inside another program
    yield


class Bearer:
    """One static bearer token in front of an ASGI app; compared in constant time."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self.app = app
        self.wanted = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._allowed(scope):
            from starlette.responses import JSONResponse

            refusal = JSONResponse({"error": "A valid bearer token is needed."}, 401, {"WWW-Authenticate": "Bearer"})
            return await refusal(scope, receive, send)
        await self.app(scope, receive, send)

    def _allowed(self, scope: Scope) -> bool:
        scheme, _, given = dict(scope["headers"]).get(b"authorization", b"").partition(b" ")
        return scheme.lower() == b"bearer" and hmac.compare_digest(given.strip(), self.wanted)


@asynccontextmanager
async def listening(app: ASGIApp, port: int = 0) -> AsyncIterator[str]:
    """An ASGI app on a loopback port, ended with the block; its origin."""
    import uvicorn

    listener = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", log_config=None, lifespan="off")
    )
    async with anyio.create_task_group() as group:
        with _own_signals(listener):
            group.start_soon(listener.serve)
            await _started(listener)
            bound = listener.servers[0].sockets[0].getsockname()[1]
            try:
                yield f"http://127.0.0.1:{bound}"
            finally:
                listener.should_exit = True
                listener.force_exit = True
