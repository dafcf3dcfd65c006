"""Where clients learn where to sign in: protected-resource metadata (RFC 9728) at its well-known paths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit, urlunsplit

from lead_mcp.identity.scopes import EVERY, in_order

if TYPE_CHECKING:
    from starlette.responses import Response

WELL_KNOWN: Final = "/.well-known/"
PLACE: Final = f"{WELL_KNOWN}oauth-protected-resource"


@dataclass(frozen=True, slots=True)
class Metadata:
    """What this resource is called, and who issues its tokens."""

    resource: str
    issuers: Sequence[str]

    @property
    def path(self) -> str:
        """The well-known path goes before the resource's own."""
        return PLACE + urlsplit(self.resource).path.rstrip("/")

    @property
    def url(self) -> str:
        parts = urlsplit(self.resource)
        return urlunsplit((parts.scheme, parts.netloc, self.path, "", ""))

    def response(self, path: str) -> Response | None:
        """The document, where that path is one of its places; clients that know the resource's host alone ask at its root."""
        if path.rstrip("/") not in (self.path, PLACE):
            return None
        from starlette.responses import JSONResponse

        document = {
            "resource": self.resource,
            "authorization_servers": list(self.issuers),
            "scopes_supported": in_order(EVERY).split(),
            "bearer_methods_supported": ["header"],
            "resource_name": "lead-mcp",
        }
        return JSONResponse(document, headers={"Cache-Control": "max-age=3600", "Access-Control-Allow-Origin": "*"})
