"""``lead-mcp call`` and ``lead-mcp tools``: a tool from the shell, through a client in memory."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

from lead_mcp.cli.arguments import from_json, from_words
from lead_mcp.cli.opened import client_in_memory
from lead_mcp.cli.output import json_line

if TYPE_CHECKING:
    from mcp.types import CallToolResult


def run(
    tool: str, words: Sequence[str], json_text: str | None, *, config: Path | None, sandbox: bool, raw: bool
) -> int:
    """Call the tool and print its answer; the exit code."""
    return anyio.run(_call, tool, list(words), json_text, config, sandbox, raw)


async def _call(
    tool: str, words: list[str], json_text: str | None, config: Path | None, sandbox: bool, raw: bool
) -> int:
    async with client_in_memory(
        config, sandbox=sandbox, elicitation_callback=_ask if sys.stdin.isatty() else None
    ) as client:
        known = {one.name: one.input_schema for one in (await client.list_tools()).tools}
        # the server says why there is no such tool
        arguments = {**from_json(json_text), **from_words(words, known.get(tool, {}))}
        result = await client.call_tool(tool, arguments)
    if tool not in known:
        sys.stderr.write(f"lead-mcp: {_text(result)}\n")
        return 1
    if raw:
        print(json_line(result.model_dump(mode="json", by_alias=True, exclude_none=True)))
    else:
        _print(_text(result), result.structured_content)
    return 1 if result.is_error else 0


def _text(result: CallToolResult) -> str:
    return "\n".join(block.text for block in result.content if block.type == "text")


def _print(text: str, structured: Mapping[str, Any] | None) -> None:
    """The text as it is in a pipe; at a terminal its tables stand in columns."""
    if not sys.stdout.isatty() or not structured:
        print(text)
        return
    from rich.console import Console

    from lead_mcp.cli.tables import print_answer

    print_answer(text, structured, Console(highlight=False))


async def _ask(context: Any, params: Any) -> Any:
    """A write that needs a person asks at the terminal; without one it waits for `lead-mcp approve`."""
    from mcp.types import ElicitResult

    sys.stderr.write(f"{params.message}\n[y/N] ")
    sys.stderr.flush()
    answer = await anyio.to_thread.run_sync(sys.stdin.readline)
    if answer.strip().lower() in ("y", "yes"):
        return ElicitResult(action="accept", content={"confirm": True})
    return ElicitResult(action="decline")


def list_tools(*, config: Path | None, sandbox: bool, as_json: bool) -> int:
    """Print the tools; the exit code."""
    return anyio.run(_list_tools, config, sandbox, as_json)


async def _list_tools(config: Path | None, sandbox: bool, as_json: bool) -> int:
    async with client_in_memory(config, sandbox=sandbox) as client:
        found = (await client.list_tools()).tools
    if as_json:
        print(json_line([one.model_dump(mode="json", by_alias=True, exclude_none=True) for one in found]))
        return 0
    for one in found:
        print(f"{one.name}({', '.join(one.input_schema.get('properties', {}))})\n    {one.description}\n")
    return 0
