"""What runs: emulators, servers, the mirror's own process, a bare server to compare pings with; and clients of them."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

from lead_mcp import vendors
from soak.processes import Processes, clean, processes

DEADLINE: Final = 20
"""Seconds a call may spend on vendors (``LEAD_MCP_DEADLINE``)."""
LISTENS: Final = r"listens on (http://\S+)\n"
WEB: Final = ("http", "stateless")
"""The servers over HTTP: with sessions, where a person is asked about writes, and without, where nobody is."""
IN_TURN: Final = 'echo $$ > "$0"; exec "$@"'
"""A shell that leaves its process id, which the program that it turns into keeps."""


@dataclass(frozen=True)
class House:
    """Where everything is."""

    running: Processes
    urls: dict[str, str]
    emulators: str

    @property
    def exports(self) -> Path:
        return self.running.folder / "exports"

    @property
    def state(self) -> Path:
        return self.running.folder / "state"

    @property
    def temporary(self) -> Path:
        return self.running.folder / "temporary"

    def pid(self, name: str) -> int:
        return next(one.pid for one in self.running.started if one.name == name)

    @asynccontextmanager
    async def client(self, name: str, mode: str = "auto", **more: Any) -> AsyncIterator[Client]:
        """A client of one of the servers over HTTP, on a connection of its own."""
        async with (
            httpx2.AsyncClient(trust_env=False, timeout=120) as http,
            Client(streamable_http_client(self.urls[name], http_client=http), mode=mode, **more) as client,
        ):
            yield client

    @asynccontextmanager
    async def own(self, name: str, mode: str = "auto") -> AsyncIterator[tuple[Client, int]]:
        """A server on stdio for this client alone, and its process id."""
        pid_file, log = self.running.folder / f"{name}.pid", self.running.folder / f"{name}.log"
        program = (sys.executable, "-m", "lead_mcp", "serve")
        environment = clean({**self.running.environment, "LEAD_MCP_WRITES": "allow"})
        parameters = StdioServerParameters(
            command="/bin/sh", args=["-c", IN_TURN, str(pid_file), *program], env=environment
        )
        with log.open("a") as errors:
            async with Client(stdio_client(parameters, errlog=errors), mode=mode) as client:
                yield client, int(pid_file.read_text())


@contextmanager
def house(folder: Path, leads: int, until: datetime, watch: float) -> Iterator[House]:
    """Everything started, and ended with the block. ``watch``: seconds between two syncs of the mirror."""
    for name in ("exports", "temporary", "state"):
        (folder / name).mkdir(mode=0o700)
    with processes(folder) as running:
        origin = running.start("emulators", "-m", "soak.emulators", str(leads), until.isoformat()).wait_for(LISTENS)
        running.environment = _environment(folder, origin)
        ours = ("-m", "lead_mcp")
        serve = (*ours, "serve", "--transport", "http", "--port", "0")
        started = {
            "http": running.start("http", *serve, LEAD_MCP_WRITES="confirm"),
            "stateless": running.start("stateless", *serve, "--stateless", LEAD_MCP_WRITES="allow"),
        }
        running.start("watch", *ours, "mirror", "sync", "--watch", f"{watch:g}")
        yield House(running, {name: one.wait_for(LISTENS) for name, one in started.items()}, origin)


def _environment(folder: Path, origin: str) -> dict[str, str]:
    found = {
        "LEAD_MCP_TIMEZONE": "UTC",
        "LEAD_MCP_DEADLINE": str(DEADLINE),
        "LEAD_MCP_STATE_DIR": str(folder / "state"),
        "LEAD_MCP_EXPORT_DIR": str(folder / "exports"),
        "LEAD_MCP_MIRROR": "on",
        "TMPDIR": str(folder / "temporary"),
        **{f"{name.upper()}_RATE": "none" for name in vendors.NAMES},
    }
    for name, emulator in vendors.emulators().items():
        found |= emulator.environment(f"{origin}/{name}")
    return found
