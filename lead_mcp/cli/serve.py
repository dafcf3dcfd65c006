"""``lead-mcp serve``: stdio for desktop clients, HTTP for everybody else."""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import anyio

from lead_mcp.cli.logs import configure_logging
from lead_mcp.cli.opened import settings_for
from lead_mcp.cli.starting import ServeOptions
from lead_mcp.errors import SettingsError
from lead_mcp.server import build_server
from lead_mcp.serving.tracing import traced
from lead_mcp.settings import Settings, unusable

if TYPE_CHECKING:
    import httpx2

WAITING: Final = (
    "This is a server for a client that starts it and speaks MCP to it; it waits for one, and Ctrl-C ends it. "
    "By hand: `lead-mcp call list_accounts`; over HTTP: --transport http.\n"
)
Network = Callable[[], "httpx2.AsyncBaseTransport | None"]


def run(options: ServeOptions) -> int:
    """Serve until the end; the exit code. Raises SettingsError where nobody would see a server that says what is wrong."""
    if options.transport == "stdio":
        _check_stdio(options)
        return _over_stdio(options.config, sandbox=options.sandbox)
    if options.stateless and options.transport == "sse":
        raise SettingsError("--stateless: sse is a session; --transport http can do without.")
    from lead_mcp.identity.assembly import asks_who
    from lead_mcp.serving.http import check_exposure, serve_http

    settings, network = settings_for(options.config, sandbox=options.sandbox)
    check_exposure(settings.server, options.host, asks_who=asks_who(settings))
    server = build_server(settings, network)
    _settle()
    return anyio.run(serve_http, server, options.transport, options.host, options.port, options.stateless)


def _check_stdio(options: ServeOptions) -> None:
    """Raises SettingsError for what stdio has not. A person who has started the server by hand is told what it waits for."""
    usual = ServeOptions()
    for name in ("host", "port", "stateless"):
        if getattr(options, name) != getattr(usual, name):
            raise SettingsError(f"--{name}: stdio listens nowhere; say --transport http as well.")
    if sys.stdin and sys.stdin.isatty() and sys.stderr and sys.stderr.isatty():
        sys.stderr.write(WAITING)


def _over_stdio(config: Path | None, *, sandbox: bool) -> int:
    from lead_mcp.serving.stdio import check_streams, serve_stdio

    check_streams()
    server = build_server(*_settings_or_problem(config, sandbox=sandbox))
    _settle()
    with traced(server.configured.server.traces_url):
        return anyio.run(serve_stdio, server)


def _settings_or_problem(config: Path | None, *, sandbox: bool) -> tuple[Settings, Network]:
    """The settings, or what is wrong with them: a desktop client shows nobody what a process says that ends at once."""
    try:
        return settings_for(config, sandbox=sandbox)
    except SettingsError as error:
        settings = unusable(str(error))
    configure_logging(settings.server.log_level)
    logging.getLogger("lead_mcp.settings").error(settings.problem)
    return settings, lambda: None


def _settle() -> None:
    """What is loaded stays: the garbage collector, which rested meanwhile, need not look at it again."""
    gc.freeze()
    gc.enable()
