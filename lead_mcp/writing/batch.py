"""Several inserts under one call and one question: a result a row, and the rows' own keys, so that none is sent twice.

A row is a write of its own in the journal, under the batch's key and its number (``KEY#3``). Only a batch that had to wait
for approval has an entry for the whole: what it became is kept there and replayed.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import anyio

from lead_mcp.errors import Conflict, LeadMcpError, Pending, TimedOut
from lead_mcp.journal.entries import State, Write
from lead_mcp.writing.call import PREVIEWED, WriteCall
from lead_mcp.writing.claim import waits
from lead_mcp.writing.confirm import Agreed, BatchPlan, RowPlan
from lead_mcp.writing.inserts import InsertIntent
from lead_mcp.writing.leases import in_thread
from lead_mcp.writing.outcome import Note, Outcome, OutcomeKind, note_of, note_record
from lead_mcp.writing.pipeline import WritePipeline
from lead_mcp.writing.prepared import PreparedWrite, prepare

MOST: Final = 50
"""Rows a batch has at most."""


@dataclass(frozen=True)
class RowResult:
    """What became of one row; ``number`` counts from 1, ``code`` is an error's, ``notes`` its message or warnings."""

    number: int
    kind: OutcomeKind
    uri: str | None = None
    code: str | None = None
    notes: tuple[Note, ...] = ()

    @staticmethod
    def of(number: int, became: Outcome | LeadMcpError) -> RowResult:
        if isinstance(became, LeadMcpError):
            kind = OutcomeKind.UNKNOWN if became.code == "unknown_outcome" else OutcomeKind.FAILED
            return RowResult(number, kind, code=became.code, notes=(became.message,))
        return RowResult(number, became.kind, became.uri, notes=became.warnings)

    @property
    def failed(self) -> bool:
        return self.kind in (OutcomeKind.FAILED, OutcomeKind.UNKNOWN)

    def record(self) -> dict[str, Any]:
        """As the journal keeps it."""
        notes = [note_record(note) for note in self.notes]
        return {"row": self.number, "outcome": str(self.kind), "uri": self.uri, "code": self.code, "notes": notes}

    @staticmethod
    def of_record(record: Any) -> RowResult:
        """Out of the journal; version 1 kept a row as a list, its notes as one text."""
        if isinstance(record, Mapping):
            number, kind, uri, code, notes = (record[name] for name in ("row", "outcome", "uri", "code", "notes"))
        else:
            number, kind, uri, code, text = record
            notes = [text] if text else []
        return RowResult(number, OutcomeKind(kind), uri, code, tuple(map(note_of, notes)))


def results_record(results: Sequence[RowResult]) -> dict[str, Any]:
    """What the journal keeps of an approved batch."""
    return {"results": [result.record() for result in results], "warnings": []}


def results_of(write: Write) -> list[RowResult] | None:
    """The rows that an approved batch ended with; None where it was none, or where they are purged."""
    found = (write.outcome or {}).get("results")
    if found is None:
        return None
    return [RowResult.of_record(row) for row in (found["rows"] if isinstance(found, Mapping) else found)]


