"""A team's server over HTTP, in this process: emulators behind it, its door before it, clients with tokens of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from mcp import Client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult

from lead_mcp import settings
from lead_mcp.identity.tokens import Tokens
from lead_mcp.runtime.networks import issuer_client
from lead_mcp.sandbox.app import Sandbox, sandbox
from lead_mcp.sandbox.world import World
from lead_mcp.server import LeadServer, build_server
from lead_mcp.serving.http import app_of
from lead_mcp.serving.listening import listening
from lead_mcp.vendors import emulators
from tests import facts
from tests.driving import ORIGIN, PREFIXES, UNTIL, now

HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
}
PLAIN = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}


@dataclass
class Team:
    """The server, and how to reach it as somebody."""

    url: str
    server: LeadServer
    box: Sandbox
    folder: Path
    portal: BlockingPortal
    stack: ExitStack
    transport: str = "http"
    clients: dict[tuple[str, str], Client] = field(default_factory=dict)

    def token(self, name: str, *scopes: str, accounts: Sequence[str] | None = None) -> str:
        return Tokens(self.folder).new(name, scopes, accounts, None)[1]

    def post(self, body: Mapping[str, Any], token: str | None = None, **headers: str) -> httpx2.Response:
        given = {"Authorization": f"Bearer {token}"} if token is not None else {}
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        with httpx2.Client(timeout=60, trust_env=False) as http:
            return http.post(self.url, headers={**PLAIN, **given, **named}, json=body)

    def client(self, token: str, mode: str = "auto", elicitation: Any = None) -> Client:
        """A client that stays connected as long as the server stands."""
        if (token, mode) not in self.clients and self.transport == "sse":
            given = {"Authorization": f"Bearer {token}"}
            over_sse = Client(sse_client(self.url, headers=given), mode=mode, elicitation_callback=elicitation)
            self.clients[token, mode] = self.stack.enter_context(self.portal.wrap_async_context_manager(over_sse))
        if (token, mode) not in self.clients:
            http = httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, trust_env=False, timeout=60)
            self.stack.enter_context(self.portal.wrap_async_context_manager(http))
            target: Any = streamable_http_client(self.url, http_client=http)
            client = Client(target, mode=mode, elicitation_callback=elicitation)
            self.clients[token, mode] = self.stack.enter_context(self.portal.wrap_async_context_manager(client))
        return self.clients[token, mode]

    def do(self, work: Any, *arguments: Any, **keywords: Any) -> Any:
        return self.portal.call(partial(work, *arguments, **keywords))

    def call(self, token: str, tool: str, /, **arguments: Any) -> CallToolResult:
        found: CallToolResult = self.do(self.client(token).call_tool, tool, arguments)
        return found

    def tools(self, token: str, mode: str = "auto") -> set[str]:
        return {one.name for one in self.do(self.client(token, mode).list_tools).tools}


@contextmanager
def team(
    folder: Path,
    environment: Mapping[str, str] | None = None,
    config: str | None = None,
    *,
    stateless: bool = False,
    transport: str = "http",
    leads: int = 30,
) -> Iterator[Team]:
    """A server of every vendor's emulator. Somebody has a token, so that it asks everybody for theirs."""
    box = sandbox(emulators(), World(leads, until=UNTIL), clock=now, rated=False)
    own = {**box.environment(ORIGIN), **facts.unhurried(list(box.emulators)), **(environment or {})}
    own |= {"LEAD_MCP_TIMEZONE": "UTC", "LEAD_MCP_STATE_DIR": str(folder), "LEAD_MCP_DELETES": "confirm"}
    if config is not None:
        (folder / "accounts.toml").write_text(config, "utf-8")
        own["LEAD_MCP_CONFIG"] = str(folder / "accounts.toml")
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        for key in [key for key in os.environ if key.startswith(PREFIXES)]:
            patch.delenv(key)
        for key, value in own.items():
            patch.setenv(key, value)
        if not Tokens(folder).any():
            Tokens(folder).new("first", ["leads:read"], None, None)
        server = build_server(settings.load(), lambda: httpx2.ASGITransport(app=box))
        portal = stack.enter_context(start_blocking_portal())
        issuer = stack.enter_context(portal.wrap_async_context_manager(issuer_client(server.configured)))
        app = app_of(server, issuer, transport, "127.0.0.1", stateless=stateless)
        opening = server.hold() if transport == "sse" else server.session_manager.run()
        stack.enter_context(portal.wrap_async_context_manager(opening))
        origin = stack.enter_context(portal.wrap_async_context_manager(listening(app)))
        path = "sse" if transport == "sse" else "mcp"
        yield Team(f"{origin}/{path}", server, box, folder, portal, stack, transport)
