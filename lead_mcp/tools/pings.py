"""``query_pings``: PING attempts in and out, with how many were accepted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult
from pydantic import Field

from lead_mcp.engine.connection import Connection
from lead_mcp.engine.records import Record
from lead_mcp.engine.search import search
from lead_mcp.errors import NotOffered
from lead_mcp.policy.cleaning import plain_value
from lead_mcp.policy.masking import shown
from lead_mcp.runtime import Runtime
from lead_mcp.tools.kit import AccountName, Cursor, Limit, MaxTokens, Moment, MoreFilters, plainly, result, runtime_of
from lead_mcp.tools.leads import Asking
from lead_mcp.tools.present import ledger_lines, table, text_of, text_table, window_line
from lead_mcp.uris import lead_uri

COLUMNS: Final = ("at", "accepted", "result", "source", "campaign", "client", "price", "revenue")
SHOWN: Final = (*COLUMNS, "lead_id")
KEYS: Final = ("pings", "summary", "groups", "next_cursor", "window", "omitted", "accounts")
Direction = Literal["inbound", "outbound"]


async def query_pings(
    ctx: Context[Any, Any],
    direction: Direction,
    account: AccountName = None,
    since: Moment = None,
    until: Moment = None,
    filters: MoreFilters = None,
    group_by: Annotated[list[str] | None, Field(max_length=2), plainly(type="array", items={"type": "string"})] = None,
    sort: Moment = None,
    limit: Limit = 20,
    max_tokens: MaxTokens = None,
    cursor: Cursor = None,
) -> CallToolResult:
    """PING attempts (LeadExec) of 24 hours unless said, with a summary. Fields: at accepted result source campaign client
    price revenue lead_id ...; group_by those, or hour, day. Filters as in search_leads."""
    runtime = runtime_of(ctx)
    chosen = with_pings(runtime, account, direction)
    asked = Asking(
        runtime, account, None, filters, since, until, sort or "at:desc", (), limit, cursor, kind=direction, shown=SHOWN
    )
    question = asked.question(max_tokens=max_tokens)
    answer = await search(chosen, question, runtime.limits, runtime.seal)
    found = table(("uri", *COLUMNS, "lead_uri"), [ping_row(record) for record in answer.records])
    structured = {
        "pings": found,
        "next_cursor": answer.cursor,
        "window": question.window.said() if question.window else None,
        "accounts": [entry.said() for entry in answer.entries],
    }
    text = text_of(
        f"{len(answer.records)} {direction} pings {window_line(question.window)}".strip(),
        text_table(found),
        *ledger_lines(answer.entries),
        f"next_cursor: {answer.cursor}" if answer.cursor else "",
    )
    return result(structured, text)


def with_pings(runtime: Runtime, account: str | None, direction: str) -> list[Connection]:
    """The chosen accounts that have pings. Raises NotOffered where none has."""
    chosen = runtime.chosen(account)
    found: Sequence[Connection] = [one for one in chosen if direction in one.account.vendor.pings]
    if not found:
        names = ", ".join(one.name for one in chosen)
        raise NotOffered(f"{names}: no {direction} pings there. LeadExec has PING attempts.")
    return list(found)


def ping_row(record: Record) -> list[Any]:
    """The URI, the columns, the URI of the lead it became."""
    lead = record.get("lead_id")
    values = [shown(name, plain_value(record.get(name))) for name in COLUMNS]
    return [record.uri, *values, lead_uri(record.account, str(lead)) if lead else None]
