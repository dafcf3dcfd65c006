"""What LeadExec's records say happened to a lead. Source: seed (Properties, TCPAInformation, SendInformation.Sends)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC
from typing import Any, Final

from lead_mcp.query import as_flag, as_number
from lead_mcp.vendors.base import Account, Happening, Raw, at, read_moment
from lead_mcp.vendors.happenings import from_fields

DATED: Final = (("created_at", "created", "came in"), ("updated_at", "updated", "last changed"))
NOTHING: Final = frozenset({"", "none", "n/a", "not returned", "0"})


def happenings(account: Account, raw: Raw) -> Sequence[Happening]:
    """Creation, consent, each sale and return, last change."""
    source = account.fields.ours["source"].read(raw)
    created = ("created_at", "created", f"came in from {source}" if source else "came in")
    return [*from_fields(account, raw, (created, *DATED[1:])), *_consent(raw), *_sends(raw)]


def _consent(raw: Raw) -> Iterator[Happening]:
    given = as_flag(at(raw, "TCPAInformation.ConsentGiven"))
    moment = read_moment(at(raw, "TCPAInformation.RequestDate"), UTC) or read_moment(
        at(raw, "TCPAInformation.Received"), UTC
    )
    if given and moment is not None:
        yield Happening(moment, "consent", "gave consent (TCPA)")


def _sends(raw: Raw) -> Iterator[Happening]:
    sends = at(raw, "SendInformation.Sends")
    for send in sends if isinstance(sends, list) else []:
        if isinstance(send, Mapping):
            yield from _send(send)


def _send(send: Mapping[str, Any]) -> Iterator[Happening]:
    """A sale at its price (major currency units), and its return where one is dated."""
    moment, buyer, price = (
        read_moment(send.get("DateSent"), UTC),
        send.get("Client") or "a buyer",
        as_number(send.get("Price")),
    )
    valid = as_flag(send.get("Valid"))
    if moment is not None:
        cost = "" if price is None else f" at {price:f}"
        yield Happening(moment, "sent", f"sent to {buyer}{cost}" if valid is not False else f"refused by {buyer}")
    reason, returned = str(send.get("LastReturnActionReason") or ""), read_moment(send.get("LastActionDate"), UTC)
    if returned is not None and reason.strip().casefold() not in NOTHING:
        yield Happening(returned, "returned", f"returned by {buyer}: {reason}")
