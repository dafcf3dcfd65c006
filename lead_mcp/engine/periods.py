"""Groups: stretches of time, and values that can be keys."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from lead_mcp.filters import Value

PERIODS: Final = ("hour", "day", "week", "month")
FORMATS: Final = {"hour": "%Y-%m-%dT%H", "day": "%Y-%m-%d", "month": "%Y-%m"}


def period(moment: Value, name: str, zone: ZoneInfo) -> str | None:
    """``2026-10-31T14``, ``2026-10-31``, ``2026-W44`` or ``2026-10`` of a moment in a zone."""
    if not isinstance(moment, datetime):
        return None
    local = moment.astimezone(zone)
    if name == "week":
        year, week, _ = local.isocalendar()
        return f"{year}-W{week:02d}"
    return local.strftime(FORMATS[name])


def group_value(value: Value) -> Any:
    """A field's value as a group: one that can be a key."""
    return json.dumps(value, default=str, ensure_ascii=False) if isinstance(value, dict | list) else value
