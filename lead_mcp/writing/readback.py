"""A changed lead read again: ``after`` is what the vendor has now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from lead_mcp.engine.lookup import get_record
from lead_mcp.errors import LeadMcpError
from lead_mcp.filters import folded
from lead_mcp.uris import parse_uri
from lead_mcp.writing.outcome import Note, Outcome, ReadsOtherwise
from lead_mcp.writing.prepared import PreparedWrite
from lead_mcp.writing.values import stored


async def read_back(prepared: PreparedWrite, outcome: Outcome, deadline: float) -> Outcome:
    """The outcome with ``after`` as it reads now; what is not as sent is a warning, unless the vendor settles it later."""
    if prepared.uri is None or prepared.after is None:
        return outcome
    try:
        record = await get_record(prepared.connection, parse_uri(prepared.uri, "lead").id, deadline)
    except LeadMcpError as error:
        return replace(outcome, warnings=(*outcome.warnings, f"could not be read back: {error.message}"))
    names = [name for name in prepared.after if record.reads(name) is not None]
    after = {name: stored(record.get(name)) for name in names}
    warnings = (*outcome.warnings, *_differences(prepared, after))
    return replace(outcome, after={**prepared.after, **after}, warnings=warnings)


def _differences(prepared: PreparedWrite, after: dict[str, Any]) -> Iterator[Note]:
    for name, value in after.items():
        sent = (prepared.after or {})[name]
        if sent is None or folded(str(value)) == folded(str(sent)) or _are_one_number(value, sent):
            continue
        queued = prepared.queued.get("status" if name == "stage" else name)
        if queued is not None and (name == "stage" or folded(str(value)) == folded(queued)):
            yield f"{name} reads {queued!r} until the vendor has worked on it"
        elif name != "phone":
            yield ReadsOtherwise(name, value, sent)


def _are_one_number(value: Any, sent: Any) -> bool:
    try:
        return float(value) == float(sent)
    except (TypeError, ValueError):
        return False
