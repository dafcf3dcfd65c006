"""Who may call a server with these settings."""

from __future__ import annotations

from lead_mcp.identity.callers import Callers
from lead_mcp.identity.tokens import Tokens
from lead_mcp.settings import Settings


def callers_of(settings: Settings) -> Callers | None:
    """Everybody who may call; None where nobody is known by name: no token was ever made. Raises NotAllowed."""
    server = settings.server
    tokens = Tokens(server.state_dir)
    if not tokens.any():
        return None
    shared = server.http_token.get_secret_value() if server.http_token else None
    return Callers(tokens, frozenset(settings.accounts), shared=shared)
