"""``insert_leads``, ``update_leads``: several writes, one question, one result a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult, InputRequiredResult

from lead_mcp.errors import BadArgument, Pending
from lead_mcp.outgoing.guard import check_no_pseudonyms
from lead_mcp.outgoing.write_text import rows_text, rows_to_dict
from lead_mcp.runtime import Runtime
from lead_mcp.tools.arguments import models
from lead_mcp.tools.confirmation import Confirmation, Declined, MustAsk
from lead_mcp.tools.kit import result, runtime_of
from lead_mcp.tools.lead import named_lead
from lead_mcp.tools.writes import one_account, pending_result
from lead_mcp.uris import lead_uri
from lead_mcp.writing.batch import TO_PLAN, TO_PLAN_ALONE, Batch
from lead_mcp.writing.call import WriteCall
from lead_mcp.writing.confirm import CannotAsk
from lead_mcp.writing.looking import with_source
from lead_mcp.writing.outcome import OutcomeKind, Tool
from lead_mcp.writing.rows import BatchRow, RowResult, insert_rows, results_of, update_rows
from lead_mcp.writing.send import PURGED


async def insert_leads(ctx: Context[Any, Any], asked: models.InsertLeads) -> CallToolResult | InputRequiredResult:
    """The tool ``insert_leads``."""
    runtime = runtime_of(ctx)
    connection = one_account(runtime, asked.account)
    for lead in asked.leads:
        check_no_pseudonyms(lead, "leads")
    check_no_pseudonyms(asked.vendor_fields, "vendor_fields")
    more = with_source(asked.source) | ({"vendor_fields": asked.vendor_fields} if asked.vendor_fields else {})
    arguments = {"account": asked.account, "leads": asked.leads, "on_duplicate": asked.on_duplicate, **more}
    call = WriteCall(Tool.INSERT_LEADS, arguments, asked.idempotency_key, runtime.principal)
    rows = insert_rows(arguments, connection, looks=asked.idempotency_key is not None)
    return await BatchWrite(ctx, runtime, rows, call).run(asked.dry_run)


async def update_leads(ctx: Context[Any, Any], asked: models.UpdateLeads) -> CallToolResult | InputRequiredResult:
    """The tool ``update_leads``."""
    runtime = runtime_of(ctx)
    updates = [_update(runtime, nth, one) for nth, one in enumerate(_asked_updates(asked), 1)]
    check_once([one["lead"] for one in updates])
    arguments = {"updates": updates}
    call = WriteCall(Tool.UPDATE_LEADS, arguments, asked.idempotency_key, runtime.principal)
    return await BatchWrite(ctx, runtime, update_rows(arguments, runtime.connection), call).run(asked.dry_run)


def _asked_updates(asked: models.UpdateLeads) -> Sequence[Mapping[str, Any]]:
    """A row a lead, whichever way they were given. Raises BadArgument."""
    if asked.updates and not asked.uris and not asked.changes:
        return asked.updates
    if asked.uris and asked.changes and not asked.updates:
        return [{"uri": uri, "changes": asked.changes, "expect": None} for uri in asked.uris]
    raise BadArgument("updates: give a list of uri and changes; or uris and changes, for one change of several leads.")


def _update(runtime: Runtime, number: int, row: Mapping[str, Any]) -> dict[str, Any]:
    """One row as the journal keeps it: its lead by account and id. Raises BadArgument, naming the row."""
    for where in ("changes", "expect"):
        check_no_pseudonyms(row[where], where)
    try:
        lead = named_lead(runtime, row["uri"], None, None)
    except BadArgument as error:
        raise BadArgument(f"updates: row {number}: {error.message}") from None
    return {"lead": [*lead], "changes": row["changes"], "expect": row["expect"]}


def check_once(leads: Sequence[Sequence[str]]) -> None:
    """Raises BadArgument where one lead is named twice: which change wins would depend on the order."""
    for nth, lead in enumerate(leads):
        if lead in leads[:nth]:
            uri = lead_uri(*lead)
            raise BadArgument(
                f"updates: rows {leads.index(lead) + 1} and {nth + 1} are the same lead ({uri}); give it once."
            )


@dataclass(frozen=True)
class BatchWrite:
    """Several writes as a client asks for them: replayed if they were approved since, else asked about and sent."""

    ctx: Context[Any, Any]
    runtime: Runtime
    rows: Sequence[BatchRow]
    call: WriteCall

    @property
    def batch(self) -> Batch:
        return Batch(self.rows, self.call, lambda: self.confirmation.pipeline("allow"), self.confirmation.time)

    @cached_property
    def confirmation(self) -> Confirmation:
        return Confirmation(self.ctx, self.runtime, self.call, self.runtime.vendor_time())

    async def run(self, dry_run: bool) -> CallToolResult | InputRequiredResult:
        if dry_run:
            return batch_result(await self.batch.previews())
        await self.runtime.common.keep_journal()
        try:
            opened = await self.confirmation.opened()
            known = await self.batch.replayed() if opened is None else results_of(opened) or []
            if known is not None:
                return batch_result(known, () if known else (PURGED,))
            agreements = None if await self._needs_nobody() else await self._agreements()
        except MustAsk as must:
            return must.result
        except Pending as pending:
            return await self.confirmation.page(pending) or pending_result(pending)
        except Declined:
            return batch_result([RowResult(nth, OutcomeKind.DECLINED) for nth, _ in enumerate(self.rows, 1)])
        return batch_result(await self.batch.run(agreements))

    async def _needs_nobody(self) -> bool:
        return await self.batch.ended() or self.runtime.server.writes == "allow"

    async def _agreements(self) -> Sequence[str | None]:
        """What a person agrees to, row by row. Raises MustAsk, Pending, Declined."""
        confirmation = self.confirmation
        answers = await confirmation.answers()
        if answers:
            return answers[self.call.digest]
        if not confirmation.can_ask:
            raise await self.batch.put_by()
        plan = await self.batch.plan(TO_PLAN_ALONE if confirmation.ends_call else TO_PLAN)
        try:
            agreed = not plan.sends or await confirmation.confirm(plan, plan.agreements)
        except CannotAsk:
            raise await self.batch.put_by() from None
        if not agreed:
            raise Declined
        return plan.agreements


def batch_result(results: Sequence[RowResult], warnings: Sequence[str] = ()) -> CallToolResult:
    return result(rows_to_dict(results, warnings), rows_text(results, warnings))
