"""What one answer may cost."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from lead_mcp.errors import LeadMcpError, TimedOut


class Limit(Enum):
    """Which of the operator's limits bounds the records that are read."""

    SCAN = "scan"
    SUMMARY = "summary"


@dataclass(frozen=True)
class Limits:
    """``deadline``: seconds of vendor work. ``scan``: records read at most, over all accounts, by which ``limit``."""

    deadline: float = 30.0
    scan: int = 10_000
    limit: Limit = Limit.SCAN


def late(limits: Limits) -> LeadMcpError:
    """Why there is no answer at all where the deadline passed before any account's fields were known."""
    return TimedOut(f"No account told its fields within {limits.deadline:g} s (LEAD_MCP_DEADLINE). Try again later.")


def account_late(account: str, seconds: float) -> LeadMcpError:
    """Why one account has no part in an answer."""
    return TimedOut(f"{account} did not answer within {seconds:g} s (LEAD_MCP_DEADLINE).", account=account)
