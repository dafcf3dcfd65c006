"""``get_recordings``: a lead's calls, each with a link to its audio."""

from __future__ import annotations

from typing import Any, Final

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult, ResourceLink

from lead_mcp.dates import stamp, window
from lead_mcp.engine.ledger import LedgerEntry
from lead_mcp.engine.recordings import recordings_of
from lead_mcp.outgoing.cleaning import cell
from lead_mcp.outgoing.masking import is_on
from lead_mcp.outgoing.render import entry_to_dict, ledger_lines, table, text_of, text_table
from lead_mcp.tools.kit import Cursor, Limit, Moment, Uri, result, runtime_of
from lead_mcp.tools.leads import named_lead
from lead_mcp.uris import uri as made_uri
from lead_mcp.vendors.spec.reading import Recording

COLUMNS: Final = ("uri", "started_at", "ended_at", "duration_s", "url")
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
    state = runtime.seal.open(cursor, arguments) if cursor is not None else {"at": 0}
    now = runtime.seal.frozen(cursor, arguments) if cursor is not None else runtime.clock()
    asked = window(since, until, runtime.server.zone, now)
    connection = runtime.connection(name)
    ends = (asked.since, asked.until) if asked else (None, None)
    calls = await recordings_of(connection, wanted, *ends, runtime.server.deadline)
    every, start = calls.ordered(), state["at"]
    page = every[start : start + limit]
    more = start + limit < len(every)
    complete = not calls.why and calls.error is None
    entry = LedgerEntry(
        name, len(page), len(every) if complete else None, len(every), calls.requests, complete, error=calls.error
    )
    entry.notes = [note for note in (calls.why, connection.vendor.recordings_note) if note]
    after = runtime.seal.close({"at": start + limit, "f": now.isoformat()}, arguments) if more else None
    found = table(COLUMNS, [_row(name, one) for one in page])
    structured = {"recordings": found, "total": entry.total, "next_cursor": after, "accounts": [entry_to_dict(entry)]}
    text = text_of(
        f"{len(page)} recordings", text_table(found), *ledger_lines([entry]), f"next_cursor: {after}" if after else ""
    )
    return result(structured, text, [_link(name, one) for one in page])


def recording_uri(account: str, one: Recording) -> str:
    return made_uri("recording", account, one.lead_id, one.id)


def _row(account: str, one: Recording) -> list[Any]:
    url = cell(one.url, 500) if one.url and not is_on() else None
    return [recording_uri(account, one), stamp(one.started_at), stamp(one.ended_at), one.seconds, url]


def _link(account: str, one: Recording) -> ResourceLink:
    return ResourceLink(uri=recording_uri(account, one), name=f"recording {cell(one.id)}", mime_type="audio/*")
