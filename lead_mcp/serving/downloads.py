"""Downloads of exports over HTTP: which links this server makes, and what their owners may read now."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lead_mcp.exports.links import Links
from lead_mcp.identity.permitted import permitted
from lead_mcp.identity.principal import HOLDER
from lead_mcp.identity.tokens import Tokens
from lead_mcp.server import LeadServer
from lead_mcp.settings import Settings

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from lead_mcp.exports.folder import ExportAccess


def links_of(settings: Settings, keys: Sequence[bytes]) -> Links | None:
    """What makes links, where files are written: to the host that tokens are issued for, else to a request's own."""
    if settings.server.export_dir is None:
        return None
    public = urlsplit(settings.sign_in.audience) if settings.sign_in else None
    origin = f"{public.scheme}://{public.netloc}" if public else ""
    return Links(keys, settings.server.export_link_seconds, origin)


def with_downloads(app: ASGIApp, server: LeadServer, tokens: Tokens) -> ASGIApp:
    """The app, with downloads before it where this server makes links."""
    folder = server.configured.server.export_dir
    if server.links is None or folder is None:
        return app
    from lead_mcp.exports.downloads import Downloads

    return Downloads(app, folder, server.links, partial(access_of, server.configured, tokens))


def access_of(settings: Settings, tokens: Tokens, owner: str) -> ExportAccess | None:
    """What the owner of a file may read now; None where their token counts no more.

    What an issuer's subject may is known with a token of theirs alone: their links end by themselves.
    """
    from lead_mcp.exports.folder import ExportAccess

    if not owner.startswith(HOLDER):
        return ExportAccess(owner, False, settings.server.pii, frozenset(settings.accounts))
    held = tokens.holder(owner)
    if held is None:
        return None
    seen = permitted(settings, held)
    return ExportAccess(owner, False, seen.server.pii, frozenset(seen.accounts))
