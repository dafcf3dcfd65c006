"""What the journal holds, as plain values: a write's present state, and the steps it took."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final


class State(StrEnum):
    """Where a write stands. Only ``SENDING`` can become ``UNKNOWN``: before it nothing has left."""

    PENDING = "pending"
    """It waits for ``lead-mcp approve``."""
    INTENDED = "intended"
    SENDING = "sending"
    """On disk just before the request leaves."""
    ACCEPTED = "accepted"
    """The vendor has taken it and not done it yet: it is looked for, and never sent again."""
    DONE = "done"
    REFUSED = "refused"
    """A check here or the vendor said no; the key is free."""
    UNKNOWN = "unknown"
    DECLINED = "declined"
    """A person said no; the key is free."""
    RESOLVED = "resolved"
    """A person has looked at the vendor and said what happened."""
    EXPIRED = "expired"
    """Nobody approved it in time; the key is free."""


OPEN: Final = frozenset({State.INTENDED, State.SENDING})
"""States in which a process is at work on a write."""
REPLAYED: Final = frozenset({State.DONE, State.RESOLVED})
"""States whose outcome the same key gets again."""
GOING_ON: Final = frozenset({*OPEN, State.PENDING, State.UNKNOWN, State.ACCEPTED})
"""States of a write that has not ended: its values are still needed."""


@dataclass(frozen=True, slots=True)
class Write:
    """One write as the journal has it. ``outcome`` is the result it ended with, if its values are not purged.

    ``owner`` is the process at work on it; ``fence`` grows each time another takes it over; ``lease``: epoch seconds, by the
    database's clock, after which an owner that cannot be looked at counts as dead.
    """

    id: str
    at: str
    account: str
    tool: str
    principal: str
    key: str | None
    arguments: str
    state: State
    uri: str | None
    owner: str
    lease: float
    fence: int = 0
    outcome: Mapping[str, Any] | None = None
    intent: Mapping[str, Any] | None = None
    """What was meant: ``{"arguments", "before", "request", ...}``; None once purged."""

    @property
    def replayed(self) -> bool:
        """Whether it has ended with an outcome that its key gets again."""
        return self.state in REPLAYED

    @property
    def carried_out(self) -> bool:
        """Whether the vendor has said yes to it: there is nothing to ask and nothing to send."""
        return self.replayed or self.state is State.ACCEPTED


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWrite:
    """A write about to enter the journal. ``arguments``: their digest."""

    account: str
    tool: str
    principal: str
    key: str | None
    arguments: str


@dataclass(frozen=True, slots=True)
class JournalEvent:
    """One step of a write, as the journal keeps it."""

    seq: int
    write_id: str
    at: str
    state: State
    digest: str
    hash: str
    values: Mapping[str, Any] | None


class ClaimLost(Exception):
    """Another process has taken the write over: what this one meant to record is not recorded."""


def digest_of(values: Any) -> str:
    """The digest of a JSON value."""
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str, ensure_ascii=False).encode()).hexdigest()
