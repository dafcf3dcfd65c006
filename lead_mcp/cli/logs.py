"""Logging: JSON lines on stderr, from our own loggers and a few named ones, without secrets."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Final

from lead_mcp.errors import trace_of

if TYPE_CHECKING:
    from lead_mcp.transport.redaction import Redactor

OURS: Final = "lead_mcp"
OTHERS: Final = ("asyncio", "mcp", "py.warnings", "uvicorn.error")
"""Whose warnings and errors are passed on; below that they write addresses with queries, and whole answers."""
SESSIONS: Final = "mcp.server.streamable_http"
"""Where the SDK calls it an error that a client left in the middle of its request, or of its session."""
STANDARD: Final = frozenset(logging.LogRecord("", 0, "", 0, "", None, None).__dict__) | {
    "message", "asctime", "taskName"
}  # fmt: skip


class JsonLines(logging.Formatter):
    """One JSON object a line, without these secrets."""

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__()
        self.secrets = frozenset(secrets)

    @cached_property
    def redactor(self) -> Redactor:
        """Made for the first line: most servers never write one."""
        from lead_mcp.transport.redaction import redactor

        return redactor(self.secrets)

    def format(self, record: logging.LogRecord) -> str:
        line = {"at": self.formatTime(record), "level": record.levelname.lower(), "log": record.name}
        line["message"] = record.getMessage()
        line |= {key: value for key, value in record.__dict__.items() if key not in STANDARD}
        if record.exc_info and record.exc_info[1] is not None:
            line["trace"] = trace_of(record.exc_info[1])
        return json.dumps(self.redactor.tree(line), default=str, ensure_ascii=False)


def passes(record: logging.LogRecord) -> bool:
    """Whether a record is anybody's whom we know, and tells more than that a client left."""
    known = any(record.name == name or record.name.startswith(f"{name}.") for name in (OURS, *OTHERS))
    return known and not (record.name == SESSIONS and record.exc_info and _has_left(record.exc_info[1]))


def _has_left(error: BaseException | None) -> bool:
    from lead_mcp.serving.listening import has_left  # HTTP's alone

    return has_left(error)


def configure_logging(level: str, secrets: Iterable[str] = ()) -> None:
    """Our loggers from ``level`` on, the named others' warnings and errors. ``secrets`` are redacted, in clear."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(secrets))
    handler.addFilter(passes)
    wanted = logging.getLevelNamesMapping()[level.upper()]
    logging.basicConfig(level=max(wanted, logging.WARNING), handlers=[handler], force=True)
    logging.getLogger(OURS).setLevel(wanted)
