"""``get_lead``, and the one lead that a URI, or an account and an id, name."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Any

import anyio
from mcp.server.mcpserver import Context
from mcp.types import CallToolResult

from lead_mcp.engine.lookup import get_record
from lead_mcp.engine.pace import ALWAYS, aside
from lead_mcp.engine.records import Record
from lead_mcp.errors import BadArgument, LeadMcpError, NotFound
from lead_mcp.outgoing.whole import whole_lead
from lead_mcp.runtime import Runtime
from lead_mcp.tools.arguments import models
from lead_mcp.tools.kit import result, runtime_of
from lead_mcp.tools.one_ping import one_ping
from lead_mcp.uris import MAX_ID, lead_uri, parse_uri
from lead_mcp.vendors.spec.fields import FieldMap


async def get_lead(ctx: Context[Any, Any], asked: models.GetLead) -> CallToolResult:
    """The tool ``get_lead``."""
    runtime = runtime_of(ctx)
    record = await one_lead(runtime, await lead_behind(runtime, asked.uri), asked.account, asked.id)
    connection, discovered = runtime.connection(record.account), await own_fields(runtime, record)
    events = connection.vendor.events(connection.account, record.raw)
    return result(*await aside(partial(whole_lead, record, discovered, events), ALWAYS))


async def one_lead(runtime: Runtime, uri: str | None, account: str | None, lead_id: str | None) -> Record:
    """The lead that a URI, or an account and an id, name. Raises BadArgument, NotFound or why it could not be read."""
    name, wanted = named_lead(runtime, uri, account, lead_id)
    return await get_record(runtime.connection(name), wanted, runtime.server.deadline)


async def own_fields(runtime: Runtime, record: Record) -> FieldMap | None:
    """What the account's vendor tells of its own fields, where masks want to know; None where it tells nothing."""
    if runtime.masker is None:
        return None
    with anyio.move_on_after(runtime.server.deadline), suppress(LeadMcpError):
        return await runtime.connection(record.account).discovered()
    return None


async def lead_behind(runtime: Runtime, uri: str | None) -> str | None:
    """The URI of the lead that a recording's or a ping's URI leads to, for tools that read; any other as it is.

    Raises BadArgument, and NotFound where no lead came of the ping.
    """
    scheme = (uri or "").partition("://")[0]
    if uri is None or scheme not in ("recording", "ping"):
        return uri
    found = parse_uri(uri, scheme)
    if scheme == "recording":
        return lead_uri(found.account, found.parts[1])
    lead_id = (await one_ping(runtime, found)).get("lead_id")
    if not lead_id:
        raise NotFound(f"No lead came of the ping {uri[:120]}.", account=found.account)
    return lead_uri(found.account, str(lead_id))


def named_lead(runtime: Runtime, uri: str | None, account: str | None, lead_id: str | None) -> tuple[str, str]:
    """Account name and id. A URI may stand in place of an id, or beside what it names. Raises BadArgument."""
    if lead_id is not None and lead_id.startswith("lead://") and uri in (None, lead_id):
        uri, lead_id = lead_id, None
    if uri is not None:
        return _named_by_uri(runtime, uri, account, lead_id)
    if not account or not lead_id:
        raise BadArgument("Name the lead by uri (lead://...), or by account and id.")
    if len(lead_id) > MAX_ID:
        raise BadArgument(f"id: an id has at most {MAX_ID} characters.")
    chosen = runtime.chosen(account)
    if len(chosen) != 1:
        raise BadArgument(f"account: {account!r} names several accounts; ids belong to one.")
    return chosen[0].name, lead_id


def _named_by_uri(runtime: Runtime, uri: str, account: str | None, lead_id: str | None) -> tuple[str, str]:
    found = parse_uri(uri, "lead")
    other_account = account is not None and found.account not in {one.name for one in runtime.chosen(account)}
    if other_account or lead_id not in (None, found.id):
        given = f"account {account!r}" if other_account else f"id {lead_id!r}"
        raise BadArgument(f"uri: {uri[:120]!r} names another lead than {given[:120]}; give one of them.")
    return found.account, found.id
