"""The seal of a server's cursors: by ``LEAD_MCP_STATE_KEYS``, newest first, or by the accounts' own secrets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from lead_mcp.engine.cursor import Seal
from lead_mcp.errors import BadArgument
from lead_mcp.settings import Settings, secrets_of


@dataclass(frozen=True)
class RotatingSeal(Seal):
    """Seals with the newest key and opens what any of them has sealed."""

    older: tuple[Seal, ...]

    def open(self, cursor: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The state of a cursor. Raises BadArgument."""
        for seal in (Seal(self.key), *self.older[:-1]):
            with suppress(BadArgument):
                return seal.open(cursor, arguments)
        return self.older[-1].open(cursor, arguments)


def seal_of(settings: Settings) -> Seal:
    """The seal of these settings."""
    newest, *older = _seals(settings)
    return RotatingSeal(newest.key, tuple(older)) if older else newest


def state_keys(settings: Settings) -> Sequence[bytes]:
    """The keys of questions' sealed state, newest first: the same in every replica."""
    return [seal.derived("request state") for seal in _seals(settings)]


def _seals(settings: Settings) -> Sequence[Seal]:
    """A seal for each key. Cursors know accounts by number, so each is bound to which accounts there are."""
    if not settings.server.state_keys:
        return [Seal.of(secrets_of(settings))]
    accounts = {f"account {name}": "" for name in settings.accounts}
    return [Seal.of({**accounts, "key": key.get_secret_value()}) for key in settings.server.state_keys]
