"""A desk to write at: emulators, the server over them, a client of either era, and somebody who answers its questions."""

from __future__ import annotations

import itertools
import os
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal
from unittest import mock

import anyio
import httpx2
import pytest
import uvicorn
from anyio.from_thread import BlockingPortal, start_blocking_portal
from mcp import Client
from mcp.types import CallToolResult, ElicitResult, InputRequiredResult

from lead_mcp.journal.store import Journal
from lead_mcp.runtime import Runtime
from lead_mcp.sandbox.app import Sandbox, sandbox
from lead_mcp.sandbox.world import World
from lead_mcp.server import LeadServer, build_server
from lead_mcp.settings import Settings, load
from tests import facts
from tests.facts import TRIED, facts_of, offering
from tests.process.processes import clean
from tests.skipping import skipping_portal

Era = Literal["auto", "legacy"]
ERAS: Final[tuple[Era, ...]] = ("auto", "legacy")
ORIGIN: Final = "http://127.0.0.1:1"
PATIENCE: Final = 120.0
"""Seconds after which a call that hangs has failed."""
UNHURRIED: Final = {**facts.unhurried(), "LEAD_MCP_TIMEZONE": "UTC"}

INSERTERS: Final = offering(lambda vendor: vendor.insert)
CHANGERS: Final = offering(lambda vendor: vendor.update)
DELETERS: Final = offering(lambda vendor: vendor.delete)

CHANGES: Final[Mapping[str, tuple[str, str, str]]] = {
    name: (change.field, change.wanted, change.other) for name in TRIED if (change := facts_of(name).change)
}
"""A field that each vendor changes, the value these tests want, and the one that somebody else puts there meanwhile."""
AREAS: Final = (213, 212, 312, 415, 617, 702, 713, 808, 206, 303, 404, 503)
_numbers = itertools.count(os.getpid() % 100)


