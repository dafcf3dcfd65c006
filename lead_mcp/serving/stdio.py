"""The server over stdin and stdout, until the end of input or a signal."""

from __future__ import annotations

import errno
import sys
from io import TextIOWrapper

import anyio
from mcp.server.stdio import stdio_server

from lead_mcp.server import LeadServer
from lead_mcp.serving.pipes import are_pipes, opened_pipes
from lead_mcp.serving.signals import GRACE, HAS_SIGNALS, ending_signals, leave
from lead_mcp.serving.unreadable import MessageStream
from lead_mcp.tools.sdk import lowlevel


def check_streams() -> None:
    """Raises OSError where nobody could talk to the server."""
    for name, stream in (("stdin", sys.stdin), ("stdout", sys.stdout)):
        if stream is None:
            raise OSError(errno.EBADF, f"{name} is closed, and a client talks to this server through stdin and stdout")


async def serve_stdio(server: LeadServer) -> int:
    """Serve; the exit code. A thread of the SDK that reads never returns by itself, so a signal ends the process."""

    async def watch(serving: anyio.CancelScope) -> None:
        async for code in ending_signals():
            serving.cancel()
            with anyio.move_on_after(GRACE):
                await server.closed.wait()
            leave(code)

    async with anyio.create_task_group() as group:
        with anyio.CancelScope() as serving:
            if HAS_SIGNALS:
                group.start_soon(watch, serving)
            await _serve(server)
        group.cancel_scope.cancel()
    return 0


async def _serve(server: LeadServer) -> None:
    beneath = lowlevel(server)
    async with opened_pipes() if are_pipes() else stdio_server(_input()) as (reading, writing):
        await beneath.run(MessageStream(reading, writing), writing, beneath.create_initialization_options())


def _input() -> anyio.AsyncFile[str]:
    """The lines of stdin. Bytes that are no UTF-8 stay what no message can hold, so that their line is refused: the SDK
    would put signs of replacement there, and they would be written into a lead. A byte order mark at the start, which
    programs on Windows send, is left out.
    """
    return anyio.wrap_file(TextIOWrapper(sys.stdin.buffer, encoding="utf-8-sig", errors="surrogateescape"))
