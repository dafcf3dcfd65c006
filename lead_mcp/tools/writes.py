"""``insert_lead``, ``insert_leads``, ``update_lead``, ``delete_lead``: asked for by a model, agreed to by a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from mcp.server.mcpserver import Context
from mcp.types import (
    CallToolResult,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    InputRequiredResult,
    ToolAnnotations,
)
from pydantic import BaseModel, Field

from lead_mcp.errors import BadArgument, Conflict
from lead_mcp.outgoing.cleaning import cleaned
from lead_mcp.outgoing.masking import check_no_pseudonyms, shown_tree
from lead_mcp.outgoing.render import record_lines, table, text_of, text_table
from lead_mcp.runtime import Runtime
from lead_mcp.tools.kit import META, Moment, Uri, error_result, plainly, result, runtime_of
from lead_mcp.tools.leads import named_lead
from lead_mcp.writing.batch import COLUMNS, Batch, Row, row_of, summed
from lead_mcp.writing.intents import DeleteIntent, InsertIntent, Intent, OnDuplicate, UpdateIntent
from lead_mcp.writing.pipeline import Outcome, Pending, WriteCall

KEYS: Final = ("outcome", "uri", "id", "before", "after", "request", "journal_id", "warnings")
MANY_KEYS: Final = ("results", "warnings")
INSERTS: Final = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=True
)
CHANGES: Final = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=True
)
MODERN: Final = "2026-07-28"
ASKED: Final = "confirm"

Lead = Annotated[dict[str, Any], plainly(type="object", description="our field names: first_name email phone ...")]
VendorFields = Annotated[dict[str, Any] | None, plainly(type="object")]
Key = Annotated[str | None, Field(min_length=1, max_length=200), plainly(type="string")]


class Confirm(BaseModel):
    """The one answer a person gives."""

    confirm: bool = Field(description="Send it?")


async def insert_lead(
    ctx: Context[Any, Any],
    account: str,
    lead: Lead,
    vendor_fields: VendorFields = None,
    on_duplicate: OnDuplicate = "fail",
    idempotency_key: Key = None,
    dry_run: bool = False,
) -> CallToolResult | InputRequiredResult:
    """Create a lead; a person is asked first. Duplicate: same e-mail or phone there. Same idempotency_key: done once."""
    runtime = runtime_of(ctx)
    check_no_pseudonyms(lead, "lead")
    check_no_pseudonyms(vendor_fields, "vendor_fields")
    intent = InsertIntent(one_account(runtime, account), lead, vendor_fields or {}, on_duplicate)
    arguments = {"account": account, "lead": lead, "vendor_fields": vendor_fields, "on_duplicate": on_duplicate}
    return await _write(
        ctx, runtime, intent, WriteCall("insert_lead", arguments, idempotency_key, runtime.principal), dry_run
    )


async def insert_leads(
    ctx: Context[Any, Any],
    account: str,
    leads: Annotated[
        list[dict[str, Any]], Field(min_length=1, max_length=50), plainly(type="array", items={"type": "object"})
    ],
    on_duplicate: OnDuplicate = "fail",
    idempotency_key: Key = None,
    dry_run: bool = False,
) -> CallToolResult | InputRequiredResult:
    """Create up to 50 leads after one question; one result a row."""
    runtime = runtime_of(ctx)
    connection = one_account(runtime, account)
    for lead in leads:
        check_no_pseudonyms(lead, "leads")
    rows = [InsertIntent(connection, lead, {}, on_duplicate) for lead in leads]
    arguments = {"account": account, "leads": leads, "on_duplicate": on_duplicate}
    call = WriteCall("insert_leads", arguments, idempotency_key, runtime.principal)
    asked = BatchConfirmation(ctx, runtime, Batch(rows, call, lambda: runtime.pipeline("allow", None, {})))
    return await asked.previews() if dry_run else await asked.carry()


async def update_lead(
    ctx: Context[Any, Any],
    uri: Uri = None,
    account: Moment = None,
    id: Moment = None,  # noqa: A002 - the contract's word
    changes: VendorFields = None,
    vendor_fields: VendorFields = None,
    expect: VendorFields = None,
    idempotency_key: Key = None,
    dry_run: bool = False,
) -> CallToolResult | InputRequiredResult:
    """Change a lead; a person is asked first. expect: refuse unless it still has these values."""
    runtime = runtime_of(ctx)
    name, lead_id = named_lead(runtime, uri, account, id)
    for where, values in (("changes", changes), ("vendor_fields", vendor_fields), ("expect", expect)):
        check_no_pseudonyms(values, where)
    intent = UpdateIntent(runtime.connection(name), lead_id, changes or {}, vendor_fields or {}, expect)
    arguments = {"lead": [name, lead_id], "changes": changes, "vendor_fields": vendor_fields, "expect": expect}
    return await _write(
        ctx, runtime, intent, WriteCall("update_lead", arguments, idempotency_key, runtime.principal), dry_run
    )


async def delete_lead(
    ctx: Context[Any, Any],
    uri: Uri = None,
    account: Moment = None,
    id: Moment = None,  # noqa: A002 - the contract's word
    dry_run: bool = False,
) -> CallToolResult | InputRequiredResult:
    """Delete a lead for good; a person is asked first."""
    runtime = runtime_of(ctx)
    name, lead_id = named_lead(runtime, uri, account, id)
    intent = DeleteIntent(runtime.connection(name), lead_id)
    return await _write(
        ctx, runtime, intent, WriteCall("delete_lead", {"lead": [name, lead_id]}, None, runtime.principal), dry_run
    )


def one_account(runtime: Runtime, account: str) -> Any:
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
    mode = runtime.server.deletes if isinstance(intent, DeleteIntent) else runtime.server.writes
    confirmation = Confirmation(ctx, runtime, call)
    await runtime.keep_journal()
    try:
        answers = await _answers(confirmation, intent)
        if isinstance(answers, Outcome):
            return outcome_result(answers)
        pipeline = runtime.pipeline(mode, confirmation.ask if confirmation.can_ask() else None, answers)
        outcome = await (pipeline.preview(intent, call) if dry_run else pipeline.carry(intent, call))
    except MustAsk as must:
        return must.result
    except Pending as pending:
        return pending_result(pending)
    except Declined:
        return outcome_result(Outcome("declined", warnings=("a person said no; nothing was sent",)))
    return outcome_result(outcome)


async def _answers(confirmation: Confirmation, intent: Intent) -> Mapping[str, str] | Outcome:
    """What a person agreed to. An answer that comes again counts no more; with a key it gets what the first one got."""
    try:
        return await confirmation.answers()
    except Conflict:
        pipeline = confirmation.runtime.pipeline("confirm", None, {})
        found = await pipeline.known(intent, confirmation.call)
        if isinstance(found, Outcome):
            return found
        raise


def outcome_result(outcome: Outcome) -> CallToolResult:
    return result(shown_tree(outcome.to_dict()), outcome_text(outcome))


def outcome_text(outcome: Outcome) -> str:
    """The outcome for a reader: in words, before and after, the request, warnings."""
    said = shown_tree(outcome.to_dict())
    head = f"{said['outcome']} {said.get('uri', '')}".strip()
    parts: dict[str, Any] = {key: said[key] for key in ("before", "after", "request", "journal_id") if key in said}
    return text_of(head, *record_lines(parts), *(f"warning: {cleaned(warning)}" for warning in said["warnings"]))


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


# --- asking a person ----------------------------------------------------------------------------------------------


class MustAsk(Exception):
    """The modern era's way of asking: the call ends here and comes back with the answer."""

    def __init__(self, result: InputRequiredResult) -> None:
        super().__init__("a person must be asked")
        self.result = result


