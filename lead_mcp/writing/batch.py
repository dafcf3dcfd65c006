"""Several inserts under one call and one question: a result a row, and the rows' own keys, so that none is sent twice.

A row is a write of its own in the journal, under the batch's key and its number (``KEY#3``). Only a batch that had to wait
for approval has an entry for the whole: what it became is kept there and replayed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import anyio

from lead_mcp.errors import Conflict, LeadMcpError, TimedOut
from lead_mcp.journal.entries import Write
from lead_mcp.outgoing.cleaning import cleaned
from lead_mcp.writing.intents import InsertIntent
from lead_mcp.writing.pipeline import Outcome, WriteCall, WritePipeline

Row = list[Any]
COLUMNS: Final = ("row", "outcome", "uri", "code", "message")
LOST: Final = "unknown"
FAILED: Final = "failed"
MOST: Final = 50
"""Rows a batch has at most."""
PURGED: Final = "its values have been purged"


@dataclass(frozen=True)
class Batch:
    """Rows go one after the other, so that a later one sees an earlier one; ``carrier`` makes one that looks from now on."""

    rows: Sequence[InsertIntent]
    call: WriteCall
    pipeline: Callable[[], WritePipeline]

    async def previews(self) -> list[Row]:
        return [await self.row(nth, None, preview=True) for nth in range(len(self.rows))]

    async def carry(self, stem: str | None = None, seconds: float = math.inf) -> list[Row]:
        """A result a row. ``stem``: what the rows' keys begin with where the call has no key.

        Rows that would begin after ``seconds`` are not sent; the same call with the same key goes on with them.
        """
        end, rows = anyio.current_time() + seconds, list[Row]()
        for nth in range(len(self.rows)):
            late = TimedOut("not sent: the call's time is up (LEAD_MCP_DEADLINE); repeat it to go on")
            rows.append(await self.row(nth, stem) if anyio.current_time() < end else row_of(nth + 1, late))
        return rows

    async def row(self, nth: int, stem: str | None, *, preview: bool = False) -> Row:
        """One row to its end; what went wrong is its result."""
        intent, call, pipeline = self.rows[nth], self._call(nth, stem), self.pipeline()
        try:
            outcome = await (pipeline.preview(intent, call) if preview else pipeline.carry(intent, call))
        except LeadMcpError as error:
            return row_of(nth + 1, error)
        return row_of(nth + 1, outcome)

    async def ended(self) -> bool:
        """Whether every row has ended under this key, so that there is nothing to send or to ask. Raises Conflict.

        A key whose rows are another batch's, a shorter or a longer one's too, is a conflict before anything is sent.
        """
        if self.call.key is None:
            return False
        found = await self.pipeline().stored_rows(self.rows[0].connection.name, self.call, self._keys(MOST))
        digests = [self._call(nth, None).digest if nth < len(self.rows) else None for nth in range(MOST)]
        for write, digest in zip(found, digests, strict=True):
            if write is not None and write.arguments != digest:
                message = (
                    f"idempotency_key: {self.call.key!r} was used for another {write.tool} ({write.id}). Use a new key."
                )
                raise Conflict(message, account=write.account)
        return all(write is not None and write.state in ("done", "resolved") for write in found[: len(self.rows)])

    def _keys(self, rows: int) -> list[str]:
        return [f"{self.call.key}#{nth}" for nth in range(1, rows + 1)]

    async def replayed(self) -> tuple[list[Row], tuple[str, ...]] | None:
        """The results, and warnings, of a batch with this key that was approved since. Raises Conflict, Pending.

        A row whose outcome is not known is looked at again: that sends nothing that may have been sent.
        """
        pipeline = self.pipeline()
        write = await pipeline.stored_batch(self.rows[0].connection.name, self.call)
        if write is None:
            return None
        kept = results_of(write)
        if not kept:
            return [], (PURGED,)
        return [await self.row(nth, write.id) if row[1] == LOST else row for nth, row in enumerate(kept)], ()

    def _call(self, nth: int, stem: str | None) -> WriteCall:
        stem = self.call.key or stem
        row = self.rows[nth]
        arguments = {
            "row": nth,
            "lead": dict(row.lead),
            "on_duplicate": row.on_duplicate,
            "batch": self.call.digest,  # a row's key is no other batch's
        }
        return replace(self.call, arguments=arguments, key=f"{stem}#{nth + 1}" if stem else None)


def row_of(number: int, became: Outcome | LeadMcpError) -> Row:
    """``row, outcome, uri, code, message``; rows count from 1."""
    if isinstance(became, LeadMcpError):
        word = LOST if became.code == "unknown_outcome" else FAILED
        return [number, word, None, became.code, cleaned(became.message)]
    return [number, became.outcome, became.uri, None, "; ".join(map(cleaned, became.warnings)) or None]


def results_of(write: Write) -> list[Row]:
    """The rows that an approved batch ended with; none where they are purged."""
    found = (write.outcome or {}).get("results")
    return [list(row) for row in found["rows"]] if isinstance(found, Mapping) else []


def summed(rows: Sequence[Row]) -> str:
    """``3 created, 1 failed``."""
    counts: dict[str, int] = {}
    for row in rows:
        counts[row[1]] = counts.get(row[1], 0) + 1
    return ", ".join(f"{count:,} {word}" for word, count in counts.items())
