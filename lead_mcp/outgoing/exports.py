"""What is said of a file that was written: what it holds, what it lacks, and where to go on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Protocol

from lead_mcp.outgoing.cleaning import text_cell
from lead_mcp.outgoing.leads import MOST_MISSING
from lead_mcp.outgoing.render import SENTENCE, text_of
from lead_mcp.outgoing.times import ShownTime, counted
from lead_mcp.outgoing.token_budget import Rendered

KEPT: Final = (
    "file",
    "format",
    "bytes",
    "rows",
    "columns",
    "complete",
    "why",
    "total",
    "next_cursor",
    "window",
    "missing",
    "defused_cells",
    "accounts",
)


class DownloadLink(Protocol):
    """A link to the file, and until when it is good."""

    @property
    def url(self) -> str: ...
    @property
    def until(self) -> datetime: ...


def export_answer(manifest: Mapping[str, Any], uri: str, path: str | None, link: DownloadLink | None) -> Rendered:
    """Structure and text. ``path``: where the file lies, for whoever has the same disk; ``link``: where all others get it."""
    until = ShownTime.of(link.until) if link else None
    found = {name: manifest[name] for name in KEPT if name in manifest}
    if "missing" in found:
        found["missing"] = found["missing"][:MOST_MISSING]
    download = {"url": link.url, "url_expires": until} if link else {}
    structured = {"uri": uri, **download, **({"path": path} if path else {}), **found}
    rows = counted(manifest["rows"], "lead") if manifest["rows"] else "nothing matched: no leads"
    accounts = manifest["accounts"]
    requests = counted(sum(one["requests"] for one in accounts), "request")
    text = text_of(
        f"{rows} in {manifest['file']} ({manifest['format']}, {counted(manifest['bytes'], 'byte')})",
        f"path: {path}" if path else "",
        f"download: {link.url} (until {until.text}, by whoever has the link)" if link and until else "",
        f"resource: {uri}",
        f"columns: {', '.join(text_cell(name) for name in manifest['columns'])}",
        f"{counted(manifest['defused_cells'], 'cell')} looked like formulas and begin with '"
        if manifest["defused_cells"]
        else "",
        f"not found: {counted(len(manifest['missing']), 'id')}" if manifest.get("missing") else "",
        f"{'complete' if manifest['complete'] else 'not complete'}: {counted(len(accounts), 'account')}, {requests}",
        *(text_cell(why, SENTENCE) for why in manifest.get("why", ())),
        f"next_cursor: {manifest['next_cursor']}" if manifest["next_cursor"] else "",
    )
    return structured, text
