"""Writes that are left to a person: what is said of them, and the way to settle each.

No command opens the journal of a sandbox that runs inside a server, and its emulators end with it: there the way is another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lead_mcp.errors import Pending, UnknownOutcome
from lead_mcp.journal.entries import Write

if TYPE_CHECKING:
    from lead_mcp.journal.store import Journal

SANDBOX: Final = "This is a sandbox, whose journal no command opens"


def waits(journal: Journal, write: Write) -> Pending:
    """The refusal of a write that is stored until somebody approves it."""
    ways = [f"at {_address(journal, write)}"] if journal.page else []
    ways += [f"in a terminal with `lead-mcp approve {write.id}`"] if journal.has_commands else []
    way = (
        f"The write is stored; settle it {', or '.join(ways)}."
        if ways
        else f"{SANDBOX}: nobody can approve the write later. Call from a client that can ask, or start the sandbox with "
        "LEAD_MCP_WRITES=allow and give another idempotency_key, if any."
    )
    message = f"This client cannot ask you, so nothing was sent: LEAD_MCP_WRITES=confirm wants a person's yes. {way}"
    return Pending(message, account=write.account, journal_id=write.id)


def _address(journal: Journal, write: Write) -> str:
    """Where a person answers it in a browser; behind a proxy whose name is not known here, the path."""
    whole = f"{journal.page}/{write.id}"
    return whole if "://" in whole else f"{whole} of this server"


def not_yet(journal: Journal, write: Write) -> str:
    """What to know of a write that the vendor has taken and does not show."""
    way = "look for the lead later" + (
        f"; `lead-mcp journal resolve {write.id}` settles it" if journal.has_commands else ""
    )
    way = "repeat the call with the same idempotency_key to look again" if write.key else way
    return f"the vendor has taken the lead and does not show it yet: {way}. It is not sent again"


def unknown(journal: Journal, write: Write, why: str = "") -> UnknownOutcome:
    """The error of a write that may or may not have happened, with the way to settle it."""
    resolve = (
        f"say `lead-mcp journal resolve {write.id}`" if journal.has_commands else "make the call again with another key"
    )
    way = (
        f"Repeat the call with the same idempotency_key to look at the vendor and settle it, or look yourself and {resolve}."
        if write.key
        else f"Look for the lead first; then {resolve}. Do not just repeat the call."
    )
    because = f": {why}" if why else "."
    message = f"The write {write.id} may or may not have happened{because} It is not sent again. {way}"
    return UnknownOutcome(message, account=write.account)
