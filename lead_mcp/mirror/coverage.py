"""What the mirror can answer for: which records it has of an account, from when on, and what is said of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from lead_mcp.dates import Window
from lead_mcp.engine.connection import Connection
from lead_mcp.engine.notes import Note
from lead_mcp.errors import LeadMcpError, NotConfigured
from lead_mcp.mirror.notes import FromMirror, NotToppedUp
from lead_mcp.mirror.place import Place
from lead_mcp.mirror.records import LEAD, RECORDING, offers
from lead_mcp.mirror.sync import Terms

Places = Mapping[str, Mapping[str, Place]]
"""How far each account has been read, by kind."""


@dataclass(frozen=True)
class Coverage:
    """``failures``: why an account could not be topped up; ``recordings``: whether those are kept."""

    terms: Terms
    failures: Mapping[str, LeadMcpError]
    recordings: bool

    def kinds(self, connection: Connection) -> tuple[str, ...]:
        """What is mirrored of an account: ``lead``, ``inbound``, ``outbound``, ``recording``."""
        recordings = [RECORDING] if self.recordings and connection.vendor.recordings is not None else []
        return (LEAD, *connection.vendor.pings, *recordings)

    def covers(self, places: Places, connection: Connection, kind: str, window: Window | None) -> bool:
        """Whether every record of the kind in the window is here."""
        if not offers(connection, kind):
            return True
        if kind not in self.kinds(connection):
            return False
        place = places.get(connection.name, {}).get(kind, Place())
        if place.as_of is None:
            return False
        begin = self.since(place)
        since = window.since if window else None
        return begin is None or (since is not None and begin <= since)

    def since(self, place: Place) -> datetime | None:
        """From when on an account's records are here; None: from the first."""
        return self.terms.floor(place.reached)

    def notes(self, connection: Connection, as_of: datetime | None, now: datetime) -> list[Note]:
        """What is to be known of an account's part of an answer: that it is mirrored, how old, and why it is no younger."""
        found: list[Note] = [] if as_of is None else [FromMirror(now - as_of)]
        if (error := self.failures.get(connection.name)) is not None:
            found.append(NotToppedUp(error.message))
        return found


def no_mirror() -> NotConfigured:
    return NotConfigured(
        "source: there is no mirror. LEAD_MCP_MIRROR=on and `lead-mcp mirror sync` keep one; "
        "source=live reads the vendors now."
    )
