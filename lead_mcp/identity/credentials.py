"""Each person's own vendor credentials: asked for by the principal's name, kept for some seconds, never taken from a client.

Whoever has none is refused in the same words whatever others have. Why a source gave none is in the log, without a secret.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import anyio

from lead_mcp.errors import NotAllowed, NotConfigured, SettingsError
from lead_mcp.identity.sources import SourceFailed, ask
from lead_mcp.recent import Recent
from lead_mcp.settings import ConfiguredAccount, CredentialSource
from lead_mcp.settings.per_user import checked_credential

log = logging.getLogger("lead_mcp.credentials")

KEPT: Final = 30.0
"""Seconds for which a credential counts that was taken away or changed."""
ASKED_AGAIN: Final = 5.0
"""Seconds after which a source is asked again that had none."""
MOST: Final = 2_000
"""Credentials that are kept."""

Ask = Callable[[CredentialSource, ConfiguredAccount, str], Awaitable[Mapping[str, Any] | None]]


@dataclass
class HeldSecrets:
    """One person's credential for one account until ``until`` (monotonic seconds), or the refusal to give."""

    lock: anyio.Lock = field(default_factory=anyio.Lock)
    until: float = 0.0
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    refusal: tuple[type[NotAllowed] | type[NotConfigured], str] | None = None


@dataclass
class Credentials:
    """Everybody's, by account and principal."""

    source: CredentialSource
    clock: Callable[[], float] = time.monotonic
    ask: Ask = ask
    held: Recent[tuple[str, str], HeldSecrets] = field(default_factory=lambda: Recent(MOST), repr=False)

    async def of(self, found: ConfiguredAccount, principal: str) -> Mapping[str, str]:
        """The secrets of that principal for the account, by settings key. Raises NotAllowed, NotConfigured."""
        one = self.held.used((found.account.name, principal), HeldSecrets)
        async with one.lock:
            if self.clock() >= one.until:
                await self._ask(one, found, principal)
        if one.refusal is not None:
            kind, message = one.refusal
            raise kind(message, account=found.account.name, sent=False)
        return one.secrets

    async def _ask(self, one: HeldSecrets, found: ConfiguredAccount, principal: str) -> None:
        name = found.account.name
        one.secrets, one.refusal = {}, None
        try:
            texts = await self.ask(self.source, found, principal)
            if texts is not None:
                one.secrets = checked_credential(found, texts)
        except (SourceFailed, SettingsError) as error:
            log.warning("no credential", extra={"account": name, "principal": principal, "why": str(error)})
            message = (
                f"Your own credential for {name} cannot be read just now. Whoever runs this server sees why in its log."
            )
            one.refusal = NotConfigured, message
        if not one.secrets and one.refusal is None:
            message = (
                f"{name} wants each person's own credential, and you have none here. Ask whoever runs this server."
            )
            one.refusal = NotAllowed, message
        one.until = self.clock() + (ASKED_AGAIN if one.refusal else KEPT)
