"""What a record says happened to its lead, as values: when, what kind, and the facts. Words for it are made elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class EventKind(StrEnum):
    """The kinds of a story. ``ping`` and ``recording`` are found by asking for them; records tell the others."""

    PING = "ping"
    CREATED = "created"
    CONSENT = "consent"
    SENT = "sent"
    RETURNED = "returned"
    CALL = "call"
    RECORDING = "recording"
    QUALIFIED = "qualified"
    UPDATED = "updated"


class Detail(StrEnum):
    """Which of several things an event of its kind was."""

    INTO_LIST = "into a list"
    TCPA = "TCPA"
    FIRST_REACHED = "first reached"
    LAST_DIALLED = "last dialled"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEvent:
    """Something that happened, at a moment (UTC).

    ``source`` and ``form``: where it came in from, and through what. ``buyer``, ``amount`` (major units of ``currency``, None:
    not said): a sale, or its return and the ``reason``. ``accepted``: whether the buyer took it, None where nobody says.
    ``status``: the vendor's word for the outcome. ``response``: what the buyer answered. ``seconds``: how long a call was.
    """

    at: datetime
    kind: EventKind
    detail: Detail | None = None
    source: str | None = None
    form: str | None = None
    buyer: str | None = None
    amount: Decimal | None = None
    currency: str | None = None
    accepted: bool | None = None
    reason: str | None = None
    status: str | None = None
    response: str | None = None
    seconds: int | None = None

    @property
    def is_sale(self) -> bool:
        """Whether a buyer took the lead: one that refused it bought nothing."""
        return self.kind is EventKind.SENT and self.accepted is not False
