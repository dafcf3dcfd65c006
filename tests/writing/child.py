"""One call in a process of its own: ``python -m tests.writing.child POINT ARGUMENTS``, settings from the environment.

The call's result goes to stdout as JSON. At ``POINT`` of the write path (``-``: nowhere) the process kills itself, and no
handler of anybody's runs.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

import anyio
from mcp import Client

from lead_mcp import settings
from lead_mcp.server import build_server


async def call(point: str, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    def probe(passed: str) -> None:
        if passed == point:
            os.kill(os.getpid(), signal.SIGKILL)

    server = build_server(settings.load())
    async with Client(server) as client:
        assert server.runtime is not None
        server.runtime.probe = probe
        result = await client.call_tool(tool, arguments)
    return {"is_error": result.is_error, **(result.structured_content or {})}


if __name__ == "__main__":
    said = anyio.run(call, sys.argv[1], sys.argv[2], json.loads(sys.argv[3]))
    sys.stdout.write(json.dumps(said))
