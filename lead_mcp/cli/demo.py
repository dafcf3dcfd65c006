"""``lead-mcp demo``: the emulators over HTTP, a real server process, a real MCP client, real questions."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from typing import Any, Final

import anyio
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lead_mcp.cli.listening import listening
from lead_mcp.sandbox.app import sandbox
from lead_mcp.vendors import emulators, names

Query = tuple[str, str, dict[str, Any]]
WON: Final = [{"field": "stage", "op": "in", "value": ["won", "qualified"]}]
QUESTIONS: Final[Sequence[Query]] = (
    ("Which accounts are there, and what does each offer?", "list_accounts", {}),
    ("The newest leads, whoever sold them", "search_leads", {"limit": 6}),
    ("Won or qualified at Octanist this month, most valuable first", "search_leads",
     {"account": "octanist", "filters": WON, "since": "this_month", "sort": "value:desc", "fields": ["value"], "limit": 5}),
    ("Leads from Miami, at the vendors that know cities", "search_leads",
     {"filters": [{"field": "city", "op": "eq", "value": "miami"}], "since": "-14d", "fields": ["city"], "limit": 5}),
    ("Refused pings of the last week", "query_pings",
     {"direction": "inbound", "since": "-7d", "filters": [{"field": "accepted", "op": "eq", "value": False}], "limit": 5}),
)  # fmt: skip
SHARED: Final = (
    "SELECT a.vendor AS sold_first_by, b.vendor AS then_by, count(DISTINCT person_id) AS people, "
    "median(date_diff('minute', a.created_at, b.created_at)) AS minutes_between "
    "FROM leads a JOIN leads b USING (person_id) WHERE a.created_at < b.created_at AND a.vendor <> b.vendor "
    "GROUP BY ALL ORDER BY people DESC, 1, 2 LIMIT 5"
)
LAST: Final[Query] = (
    "Who sells the same people, and how long after whom?",
    "query_sql",
    {"sql": SHARED, "since": "-14d"},
)


def run() -> int:
    """The demo; the exit code."""
    return anyio.run(_demo)


async def _demo() -> int:
    console = Console()
    box = sandbox(emulators(), rated=False)
    async with listening(box) as origin:
        own = {key: value for key, value in os.environ.items() if not _is_setting(key)}
        environment = {**own, **box.environment(origin)}
        server = StdioServerParameters(command=sys.executable, args=["-m", "lead_mcp", "serve"], env=environment)
        async with Client(server) as client:
            failed = await _ask_all(console, client)
    _say_how_to_plug_in(console)
    return 1 if failed else 0


def _is_setting(key: str) -> bool:
    return key.startswith(("LEAD_MCP_", *(f"{name.upper()}_" for name in names())))


async def _ask_all(console: Console, client: Client) -> bool:
    failed = False
    rows: list[str] = []
    for question, tool, arguments in QUESTIONS:
        found = await _ask(console, client, question, tool, arguments)
        failed = failed or found is None
        rows += [row[0] for row in (found or {}).get("leads", {}).get("rows", [])]
    listed = {tool.name for tool in (await client.list_tools()).tools}
    for question, tool, arguments in (*_further(rows), *([LAST] if LAST[1] in listed else [])):
        failed = await _ask(console, client, question, tool, arguments) is None or failed
    return failed


def _further(uris: Sequence[str]) -> Sequence[Query]:
    """Questions about what the first ones found."""
    called = next((uri for uri in uris if uri.startswith("lead://convoso/")), None)
    calls = [("Its call recordings", "get_recordings", {"uri": called, "limit": 3})] if called else []
    return [("One lead in full", "get_lead", {"uri": uris[0]}), *calls] if uris else []


async def _ask(
    console: Console, client: Client, question: str, tool: str, arguments: dict[str, Any]
) -> dict[str, Any] | None:
    console.print(Text(f"\n{question}", style="bold"))
    console.print(Text(f"  {tool} {json.dumps(arguments, ensure_ascii=False)}", style="dim"))
    result = await client.call_tool(tool, arguments)
    found = result.structured_content or {}
    if result.is_error:
        console.print(Text(str(found.get("error")), style="red"))
        return None
    _show(console, found)
    return found


def _show(console: Console, found: dict[str, Any]) -> None:
    for value in found.values():
        if isinstance(value, dict) and set(value) == {"columns", "rows"}:
            console.print(_table(value))
    if "lead" in found:
        console.print(_table({"columns": ["field", "value"], "rows": list(found["lead"].items())}))
    for entry in found.get("accounts", []) if isinstance(found.get("accounts"), list) else []:
        asked = ", ".join(entry["pushed"]) or "no filter"
        here = f"; checked here: {', '.join(entry['checked_here'])}" if entry["checked_here"] else ""
        total = "" if entry["total"] is None else f" of {entry['total']:,}"
        line = f"  {entry['account']}: {entry['returned']}{total} in {entry['requests']} requests; asked: {asked}{here}"
        console.print(Text(line + (f"; {entry['error']['code']}" if "error" in entry else ""), style="dim"))


def _table(found: dict[str, Any]) -> Table:
    table = Table(*found["columns"], header_style="bold", pad_edge=False)
    for row in found["rows"]:
        table.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    return table


def _say_how_to_plug_in(console: Console) -> None:
    entry = {
        "mcpServers": {
            "lead-mcp-sandbox": {"command": sys.executable, "args": ["-m", "lead_mcp", "serve", "--sandbox"]}
        }
    }
    console.print("\nTo try it in a desktop client, put this into its configuration (claude_desktop_config.json):")
    console.print(Text(json.dumps(entry, indent=2)))
