"""Who wants what, and what the journal keeps of it."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from lead_mcp.engine.connection import Connection
from lead_mcp.journal.entries import NewWrite, digest_of
from lead_mcp.transport.redaction import REDACTED
from lead_mcp.writing.forms import secret_names
from lead_mcp.writing.outcome import Tool
from lead_mcp.writing.values import check_arguments

PREVIEWED: Final = "0" * 40
"""The token of a request that is shown and not sent."""


@dataclass(frozen=True)
class WriteCall:
    """Who wants what: the tool, its arguments (canonical JSON), the key, and whose key it is."""

    tool: Tool
    arguments: Mapping[str, Any]
    key: str | None = None
    principal: str = "local"

    def __post_init__(self) -> None:
        """Raises BadArgument for what is no text, before anything is looked at or sent."""
        check_arguments({**self.arguments, "idempotency_key": self.key})

    @cached_property
    def digest(self) -> str:
        return digest_of(self.arguments)

    def entry(self, account: str) -> NewWrite:
        """As the journal knows it."""
        return NewWrite(
            account=account, tool=str(self.tool), principal=self.principal, key=self.key, arguments=self.digest
        )

    def recorded(self, *connections: Connection) -> dict[str, Any]:
        """The arguments as the journal keeps them: the vendors' own secret values are redacted."""
        vendors = [connection.vendor for connection in connections]
        forms = [one.form for vendor in vendors for one in (vendor.insert, vendor.update) if one is not None]
        names = secret_names(forms)
        return {key: _redacted(value, names) for key, value in self.arguments.items()}


def _redacted(value: Any, names: Set[str]) -> Any:
    if isinstance(value, Mapping):
        return {key: REDACTED if key in names else _redacted(item, names) for key, item in value.items()}
    return [_redacted(item, names) for item in value] if isinstance(value, list) else value
