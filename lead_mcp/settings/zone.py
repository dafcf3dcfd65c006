"""The machine's time zone, by a name that Python can read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lead_mcp.errors import SettingsError

LOCALTIME: Final = Path("/etc/localtime")
ADVICE: Final = "Set LEAD_MCP_TIMEZONE to an IANA name, such as America/New_York."


UTC_NAMES: Final = frozenset({"Etc/UTC", "Etc/UCT", "Etc/Universal", "Etc/Zulu", "UCT", "Universal", "Zulu"})
"""What systems call the zone that everybody else calls UTC."""


def machine_zone() -> str:
    """The IANA name of the zone that the machine keeps; UTC where it has none. Raises SettingsError.

    A zone that has no name (a rule in ``TZ``, a copied ``/etc/localtime``) is an error, unless it is UTC all the same: times
    read as UTC would be hours off, and nobody would know.
    """
    rule = os.environ.get("TZ", "").strip()
    plain = rule if "TZ" in os.environ else _linked()  # an empty one is UTC
    if plain in UTC_NAMES:
        return "UTC"
    if plain and _is_known(plain):
        return plain
    from whenever import SYSTEM_TZ, ZonedDateTime  # reads what is not as plain: rules, files, Windows' registry

    try:
        now = ZonedDateTime.now(SYSTEM_TZ)
    except Exception:  # noqa: BLE001 - whatever the machine's files hold
        if rule:
            raise SettingsError(f"TZ: {rule[:60]!r} is no time zone that Python can read. {ADVICE}") from None
        return "UTC"
    if now.tz_id is not None and _is_known(now.tz_id):
        return now.tz_id
    if now.tz_id is None and all(now.add(months=later).offset.total("seconds") == 0 for later in (0, 6)):
        return "UTC"
    what = f"TZ: {rule[:60]!r}" if rule else "The machine's time zone"
    raise SettingsError(f"{what} has no name that Python knows. {ADVICE}")


def _linked() -> str:
    """The name of the zone that /etc/localtime links to, as it does on nearly every Linux and Mac; "" elsewhere."""
    try:
        return str(LOCALTIME.readlink()).partition("zoneinfo/")[2]
    except OSError:
        return ""


def _is_known(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
