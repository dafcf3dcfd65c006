"""Groups: stretches of time, and values that can be keys."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from lead_mcp.filters import Value

WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def _week(local: datetime) -> str:
    year, week, _ = local.isocalendar()
    return f"{year}-W{week:02d}"


TIME_GROUPS: Final[dict[str, Callable[[datetime], str | int]]] = {
    "hour": lambda local: f"{local:%Y-%m-%dT%H}",
    "day": lambda local: f"{local:%Y-%m-%d}",
    "week": _week,
    "month": lambda local: f"{local:%Y-%m}",
    "quarter": lambda local: f"{local:%Y}-Q{(local.month + 2) // 3}",
    "year": lambda local: f"{local:%Y}",
    "weekday": lambda local: WEEKDAYS[local.weekday()],
    "hour_of_day": lambda local: local.hour,
}
"""Names of groups of time, and what a moment's group is: ``2026-10-31T14``, ``2026-W44``, ``2026-Q4``, ``Mon``, 14 ..."""
NOT_FIELDS: Final = frozenset({*TIME_GROUPS, "account"})
"""Names of groups that are no fields of records."""


def time_group(moment: Value, name: str, zone: ZoneInfo) -> str | int | None:
    """The group of a moment in a zone; None for what is no moment."""
    return TIME_GROUPS[name](moment.astimezone(zone)) if isinstance(moment, datetime) else None


def order_in_time(found: Any) -> Any:
    """Where a group of time stands among others of its name: in time, weekdays from Monday on."""
    return WEEKDAYS.index(found) if found in WEEKDAYS else found


def group_value(value: Value) -> Any:
    """A field's value as a group: one that can be a key."""
    return json.dumps(value, default=str, ensure_ascii=False) if isinstance(value, dict | list) else value
