"""A server over emulators behind a faulty host, and a call of every tool that a vendor serves."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Final

import anyio
import pytest
from anyio.from_thread import BlockingPortal
from mcp import Client
from mcp.types import CallToolResult

from lead_mcp import settings, vendors
from lead_mcp.engine.learned import Learned
from lead_mcp.runtime import Runtime
from lead_mcp.sandbox.app import Sandbox, sandbox
from lead_mcp.sandbox.world import World
from lead_mcp.server import LeadServer, build_server
from lead_mcp.transport.breaker import Breaker
from lead_mcp.vendors.spec.vendor import Vendor
from tests import facts
from tests.driving import NOW, PREFIXES, UNTIL, now
from tests.faults.host import Host, Play, hosting
from tests.faults.table import STRIKES, Fault, Where
from tests.heard import Heard
from tests.skipping import skipping_portal

DEADLINE: Final = 20.0
"""Seconds a call may take. Only a statement, in a process of its own, is really waited for."""
GRACE: Final = 0.01
"""Real seconds without an event before idle time is skipped: on a busy machine bytes of a socket take their time."""
LEADS: Final = 23
PAGE: Final = 10
"""Rows a reply: three pages hold all leads."""
REPLY_LIMIT: Final = 400_000
EVER: Final = "2000-01-01"


def later() -> datetime:
    """The server's clock: a lead that was made just now is in every window that ends now."""
    return NOW + timedelta(minutes=1)


class Logged(logging.Handler):
    """Everything that was logged."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.getMessage()} {record.__dict__}")


@dataclass
class Scene:
    """The emulators, a host before each, the server, and its client."""

    box: Sandbox
    hosts: Mapping[str, Host]
    server: LeadServer
    client: Client
    portal: BlockingPortal
    folder: Path
    log: Logged
    strikes: int = 0
    """Requests that the fault in force has seen."""
    quiet: dict[tuple[str, str], tuple[dict[str, Any], CallToolResult]] = field(default_factory=dict)
    """By vendor and name of a call: its arguments, and the answer where no fault is."""

    @property
    def runtime(self) -> Runtime:
        assert self.server.runtime is not None
        return self.server.runtime

    @cached_property
    def secrets(self) -> frozenset[str]:
        """What nobody may ever see."""
        found = [one for account in self.runtime.settings.accounts.values() for one in account.secrets.values()]
        return frozenset(one.get_secret_value() for one in found)

    def vendor(self, name: str) -> Vendor:
        return self.runtime.connection(name).vendor

    def call(self, tool: str, **arguments: Any) -> CallToolResult:
        found: CallToolResult = self.portal.call(partial(self.client.call_tool, tool, arguments))
        return found

    def timed(self, tool: str, **arguments: Any) -> tuple[CallToolResult, float]:
        """The answer, and the seconds it took by the loop's clock."""

        async def work() -> tuple[CallToolResult, float]:
            started = anyio.current_time()
            return await self.client.call_tool(tool, arguments), anyio.current_time() - started

        found: tuple[CallToolResult, float] = self.portal.call(work)
        return found

    @contextmanager
    def under(self, fault: Fault, vendor: str, *, only: Mapping[str, str] | None, works: bool) -> Iterator[None]:
        """The fault at that vendor. ``only``: method and path of the one request that it strikes."""
        host, self.strikes = self.hosts[vendor], 0
        host.works, refused = works, fault.make is None
        if fault.make is None:
            self.portal.call(host.refuse)
        else:
            host.struck = partial(self._struck, fault, fault.make(), vendor, only)
        try:
            yield
        finally:
            if refused:
                self.portal.call(host.listen)
            host.struck, host.works = (lambda heard: None), True
            self.calm(vendor)

    def _struck(
        self, fault: Fault, play: Play, vendor: str, only: Mapping[str, str] | None, heard: Heard
    ) -> Play | None:
        if only and not is_request(only, heard):
            return None
        if fault.where is not Where.EVERY and is_login(self.vendor(vendor), heard):
            return None
        self.strikes += 1
        return play if STRIKES[fault.where](self.strikes) else None

    def calm(self, vendor: str) -> None:
        """A vendor that is asked again as if nothing had been, and of whom nothing was learned from spoilt replies."""
        connection = self.runtime.connection(vendor)
        connection.outbound.breaker.__dict__.update(Breaker().__dict__)
        connection.learned.__dict__.update(Learned().__dict__)
        connection._known.clear()


def is_request(wanted: Mapping[str, str], heard: Heard) -> bool:
    return heard.method == wanted["method"] and heard.path.endswith(wanted["path"].partition("?")[0])


def is_login(vendor: Vendor, heard: Heard) -> bool:
    return vendor.login is not None and heard.path.endswith(vendor.login.build(None).path)  # type: ignore[arg-type]


# --- setting it up ------------------------------------------------------------------------------------------------


@contextmanager
def scene(folder: Path, only: tuple[str, ...] = vendors.NAMES) -> Iterator[Scene]:
    """The vendors' emulators behind one host, and a server that may write."""
    world = World(LEADS, seed="faults", until=UNTIL)
    box = sandbox(facts.emulators(only), world, clock=now, options=facts.settled(), rated=False)
    with pytest.MonkeyPatch.context() as patch, skipping_portal(GRACE) as portal, logged() as log, ExitStack() as stack:
        hosts = {name: stack.enter_context(portal.wrap_async_context_manager(hosting(box))) for name in only}
        own = surroundings(box, hosts, folder)
        for key in [key for key in os.environ if key.startswith(PREFIXES)]:
            patch.delenv(key)
        for key, value in own.items():
            patch.setenv(key, value)
        server = build_server(settings.load())
        client = stack.enter_context(portal.wrap_async_context_manager(Client(server)))
        found = Scene(box, hosts, server, client, portal, folder, log)
        found.runtime.common.clock = later
        in_small_pages(found.runtime)
        yield found


def surroundings(box: Sandbox, hosts: Mapping[str, Host], folder: Path) -> dict[str, str]:
    exports = folder / "exports"
    exports.mkdir(parents=True, exist_ok=True)
    accounts: dict[str, str] = {}
    for name, host in hosts.items():
        accounts |= box.emulators[name].environment(f"{host.origin}/{name}")
    return {
        **accounts,
        **facts.unhurried(hosts),
        "LEAD_MCP_TIMEZONE": "UTC",
        "LEAD_MCP_WRITES": "allow",
        "LEAD_MCP_DELETES": "allow",
        "LEAD_MCP_DEADLINE": f"{DEADLINE:g}",
        "LEAD_MCP_REPLY_LIMIT": str(REPLY_LIMIT),
        "LEAD_MCP_STATE_DIR": str(folder / "state"),
        "LEAD_MCP_EXPORT_DIR": str(exports),
    }


@contextmanager
def logged() -> Iterator[Logged]:
    logger, handler = logging.getLogger("lead_mcp"), Logged()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    try:
        yield handler
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = True


def in_small_pages(runtime: Runtime) -> None:
    """Every route pages, so that a fault can strike between pages."""
    for connection in runtime.connections.values():
        vendor = connection.vendor
        routes = [replace(one, page=min(one.page, PAGE)) for one in vendor.leads.routes]
        connection.outbound.vendor = replace(vendor, leads=replace(vendor.leads, routes=routes))
