"""URIs of what we hand out: ``lead://{account}/{id}``, ``ping://...``, ``recording://...``, ``account://...``,
``journal://{id}``.

Ids are percent-encoded whole, so that no id can forge a path. A URI printed by any tool can be read as a resource and
given to any tool, in another process too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, quote, unquote, urlencode

from lead_mcp.errors import BadArgument

SCHEMES: Final = ("lead", "ping", "recording", "account", "journal")
SHAPES: Final = {
    "lead": "lead://ACCOUNT/ID",
    "ping": "ping://ACCOUNT/inbound|outbound/ID",
    "recording": "recording://ACCOUNT/LEAD_ID/RECORDING_ID",
    "account": "account://ACCOUNT",
    "journal": "journal://JOURNAL_ID",
}
PARTS: Final = {"lead": 2, "ping": 3, "recording": 3, "account": 1, "journal": 1}
URI: Final = re.compile(r"([a-z]+)://([^?#]*)(?:\?([^#]*))?")
MAX_ID: Final = 200


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
    path = "/".join(quote(part, safe="", errors="replace") for part in parts)
    return f"{scheme}://{path}" + (f"?{urlencode(kept, errors='replace')}" if kept else "")


def lead_uri(account: str, lead_id: str) -> str:
    return uri("lead", account, lead_id)


def parse_uri(text: str, *schemes: str) -> Uri:
    """The URI taken apart. Raises BadArgument where it is none of ``schemes`` or malformed."""
    found = URI.fullmatch(text.strip())
    wanted = " or ".join(SHAPES[scheme] for scheme in schemes or SCHEMES)
    if not found or found[1] not in (schemes or SCHEMES):
        raise BadArgument(f"uri: {text[:120]!r} is not of the form {wanted}.")
    parts = tuple(unquote(part) for part in found[2].split("/"))
    if len(parts) != PARTS[found[1]] or not all(parts) or any(len(part) > MAX_ID for part in parts):
        raise BadArgument(f"uri: {text[:120]!r} is not of the form {wanted}.")
    query = {key: values[0] for key, values in parse_qs(found[3] or "").items()}
    return Uri(found[1], parts, query)
