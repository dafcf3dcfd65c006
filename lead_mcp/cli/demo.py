"""``lead-mcp demo``: the emulators over HTTP, a real server process, a real MCP client, real questions."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from functools import partial
from typing import Any

import anyio
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.types import CallToolResult, ElicitResult
from rich.console import Console
from rich.text import Text

from lead_mcp.cli.demo_tables import answer_parts
from lead_mcp.cli.install import own_entry
from lead_mcp.cli.tour import TOUR, Answers, Stop
from lead_mcp.clients.entry import plain
from lead_mcp.clients.machine import this_machine
from lead_mcp.sandbox.app import sandbox
from lead_mcp.serving.listening import listening
from lead_mcp.vendors import emulators, names


def run(*, pause: bool) -> int:
    """The demo; the exit code. ``pause``: Enter is waited for after each answer."""
    return anyio.run(_demo, pause)


async def _demo(pause: bool) -> int:
    console = Console()
    box = sandbox(emulators(), rated=False)
    with tempfile.TemporaryDirectory(prefix="lead-mcp-demo-") as folder:
        async with listening(box) as origin:
            own = {key: value for key, value in os.environ.items() if not _is_setting(key)}
            environment = {**own, **box.environment(origin), "LEAD_MCP_STATE_DIR": folder}
            server = StdioServerParameters(command=sys.executable, args=["-m", "lead_mcp", "serve"], env=environment)
            async with Client(server, elicitation_callback=partial(_say_yes, console)) as client:
                failed = await _walk(console, client, pause=pause)
    _say_how_to_plug_in(console)
    return 1 if failed else 0


def _is_setting(key: str) -> bool:
    return key.startswith(("LEAD_MCP_", *(f"{name.upper()}_" for name in names())))


async def _walk(console: Console, client: Client, *, pause: bool) -> bool:
    """Every stop of the tour that this server can answer; whether one failed."""
    listed = {tool.name for tool in (await client.list_tools()).tools}
    found: Answers = {}
    failed = False
    for stop in TOUR:
        arguments = stop.arguments(found)
        if stop.tool not in listed or arguments is None:
            continue
        if pause and found:
            await anyio.to_thread.run_sync(input, "\nEnter: the next question ")
            console.clear()
        result = await _ask(console, client, stop, arguments)
        found[stop.name] = result.structured_content or {}
        failed = failed or result.is_error
    return failed


async def _ask(console: Console, client: Client, stop: Stop, arguments: dict[str, Any]) -> CallToolResult:
    console.print(Text(f"\n{stop.question}", style="bold"))
    console.print(Text(f"{stop.tool} {json.dumps(arguments, ensure_ascii=False)}", style="dim"))
    result = await client.call_tool(stop.tool, arguments)
    for part in answer_parts(result, stop):
        console.print(part)
    return result


async def _say_yes(console: Console, _: Any, asked: Any) -> ElicitResult:
    """Stands in for the person whom a client asks."""
    console.print(Text(f"The client asks a person:\n{asked.message}", style="italic"))
    console.print(Text("The person of this demo says yes.", style="italic"))
    return ElicitResult(action="accept", content={"confirm": True})


def _say_how_to_plug_in(console: Console) -> None:
    entry = own_entry(None, this_machine(), sandbox=True)
    console.print(
        "\nTo try it in a chat client: `lead-mcp install claude-desktop --sandbox`, or by hand in its configuration:"
    )
    console.print(Text(json.dumps({"mcpServers": {entry.name: plain(entry)}}, indent=2)))
