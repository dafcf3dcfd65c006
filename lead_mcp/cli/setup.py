"""What several commands share: settings (or the sandbox's), logging, and a client in memory."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lead_mcp.settings import Settings, load, load_for_sandbox

if TYPE_CHECKING:
    import httpx2
    from mcp import Client

    from lead_mcp.journal.store import Journal

SANDBOX_ORIGIN: Final = "http://127.0.0.1:8700"
"""Where the sandbox's accounts say their vendor is; in process, nothing listens there."""
OWN: Final = frozenset(logging.LogRecord("", 0, "", 0, "", None, None).__dict__) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        extra = {key: value for key, value in record.__dict__.items() if key not in OWN}
        said = {"at": self.formatTime(record), "level": record.levelname.lower(), "log": record.name}
        if record.exc_info:
            extra["trace"] = self.formatException(record.exc_info)
        return json.dumps({**said, "message": record.getMessage(), **extra}, default=str, ensure_ascii=False)


def configure_logging(level: str) -> None:
    """Structured lines on stderr; the HTTP client's own lines would hold addresses with queries, so they are silenced."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in ("httpx2", "httpcore2", "stamina", "mcp"):
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))


def settings_for(
    config: Path | None, *, sandbox: bool
) -> tuple[Settings, Callable[[], httpx2.AsyncBaseTransport | None]]:
    """The settings, and what stands in for the network. Warnings go to the log."""
    if not sandbox:
        settings = load(config)
        configure_logging(settings.server.log_level)
        for warning in settings.warnings:
            logging.getLogger("lead_mcp.settings").warning(warning)
        return settings, lambda: None
    import httpx2

    from lead_mcp.sandbox.app import sandbox as make_sandbox

    box = make_sandbox(rates={"leadsquared": None})
    settings = load_for_sandbox(box.environment(SANDBOX_ORIGIN))
    configure_logging(settings.server.log_level)
    return settings, lambda: httpx2.ASGITransport(app=box)


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

    from lead_mcp.server import build_server

    settings, transport = settings_for(config, sandbox=sandbox)
    async with Client(build_server(settings, transport), **options) as client:
        yield client