def somebody(vendor: str, number: int | None = None) -> dict[str, Any]:
    """A new person as a lead of that vendor: nobody else's e-mail, nobody else's number."""
    n = next(_numbers) if number is None else number
    area, line = AREAS[n // 100 % len(AREAS)], n % 100
    lead = {"first_name": "Zed", "last_name": f"Zap{n}", "email": f"zed.{n}@example.com"}
    return {**lead, "phone": f"+1{area}55501{line:02}", **facts_of(vendor).needed}


def insertion(vendor: str, lead: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """The arguments of an ``insert_lead`` that the vendor takes."""
    own = {"vendor_fields": dict(facts_of(vendor).own)} if facts_of(vendor).own else {}
    return {"account": vendor, "lead": dict(lead or somebody(vendor)), **own, **more}


# --- somebody who answers -----------------------------------------------------------------------------------------


@dataclass
class Clerk:
    """Who is asked. ``meanwhile`` happens while they think."""

    says: Literal["yes", "no", "decline", "cancel"] = "yes"
    asked: list[str] = field(default_factory=list)
    schemas: list[Any] = field(default_factory=list)
    meanwhile: Callable[[], object] | None = None

    async def __call__(self, context: Any, params: Any) -> ElicitResult:
        self.asked.append(params.message)
        self.schemas.append(params.requested_schema)
        if self.meanwhile is not None:
            await anyio.to_thread.run_sync(self.meanwhile)
        if self.says in ("decline", "cancel"):
            return ElicitResult(action="decline" if self.says == "decline" else "cancel")
        return ElicitResult(action="accept", content={"confirm": self.says == "yes"})


class CallFailed(AssertionError):
    """A tool answered with an error; ``said`` is its whole structure."""

    def __init__(self, said: Mapping[str, Any]) -> None:
        super().__init__(f"{said['error'].get('code')}: {said['error'].get('message')}")
        self.said = said
        self.code = said["error"].get("code")
        self.message = str(said["error"].get("message"))


@dataclass
class Desk:
    """A client, the server it speaks to and the emulators behind that."""

    box: Sandbox
    server: LeadServer
    client: Client
    portal: BlockingPortal
    clerk: Clerk

    @property
    def runtime(self) -> Runtime:
        assert self.server.runtime is not None
        return self.server.runtime

    @property
    def journal(self) -> Journal:
        return self.runtime.journal

    def _bounded(self, work: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
        async def run() -> Any:
            with anyio.fail_after(PATIENCE):
                return await work(*arguments, **keywords)

        return self.portal.call(run)

    def result(self, tool: str, **arguments: Any) -> CallToolResult:
        found: CallToolResult = self._bounded(self.client.call_tool, tool, arguments)
        return found

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The structured answer. Raises CallFailed where it is an error."""
        return said(self.result(tool, **arguments))

    def fails(self, tool: str, **arguments: Any) -> CallFailed:
        with pytest.raises(CallFailed) as caught:
            self.call(tool, **arguments)
        return caught.value

    def round(self, tool: str, state: str | None = None, answers: Any = None, **arguments: Any) -> Any:
        """One raw round of the modern era: an InputRequiredResult or a CallToolResult."""
        return self._bounded(
            self.client.session.call_tool,
            tool,
            arguments,
            input_responses=answers,
            request_state=state,
            allow_input_required=True,
        )

    def at_once(self, tool: str, times: int, **arguments: Any) -> list[CallToolResult]:
        """The same call several times in parallel."""

        async def every_one() -> list[CallToolResult]:
            found: list[CallToolResult] = []

            async def one() -> None:
                found.append(await self.client.call_tool(tool, arguments))

            async with anyio.create_task_group() as tasks:
                for _ in range(times):
                    tasks.start_soon(one)
            return found

        return list(self._bounded(every_one))

    def heard(self, request: Mapping[str, Any], vendor: str) -> int:
        """How often that request (method and path, as an outcome shows it) arrived at the vendor."""
        return sum(
            seen.method == request["method"] and seen.path.endswith(request["path"])
            for seen in self.box.stages[vendor].heard
        )

    def sees(self, account: str, lead: Mapping[str, Any]) -> list[str]:
        """The URIs of the leads with this e-mail, read afresh."""
        filters = [{"field": "email", "op": "eq", "value": lead["email"]}]
        page = self.call("search_leads", account=account, filters=filters, since="2000-01-01")
        assert page["accounts"][0]["complete"], page["accounts"]
        return [row[0] for row in page["leads"]["rows"]]

    def request_of(self, **arguments: Any) -> dict[str, Any]:
        """Method and path of an insert, as a preview shows them."""
        found: dict[str, Any] = self.call("insert_lead", **arguments, dry_run=True)["request"]
        return found


def said(result: CallToolResult) -> dict[str, Any]:
    structured = dict(result.structured_content or {})
    if result.is_error:
        raise CallFailed(structured)
    return structured


def is_question(result: Any) -> bool:
    return isinstance(result, InputRequiredResult)


# --- setting it up ------------------------------------------------------------------------------------------------


def emulators(leads: int = 30) -> Sandbox:
    """Every emulator: no rates, deletes allowed, changes settled at once."""
    return sandbox(facts.emulators(), World(leads), rated=False, options=facts.settled())


@contextmanager
def desk(
    state: Path,
    box: Sandbox,
    *,
    origin: str | None = None,
    over_http: bool = False,
    era: Era = "auto",
    clerk: Clerk | None = None,
    asks: bool = True,
    environment: Mapping[str, str] | None = None,
    only: Sequence[str] | None = None,
) -> Iterator[Desk]:
    """A desk. ``asks``: whether the client can ask a person.

    The emulators are called in memory, or at their ``origin``, or (``over_http``) over sockets in the server's own loop. Idle
    time is skipped where everything is in that loop, so that a deadline costs nothing and means the same on a busy machine.
    """
    clerk = clerk or Clerk()
    with ExitStack() as stack:
        stack.enter_context(facts.registered(box.emulators))
        portal = stack.enter_context(skipping_portal() if origin is None else start_blocking_portal())
        if over_http:
            origin = stack.enter_context(portal.wrap_async_context_manager(on_this_loop(box)))
        found = loaded(surroundings(box, origin or ORIGIN, state, environment, only))
        transport = httpx2.ASGITransport(app=box) if origin is None else None
        server = build_server(found, lambda: transport)
        client = Client(server, mode=era, elicitation_callback=clerk if asks else None)
        yield Desk(box, server, stack.enter_context(portal.wrap_async_context_manager(client)), portal, clerk)


def loaded(environment: Mapping[str, str]) -> Settings:
    """The settings of that environment, which is in force while they are read and no longer."""
    with mock.patch.dict(os.environ, clean(environment), clear=True), facts.registered():
        return load()


def surroundings(
    box: Sandbox,
    origin: str,
    state: Path,
    environment: Mapping[str, str] | None = None,
    only: Sequence[str] | None = None,
) -> dict[str, str]:
    """The environment of a server at a desk."""
    accounts = box.environment(origin)
    if only is not None:
        accounts = {key: value for key, value in accounts.items() if key.split("_", 1)[0].lower() in only}
    return {**accounts, **UNHURRIED, "LEAD_MCP_STATE_DIR": str(state), **(environment or {})}


@asynccontextmanager
async def on_this_loop(box: Sandbox) -> AsyncIterator[str]:
    """The emulators on a free loopback port, served by the loop that runs this; their origin.

    uvicorn's own main loop is left out: its clock ticks ten times a second, which is all it does.
    """
    config = uvicorn.Config(box, log_config=None, log_level="critical", lifespan="off", timeout_graceful_shutdown=0)
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    with socket.socket(proto=socket.IPPROTO_TCP) as listener:  # named, or asyncio leaves Nagle on: 40 ms a reply
        listener.bind(("127.0.0.1", 0))
        await server.startup(sockets=[listener])
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.force_exit = True
            await server.shutdown(sockets=[listener])


@contextmanager
def on_loopback(box: Sandbox) -> Iterator[str]:
    """The emulators on a free loopback port; their origin."""
    config = uvicorn.Config(box, log_config=None, log_level="critical", lifespan="off", timeout_graceful_shutdown=0)
    server = uvicorn.Server(config)
    with socket.socket(proto=socket.IPPROTO_TCP) as listener:  # named, or asyncio leaves Nagle on: 40 ms a reply
        listener.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=partial(server.run, sockets=[listener]), daemon=True)
        thread.start()
        until = time.monotonic() + PATIENCE
        while not server.started:
            assert time.monotonic() < until, "the emulators never listened"
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = server.force_exit = True
            thread.join(PATIENCE)
