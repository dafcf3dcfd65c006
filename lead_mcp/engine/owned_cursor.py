"""Cursors of one principal: another's are refused, and one's own once one's accounts have changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from lead_mcp.engine.cursor import Seal
from lead_mcp.errors import NotAllowed


@dataclass(frozen=True)
class OwnedSeal(Seal):
    """Seals and opens the cursors of one owner alone; the plain ``Seal`` opens everybody's.

    ``owner``: name and accounts. Cursors know accounts by number, so that they mean others once some were added or taken away.
    """

    inner: Seal
    owner: tuple[str, ...]

    @property
    def _mark(self) -> str:
        return sha256("\n".join(self.owner).encode()).hexdigest()[:16]

    def close(self, state: Mapping[str, Any], arguments: Mapping[str, Any]) -> str:
        return self.inner.close({**state, "u": self._mark}, arguments)

    def open(self, cursor: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The state of a cursor. Raises NotAllowed where it is somebody else's, and whatever ``Seal`` raises."""
        state = self.inner.open(cursor, arguments)
        if state.pop("u", None) != self._mark:
            raise NotAllowed("cursor: it is not yours, or your accounts have changed. Start again without a cursor.")
        return state
