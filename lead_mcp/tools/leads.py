"""``search_leads`` and ``get_lead``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final, Literal

import anyio
from mcp.server.mcpserver import Context
from mcp.types import CallToolResult
from pydantic import Field

from lead_mcp.dates import window
from lead_mcp.engine.by_ids import asked_ids
from lead_mcp.engine.lookup import get_record
from lead_mcp.engine.query import Query
from lead_mcp.engine.records import Record
from lead_mcp.engine.search import search
from lead_mcp.errors import BadArgument, LeadMcpError
from lead_mcp.filters import parse_sort
from lead_mcp.outgoing.leads import search_page
from lead_mcp.outgoing.records import CONCISE, DETAILED, whole_lead
from lead_mcp.runtime import Runtime
from lead_mcp.tools.kit import (
    AccountName,
    Cursor,
    FilterArgument,
    Filters,
    Limit,
    MaxTokens,
    Moment,
    Since,
    Text,
    Uri,
    filters_of,
    plainly,
    result,
    runtime_of,
)
from lead_mcp.uris import parse_uri
from lead_mcp.vendors.spec.fields import FieldMap

NEWEST: Final = "created_at:desc"
SEARCH_KEYS: Final = ("leads", "total", "next_cursor", "window", "missing", "omitted", "accounts")
GET_KEYS: Final = ("uri", "account", "lead", "raw")


async def search_leads(
    ctx: Context[Any, Any],
    account: AccountName = None,
    text: Annotated[str | None, Field(max_length=200), Text] = None,
    ids: Annotated[list[str] | None, plainly(type="array", items={"type": "string"})] = None,
    filters: Filters = None,
    since: Since = None,
    until: Moment = None,
    sort: Annotated[str | None, plainly(type="string")] = None,
    fields: Annotated[
        list[str] | None,
        Field(max_length=40),
        plainly(type="array", items={"type": "string"}),
    ] = None,
    detail: Literal["concise", "detailed"] = "concise",
    limit: Limit = 20,
    max_tokens: MaxTokens = None,
    cursor: Cursor = None,
) -> CallToolResult:
    """Find leads, newest first. Fields: status stage source name email value created_at ..., or a vendor's own.
    E.g. filters=[{"field":"status","op":"eq","value":"won"}]"""
    runtime = runtime_of(ctx)
    usual = DETAILED if detail == "detailed" else CONCISE
    columns = tuple(dict.fromkeys((*usual, *(fields or ()))))
    order = sort or ("" if ids else NEWEST)
    asked = SearchArguments(
        runtime, account, text, filters, since, until, order, fields or (), limit, cursor, defaults=usual
    )
    query = asked.query(ids=ids, detail=detail, max_tokens=max_tokens)
    if ids is not None:
        query = replace(query, ids=asked_ids(runtime, account, ids))
    answer = await search(runtime.chosen(account), query, runtime.limits, runtime.seal)
    return result(*search_page(answer, query, columns, max_tokens))


@dataclass(frozen=True)
class SearchArguments:
    """The arguments that tools over leads share, on their way to a question."""

    runtime: Runtime
    account: str | None
    text: str | None
    filters: Sequence[FilterArgument] | None
    since: str | None
    until: str | None
    sort: str = NEWEST
    columns: Sequence[str] = ()
    limit: int = 20
    cursor: str | None = None
    kind: str = "lead"
    defaults: Sequence[str] = ()

    def query(self, **further: Any) -> Query:
        """The question; relative dates of a later page are read as on the first. Raises BadArgument.

        Every argument binds the cursor, ``further`` ones too.
        """
        if self.text is not None and not self.text.strip():
            raise BadArgument("text: must not be empty.")
        zone, arguments = self.runtime.server.zone, self._arguments(further)
        now = self.runtime.clock()
        if self.cursor is not None:
            now = self.runtime.seal.frozen(self.cursor, arguments)
        return Query(
            kind=self.kind,
            filters=filters_of(self.filters),
            text=self.text.strip() if self.text else None,
            window=window(self.since, self.until, zone, now),
            orders=tuple(parse_sort(self.sort)) if self.sort else (),
            columns=tuple(self.columns),
            defaults=self.defaults,
            guard=self.runtime.guard,
            limit=self.limit,
            cursor=self.cursor,
            arguments=arguments,
            now=now,
            zone=zone,
        )

    def _arguments(self, further: Mapping[str, Any]) -> dict[str, Any]:
        own = {
            "account": self.account,
            "text": self.text,
            "filters": [one.model_dump() for one in self.filters or ()],
            "since": self.since,
            "until": self.until,
            "sort": self.sort,
            "columns": list(self.columns),
            "limit": self.limit,
            "kind": self.kind,
        }
        return {**own, **further}


async def get_lead(
    ctx: Context[Any, Any],
    uri: Uri = None,
    account: Moment = None,
    id: Moment = None,  # noqa: A002 - the contract's word
) -> CallToolResult:
    """One lead in full, by URI or by account and id. Long strings are cut; the resource has them whole."""
    runtime = runtime_of(ctx)
    record = await one_lead(runtime, uri, account, id)
    return result(*whole_lead(record, await own_fields(runtime, record)))


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


def named_lead(runtime: Runtime, uri: str | None, account: str | None, lead_id: str | None) -> tuple[str, str]:
    """Account name and id. Raises BadArgument unless exactly one way of naming a lead was used."""
    if uri is not None and account is None and lead_id is None:
        found = parse_uri(uri, "lead")
        return found.account, found.id
    if uri is not None or not account or not lead_id:
        raise BadArgument("Name the lead by uri, or by account and id.")
    if len(lead_id) > 200:
        raise BadArgument("id: an id has at most 200 characters.")
    chosen = runtime.chosen(account)
    if len(chosen) != 1:
        raise BadArgument(f"account: {account!r} names several accounts; ids belong to one.")
    return chosen[0].name, lead_id
