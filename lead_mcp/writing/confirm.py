"""A person's word: what they are asked, as values; what their yes covers; and what waits where nobody can be asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from lead_mcp.engine.connection import Connection
from lead_mcp.errors import Conflict, LeadMcpError, TimedOut
from lead_mcp.journal.entries import Write
from lead_mcp.writing.outcome import Action
from lead_mcp.writing.prepared import PreparedWrite

LATE: Final = "late"
"""Stands for the agreement to a row that nobody could be asked about in time."""


class CannotAsk(Exception):
    """A client that said it could ask a person has refused to."""


@dataclass(frozen=True, slots=True)
class Agreed:
    """What a person has said yes to: the write with this digest, or whatever becomes of the leads in ``made``.

    ``made``: URIs of a lead that the same batch has made or changed before, for a row about the same person.
    """

    digest: str | None
    made: frozenset[str] = frozenset()

    def check(self, prepared: PreparedWrite) -> None:
        """Raises Conflict where the write is not what was agreed to."""
        nothing = self.digest is None and prepared.verdict is not None  # nothing was agreed to, and nothing is sent
        if nothing or prepared.digest() == self.digest or prepared.uri in self.made:
            return
        message = "The lead changed since the question was asked; nothing was sent. Look again and repeat the call."
        raise Conflict(message, account=prepared.connection.name)


@dataclass(frozen=True)
class RowPlan:
    """What one row of several would do, or why it would not.

    ``follows``: the number of an earlier row about the same person, whose lead this row then changes (``updates``) or repeats.
    ``ended``: what the row has become already, under its key.
    """

    number: int
    prepared: PreparedWrite | None = None
    error: LeadMcpError | None = None
    follows: int | None = None
    updates: bool = False
    ended: Write | None = None

    @property
    def sends(self) -> bool:
        """Whether it would send something, as far as one can know now."""
        if self.ended is not None or self.prepared is None or self.prepared.verdict is not None:
            return False
        return self.follows is None or self.updates

    @property
    def agreement(self) -> str | None:
        """What a yes to it is bound to: a digest, ``#3`` for whatever becomes of row 3's person; None: nothing is sent.

        ``LATE``: nobody was asked about it, as there was no time to look at it.
        """
        if isinstance(self.error, TimedOut):
            return LATE
        if self.follows is not None:
            return f"#{self.follows}"
        return self.prepared.digest() if self.sends and self.prepared else None


@dataclass(frozen=True)
class BatchPlan:
    """Several writes as a person is asked about them; ``action``: what the call asks for."""

    connections: Sequence[Connection]
    action: Action
    rows: Sequence[RowPlan]

    @property
    def agreements(self) -> list[str | None]:
        return [row.agreement for row in self.rows]

    @property
    def sends(self) -> bool:
        """Whether any row would send something, so that somebody has to be asked."""
        return any(row.sends for row in self.rows)


Question = PreparedWrite | BatchPlan
ConfirmCallback = Callable[[Question, Sequence[str | None]], Awaitable[bool]]
"""Puts a question to a person (what would be done, what their yes is bound to); raises what the era needs for an answer."""


async def nobody(question: Question, agreed: Sequence[str | None]) -> bool:
    """The callback of a client that cannot ask. Raises CannotAsk."""
    raise CannotAsk
