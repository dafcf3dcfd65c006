"""The ledger: one entry an account, as values: what was asked of its vendor, what was checked here, what was not read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from lead_mcp.dates import Window
from lead_mcp.engine.cursor import PageState
from lead_mcp.engine.notes import Cut, FinishedEarlier, LeftOutEarlier, MayHaveMoved, Note
from lead_mcp.engine.query import AccountQuery, Query
from lead_mcp.engine.readers.base import Reader
from lead_mcp.errors import LeadMcpError, error_of_code
from lead_mcp.filters import Clause
from lead_mcp.vendors.spec.fields import Field

STEADY: Final = frozenset({"created_at", "id"})
"""Fields of a lead that do not change; sorted by any other, a lead may move between two pages."""

FAILED: Final = "{} could not answer the first page, or one after it; what it has is not on these pages."


@dataclass
class LedgerEntry:
    """What an answer cost at one account and how far it reaches.

    ``field_of`` finds the field that a clause names, so that whoever shows the clause knows what it holds.
    """

    account: str
    returned: int = 0
    total: int | None = None
    scanned: int = 0
    requests: int = 0
    complete: bool = True
    pushed: Sequence[Clause] = ()
    checked_here: Sequence[Clause] = ()
    window: Window | None = None
    notes: list[Note] = field(default_factory=list)
    error: LeadMcpError | None = None
    field_of: Callable[[str], Field | None] = lambda name: None
    lost: bool = False
    """Whether something was left out that no later page brings."""

    def note(self, *notes: Note) -> None:
        """Keep what is not known yet."""
        self.notes += [note for note in dict.fromkeys(notes) if note not in self.notes]

    def add(self, other: LedgerEntry) -> None:
        """Take in what another reading of the same account gave and cost, for the same answer."""
        self.returned += other.returned
        self.scanned += other.scanned
        self.requests += other.requests
        self.complete = self.complete and other.complete
        self.pushed = tuple(dict.fromkeys((*self.pushed, *other.pushed)))
        self.checked_here = tuple(dict.fromkeys((*self.checked_here, *other.checked_here)))
        self.window, self.error = self.window or other.window, self.error or other.error
        self.note(*other.notes)

    @property
    def whole(self) -> bool:
        """Whether nothing was left out, by a limit or by an error."""
        return self.complete and self.error is None

    @property
    def cut(self) -> bool:
        """Whether the deadline, or the most that may be read, ended a reading."""
        return any(isinstance(note, Cut) for note in self.notes)


def opened(account_query: AccountQuery) -> LedgerEntry:
    """The entry of an account before anything is read."""
    notes = list(account_query.notes)
    if account_query.nothing is not None:
        notes.append(account_query.nothing)
    return LedgerEntry(
        account_query.account,
        total=0 if account_query.nothing is not None else None,
        requests=account_query.metadata_requests,
        complete=account_query.error is None,
        notes=notes,
        error=account_query.error,
        field_of=account_query.names.field,
    )


def fill(entry: LedgerEntry, readers: Sequence[Reader]) -> None:
    """Write down what one account's readers (one a partition) asked, read and left."""
    for reader in readers:
        entry.pushed = tuple(dict.fromkeys((*entry.pushed, *reader.plan.pushed)))
        entry.checked_here = tuple(dict.fromkeys((*entry.checked_here, *reader.plan.checked_here)))
        entry.scanned += reader.pager.usage.scanned
        entry.requests += reader.pager.usage.requests
        lacks = reader.extent.lacks if reader.extent.error is None else ()
        if reader.plan.notes or lacks:
            entry.note(*reader.plan.notes, *lacks)
        entry.complete = entry.complete and not reader.extent.lacks and reader.extent.error is None
        entry.error = entry.error or reader.extent.error
    counts = [reader.counted() for reader in readers]
    known = [count for count in counts if count is not None]
    entry.total = sum(known) if len(known) == len(counts) else None


def left_out(failed: Mapping[str, str]) -> list[LedgerEntry]:
    """Entries of accounts that failed on an earlier page: the error's code by account."""
    return [
        LedgerEntry(
            name,
            complete=False,
            error=error_of_code(code, FAILED.format(name), account=name),
            notes=[LeftOutEarlier()],
        )
        for name, code in failed.items()
    ]


def finished_before(state: PageState) -> list[LedgerEntry]:
    """Entries of accounts whose every match stands on an earlier page."""
    return [LedgerEntry(name, total=state.totals.get(name), notes=[FinishedEarlier()]) for name in state.finished]


def note_moves(entries: Sequence[LedgerEntry], query: Query, frozen: datetime) -> None:
    """Say on a later page that a lead may have moved between pages, where it is sorted by what can change."""
    changing = tuple(order.field for order in query.orders if order.field not in STEADY)
    if changing and query.kind == "lead":
        for entry in entries:
            entry.note(MayHaveMoved(changing, frozen, query.zone))


def total_of(entries: Sequence[LedgerEntry]) -> int | None:
    """How many match at all accounts together; None where one of them does not know."""
    totals = [entry.total for entry in entries]
    return None if None in totals else sum(total for total in totals if total is not None)


def combined(errors: Sequence[LeadMcpError]) -> LeadMcpError:
    """The one error of an answer in which every account failed."""
    first = errors[0]
    if len(errors) == 1:
        return first
    message = " ".join(f"{error.account}: {error.message}" for error in errors)
    whole = type(first)(message, vendor_code=first.vendor_code, retry_after=first.retry_after)
    whole.account = first.account
    return whole
