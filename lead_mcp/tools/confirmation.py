"""Putting a question to a person in the era that the client speaks; an answer counts once, and only for what was asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mcp import MCPError
from mcp.server.mcpserver import Context
from mcp.types import (
    ElicitationCapability,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitRequestURLParams,
    ElicitResult,
    InputRequiredResult,
)
from pydantic import BaseModel, Field

from lead_mcp.errors import Conflict, Pending
from lead_mcp.journal.entries import State, Write
from lead_mcp.outgoing.cleaning import cell
from lead_mcp.outgoing.write_text import question_text
from lead_mcp.runtime import Runtime
from lead_mcp.writing.advice import waits
from lead_mcp.writing.call import WriteCall
from lead_mcp.writing.confirm import CannotAsk, ConfirmCallback, Question
from lead_mcp.writing.outcome import Action
from lead_mcp.writing.pipeline import WritePipeline
from lead_mcp.writing.vendor_time import VendorTime

MODERN: Final = "2026-07-28"
ANSWER: Final = "confirm"
OPEN: Final = "open"
WAITS: Final = "A write waits for your yes or no on this page."


class Confirm(BaseModel):
    """The one answer a person gives: true or false, and nothing that only looks like it."""

    confirm: bool = Field(description="Send it?", strict=True)


class MustAsk(Exception):
    """The modern era's way of asking: the call ends here and comes back with the answer."""

    def __init__(self, result: InputRequiredResult) -> None:
        super().__init__("a person must be asked")
        self.result = result


class Declined(Exception):
    """A person said no, or nothing."""


@dataclass(frozen=True)
class Confirmation:
    """One call's questions to a person, and the pipelines that its writes go through, whose vendors share its ``time``."""

    ctx: Context[Any, Any]
    runtime: Runtime
    call: WriteCall
    time: VendorTime

    @property
    def callback(self) -> ConfirmCallback | None:
        """What asks; None where this client cannot: an older one over stateless HTTP."""
        return self.confirm if self.can_ask else None

    @property
    def can_ask(self) -> bool:
        """Whether this client says that it can ask a person; one that says only how it opens pages cannot."""
        found = self._elicitation
        return found is not None and (found.form is not None or found.url is None)

    @property
    def _elicitation(self) -> ElicitationCapability | None:
        capabilities = self.ctx.client_capabilities
        return None if capabilities is None else capabilities.elicitation

    @property
    def approved_by(self) -> str:
        """Who has said yes to what is sent: nobody where the setting asks nobody, else a person by this client."""
        server, deletes = self.runtime.server, self.call.tool.action is Action.DELETE
        if (server.deletes if deletes else server.writes) == "allow":
            return "allow"
        client = self.ctx.session.client_params
        info = client.client_info if client is not None else None
        named = cell(f"{info.name} {info.version}".strip()) if info is not None else ""
        return f"a person by {named or 'an unnamed client'}"

    def pipeline(
        self, mode: str, confirmed: Mapping[str, Sequence[str | None]] | None = None, *, asks: bool = False
    ) -> WritePipeline:
        """What carries a write of the call out as of now. ``confirmed``: as in ``WritePipeline``."""
        confirm = self.callback if asks else None
        return self.runtime.pipeline(mode, confirm, confirmed or {}, self.approved_by, self.time)

    @property
    def ends_call(self) -> bool:
        """Whether a question ends the call, which comes back with the answer: the newer era's way."""
        return (self.ctx.protocol_version or "") >= MODERN

    async def answers(self) -> Mapping[str, Sequence[str | None]]:
        """What a person has just agreed to, by digest of the arguments. Raises Declined, Conflict."""
        given, state = self.ctx.input_responses, self.ctx.request_state
        if not given or not state or ANSWER not in given:
            return {}
        agreed = await self.runtime.in_journal(lambda journal: journal.answered(state, self.call.digest))
        if agreed is None:
            raise Conflict("This answer was used before, or belongs to another call; nothing was sent. Ask again.")
        answer = given[ANSWER]
        content = answer.content if isinstance(answer, ElicitResult) and answer.action == "accept" else None
        if not content or content.get("confirm") is not True:
            raise Declined
        return {self.call.digest: agreed}

    # --- on a page of this server, where the client can only open that ---

    async def opened(self) -> Write | None:
        """The write whose page the client has opened, once it is carried out. Raises Pending, Declined, Conflict."""
        given, state = self.ctx.input_responses, self.ctx.request_state
        if not given or not state or OPEN not in given:
            return None
        write = await self.runtime.in_journal(lambda journal: journal.get(state))
        if write is None or (write.arguments, write.principal) != (self.call.digest, self.call.principal):
            raise Conflict("This page was opened for another call; nothing was sent.")
        if write.state in (State.PENDING, State.INTENDED):
            raise waits(self.runtime.journal, write)
        if write.state is State.DECLINED:
            raise Declined
        if not write.replayed:
            raise Conflict(f"{write.id} is {write.state}: journal://{write.id} says why. It is not sent again.")
        return write

    async def page(self, pending: Pending) -> InputRequiredResult | None:
        """What has the client open the page of a write that waits; None where it has done so, or cannot.

        A client of the older era has opened it, or not, when this returns.
        """
        found, name = self._elicitation, pending.journal_id
        given = self.ctx.input_responses or {}
        if found is None or found.url is None or OPEN in given or "://" not in self.runtime.common.approvals:
            return None
        address = f"{self.runtime.common.approvals}/{name}"
        if not self.ends_call:
            await self.ctx.elicit_url(WAITS, address, name)
            return None
        params = ElicitRequestURLParams(message=WAITS, url=address)
        return InputRequiredResult(input_requests={OPEN: ElicitRequest(params=params)}, request_state=name)

    # --- in the client ---

    async def confirm(self, question: Question, agreed: Sequence[str | None]) -> bool:
        """Whether a person says yes. Raises MustAsk where the answer comes with the next round, CannotAsk."""
        message = question_text(question)
        if not self.ends_call:
            try:
                answer = await self.ctx.elicit(message, Confirm)
            except ValueError:  # accepted without the one answer that was asked for: nobody said yes
                return False
            except MCPError as refusal:  # it has no such method after all, or nobody to show the question to
                raise CannotAsk from refusal
            return answer.action == "accept" and answer.data.confirm is True
        name = await self.runtime.in_journal(lambda journal: journal.ask(self.call.digest, agreed))
        params = ElicitRequestFormParams(message=message, requested_schema=Confirm.model_json_schema())
        raise MustAsk(InputRequiredResult(input_requests={ANSWER: ElicitRequest(params=params)}, request_state=name))
