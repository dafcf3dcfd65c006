"""The window that ``period``, ``since`` and ``until`` mean together."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from lead_mcp.dates import Window, window
from lead_mcp.errors import BadArgument
from lead_mcp.periods import period_window
from lead_mcp.tools.arguments.models import Windowed


def asked_window(asked: Windowed, zone: ZoneInfo, now: datetime) -> Window | None:
    """The window asked for, or None. Raises BadArgument for words that are none, and for a period beside an end."""
    if asked.period is None:
        return window(asked.since, asked.until, zone, now)
    beside = [name for name in ("since", "until") if getattr(asked, name) is not None]
    if beside:
        raise BadArgument(
            f"period: {asked.period[:60]!r} is a whole window by itself; give it alone, or {' and '.join(beside)} alone."
        )
    return period_window(asked.period, zone, now)
