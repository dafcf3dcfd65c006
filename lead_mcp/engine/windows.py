"""The window that is used where a vendor insists on one and none was asked for."""

from __future__ import annotations

from datetime import datetime

from lead_mcp.dates import Window
from lead_mcp.engine.query import AccountQuery
from lead_mcp.filters import LOWER, RANGE


def is_bounded(account_query: AccountQuery) -> bool:
    """Whether somebody asked from when on."""
    when = account_query.search.when
    return any(where.field == when and where.op in LOWER for where in account_query.clauses)


def default_window(account_query: AccountQuery, frozen: datetime, zone: str) -> Window | None:
    """The vendor's usual stretch back from the asked end, or from ``frozen``; None where no window is missing."""
    back, when = account_query.search.window, account_query.search.when
    if back is None or is_bounded(account_query):
        return None
    ends = [where.value for where in account_query.clauses if where.field == when and where.op in RANGE]
    until = min(ends, default=frozen)
    return Window((until - back).replace(microsecond=0), until, zone)
