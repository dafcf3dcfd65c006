"""A write out of the journal, able to be carried out again: its call and its intent, as they were first meant.

The arguments go through as they are stored, so that their digest, which the journal holds, is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lead_mcp.engine.connection import Connection
from lead_mcp.errors import NotAllowed
from lead_mcp.journal.entries import Write
from lead_mcp.transport.redaction import REDACTED
from lead_mcp.writing.call import WriteCall
from lead_mcp.writing.deletes import DeleteIntent
from lead_mcp.writing.inserts import InsertIntent
from lead_mcp.writing.outcome import BATCHES, Action, Tool
from lead_mcp.writing.prepared import Intent
from lead_mcp.writing.rows import BatchRow, insert_rows, update_rows
from lead_mcp.writing.updates import UpdateIntent


def tool_of(write: Write) -> Tool:
    """The tool that made it. Raises NotAllowed for one that this lead-mcp does not know."""
    try:
        return Tool(write.tool)
    except ValueError:
        message = f"{write.id}: this lead-mcp does not know the tool {write.tool}."
        raise NotAllowed(message, account=write.account) from None


def arguments_of(write: Write) -> Mapping[str, Any]:
    """What the write was called with. Raises NotAllowed where its values have been purged."""
    found = (write.intent or {}).get("arguments")
    if not isinstance(found, Mapping):
        message = f"{write.id}: its values have been purged (LEAD_MCP_JOURNAL_DAYS), so nobody knows what to send."
        raise NotAllowed(message, account=write.account)
    if _holds_redacted(found):
        message = f"{write.id}: it held a secret value, which the journal does not keep. Make the call again instead."
        raise NotAllowed(message, account=write.account)
    return found


def _holds_redacted(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_holds_redacted, value.values()))
    return any(map(_holds_redacted, value)) if isinstance(value, list) else value == REDACTED


def call_of(write: Write) -> WriteCall:
    """The call, with the key and on behalf of whoever asked first. Raises NotAllowed."""
    return WriteCall(tool_of(write), arguments_of(write), write.key, write.principal)


def is_batch(write: Write) -> bool:
    """Whether it stands for several writes; a batch's row is a write of its own and no batch."""
    tool = tool_of(write)
    return tool in BATCHES and BATCHES[tool] in arguments_of(write)


def intent_of(write: Write, connection: Connection) -> Intent:
    """What one write means to do. Raises NotAllowed."""
    arguments = arguments_of(write)
    own, expect = arguments.get("vendor_fields") or {}, arguments.get("expect")
    match tool_of(write).action:
        case Action.INSERT:
            source = arguments.get("source", "live")
            return InsertIntent(connection, arguments["lead"], own, arguments["on_duplicate"], source=source)
        case Action.UPDATE:
            return UpdateIntent(connection, arguments["lead"][1], arguments.get("changes") or {}, own, expect)
        case Action.DELETE:
            return DeleteIntent(connection, arguments["lead"][1])


def rows_of(write: Write, connection: Callable[[str], Connection]) -> Sequence[BatchRow]:
    """The rows of a batch; ``connection`` gives an account by its name. Raises NotAllowed."""
    arguments = arguments_of(write)
    if tool_of(write) is Tool.UPDATE_LEADS:
        return update_rows(arguments, connection)
    return insert_rows(arguments, connection(write.account))
