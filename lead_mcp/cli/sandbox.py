"""``lead-mcp sandbox``: the emulators over HTTP on loopback."""

from __future__ import annotations

import shlex
import socket

import anyio

from lead_mcp.cli.serve import serve_until_signalled
from lead_mcp.sandbox.app import sandbox
from lead_mcp.sandbox.world import World


def run(port: int, leads: int, *, poisoned: bool) -> int:
    """Print the environment that uses the sandbox, then serve it; the exit code."""
    box = sandbox(World(leads, poisoned=poisoned))
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", port))
    origin = f"http://127.0.0.1:{listening.getsockname()[1]}"
    for name, value in box.environment(origin).items():
        print(f"export {name}={shlex.quote(value)}", flush=True)
    return anyio.run(_serve, box, listening)


async def _serve(box: object, listening: socket.socket) -> int:
    import uvicorn

    config = uvicorn.Config(
        box,  # type: ignore[arg-type]  # a Sandbox is an ASGI app
        log_level="warning",
        log_config=None,
        lifespan="off",
        fd=listening.fileno(),
        timeout_graceful_shutdown=1,
    )
    return await serve_until_signalled(uvicorn.Server(config))
