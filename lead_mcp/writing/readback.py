"""A written lead read again: ``after`` is what the vendor has now, ``sent`` what it gives back nowhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from lead_mcp.engine.lookup import get_record
from lead_mcp.errors import LeadMcpError
from lead_mcp.filters import folded
from lead_mcp.uris import parse_uri
from lead_mcp.writing.context import WriteContext
from lead_mcp.writing.outcome import Action, Outcome, ReadsOtherwise, WriteWarning
from lead_mcp.writing.prepared import PreparedWrite
from lead_mcp.writing.values import stored


async def read_back(prepared: PreparedWrite, outcome: Outcome, context: WriteContext) -> Outcome:
    """The outcome with ``after`` as it reads now; what is not as sent is a warning, unless the vendor settles it later.

    What a new lead does not show may be kept all the same: it stays in ``sent``.
    """
    sent = prepared.after
    if outcome.uri is None or not sent:
        return outcome
    try:
        with context.time.counted(prepared.connection.name):
            record = await get_record(prepared.connection, parse_uri(outcome.uri, "lead").id, context.deadline)
    except LeadMcpError as error:
        return replace(outcome, warnings=(*outcome.warnings, f"could not be read back: {error.message}"))
    after = {name: stored(record.get(name)) for name in sent if record.reads(name) is not None}
    if prepared.action is Action.INSERT:
        after = {name: value for name, value in after.items() if value is not None}
    rest = {name: value for name, value in sent.items() if name not in after}
    warnings = (*outcome.warnings, *_differences(prepared, sent, after))
    return replace(outcome, after=after, sent=rest or None, warnings=warnings)


def _differences(prepared: PreparedWrite, sent: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[WriteWarning]:
    for name, value in after.items():
        wanted = sent[name]
        if wanted is None or folded(str(value)) == folded(str(wanted)) or _are_one_number(value, wanted):
            continue
        queued = prepared.queued.get("status" if name == "stage" else name)
        if queued is not None and (name == "stage" or folded(str(value)) == folded(queued)):
            yield f"{name} reads {queued!r} until the vendor has worked on it"
        elif name != "phone":
            yield ReadsOtherwise(name, value, wanted)


def _are_one_number(value: Any, sent: Any) -> bool:
    try:
        return float(value) == float(sent)
    except (TypeError, ValueError):
        return False
