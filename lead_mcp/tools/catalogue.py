"""What a server offers: which tools for which accounts, the resource templates, why a tool is not there.

It loads with the first question that needs it, so that a client's greeting is answered at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any, Final, NamedTuple

from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult, Resource, ResourceTemplate, ToolAnnotations
from mcp.types import Tool as ListedTool

from lead_mcp.characters import cleaned
from lead_mcp.errors import BadArgument, LeadMcpError, NotAllowed, NotConfigured, NotOffered, did_you_mean
from lead_mcp.identity.principal import LOCAL, Principal
from lead_mcp.identity.scopes import tool_needs
from lead_mcp.settings import Settings
from lead_mcp.settings.accounts import ConfiguredAccount
from lead_mcp.tools import outputs
from lead_mcp.tools.arguments import models
from lead_mcp.tools.arguments.accounts import named_accounts
from lead_mcp.tools.arguments.base import Arguments
from lead_mcp.tools.definition import CHANGES, INSERTS, READS, WRITES_A_FILE, LeadTool, make_tool
from lead_mcp.tools.templates import FIXED, TEMPLATES, WITH_A_FOLDER
from lead_mcp.uris import uri
from lead_mcp.vendors.spec.vendor import Vendor

OFTEN_LIVE: Final = frozenset({"search_leads", "trace_lead", "export_leads", "insert_lead", "insert_leads"})
Serves = Callable[[Settings, list[Vendor]], bool]


class Listing(NamedTuple):
    """A tool that may be offered. ``serves``: whether it is, with these settings and vendors; else as for ``make_tool``."""

    serves: Serves
    handler: str
    model: type[Arguments]
    title: str
    output: Mapping[str, Any]
    annotations: ToolAnnotations = READS

    @property
    def name(self) -> str:
        return self.handler.partition(".")[2]

    def make(self) -> LeadTool:
        return make_tool(self.handler, self.model, self.title, self.output, self.annotations)


def tools_for(settings: Settings) -> list[Tool]:
    """The tools that some configured account can serve, in a fixed order."""
    return [_fitted(one.make(), settings) for one in _serving(settings)]


def _fitted(tool: LeadTool, settings: Settings) -> LeadTool:
    """The tool without an argument that nobody needs where there is no mirror; it is taken all the same."""
    if settings.server.mirror == "off" and tool.name in OFTEN_LIVE:
        properties = {name: one for name, one in tool.parameters["properties"].items() if name != "source"}
        tool.parameters = {**tool.parameters, "properties": properties}
    return tool


def names_for(settings: Settings, principal: Principal) -> set[str]:
    """The tools that some account of those settings can serve and that principal may call, by name."""
    names = {one.name for one in _serving(settings)}
    return {name for name in names if principal.may(tool_needs(name))}


def _serving(settings: Settings) -> list[Listing]:
    vendors = [found.vendor for found in settings.accounts.values()]
    return [one for one in LISTED if one.serves(settings, vendors)]


def listed(tool: Tool, settings: Settings | None = None) -> ListedTool:
    """A tool as clients see it. ``settings``: those of whoever asks, whose accounts' names its ``account`` takes."""
    offers = OFFERS.get(tool.name, bool)
    names = [name for name, one in settings.accounts.items() if offers(one.vendor)] if settings else []
    return ListedTool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=named_accounts(tool.parameters, names),
        output_schema=tool.output_schema,
        annotations=tool.annotations,
        _meta=tool.meta,
    )


def templates(settings: Settings) -> list[ResourceTemplate]:
    """The URIs that can be read, as clients see them."""
    every = {**TEMPLATES, **(WITH_A_FOLDER if settings.server.export_dir else {})}
    return [
        ResourceTemplate(uri_template=template, name=name, mime_type=mime_type, description=description)
        for template, (name, mime_type, description) in every.items()
    ]


def listed_resources(settings: Settings) -> list[Resource]:
    """What can be read without any template, as clients see it: each account, and what the listed tools need."""
    return [*map(_account, settings.accounts, settings.accounts.values()), *_fixed(settings)]


def _account(name: str, found: ConfiguredAccount) -> Resource:
    _, mime_type, description = TEMPLATES["account://{account}"]
    title = found.vendor.title if name == found.vendor.name else f"{name} ({found.vendor.title})"
    return Resource(uri=uri("account", name), name=name, title=title, mime_type=mime_type, description=description)


def _fixed(settings: Settings) -> list[Resource]:
    if not any(one.name == "query_sql" for one in _serving(settings)):
        return []
    return [
        Resource(uri=fixed, name=name, title=title, mime_type=mime_type, description=description)
        for fixed, (name, title, mime_type, description) in FIXED.items()
    ]


def refusal(name: str, settings: Settings, principal: Principal = LOCAL) -> CallToolResult:
    """What a call of a tool that is not listed gets: why it is not, or the nearest one that is."""
    from lead_mcp.tools.failures import error_result

    return error_result(why_missing(name, settings, principal))


