"""What commands open: the settings (or the sandbox's), the journal, a client in memory."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lead_mcp.cli.logs import configure_logging
from lead_mcp.settings import Settings, load, load_for_sandbox, secrets_of, server_secrets

if TYPE_CHECKING:
    import httpx2
    from mcp import Client

    from lead_mcp.journal.store import Journal

SANDBOX_ORIGIN: Final = "http://127.0.0.1:8700"
"""The base of the sandbox accounts' URLs; requests stay in this process, nothing listens there."""


def settings_for(
    config: Path | None, *, sandbox: bool
) -> tuple[Settings, Callable[[], httpx2.AsyncBaseTransport | None]]:
    """The settings, and what stands in for the network. Warnings go to the log."""
    if not sandbox:
        settings = load(config)
        log_for(settings)
        for warning in settings.warnings:
            logging.getLogger("lead_mcp.settings").warning(warning)
        return settings, lambda: None
    import httpx2

    from lead_mcp.sandbox.app import sandbox as make_sandbox
    from lead_mcp.vendors import emulators

    box = make_sandbox(emulators(), rated=False)
    settings = load_for_sandbox(box.environment(SANDBOX_ORIGIN))
    log_for(settings)
    return settings, lambda: httpx2.ASGITransport(app=box)


def log_for(settings: Settings) -> None:
    """Log as the settings say, and none of their secrets."""
    secrets = [*secrets_of(settings).values(), *server_secrets(settings.server), *settings.storage.secrets]
    configure_logging(settings.server.log_level, secrets)


@contextmanager
def opened_journal(config: Path | None) -> Iterator[tuple[Settings, Journal]]:
    """The settings and the journal they name, what is too old in it forgotten. Raises NotAllowed where it cannot be used."""
    from lead_mcp.journal.store import Journal

    settings, _ = settings_for(config, sandbox=False)
    url = settings.server.journal_url
    journal = Journal(url.get_secret_value() if url else None, settings.server.state_dir).open()
    try:
        journal.purge(settings.server.journal_days)
        yield settings, journal
    finally:
        journal.close()


@asynccontextmanager
async def client_in_memory(config: Path | None, *, sandbox: bool, **options: Any) -> AsyncIterator[Client]:
    """A client of a server in this process."""
    from mcp import Client
    from mcp.types import Implementation

    from lead_mcp import __version__
    from lead_mcp.server import build_server

    settings, transport = settings_for(config, sandbox=sandbox)
    info = Implementation(name="lead-mcp", version=__version__)
    async with Client(build_server(settings, transport), client_info=info, **options) as client:
        yield client
