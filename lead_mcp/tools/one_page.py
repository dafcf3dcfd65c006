"""The protocol's lists come in one page each, so nobody has a cursor of one of them."""

from __future__ import annotations

from typing import Any, Final

from mcp import MCPError
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.types import INVALID_PARAMS

LISTS: Final = frozenset({"tools/list", "resources/list", "resources/templates/list", "prompts/list"})


async def one_page(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """A middleware: whoever asks a list for the page behind a cursor is told that there is none, and not given the first
    page again and again. An empty cursor is none. Raises MCPError. Source: the specification's page on pagination."""
    cursor = (ctx.params or {}).get("cursor")
    if ctx.method in LISTS and isinstance(cursor, str) and cursor.strip():
        raise MCPError(INVALID_PARAMS, f"cursor: {ctx.method} comes in one page; leave the cursor out.")
    return await call_next(ctx)
