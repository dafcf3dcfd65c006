"""``get_recordings``: a lead's calls, each with a link to its audio."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult, ResourceLink

from lead_mcp.engine.ledger import LedgerEntry
from lead_mcp.engine.notes import VendorSays
from lead_mcp.engine.recordings import recordings_of
from lead_mcp.outgoing.recordings import lengths_of, recording_name, recording_uri, recordings_answer
from lead_mcp.runtime import Runtime
from lead_mcp.tools.arguments import models
from lead_mcp.tools.arguments.windows import asked_window
from lead_mcp.tools.kit import linked, result, runtime_of
from lead_mcp.tools.lead import lead_behind, named_lead
from lead_mcp.vendors.spec.reading import Recording


async def get_recordings(ctx: Context[Any, Any], asked: models.GetRecordings) -> CallToolResult:
    """The tool ``get_recordings``."""
    runtime = runtime_of(ctx)
    name, wanted = named_lead(runtime, await lead_behind(runtime, asked.uri), asked.account, asked.lead_id)
    window = [asked.period, asked.since, asked.until]
    arguments = {"tool": "get_recordings", "lead": [name, wanted], "window": window, "limit": asked.limit}
    start, now = _place(runtime, asked.cursor, arguments)
    found = asked_window(asked, runtime.server.zone, now)
    connection = runtime.connection(name)
    ends = (found.since, found.until) if found else (None, None)
    calls = await recordings_of(connection, wanted, *ends, runtime.server.deadline)
    every, complete = calls.ordered(), calls.cut is None and calls.error is None
    page, total = every[start : start + asked.limit], len(every) if complete else None
    entry = LedgerEntry(name, len(page), total, len(every), calls.requests, complete, error=calls.error)
    if calls.cut is not None:
        entry.note(calls.cut)
    if text := connection.vendor.recordings_note:
        entry.note(VendorSays(text))
    state = {"at": start + asked.limit, "f": now}
    after = runtime.seal.close(state, arguments) if start + asked.limit < len(every) else None
    links = linked(ctx, [_link(name, one) for one in page])
    return result(*recordings_answer(page, entry, after, found, lengths_of(every)), links)


def _place(runtime: Runtime, cursor: str | None, arguments: dict[str, Any]) -> tuple[int, datetime]:
    """Where the page begins, and the moment the first page was asked."""
    if cursor is None:
        return 0, runtime.now()
    return runtime.seal.open(cursor, arguments)["at"], runtime.seal.frozen(cursor, arguments)


def _link(account: str, one: Recording) -> ResourceLink:
    return ResourceLink(uri=recording_uri(account, one), name=recording_name(one))
