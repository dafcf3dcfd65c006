"""A write out of the journal, able to be carried out again: its call and its intent, as they were first meant.

The arguments go through as they are stored, so that their digest, which the journal holds, is the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lead_mcp.engine.connection import Connection
from lead_mcp.errors import NotAllowed
from lead_mcp.journal.entries import Write
from lead_mcp.writing.intents import REDACTED, DeleteIntent, InsertIntent, Intent, UpdateIntent
from lead_mcp.writing.pipeline import WriteCall


def arguments_of(write: Write) -> Mapping[str, Any]:
    """What the write was called with. Raises NotAllowed where its values have been purged."""
    found = (write.intent or {}).get("arguments")
    if not isinstance(found, Mapping):
        message = f"{write.id}: its values have been purged (LEAD_MCP_JOURNAL_DAYS), so nobody knows what to send."
        raise NotAllowed(message, account=write.account)
    if REDACTED in (found.get("vendor_fields") or {}).values():
        message = f"{write.id}: it held a secret value, which the journal does not keep. Make the call again instead."
        raise NotAllowed(message, account=write.account)
    return found


def call_of(write: Write) -> WriteCall:
    """The call, with the key and on behalf of whoever asked first. Raises NotAllowed."""
    return WriteCall(write.tool, arguments_of(write), write.key, write.principal)


def is_batch(write: Write) -> bool:
    """Whether it stands for several inserts; a batch's row is a write of its own and no batch."""
    return write.tool == "insert_leads" and "leads" in arguments_of(write)


def intent_of(write: Write, connection: Connection) -> Intent:
    """What one write means to do. Raises NotAllowed."""
    said = arguments_of(write)
    match write.tool:
        case "insert_lead" | "insert_leads":
            return InsertIntent(connection, said["lead"], said.get("vendor_fields") or {}, said["on_duplicate"])
        case "update_lead":
            own, expect = said.get("vendor_fields") or {}, said.get("expect")
            return UpdateIntent(connection, said["lead"][1], said.get("changes") or {}, own, expect)
        case "delete_lead":
            return DeleteIntent(connection, said["lead"][1])
        case _:
            message = f"{write.id}: this lead-mcp does not know the tool {write.tool}."
            raise NotAllowed(message, account=write.account)


def rows_of(write: Write, connection: Connection) -> Sequence[InsertIntent]:
    """The inserts of a batch. Raises NotAllowed."""
    said = arguments_of(write)
    return [InsertIntent(connection, lead, {}, said["on_duplicate"]) for lead in said["leads"]]
