"""The words for what happened to a person's leads: one short line an event, one sentence for what is odd."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from lead_mcp.engine.story.timeline import Finding, SeveralBuyers, SeveralLeads, SeveralSales
from lead_mcp.outgoing.words import number_text
from lead_mcp.vendors.spec.events import Detail, EventKind, TimelineEvent

NAMED: Final = 10
"""URIs that one sentence names."""
SOMEBODY: Final = "a buyer"


CALLS: Final[Mapping[Detail | None, str]] = {
    Detail.FIRST_REACHED: "first reached by phone",
    Detail.LAST_DIALLED: "last dialled",
}


def event_text(event: TimelineEvent) -> str:
    """``sent to Acme at 12.5``, ``came in from google_ads``: the event's facts in a few words."""
    return WORDS[event.kind](event)


def _created(event: TimelineEvent) -> str:
    if event.detail is Detail.INTO_LIST:
        return "came into a list"
    if event.form:
        return f"came in through {event.form}"
    return f"came in from {event.source}" if event.source else "came in"


def _sent(event: TimelineEvent) -> str:
    buyer = event.buyer or SOMEBODY
    if event.accepted is False:
        return f"refused by {buyer}"
    currency = f" {event.currency}" if event.currency else ""
    price = "" if event.amount is None else f" at {number_text(event.amount)}{currency}"
    return f"sent to {buyer}{price}"


def _returned(event: TimelineEvent) -> str:
    reason = f": {event.reason}" if event.reason else ""
    return f"returned by {event.buyer or SOMEBODY}{reason}"


def _consent(event: TimelineEvent) -> str:
    return f"gave consent ({event.detail})" if event.detail else "gave consent"


def _call(event: TimelineEvent) -> str:
    return CALLS.get(event.detail, "called")


def _recording(event: TimelineEvent) -> str:
    length = f"{event.seconds} s" if event.seconds is not None else "unknown length"
    return f"call recording, {length}"


def _ping(event: TimelineEvent) -> str:
    return f"ping {event.status or ('accepted' if event.accepted else 'refused')}"


WORDS: Final[Mapping[EventKind, Callable[[TimelineEvent], str]]] = {
    EventKind.PING: _ping,
    EventKind.CREATED: _created,
    EventKind.CONSENT: _consent,
    EventKind.SENT: _sent,
    EventKind.RETURNED: _returned,
    EventKind.CALL: _call,
    EventKind.RECORDING: _recording,
    EventKind.QUALIFIED: lambda event: "qualified",
    EventKind.UPDATED: lambda event: "last changed",
}


def finding_text(finding: Finding) -> str:
    """What is odd about a person's leads, as a warning."""
    match finding:
        case SeveralLeads(account, uris):
            return f"{account} has this person {len(uris)} times: {_several(uris)}"
        case SeveralBuyers(uri, buyers):
            return f"{uri} was sent to {buyers} buyers"
        case SeveralSales(uris):
            return f"this person was sold as {len(uris)} leads: {_several(uris)}"


def _several(uris: Sequence[str]) -> str:
    """The URIs, the first of very many."""
    more = f" and {len(uris) - NAMED} more" if len(uris) > NAMED else ""
    return ", ".join(uris[:NAMED]) + more
