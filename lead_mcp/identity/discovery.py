"""What an issuer says of itself (RFC 8414, OpenID Connect Discovery)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx2

from lead_mcp.identity.fetching import fetch_json
from lead_mcp.identity.refusals import SignInDown


def metadata_places(issuer: str) -> Sequence[str]:
    """Where an issuer may describe itself."""
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")

    def at(place: str) -> str:
        return urlunsplit((parts.scheme, parts.netloc, place, "", ""))

    return (
        at(f"{path}/.well-known/openid-configuration"),
        at(f"/.well-known/oauth-authorization-server{path}"),
    )


async def description(client: httpx2.AsyncClient, issuer: str, what: str, *needed: str) -> Mapping[str, Any]:
    """The issuer's own metadata, in which all of ``needed`` are texts. Raises SignInDown: it does not say ``what``."""
    for place in metadata_places(issuer):
        try:
            found = await fetch_json(client, "GET", place)
        except SignInDown:
            continue
        if found.get("issuer") == issuer and all(isinstance(found.get(name), str) for name in needed):
            return found
    raise SignInDown(f"Whoever issues the tokens does not say {what}. Try again in a moment.")
