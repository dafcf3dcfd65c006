"""The settings as one principal may see them."""

from __future__ import annotations

from dataclasses import replace

from lead_mcp.identity.principal import Principal
from lead_mcp.settings import Settings


def permitted(settings: Settings, principal: Principal) -> Settings:
    """The settings with the accounts of that principal alone, and masks where personal values are not theirs to see."""
    if principal.is_local:
        return settings
    accounts = {name: found for name, found in settings.accounts.items() if principal.may_use(name)}
    masked = {"pii": "masked"} if principal.pii == "masked" else {}
    return replace(settings, accounts=accounts, server=settings.server.model_copy(update=masked))
