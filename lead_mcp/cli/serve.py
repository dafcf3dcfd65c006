"""``lead-mcp serve``: the transports, and how they end.

End of input, Ctrl-C and SIGTERM all unwind open work and close the runtime, then leave within a second. The reader thread
of the SDK's stdio never returns by itself, so a signal ends the process once everything is closed.
"""

from __future__ import annotations

import hmac
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio

from lead_mcp.cli.setup import settings_for
from lead_mcp.errors import SettingsError
from lead_mcp.server import LeadServer, build_server
from lead_mcp.settings import Settings, is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterator

    import uvicorn
    from starlette.types import ASGIApp, Receive, Scope, Send

GRACE: Final = 0.6
"""Seconds that open work has to unwind after a signal."""


def run(transport: str, host: str, port: int, *, stateless: bool, config: Path | None, sandbox: bool) -> int:
    """Serve until the end; the exit code. Raises SettingsError."""
    settings, network = settings_for(config, sandbox=sandbox)
    if transport == "stdio":
        return anyio.run(_stdio, build_server(settings, network))
    _check_exposure(settings, host)
    server = build_server(settings, network)
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
            group.start_soon(watch, serving)
            await server.run_stdio_async()
        group.cancel_scope.cancel()
    return 0


# --- HTTP ---------------------------------------------------------------------------------------------------------


async def _http(server: LeadServer, settings: Settings, transport: str, host: str, port: int, stateless: bool) -> int:
    import uvicorn

    if transport == "sse":
        app: Any = server.sse_app(host=host)
    else:
        app = server.streamable_http_app(stateless_http=stateless, host=host)
    token = settings.server.http_token
    guarded = Bearer(app, token.get_secret_value()) if token else app
    level = "warning"
    listener = uvicorn.Server(
        uvicorn.Config(guarded, host=host, port=port, log_level=level, log_config=None, timeout_graceful_shutdown=1)
    )
    return await serve_until_signalled(listener, f"/{'sse' if transport == 'sse' else 'mcp'}")


async def serve_until_signalled(listener: uvicorn.Server, path: str = "") -> int:
    """Run a listener until a signal; the exit code. Says on stderr where it listens, once it does."""
    ended = 0

    async def watch() -> None:
        nonlocal ended
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as received:
            async for signum in received:
                ended = 128 + signum
                listener.should_exit = True
                await anyio.sleep(GRACE)
                listener.force_exit = True

    async with anyio.create_task_group() as group:
        group.start_soon(watch)
        group.start_soon(_announce, listener, path)
        with _own_signals(listener):
            await listener.serve()
        group.cancel_scope.cancel()
    if not listener.started:
        raise OSError(None, f"cannot listen on {listener.config.host}:{listener.config.port}; is the port taken?")
    return ended


async def _started(listener: uvicorn.Server) -> None:
    while not listener.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await anyio.sleep(0.01)


async def _announce(listener: uvicorn.Server, path: str) -> None:
    await _started(listener)
    sockets = [sock for server in listener.servers for sock in server.sockets]
    port = sockets[0].getsockname()[1] if sockets else listener.config.port
    sys.stderr.write(f"lead-mcp listens on http://{listener.config.host}:{port}{path}\n")
    sys.stderr.flush()


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
        self.wanted = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._allowed(scope):
            from starlette.responses import JSONResponse

            refusal = JSONResponse({"error": "A valid bearer token is needed."}, 401, {"WWW-Authenticate": "Bearer"})
            return await refusal(scope, receive, send)
        await self.app(scope, receive, send)

    def _allowed(self, scope: Scope) -> bool:
        given = dict(scope["headers"]).get(b"authorization", b"")
        return hmac.compare_digest(given, self.wanted)


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