def why_missing(name: str, settings: Settings, principal: Principal) -> LeadMcpError:
    """Why there is no such tool for that principal."""
    may, every = names_for(settings, principal), [one.name for one in LISTED]
    offered = [one for one in every if one in may]
    if name not in every:
        known = f"there are {', '.join(offered)}.{did_you_mean(name, offered)}"
        return BadArgument(f"There is no tool {cleaned(name)[:60]!r}; {known}")
    if (lacking := principal.lacking(tool_needs(name), name)) is not None:
        return lacking
    if not settings.accounts:
        return NotConfigured(settings.advice)
    server, deletes = settings.server, name == "delete_lead"
    if name in WRITERS and (server.deletes if deletes else server.writes) == "off":
        setting = f"LEAD_MCP_{'DELETES' if deletes else 'WRITES'}"
        return NotAllowed(
            f"{name}: {setting} is off; nothing was sent. Whoever runs this server can set it to confirm."
        )
    if name == "export_leads":
        return NotConfigured(f"{name}: LEAD_MCP_EXPORT_DIR names no folder for files; whoever runs this server can.")
    if name == "query_sql":
        return NotOffered(f"{name}: SQL needs DuckDB, which is not installed here: pip install 'lead-mcp[sql]'.")
    return NotOffered(f"{name}: no configured account's vendor has this.")


def _always(settings: Settings, vendors: list[Vendor]) -> bool:
    return True


def _any(settings: Settings, vendors: list[Vendor]) -> bool:
    return bool(vendors)


def _writes(serves: Callable[[Vendor], object]) -> Serves:
    return lambda settings, vendors: settings.server.writes != "off" and any(serves(v) for v in vendors)


def _deletes(settings: Settings, vendors: list[Vendor]) -> bool:
    return settings.server.deletes != "off" and any(vendor.delete for vendor in vendors)


def _pings(settings: Settings, vendors: list[Vendor]) -> bool:
    return any(vendor.pings for vendor in vendors)


def _sql(settings: Settings, vendors: list[Vendor]) -> bool:
    """DuckDB is looked for and not loaded: this process never does."""
    return bool(vendors) and find_spec("duckdb") is not None


def _exports(settings: Settings, vendors: list[Vendor]) -> bool:
    return bool(vendors) and settings.server.export_dir is not None


def _recordings(settings: Settings, vendors: list[Vendor]) -> bool:
    return any(vendor.recordings for vendor in vendors)


OFFERS: Final[Mapping[str, Callable[[Vendor], object]]] = {
    "query_pings": lambda vendor: vendor.pings,
    "get_recordings": lambda vendor: vendor.recordings,
    "insert_lead": lambda vendor: vendor.insert,
    "insert_leads": lambda vendor: vendor.insert,
    "update_lead": lambda vendor: vendor.update,
    "delete_lead": lambda vendor: vendor.delete,
}
"""Which accounts a tool is for, where that is not all of them."""
INSERTS_SOME: Final = _writes(lambda vendor: vendor.insert)
UPDATES_SOME: Final = _writes(lambda vendor: vendor.update)
LISTED: Final[tuple[Listing, ...]] = (
    Listing(_always, "accounts.list_accounts", models.ListAccounts, "List accounts", outputs.LIST_ACCOUNTS),
    Listing(_any, "leads.search_leads", models.SearchLeads, "Search leads", outputs.SEARCH_LEADS),
    Listing(_any, "lead.get_lead", models.GetLead, "Get one lead", outputs.GET_LEAD),
    Listing(_any, "summaries.summarize_leads", models.SummarizeLeads, "Summarize leads", outputs.SUMMARIZE_LEADS),
    Listing(_any, "trace.trace_lead", models.TraceLead, "Trace one person", outputs.TRACE_LEAD),
    Listing(_pings, "pings.query_pings", models.QueryPings, "Query pings", outputs.QUERY_PINGS),
    Listing(_sql, "sql.query_sql", models.QuerySql, "Query with SQL", outputs.QUERY_SQL),
    Listing(
        _recordings, "recordings.get_recordings", models.GetRecordings, "Get call recordings", outputs.GET_RECORDINGS
    ),
    Listing(INSERTS_SOME, "writes.insert_lead", models.InsertLead, "Insert a lead", outputs.WRITE, INSERTS),
    Listing(INSERTS_SOME, "batch_writes.insert_leads", models.InsertLeads, "Insert leads", outputs.WRITES, INSERTS),
    Listing(UPDATES_SOME, "writes.update_lead", models.UpdateLead, "Update a lead", outputs.WRITE, CHANGES),
    Listing(UPDATES_SOME, "batch_writes.update_leads", models.UpdateLeads, "Update leads", outputs.WRITES, CHANGES),
    Listing(_deletes, "writes.delete_lead", models.DeleteLead, "Delete a lead", outputs.WRITE, CHANGES),
    Listing(_exports, "exports.export_leads", models.ExportLeads, "Export leads", outputs.EXPORT, WRITES_A_FILE),
)

WRITERS: Final = ("insert_lead", "insert_leads", "update_lead", "update_leads", "delete_lead")
