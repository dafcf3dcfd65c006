"""One call in a process of its own, which dies at a named point of the write path.

The processes are forked off a server that has loaded everything already: a start costs no second.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Final

import anyio
from mcp import Client

import lead_mcp.journal.store  # noqa: F401 - loaded once, for every process
from lead_mcp import settings
from lead_mcp.server import build_server

PATIENCE: Final = 60.0
FORKS: Final = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload([__name__])


@dataclass
class Child:
    """A process at work on one call."""

    process: Any
    answer: Connection

    def to_dict(self) -> dict[str, Any]:
        """The call's structured answer, ``error`` included."""
        assert self.answer.poll(PATIENCE), "the process never answered"
        found: dict[str, Any] = self.answer.recv()
        self.process.join(PATIENCE)
        return found

    def ended_by(self) -> int:
        """The signal that ended it."""
        self.process.join(PATIENCE)
        assert self.process.exitcode is not None, "the process never ended"
        return -int(self.process.exitcode)


def start(environment: Mapping[str, str], tool: str, arguments: Mapping[str, Any], point: str = "") -> Child:
    """A process with that environment that makes one call and is killed at ``point``, if one is named."""
    ours, theirs = FORKS.Pipe(duplex=False)
    process = FORKS.Process(target=_run, args=(theirs, dict(environment), point, tool, dict(arguments)), daemon=True)
    process.start()
    theirs.close()
    return Child(process, ours)


def _run(answer: Connection, environment: dict[str, str], point: str, tool: str, arguments: dict[str, Any]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    answer.send(anyio.run(_call, point, tool, arguments))


async def _call(point: str, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    def on_point(passed: str) -> None:
        if passed == point:
            os.kill(os.getpid(), signal.SIGKILL)

    server = build_server(settings.load())
    async with Client(server) as client:
        assert server.runtime is not None
        server.runtime.common.on_point = on_point
        result = await client.call_tool(tool, arguments)
    return dict(result.structured_content or {})
