"""The ledger: one entry an account, as values: what was asked of its vendor, what was checked here, what was not read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from lead_mcp.dates import Window
from lead_mcp.errors import LeadMcpError
from lead_mcp.filters import Clause
from lead_mcp.vendors.spec.fields import Field


@dataclass
class LedgerEntry:
    """What an answer cost at one account and how far it reaches.

    ``notes`` are sentences about the reading; they hold no value of a record. ``field_of`` finds the field that a clause
    names, so that whoever shows the clause knows what it holds.
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
    notes: list[str] = field(default_factory=list)
    error: LeadMcpError | None = None
    field_of: Callable[[str], Field | None] = lambda name: None


def combined(errors: Sequence[LeadMcpError]) -> LeadMcpError:
    """The one error of an answer in which every account failed."""
    first = errors[0]
    if len(errors) == 1:
        return first
    message = " ".join(f"{error.account}: {error.message}" for error in errors)
    whole = type(first)(message, vendor_code=first.vendor_code, retry_after=first.retry_after)
    whole.account = first.account
    return whole
