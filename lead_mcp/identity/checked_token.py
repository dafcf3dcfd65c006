"""Whom the call under way is for. In a file of its own, as it needs the SDK: a command that speaks no MCP does not load it."""

from __future__ import annotations

from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken

from lead_mcp.identity.principal import Principal


class CheckedToken(AccessToken):
    """A token that has been checked, as the SDK carries it along with a request. The token itself is not kept."""

    principal: Principal


def caller(stranger: Principal) -> Principal:
    """Whom the call under way is made for; ``stranger`` where nobody was asked who they are."""
    found = get_access_token()
    return found.principal if isinstance(found, CheckedToken) else stranger
