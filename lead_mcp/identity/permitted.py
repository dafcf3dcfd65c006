"""The settings as one principal may see them, and whom the call under way is for."""

from __future__ import annotations

from dataclasses import replace

from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken

from lead_mcp.identity.principal import LOCAL, Principal
from lead_mcp.settings import Settings


class Known(AccessToken):
    """A token that has been checked, as the SDK carries it along with a request. The token itself is not kept."""

    principal: Principal


def caller(stranger: Principal) -> Principal:
    """Whom the call under way is made for; ``stranger`` where nobody was asked who they are."""
    found = get_access_token()
    return found.principal if isinstance(found, Known) else stranger


def permitted(settings: Settings, principal: Principal) -> Settings:
    """The settings with the accounts of that principal alone, and masks where personal values are not theirs to see."""
    if principal == LOCAL:
        return settings
    accounts = {name: found for name, found in settings.accounts.items() if principal.may_use(name)}
    masked = {"pii": "masked"} if principal.pii == "masked" else {}
    return replace(settings, accounts=accounts, server=settings.server.model_copy(update=masked))
