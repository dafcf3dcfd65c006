"""A view of an answer inside the chat (MCP Apps, protocol 2026-01-26): where it is, and which tools it is for.

The view is one HTML file without any network; a host that knows Apps shows it beside the answer of a tool that points to it.
Answers are the same with and without it. A client that says it does not know Apps gets no pointer and no such resource.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID, client_supports_apps
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.extension import Extension

URI: Final = "ui://lead-mcp/leads"
MIME_TYPE: Final = APP_MIME_TYPE
TOOLS: Final = frozenset({"search_leads", "summarize_leads", "trace_lead", "query_pings", "query_sql"})
"""Whose answers the view can show."""
POINTER: Final = {"ui": {"resourceUri": URI}}
CONTENT_META: Final = {"ui": {"permissions": {"clipboardWrite": {}}, "prefersBorder": True}}
"""What the view asks of a host: the clipboard, for copying rows. It names no domain, so that no network is allowed."""


class View(Extension):
    """Tells clients that the server knows Apps. Tools and resource are our own lists' matter (``pointed``)."""

    identifier = EXTENSION_ID


def html() -> str:
    """The view, whole."""
    return Path(__file__).with_name("leads.html").read_text(encoding="utf-8")


async def pointed(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """A middleware: tools point to the view, and the view is a resource, for clients that know Apps.

    A legacy client without a session has told nothing of itself; it gets the pointer, which others overlook.
    """
    result = await call_next(ctx)
    change = LISTS.get(ctx.method)
    if change is None or not isinstance(result, dict) or not _knows_apps(ctx):
        return result
    return change(result)


def _knows_apps(ctx: ServerRequestContext[Any, Any]) -> bool:
    return ctx.session.client_capabilities is None or client_supports_apps(ctx)


def _pointing(result: dict[str, Any]) -> dict[str, Any]:
    tools = [{**one, "_meta": POINTER} if one["name"] in TOOLS else one for one in result["tools"]]
    return {**result, "tools": tools}


def _with_view(result: dict[str, Any]) -> dict[str, Any]:
    return {**result, "resources": [*result["resources"], RESOURCE]}


RESOURCE: Final = {
    "uri": URI,
    "name": "leads-view",
    "description": "The answers of the reading tools as tables and charts, for hosts that show MCP Apps.",
    "mimeType": MIME_TYPE,
}
LISTS: Final = {"tools/list": _pointing, "resources/list": _with_view}
