"""``lead-mcp sandbox``: the emulators over HTTP on loopback."""

from __future__ import annotations

import shlex
import socket

import anyio

from lead_mcp.sandbox.app import Sandbox, sandbox
from lead_mcp.sandbox.world import World
from lead_mcp.serving.listening import bound, serve_until_signalled
from lead_mcp.serving.signals import leave
from lead_mcp.vendors import emulators

HOST = "127.0.0.1"


def run(port: int, leads: int, *, poisoned: bool) -> int:
    """Print the environment that uses the sandbox, then serve it; the exit code."""
    sockets = bound(HOST, port)
    box = sandbox(emulators(), World(leads, poisoned=poisoned))
    origin = f"http://{HOST}:{sockets[0].getsockname()[1]}"
    for name, value in box.environment(origin).items():
        print(f"export {name}={shlex.quote(value)}", flush=True)
    return anyio.run(_serve, box, sockets)


async def _serve(box: Sandbox, sockets: list[socket.socket]) -> int:
    return leave(await serve_until_signalled(box.app, sockets, HOST))
