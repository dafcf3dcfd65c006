"""What the journal holds, as plain values: a write's present state, and the steps it took."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

OPEN: Final = frozenset({"intended", "sending"})
"""States in which a living process is at work on a write."""


@dataclass(frozen=True, slots=True)
class Write:
    """One write as the journal has it. ``outcome`` is the result it ended with, if its values are not purged."""

    id: str
    at: str
    account: str
    tool: str
    principal: str
    key: str | None
    arguments: str
    state: str
    uri: str | None
    owner: str
    lease: float
    outcome: Mapping[str, Any] | None = None
    intent: Mapping[str, Any] | None = None
    """What was meant: ``{"arguments", "before", "request", ...}``; None once purged."""


@dataclass(frozen=True, slots=True)
class Event:
    """One step of a write."""

    seq: int
    write_id: str
    at: str
    state: str
    digest: str
    hash: str
    values: Mapping[str, Any] | None


def digest_of(values: Any) -> str:
    """The digest of a JSON value."""
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str, ensure_ascii=False).encode()).hexdigest()
