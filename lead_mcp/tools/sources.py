"""Which accounts a tool asks, and where their records come from: their vendors, or the mirror. It loads where it is on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lead_mcp.engine.query import Query
from lead_mcp.runtime import Runtime

if TYPE_CHECKING:
    from lead_mcp.mirror.sourcing import Sourced
    from lead_mcp.writing.looking import Source


async def sourced_leads(
    runtime: Runtime, account: str | None, source: Source, query: Query, *, together: bool = False
) -> Sourced:
    """The chosen accounts for a question over leads. ``together``: one default window holds for all of them."""
    from lead_mcp.mirror.sourcing import sourced, wanted_by

    return await sourced(runtime.mirror, runtime.chosen(account), source, wanted_by(query, together=together))


async def sourced_story(runtime: Runtime, source: Source) -> Sourced:
    """Every account for one person's story, which is looked for from the first lead and ping on."""
    from lead_mcp.mirror.sourcing import Wanted, sourced

    wanted = Wanted(window=None, now=runtime.now(), kinds=("lead", "inbound", "outbound", "recording"), everything=True)
    return await sourced(runtime.mirror, runtime.chosen(None), source, wanted)
