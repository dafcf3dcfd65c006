"""Completions: what an argument of a resource's template or of a prompt may be, given those already filled in."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from mcp import MCPError
from mcp.types import INVALID_PARAMS, Completion, Prompt, PromptReference, ResourceTemplateReference

from lead_mcp.engine.connection import Connection
from lead_mcp.engine.field_names import known_names
from lead_mcp.engine.query import Query
from lead_mcp.engine.records import Record
from lead_mcp.engine.search import search
from lead_mcp.errors import LeadMcpError, did_you_mean
from lead_mcp.filters import newest_first
from lead_mcp.outgoing.cleaning import cell
from lead_mcp.outgoing.masking import masked_by
from lead_mcp.outgoing.render import id_cell
from lead_mcp.runtime import Runtime
from lead_mcp.tools.kit import masker_for
from lead_mcp.tools.templates import TEMPLATES
from lead_mcp.vendors.spec.fields import CANONICAL

Ref = PromptReference | ResourceTemplateReference
MOST: Final = 100
SINCE: Final = ("today", "yesterday", "this_week", "last_week", "this_month", "last_month", "-24h", "-7d", "-30d")
NEWEST: Final = 50
"""Records that are looked at for what is offered."""
SEEN: Final = frozenset({"source"})
"""Fields whose words are taken from leads: such that nobody is told by them."""
PARTS: Final = re.compile(r"\{\??([\w,]+)\}")


async def complete(
    runtime: Runtime, ref: Ref, prompts: Sequence[Prompt], argument: str, value: str, known: Mapping[str, str]
) -> Completion | None:
    """The values that begin so; nothing where masks are on and have no key, or where what ``ref`` names has no such argument.

    Raises MCPError where nothing is called as ``ref`` says.
    """
    if argument not in _arguments(ref, prompts):
        return Completion(values=[], total=0, has_more=False)
    try:
        masker = await masker_for(runtime)
    except LeadMcpError:
        return None
    kind = ref.uri.partition("://")[0] if isinstance(ref, ResourceTemplateReference) else ""
    with masked_by(masker):
        matching = [one for one in await _values(runtime, kind, argument, known) if one.startswith(value)]
    return Completion(values=matching[:MOST], total=len(matching), has_more=len(matching) > MOST)


def _arguments(ref: Ref, prompts: Sequence[Prompt]) -> Sequence[str]:
    """The arguments of what ``ref`` names. Raises MCPError."""
    if isinstance(ref, ResourceTemplateReference):
        if ref.uri not in TEMPLATES:
            raise _unknown("resource template", ref.uri, TEMPLATES)
        return [name for group in PARTS.findall(ref.uri) for name in group.split(",")]
    found = {one.name: one for one in prompts}
    if ref.name not in found:
        raise _unknown("prompt", ref.name, found)
    return [one.name for one in found[ref.name].arguments or ()]


def _unknown(what: str, name: str, known: Mapping[str, object]) -> MCPError:
    names = ", ".join(known) or "none"
    return MCPError(INVALID_PARAMS, f"There is no {what} {name[:60]!r}; there are {names}.{did_you_mean(name, known)}")


async def _values(runtime: Runtime, kind: str, argument: str, known: Mapping[str, str]) -> list[str]:
    """``kind``: the template's scheme, or empty for a prompt."""
    found: list[str] = []
    connection = runtime.connections.get(known.get("account", ""))
    if argument == "account":
        found = [name for name, one in runtime.connections.items() if _has(one, kind)]
    elif argument == "direction":
        found = list(connection.vendor.pings if connection else ("inbound", "outbound"))
    elif argument == "since":
        found = list(SINCE)
    elif argument == "field":
        found = known_names(one.account.fields for one in runtime.connections.values())
    elif argument == "lead_id" or (argument == "id" and kind == "lead"):
        found = await _newest_ids(runtime, connection, None)
    elif argument == "id" and kind == "ping":
        found = await _newest_ids(runtime, connection, known.get("direction", ""))
    elif not kind and argument == "person":
        found = [record.uri for record in await _newest(runtime, list(runtime.connections.values()))]
    elif not kind and argument in CANONICAL:
        seen = await _seen(runtime, argument) if argument in SEEN else []
        found = list(dict.fromkeys(cell(word) for word in [*seen, *_words(runtime, argument)]))
    return found


def _has(connection: Connection, kind: str) -> bool:
    """Whether an account has records of what a template reads."""
    vendor = connection.vendor
    return {"ping": bool(vendor.pings), "recording": vendor.recordings is not None}.get(kind, True)


def _words(runtime: Runtime, name: str) -> list[str]:
    """The words that a field takes, where an account's vendor has a list of them; stages always."""
    fields = [connection.account.fields.ours.get(name) for connection in runtime.connections.values()]
    return list(dict.fromkeys(word for field in fields if field for word in field.values))


async def _seen(runtime: Runtime, name: str) -> list[str]:
    """The words that the newest leads have in a field, the commonest first."""
    newest = await _newest(runtime, list(runtime.connections.values()), shown=(name,))
    found = Counter(value for record in newest if isinstance(value := record.get(name), str))
    return [word for word, _ in found.most_common()]


async def _newest_ids(runtime: Runtime, connection: Connection | None, direction: str | None) -> list[str]:
    """The newest leads' ids, or a direction's pings': who is at a keyboard rarely wants an old one."""
    if connection is None or (direction is not None and direction not in connection.vendor.pings):
        return []
    return [id_cell(record.id) for record in await _newest(runtime, [connection], direction)]


async def _newest(
    runtime: Runtime, asked: Sequence[Connection], direction: str | None = None, shown: Sequence[str] = ()
) -> Sequence[Record]:
    """The newest leads of some accounts, or a direction's pings; none where they cannot be read. ``shown``: fields wanted."""
    orders = newest_first("at" if direction else "created_at")
    query = Query(kind=direction or "lead", orders=orders, defaults=shown, limit=NEWEST, now=runtime.now())
    try:
        return (await search(asked, query, runtime.limits, runtime.seal)).records
    except LeadMcpError:
        return []
