"""``insert_lead``, ``update_lead``, ``delete_lead``: asked for by a model, agreed to by a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult, InputRequiredResult

from lead_mcp.engine.connection import Connection
from lead_mcp.errors import BadArgument, Conflict, LeadMcpError, Pending
from lead_mcp.outgoing.guard import check_no_pseudonyms
from lead_mcp.outgoing.write_text import explained, outcome_text, outcome_to_dict
from lead_mcp.runtime import Runtime
from lead_mcp.tools.arguments import models
from lead_mcp.tools.confirmation import Confirmation, Declined, MustAsk
from lead_mcp.tools.failures import error_result
from lead_mcp.tools.kit import META, result, runtime_of
from lead_mcp.tools.lead import named_lead
from lead_mcp.writing.call import WriteCall
from lead_mcp.writing.deletes import DeleteIntent
from lead_mcp.writing.inserts import InsertIntent
from lead_mcp.writing.looking import with_source
from lead_mcp.writing.outcome import Action, Outcome, Tool
from lead_mcp.writing.pipeline import DECLINED
from lead_mcp.writing.prepared import Intent
from lead_mcp.writing.send import replayed
from lead_mcp.writing.updates import UpdateIntent


async def insert_lead(ctx: Context[Any, Any], asked: models.InsertLead) -> CallToolResult | InputRequiredResult:
    """The tool ``insert_lead``."""
    runtime = runtime_of(ctx)
    check_no_pseudonyms(asked.lead, "lead")
    check_no_pseudonyms(asked.vendor_fields, "vendor_fields")
    looks = asked.idempotency_key is not None  # without a key nobody comes back to settle a lost answer
    connection, own = one_account(runtime, asked.account), asked.vendor_fields
    intent = InsertIntent(connection, asked.lead, own or {}, asked.on_duplicate, looks, asked.source)
    arguments = {
        "account": asked.account,
        "lead": asked.lead,
        "vendor_fields": own,
        "on_duplicate": asked.on_duplicate,
        **with_source(asked.source),
    }
    call = WriteCall(Tool.INSERT_LEAD, arguments, asked.idempotency_key, runtime.principal)
    return await _write(ctx, runtime, intent, call, asked.dry_run)


async def update_lead(ctx: Context[Any, Any], asked: models.UpdateLead) -> CallToolResult | InputRequiredResult:
    """The tool ``update_lead``."""
    runtime = runtime_of(ctx)
    name, lead_id = named_lead(runtime, asked.uri, asked.account, asked.id)
    given = {"changes": asked.changes, "vendor_fields": asked.vendor_fields, "expect": asked.expect}
    for where, values in given.items():
        check_no_pseudonyms(values, where)
    intent = UpdateIntent(
        runtime.connection(name), lead_id, asked.changes or {}, asked.vendor_fields or {}, asked.expect
    )
    call = WriteCall(Tool.UPDATE_LEAD, {"lead": [name, lead_id], **given}, asked.idempotency_key, runtime.principal)
    return await _write(ctx, runtime, intent, call, asked.dry_run)


async def delete_lead(ctx: Context[Any, Any], asked: models.DeleteLead) -> CallToolResult | InputRequiredResult:
    """The tool ``delete_lead``."""
    runtime = runtime_of(ctx)
    name, lead_id = named_lead(runtime, asked.uri, asked.account, asked.id)
    intent = DeleteIntent(runtime.connection(name), lead_id)
    call = WriteCall(Tool.DELETE_LEAD, {"lead": [name, lead_id]}, None, runtime.principal)
    return await _write(ctx, runtime, intent, call, asked.dry_run)


def one_account(runtime: Runtime, account: str) -> Connection:
    """The one account that ``account`` names. Raises BadArgument where it names several."""
    chosen = runtime.chosen(account)
    if len(chosen) != 1:
        names = ", ".join(connection.name for connection in chosen)
        raise BadArgument(f"account: {account!r} names several accounts ({names}); a write goes to one.")
    return chosen[0]


# --- one write ----------------------------------------------------------------------------------------------------


async def _write(
    ctx: Context[Any, Any], runtime: Runtime, intent: Intent, call: WriteCall, dry_run: bool
) -> CallToolResult | InputRequiredResult:
    confirmation = Confirmation(ctx, runtime, call, runtime.vendor_time())
    await runtime.common.keep_journal()
    try:
        return outcome_result(await _outcome(confirmation, intent, dry_run))
    except MustAsk as must:
        return must.result
    except Pending as pending:
        return await confirmation.page(pending) or pending_result(pending)
    except Declined:
        return outcome_result(DECLINED)
    except LeadMcpError as error:
        raise explained(error) from error


async def _outcome(confirmation: Confirmation, intent: Intent, dry_run: bool) -> Outcome:
    runtime, call = confirmation.runtime, confirmation.call
    mode = runtime.server.deletes if call.tool.action is Action.DELETE else runtime.server.writes
    if dry_run:
        return await confirmation.pipeline(mode).preview(intent)
    if (opened := await confirmation.opened()) is not None:
        return replayed(opened)
    answers = await _answers(confirmation, intent)
    if isinstance(answers, Outcome):
        return answers
    return await confirmation.pipeline(mode, answers, asks=True).run(intent, call)


async def _answers(confirmation: Confirmation, intent: Intent) -> Mapping[str, Sequence[str | None]] | Outcome:
    """What a person agreed to. An answer that comes again counts no more; with a key it gets what the first one got."""
    try:
        return await confirmation.answers()
    except Conflict:
        known = await confirmation.pipeline("confirm").known(intent, confirmation.call)
        if isinstance(known, Outcome):
            return known
        raise


def outcome_result(outcome: Outcome) -> CallToolResult:
    return result(outcome_to_dict(outcome), outcome_text(outcome))


def pending_result(pending: Pending) -> CallToolResult:
    """The refusal, with the stored write's id beside it."""
    refused = error_result(pending)
    structured = {
        "outcome": "pending",
        "journal_id": pending.journal_id,
        "warnings": [],
        **(refused.structured_content or {}),
    }
    return CallToolResult(content=refused.content, structured_content=structured, is_error=True, _meta=META)
