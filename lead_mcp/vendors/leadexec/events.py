"""What LeadExec's records say happened to a lead. Source: seed (Properties, TCPAInformation, SendInformation.Sends)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC
from typing import Any, Final

from lead_mcp.filters import as_flag, as_number
from lead_mcp.vendors.dated_events import from_fields
from lead_mcp.vendors.spec.account import Account
from lead_mcp.vendors.spec.fields import at, read_moment
from lead_mcp.vendors.spec.http import Raw
from lead_mcp.vendors.spec.reading import TimelineEvent

DATED: Final = (("created_at", "created", "came in"), ("updated_at", "updated", "last changed"))
NOTHING: Final = frozenset({"", "none", "n/a", "not returned", "0"})


def events(account: Account, raw: Raw) -> Sequence[TimelineEvent]:
    """Creation, consent, each sale and return, last change."""
    source = account.fields.ours["source"].read(raw)
    created = ("created_at", "created", f"came in from {source}" if source else "came in")
    return [*from_fields(account, raw, (created, *DATED[1:])), *_consent(raw), *_sends(raw)]


def _consent(raw: Raw) -> Iterator[TimelineEvent]:
    given = as_flag(at(raw, "TCPAInformation.ConsentGiven"))
    moment = read_moment(at(raw, "TCPAInformation.RequestDate"), UTC) or read_moment(
        at(raw, "TCPAInformation.Received"), UTC
    )
    if given and moment is not None:
        yield TimelineEvent(moment, "consent", "gave consent (TCPA)")


def _sends(raw: Raw) -> Iterator[TimelineEvent]:
    sends = at(raw, "SendInformation.Sends")
    for send in sends if isinstance(sends, list) else []:
        if isinstance(send, Mapping):
            yield from _send(send)


def _send(send: Mapping[str, Any]) -> Iterator[TimelineEvent]:
    """A sale at its price (major currency units), and its return where one is dated."""
    moment, buyer, price = (
        read_moment(send.get("DateSent"), UTC),
        send.get("Client") or "a buyer",
        as_number(send.get("Price")),
    )
    valid = as_flag(send.get("Valid"))
    if moment is not None:
        cost = "" if price is None else f" at {price:f}"
        yield TimelineEvent(moment, "sent", f"sent to {buyer}{cost}" if valid is not False else f"refused by {buyer}")
    reason, returned = str(send.get("LastReturnActionReason") or ""), read_moment(send.get("LastActionDate"), UTC)
    if returned is not None and reason.strip().casefold() not in NOTHING:
        yield TimelineEvent(returned, "returned", f"returned by {buyer}: {reason}")
