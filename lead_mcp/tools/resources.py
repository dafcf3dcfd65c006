"""Resources: every URI a tool prints can be read: a lead, a ping, a recording's audio, an account, a write's story."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError

from lead_mcp.engine.pace import ALWAYS, aside
from lead_mcp.engine.recordings import offered, recordings_of
from lead_mcp.errors import BadArgument, LeadMcpError, NotAllowed, NotConfigured, NotFound, NotOffered
from lead_mcp.journal.entries import JournalEvent, Write
from lead_mcp.outgoing.accounts import by_kind
from lead_mcp.outgoing.journal_records import write_with_events
from lead_mcp.outgoing.masking import masked_by
from lead_mcp.outgoing.records import full_record
from lead_mcp.outgoing.times import times_in
from lead_mcp.runtime import Runtime
from lead_mcp.tools.accounts import describe
from lead_mcp.tools.exports import export_contents
from lead_mcp.tools.failures import error_message, known
from lead_mcp.tools.kit import META, masker_for
from lead_mcp.tools.lead import one_lead, own_fields
from lead_mcp.tools.one_ping import one_ping
from lead_mcp.tools.templates import JSON, SCHEMA
from lead_mcp.transport.audio import fetch_audio
from lead_mcp.uris import Uri, parse_uri
from lead_mcp.vendors.spec.fields import CANONICAL, PING_FIELDS
from lead_mcp.view import CONTENT_META, MIME_TYPE, URI, html

if TYPE_CHECKING:
    from lead_mcp.journal.store import Journal

RECORD_META: Final = {**META, "untrusted_parts": ["lead", "ping", "raw"]}


async def read(runtime: Runtime, text: str) -> Iterable[ReadResourceContents]:
    """The contents behind a URI. Raises ResourceNotFoundError, or ResourceError that says what happened."""
    try:
        masker = await masker_for(runtime)
    except LeadMcpError as error:
        raise ResourceError(error_message(error)) from error
    with masked_by(masker), times_in(runtime.server.zone):
        return await _read(runtime, text)


async def _read(runtime: Runtime, text: str) -> Iterable[ReadResourceContents]:
    if text in WITHOUT_VENDOR:
        return [WITHOUT_VENDOR[text]()]
    try:
        found = parse_uri(text, *READERS)
        return [await READERS[found.scheme](runtime, found)]
    except (NotFound, NotConfigured, NotOffered, NotAllowed, BadArgument) as error:
        raise ResourceNotFoundError(error_message(error)) from error
    except Exception as error:
        raise ResourceError(error_message(known(error, text))) from error


def _json(value: Any, meta: dict[str, Any] | None = None) -> ReadResourceContents:
    return ReadResourceContents(content=json.dumps(value, ensure_ascii=False, indent=1), mime_type=JSON, meta=meta)


def _schema() -> ReadResourceContents:
    from lead_mcp.sql.schema import schema_text

    return ReadResourceContents(content=schema_text(), mime_type="text/plain")


def _view() -> ReadResourceContents:
    return ReadResourceContents(content=html(), mime_type=MIME_TYPE, meta=CONTENT_META)


WITHOUT_VENDOR: Final[Mapping[str, Callable[[], ReadResourceContents]]] = {SCHEMA: _schema, URI: _view}


async def _lead(runtime: Runtime, found: Uri) -> ReadResourceContents:
    record = await one_lead(runtime, None, found.account, found.id)
    discovered = await own_fields(runtime, record)

    def contents() -> ReadResourceContents:
        whole = full_record(record, CANONICAL, None, discovered)
        return _json({key: whole[key] for key in ("uri", "lead", "raw")}, RECORD_META)

    return await aside(contents, ALWAYS)


async def _ping(runtime: Runtime, found: Uri) -> ReadResourceContents:
    record = await one_ping(runtime, found)

    def contents() -> ReadResourceContents:
        whole = full_record(record, PING_FIELDS, limit=None)
        return _json({"uri": whole["uri"], "ping": whole["lead"], "raw": whole["raw"]}, RECORD_META)

    return await aside(contents, ALWAYS)


async def _recording(runtime: Runtime, found: Uri) -> ReadResourceContents:
    name, lead_id, recording_id = found.parts
    connection = runtime.connection(name)
    recordings = offered(connection)
    calls = await recordings_of(connection, lead_id, None, None, runtime.server.deadline)
    one = calls.found.get(recording_id)
    if one is None:
        raise NotFound(f"{name} has no recording {recording_id[:80]!r} of lead {lead_id[:80]!r}.", account=name)
    if not one.url:
        raise NotOffered(f"{name} names no address for the audio of recording {recording_id[:80]!r}.", account=name)
    account = connection.account
    hosts = [account.option(s.key) for s in connection.vendor.settings if s.kind == "host_list"]
    audio = await fetch_audio(
        one.url,
        base_url=account.option("base_url"),
        domains=recordings.domains,
        hosts=[host for group in hosts for host in group.split(",")],
        transport=runtime.common.transport,
    )
    return ReadResourceContents(content=audio.content, mime_type=audio.mime_type, meta=META)


async def _account(runtime: Runtime, found: Uri) -> ReadResourceContents:
    whole = await describe(runtime, found.account)
    whole["fields"]["rows"] = by_kind(whole["fields"]["rows"])
    return ReadResourceContents(content=json.dumps(whole, ensure_ascii=False), mime_type=JSON)


async def _journal(runtime: Runtime, found: Uri) -> ReadResourceContents:
    """One write's story, for whoever may know of it: the same principal, and every account that it is about."""
    name = found.id

    def look(journal: Journal) -> tuple[Write, Sequence[JournalEvent]] | None:
        write = journal.get(name)
        mine = write is not None and write.principal == runtime.principal
        known = write is not None and {*write.account.split(",")} <= {*runtime.connections}
        return (write, journal.events(name)) if write is not None and mine and known else None

    kept = await runtime.in_journal(look)
    if kept is None:
        raise NotFound(f"There is no write {name[:60]!r} in this journal; a write's answer names its journal_id.")
    return _json(write_with_events(*kept), {**META, "untrusted_parts": ["events"]})


READERS: Final[dict[str, Callable[[Runtime, Uri], Awaitable[ReadResourceContents]]]] = {
    "lead": _lead,
    "ping": _ping,
    "recording": _recording,
    "account": _account,
    "journal": _journal,
    "export": export_contents,
}