@dataclass(frozen=True)
class Batch:
    """Rows go one after the other, so that a later one sees an earlier one; ``pipeline`` makes one that looks from now on."""

    rows: Sequence[InsertIntent]
    call: WriteCall
    pipeline: Callable[[], WritePipeline]

    @property
    def account(self) -> str:
        return self.rows[0].connection.name

    async def previews(self) -> list[RowResult]:
        return [await self._result(nth, self.pipeline().preview(row)) for nth, row in enumerate(self.rows)]

    async def run(
        self, agreements: Sequence[str | None] | None, stem: str | None = None, seconds: float = math.inf
    ) -> list[RowResult]:
        """A result a row. ``agreements``: what a person agreed to, row by row; None where nobody has to.

        ``stem``: what the rows' keys begin with where the call has no key. Rows that would begin after ``seconds`` are not
        sent; the same call with the same key goes on with them.
        """
        end, results = anyio.current_time() + seconds, list[RowResult]()
        for nth in range(len(self.rows)):
            if anyio.current_time() < end:
                agreed = None if agreements is None else _agreed(agreements[nth], results)
                results.append(await self.row(nth, stem, agreed))
            else:
                late = TimedOut("not sent: the call's time is up (LEAD_MCP_DEADLINE); repeat it to go on")
                results.append(RowResult.of(nth + 1, late))
        return results

    async def row(self, nth: int, stem: str | None, agreed: Agreed | None) -> RowResult:
        """One row to its end; what went wrong is its result."""
        return await self._result(nth, self.pipeline().run(self.rows[nth], self._call(nth, stem), agreed))

    async def _result(self, nth: int, work: Awaitable[Outcome]) -> RowResult:
        try:
            return RowResult.of(nth + 1, await work)
        except LeadMcpError as error:
            return RowResult.of(nth + 1, error)

    def _call(self, nth: int, stem: str | None = None) -> WriteCall:
        stem = self.call.key or stem
        row = self.rows[nth]
        arguments = {
            "row": nth,
            "lead": dict(row.lead),
            "on_duplicate": row.on_duplicate,
            "batch": self.call.digest,  # a row's key is no other batch's
        }
        return replace(self.call, arguments=arguments, key=f"{stem}#{nth + 1}" if stem else None)

    # --- what is known of it already ---

    async def ended(self) -> bool:
        """Whether every row has ended under this key, so that there is nothing to send or to ask. Raises Conflict.

        A key whose rows are another batch's, a shorter or a longer one's too, is a conflict before anything is sent.
        """
        writes = await self._writes()
        return all(write is not None and write.carried_out for write in writes[: len(self.rows)])

    async def _writes(self) -> list[Write | None]:
        """The write of each row that a batch may have, under this key. Raises Conflict where one is another batch's."""
        if self.call.key is None:
            return [None] * MOST
        find = self.pipeline().journal.find
        tool, principal = str(self.call.tool), self.call.principal
        keys = [f"{self.call.key}#{nth}" for nth in range(1, MOST + 1)]
        found = await in_thread(lambda: [find(self.account, tool, principal, key) for key in keys])
        for nth, write in enumerate(found):
            if write is not None and (nth >= len(self.rows) or write.arguments != self._call(nth).digest):
                message = (
                    f"idempotency_key: {self.call.key!r} was used for another {write.tool} ({write.id}). Use a new key."
                )
                raise Conflict(message, account=write.account)
        return found

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
            raise waits(write)
        if not write.replayed:
            return None
        return [await self._again(write, result) for result in results_of(write) or ()]

    async def _again(self, write: Write, result: RowResult) -> RowResult:
        if result.kind not in (OutcomeKind.UNKNOWN, OutcomeKind.PENDING):
            return result
        return await self.row(result.number - 1, write.id, Agreed(None))

    # --- a person's word ---

    async def plan(self) -> BatchPlan:
        """What each row would do, for a person to agree to."""
        context, plans = self.pipeline().context, list[RowPlan]()
        for number, (intent, ended) in enumerate(zip(self.rows, await self._writes(), strict=False), 1):
            if ended is not None and ended.carried_out:
                plans.append(RowPlan(number, ended=ended))
                continue
            try:
                prepared = await prepare(intent, context, PREVIEWED)
                prepared.check()
            except LeadMcpError as error:
                plans.append(RowPlan(number, error=error))
                continue
            follows = None if intent.on_duplicate == "allow" else _same_person(prepared, plans)
            plans.append(RowPlan(number, prepared, follows=follows, updates=intent.on_duplicate == "update"))
        return BatchPlan(self.rows[0].connection, plans)

    async def put_by(self) -> Pending:
        """The whole batch stored until somebody approves it, as the refusal that says so."""
        connection, call = self.rows[0].connection, self.call
        values = {"tool": str(call.tool), "arguments": call.arguments}
        return await self.pipeline().claims.put_by(connection, call, values)


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