class Declined(Exception):
    """A person said no, or nothing."""


@dataclass(frozen=True)
class Confirmation:
    """Puts the question in the era that the client speaks. An answer counts once, and only for what was shown."""

    ctx: Context[Any, Any]
    runtime: Runtime
    call: WriteCall

    def can_ask(self) -> bool:
        """Whether this client says that it can ask a person; an older one over stateless HTTP does not."""
        capabilities = self.ctx.client_capabilities
        return capabilities is not None and capabilities.elicitation is not None

    def _is_modern(self) -> bool:
        return (self.ctx.protocol_version or "") >= MODERN

    async def answers(self) -> Mapping[str, str]:
        """What a person has just agreed to, by digest of the arguments. Raises Declined, Conflict."""
        given, state = self.ctx.input_responses, self.ctx.request_state
        if not given or not state or ASKED not in given:
            return {}
        shown = await self.runtime.in_journal(lambda journal: journal.answered(state, self.call.digest))
        if shown is None:
            raise Conflict("This answer was used before, or belongs to another call; nothing was sent. Ask again.")
        answer = given[ASKED]
        content = answer.content if isinstance(answer, ElicitResult) and answer.action == "accept" else None
        if not content or content.get("confirm") is not True:
            raise Declined
        return {self.call.digest: shown}

    async def ask(self, message: str, shown: str) -> bool:
        """Whether a person says yes. Raises MustAsk where the answer comes with the next round."""
        if not self._is_modern():
            try:
                answer = await self.ctx.elicit(message, Confirm)
            except ValueError:  # accepted without the one answer that was asked for: nobody said yes
                return False
            return answer.action == "accept" and answer.data.confirm
        name = await self.runtime.in_journal(lambda journal: journal.ask(self.call.digest, shown))
        params = ElicitRequestFormParams(message=message, requested_schema=Confirm.model_json_schema())
        raise MustAsk(InputRequiredResult(input_requests={ASKED: ElicitRequest(params=params)}, request_state=name))


# --- many at once -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class BatchConfirmation:
    """Several inserts as a client asks for them: replayed if they were approved since, else asked about and carried out."""

    ctx: Context[Any, Any]
    runtime: Runtime
    batch: Batch

    async def previews(self) -> CallToolResult:
        return batch_result(await self.batch.previews())

    async def carry(self) -> CallToolResult | InputRequiredResult:
        await self.runtime.keep_journal()
        try:
            found = await self.batch.replayed()
            if found is not None:
                return batch_result(*found)
            settled = await self.batch.ended() or self.runtime.server.writes == "allow"
            agreed = settled or await self._agreed()
        except MustAsk as must:
            return must.result
        except Pending as pending:
            return pending_result(pending)
        except Declined:
            agreed = False
        if not agreed:
            return batch_result([row_of(nth, Outcome("declined")) for nth, _ in enumerate(self.batch.rows, 1)])
        return batch_result(await self.batch.carry(seconds=self.runtime.server.deadline))

    async def _agreed(self) -> bool:
        rows, call = self.batch.rows, self.batch.call
        confirmation = Confirmation(self.ctx, self.runtime, call)
        if await confirmation.answers():
            return True
        pipeline = self.batch.pipeline()
        if not confirmation.can_ask():
            raise await pipeline.store_batch(rows, call)
        return await confirmation.ask(await pipeline.batch_question(rows), call.digest)


def batch_result(rows: Sequence[Row], warnings: Sequence[str] = ()) -> CallToolResult:
    found = table(COLUMNS, rows)
    text = text_of(summed(rows), text_table(found), *(f"warning: {warning}" for warning in warnings))
    return result({"results": found, "warnings": list(warnings)}, text)
