"""URIs of what we hand out: ``lead://{account}/{id}``, ``ping://...``, ``recording://...``, ``account://...``,
``journal://{id}``.

Ids are percent-encoded whole, so that no id can forge a path. A URI printed by any tool can be read as a resource, in
another process too, and given to any tool that reads a lead.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qs, quote, unquote, urlencode

from lead_mcp.errors import BadArgument
from lead_mcp.filters import as_time

SCHEMES: Final = ("lead", "ping", "recording", "account", "journal")
"""Of what every server has; ``export`` beside them is for those that write files."""
SHAPES: Final = {
    "lead": "lead://ACCOUNT/ID",
    "ping": "ping://ACCOUNT/inbound|outbound/ID",
    "recording": "recording://ACCOUNT/LEAD_ID/RECORDING_ID",
    "account": "account://ACCOUNT",
    "journal": "journal://JOURNAL_ID",
    "export": "export://NAME",
}
PARTS: Final = {"lead": 2, "ping": 3, "recording": 3, "account": 1, "journal": 1, "export": 1}
URI: Final = re.compile(r"([a-z]+)://([^?#]*)(?:\?([^#]*))?")
PLAIN: Final = re.compile(r"[A-Za-z0-9_.~-]*")
"""What needs no escape, as nearly every id: finding that out is ten times as fast as escaping it."""
MAX_ID: Final = 200
OBJECT_ID: Final = re.compile(r"[0-9a-f]{24}")
"""An id as MongoDB makes it: its first eight digits are the second when."""


@dataclass(frozen=True, slots=True)
class Uri:
    """A URI taken apart: decoded path parts (the account first, but in ``journal``) and query values."""

    scheme: str
    parts: tuple[str, ...]
    query: dict[str, str]

    @property
    def account(self) -> str:
        return self.parts[0]

    @property
    def id(self) -> str:
        return self.parts[-1]


def uri(scheme: str, *parts: str, **query: str) -> str:
    """``lead://acme/4%2F2``; query values are left out where empty."""
    kept = {key: value for key, value in query.items() if value}
    path = "/".join(map(escaped, parts))
    return f"{scheme}://{path}" + (f"?{urlencode(kept, errors='replace')}" if kept else "")


def escaped(part: str) -> str:
    return part if PLAIN.fullmatch(part) else quote(part, safe="", errors="replace")


def lead_uri(account: str, lead_id: str) -> str:
    return f"lead://{escaped(account)}/{escaped(lead_id)}"


def ping_uri(account: str, direction: str, ping_id: str, at: datetime | None) -> str:
    """A ping's URI. ``at``: when it came, in it as Unix seconds; left out where the id begins with them, as MongoDB's do."""
    path = f"ping://{escaped(account)}/{escaped(direction)}/{escaped(ping_id)}"
    if at is None or (seconds := math.floor(at.timestamp())) == _seconds_of(ping_id):
        return path
    return f"{path}?at={seconds}"


def ping_moment(found: Uri) -> datetime | None:
    """When a ping's URI says it came, to the second: by its ``at`` (a whole ISO time in older ones), else by its id.

    None where neither tells.
    """
    at = found.query.get("at", "")
    seconds = int(at) if re.fullmatch(r"-?[0-9]{1,11}", at) else None if at else _seconds_of(found.id)
    try:
        return as_time(at) if seconds is None else datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):  # no calendar has it
        return None


def _seconds_of(ping_id: str) -> int | None:
    return int(ping_id[:8], 16) if OBJECT_ID.fullmatch(ping_id) else None


def parse_uri(text: str, *schemes: str) -> Uri:
    """The URI taken apart. Raises BadArgument where it is none of ``schemes`` or malformed."""
    found = URI.fullmatch(text.strip())
    wanted = " or ".join(SHAPES[scheme] for scheme in schemes or SCHEMES)
    if not found or found[1] not in (schemes or SCHEMES):
        raise BadArgument(f"uri: {text[:120]!r} is not of the form {wanted}.")
    parts = tuple(unquote(part) for part in found[2].split("/"))
    if len(parts) != PARTS[found[1]] or not all(parts) or any(len(part) > MAX_ID for part in parts):
        raise BadArgument(f"uri: {text[:120]!r} is not of the form {wanted}.")
    query = {key: values[0] for key, values in parse_qs(found[3]).items()} if found[3] else {}
    return Uri(found[1], parts, query)
