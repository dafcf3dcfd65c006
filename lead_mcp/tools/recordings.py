"""``get_recordings``: a lead's calls, each with a link to its audio."""

from __future__ import annotations

from typing import Any, Final

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult, ResourceLink

from lead_mcp.dates import window
from lead_mcp.engine.ledger import LedgerEntry
from lead_mcp.engine.recordings import recordings_of
from lead_mcp.outgoing.recordings import recording_name, recording_uri, recordings_answer
from lead_mcp.tools.kit import Cursor, Limit, Moment, Uri, result, runtime_of
from lead_mcp.tools.leads import named_lead
from lead_mcp.vendors.spec.reading import Recording

KEYS: Final = ("recordings", "total", "next_cursor", "accounts")


async def get_recordings(
    ctx: Context[Any, Any],
    uri: Uri = None,
    account: Moment = None,
    lead_id: Moment = None,
    since: Moment = None,
    until: Moment = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> CallToolResult:
    """A lead's call recordings, newest first (Convoso, LeadSquared); read the recording:// URI for the audio."""
    runtime = runtime_of(ctx)
    name, wanted = named_lead(runtime, uri, account, lead_id)
    arguments = {"tool": "get_recordings", "lead": [name, wanted], "since": since, "until": until, "limit": limit}
    start = runtime.seal.open(cursor, arguments)["at"] if cursor is not None else 0
    now = runtime.seal.frozen(cursor, arguments) if cursor is not None else runtime.clock()
    asked = window(since, until, runtime.server.zone, now)
    connection = runtime.connection(name)
    ends = (asked.since, asked.until) if asked else (None, None)
    calls = await recordings_of(connection, wanted, *ends, runtime.server.deadline)
    every, complete = calls.ordered(), not calls.why and calls.error is None
    page, total = every[start : start + limit], len(every) if complete else None
    entry = LedgerEntry(name, len(page), total, len(every), calls.requests, complete, error=calls.error)
    entry.notes = [note for note in (calls.why, connection.vendor.recordings_note) if note]
    state = {"at": start + limit, "f": now.isoformat()}
    after = runtime.seal.close(state, arguments) if start + limit < len(every) else None
    return result(*recordings_answer(page, entry, after), [_link(name, one) for one in page])


def _link(account: str, one: Recording) -> ResourceLink:
    return ResourceLink(uri=recording_uri(account, one), name=recording_name(one), mime_type="audio/*")
