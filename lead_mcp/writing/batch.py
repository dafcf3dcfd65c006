"""Several writes under one call and one question: a result a row, and the rows' own keys, so that none is sent twice.

A row is a write of its own in the journal, under the batch's key and its number (``KEY#3``). Only a batch that had to wait
for approval has an entry for the whole: what it became is kept there and replayed.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from lead_mcp.engine.connection import Connection
from lead_mcp.engine.persons.person import Person
from lead_mcp.errors import Conflict, LeadMcpError, Pending, TimedOut
from lead_mcp.journal.entries import State, Write
from lead_mcp.writing.advice import waits
from lead_mcp.writing.call import PREVIEWED, WriteCall
from lead_mcp.writing.confirm import LATE, Agreed, BatchPlan, RowPlan
from lead_mcp.writing.inserts import InsertIntent
from lead_mcp.writing.leases import in_thread
from lead_mcp.writing.looking import sources
from lead_mcp.writing.outcome import Outcome, OutcomeKind
from lead_mcp.writing.pipeline import WritePipeline
from lead_mcp.writing.prepared import PreparedWrite, prepare
from lead_mcp.writing.rows import BatchRow, RowResult, results_of
from lead_mcp.writing.updates import UpdateIntent
from lead_mcp.writing.vendor_time import VendorTime

MOST: Final = 50
"""Rows a batch has at most."""
TO_PLAN: Final = 1 / 3
"""The share of the deadline for looking at all rows before a person is asked: each is looked at again, and then sent."""
TO_PLAN_ALONE: Final = 1 / 2
"""The same where the question ends the call, so that sending has a whole deadline: no more than can be sent is asked about."""
TIME_UP: Final = "the call's time is up (LEAD_MCP_DEADLINE), nothing was sent; "


@dataclass(frozen=True)
class Batch:
    """Rows go one after the other, so that a later one sees an earlier one; ``pipeline`` makes one that looks from now on.

    ``time``: what vendors may take over all rows together; None where nobody waits, and each row has its own.
    """

    rows: Sequence[BatchRow]
    call: WriteCall
    pipeline: Callable[[], WritePipeline]
    time: VendorTime | None = None

    @property
    def connections(self) -> list[Connection]:
        """The accounts that it writes at, each once."""
        return list({row.connection.name: row.connection for row in self.rows}.values())

    @cached_property
    def intents(self) -> Sequence[InsertIntent | UpdateIntent]:
        """What the rows mean to do. One about the person of an earlier row looks for them at the vendor: no copy of the
        account knows of that row yet."""
        found, region = [row.intent for row in self.rows], self.pipeline().context.region
        inserts = [one for one in found if isinstance(one, InsertIntent)]
        if not inserts or inserts[0].source == "live":
            return found
        people = (Person.of({**one.own, **one.lead}, region) for one in inserts)
        where = sources(people, inserts[0].source)
        return [replace(one, source=source) for one, source in zip(inserts, where, strict=True)]

    @property
    def account(self) -> str:
        """What the journal knows the whole batch under: its account, or several by commas."""
        return ",".join(sorted(connection.name for connection in self.connections))

    async def previews(self) -> list[RowResult]:
        return [await self._result(nth, self.pipeline().preview(one)) for nth, one in enumerate(self.intents)]

    async def run(self, agreements: Sequence[str | None] | None, stem: str | None = None) -> list[RowResult]:
        """A result a row. ``agreements``: what a person agreed to, row by row; None where nobody has to.

        ``stem``: what the rows' keys begin with where the call has no key. Rows for which the call has no time left are not
        sent, nor those that there was no time to ask about; the same call with the same key goes on with them.
        """
        results = list[RowResult]()
        for nth in range(len(self.rows)):
            agreement = None if agreements is None else agreements[nth]
            if agreement == LATE or (self.time is not None and self.time.is_up):
                results.append(RowResult.of(nth + 1, self._late()))
            else:
                agreed = None if agreements is None else _agreed(agreement, results)
                results.append(await self.row(nth, stem, agreed))
        return results

    async def row(self, nth: int, stem: str | None, agreed: Agreed | None) -> RowResult:
        """One row to its end; what went wrong is its result."""
        return await self._result(nth, self.pipeline().run(self.intents[nth], self._call(nth, stem), agreed))

    async def _result(self, nth: int, work: Awaitable[Outcome]) -> RowResult:
        try:
            return RowResult.of(nth + 1, await work)
        except LeadMcpError as error:
            return RowResult.of(nth + 1, error)

    def _call(self, nth: int, stem: str | None = None) -> WriteCall:
        stem = self.call.key or stem
        own = self.rows[nth].arguments
        arguments = {"row": nth, **own, "batch": self.call.digest}  # a row's key is no other batch's
        return replace(self.call, arguments=arguments, key=f"{stem}#{nth + 1}" if stem else None)

    # --- what is known of it already ---

    async def ended(self) -> bool:
        """Whether every row has ended under this key, so that there is nothing to send or to ask. Raises Conflict.

        A key whose rows are another batch's, a shorter or a longer one's too, is a conflict before anything is sent.
        """
        return all(write is not None and write.carried_out for write in await self._writes())

    async def _writes(self) -> list[Write | None]:
        """The write of each row under this key. Raises Conflict where the key has a row of another batch."""
        if self.call.key is None:
            return [None] * len(self.rows)
        find, call = self.pipeline().journal.find, self.call
        keys = [(one.name, nth) for one in self.connections for nth in range(MOST)]

        def look() -> dict[tuple[str, int], Write | None]:
            return {
                (name, nth): find(name, str(call.tool), call.principal, f"{call.key}#{nth + 1}") for name, nth in keys
            }

        found = await in_thread(look)
        for (name, nth), write in found.items():
            if write is not None and not self._is_of(write, name, nth):
                message = (
                    f"idempotency_key: {call.key!r} was used for another {write.tool} ({write.id}). Use a new key."
                )
                raise Conflict(message, account=write.account)
        return [found[row.connection.name, nth] for nth, row in enumerate(self.rows)]

    def _is_of(self, write: Write, account: str, nth: int) -> bool:
        """Whether a write at that account, under the key of that row, is this batch's row."""
        here = nth < len(self.rows) and self.rows[nth].connection.name == account
        return here and write.arguments == self._call(nth).digest

    async def replayed(self) -> list[RowResult] | None:
        """The results of a batch with this key that was approved since; empty where they are purged. Raises Conflict, Pending.

        A row whose outcome is not known, or pending at the vendor, is looked at again: nothing is sent that may have been.
        """
        claims = self.pipeline().claims
        write = await claims.find(self.account, self.call)
        write = await claims.waited_for(write) if write is not None else None
        if write is None:
            return None
        if write.state in (State.PENDING, State.INTENDED):
            raise waits(claims.journal, write)
        if not write.replayed:
            return None
        return [await self._again(write, result) for result in results_of(write) or ()]

    async def _again(self, write: Write, result: RowResult) -> RowResult:
        if result.kind not in (OutcomeKind.UNKNOWN, OutcomeKind.PENDING):
            return result
        return await self.row(result.number - 1, write.id, Agreed(None))

    # --- a person's word ---

    async def plan(self, share: float = TO_PLAN) -> BatchPlan:
        """What each row would do, for a person to agree to. ``share``: of the deadline, where the rows have one together."""
        plans = list[RowPlan]()
        for number, (intent, ended) in enumerate(zip(self.intents, await self._writes(), strict=True), 1):
            if ended is not None and ended.carried_out:
                plans.append(RowPlan(number, ended=ended))
                continue
            try:
                prepared = await prepare(intent, self.pipeline().context, PREVIEWED, most=self._most_to_plan(share))
                prepared.check()
            except LeadMcpError as error:
                plans.append(RowPlan(number, error=error))
                continue
            plans.append(_plan(number, intent, prepared, plans))
        return BatchPlan(self.connections, self.call.tool.action, plans)

    def _most_to_plan(self, share: float) -> float:
        """Seconds that are left of that share of the deadline. Raises TimedOut where none are."""
        if self.time is None:
            return math.inf
        left = self.time.left - (1 - share) * self.time.deadline
        if left <= 0:
            raise self._late()
        return left

    def _late(self) -> TimedOut:
        """Why a row is not sent, and how to go on."""
        again = self.time is not None and self.call.key is not None
        way = "repeat it with the same idempotency_key to go on" if again else "call again with what was not sent"
        return TimedOut(TIME_UP + way, sent=False)

    async def put_by(self) -> Pending:
        """The whole batch stored until somebody approves it, as the refusal that says so."""
        values = {"tool": str(self.call.tool), "arguments": self.call.recorded(*self.connections)}
        return await self.pipeline().claims.put_by(self.account, self.call, values)


def _plan(
    number: int, intent: InsertIntent | UpdateIntent, prepared: PreparedWrite, earlier: Sequence[RowPlan]
) -> RowPlan:
    """What a prepared row would do, after the ones before it."""
    if not isinstance(intent, InsertIntent):
        return RowPlan(number, prepared)
    on_duplicate = intent.on_duplicate
    follows = None if on_duplicate == "allow" else _same_person(prepared, earlier)
    return RowPlan(number, prepared, follows=follows, updates=on_duplicate == "update")


def _agreed(agreement: str | None, results: Sequence[RowResult]) -> Agreed:
    """What a yes covers; ``#3``: what row 3 has made."""
    if agreement is None or not agreement.startswith("#"):
        return Agreed(agreement)
    uri = results[int(agreement[1:]) - 1].uri
    return Agreed(None, frozenset({uri} if uri else ()))


def _same_person(prepared: PreparedWrite, earlier: Sequence[RowPlan]) -> int | None:
    """The number of the first earlier row that makes or changes a lead of the same person."""
    for row in earlier:
        if row.sends and row.prepared is not None and prepared.person.meets(row.prepared.person):
            return row.number
    return None
