"""The mirror, where there is one: what failed last, what was never read, what is old."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

from lead_mcp.cli.diagnosis.finding import Finding, error, note, ok, warning
from lead_mcp.errors import LeadMcpError
from lead_mcp.mirror.status import status_of
from lead_mcp.runtime import Runtime

OLD: Final = 86_400
"""Seconds after which a mirror that nobody syncs is worth a word."""
SYNC: Final = "run `lead-mcp mirror sync`"


async def mirror(runtime: Runtime) -> AsyncIterator[Finding]:
    """How it is. Short: its files are not read through."""
    on = runtime.server.mirror == "on"
    try:
        found = await _status(runtime)
    except (LeadMcpError, OSError) as wrong:
        if on:
            yield error("mirror", str(wrong), "mend that, or set LEAD_MCP_MIRROR to off")
        return
    size = f"{found['bytes'] / 1e6:,.1f} MB in {found['folder']}"
    if not on:
        if found["bytes"]:
            yield note(
                "mirror", f"off, and {size} of it are there still", "run `lead-mcp mirror drop` if it is not wanted"
            )
        return
    wrong_lines = [one for line in found["accounts"] for one in _line(line)]
    for one in wrong_lines or [ok("mirror", f"every account is there; {size}")]:
        yield one


async def _status(runtime: Runtime) -> dict[str, Any]:
    found = runtime.common.make_mirror()
    try:
        await found.observe()
        return status_of(found)
    finally:
        await found.aclose()


def _line(line: dict[str, Any]) -> Iterator[Finding]:
    about = f"mirror: {line['account']} {line['kind']}"
    if line["error"]:
        yield warning(about, f"the last sync failed: {line['error']}", SYNC)
    elif line["as_of"] is None:
        yield note(about, "never synced", SYNC)
    elif line["age_s"] > OLD:
        yield warning(
            about, f"as of {line['as_of']}, {line['age_s'] / 3600:,.0f} hours ago", f"{SYNC}, or let it run --watch"
        )
