"""Timeline events of a LeadExec record. Source: seed (Properties, TCPAInformation, SendInformation.Sends)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC
from typing import Any, Final

from lead_mcp.filters import as_flag, as_number
from lead_mcp.vendors.dated_events import from_fields, text_of
from lead_mcp.vendors.spec.account import Account
from lead_mcp.vendors.spec.events import Detail, EventKind, TimelineEvent
from lead_mcp.vendors.spec.fields import Paths, at, read_moment
from lead_mcp.vendors.spec.http import Raw

CONSENT: Final[Paths] = ("TCPAInformation.RequestDate", "TCPAInformation.Received")
"""When consent was given: the first that holds a time."""
NOTHING: Final = frozenset({"", "none", "n/a", "not returned", "0"})


def events(account: Account, raw: Raw) -> Sequence[TimelineEvent]:
    """Creation, consent, each sale and return, last change."""
    dated = from_fields(account, raw, source=text_of(account, "source", raw))
    return [*dated, *_consent(raw), *_sends(raw)]


def _consent(raw: Raw) -> Iterator[TimelineEvent]:
    moment = next((found for path in CONSENT if (found := read_moment(at(raw, path), UTC))), None)
    if moment is not None and as_flag(at(raw, "TCPAInformation.ConsentGiven")):
        yield TimelineEvent(at=moment, kind=EventKind.CONSENT, detail=Detail.TCPA)


def _sends(raw: Raw) -> Iterator[TimelineEvent]:
    sends = at(raw, "SendInformation.Sends")
    for send in sends if isinstance(sends, list) else []:
        if isinstance(send, Mapping):
            yield from _send(send)


def _send(send: Mapping[str, Any]) -> Iterator[TimelineEvent]:
    """A sending at its price (major units of no stated currency), and its return where one is dated."""
    buyer = str(send["Client"]) if send.get("Client") else None
    sent, returned = read_moment(send.get("DateSent"), UTC), read_moment(send.get("LastActionDate"), UTC)
    reason = str(send.get("LastReturnActionReason") or "").strip()
    if sent is not None:
        taken, price = as_flag(send.get("Valid")) is not False, as_number(send.get("Price"))
        answer = str(send["Response"]) if send.get("Response") else None
        yield TimelineEvent(at=sent, kind=EventKind.SENT, buyer=buyer, amount=price, accepted=taken, response=answer)
    if returned is not None and reason.casefold() not in NOTHING:
        yield TimelineEvent(at=returned, kind=EventKind.RETURNED, buyer=buyer, reason=reason)
