"""Events are values; the words for them are made at the door, and nothing reads them back."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from lead_mcp import vendors
from lead_mcp.engine.story.timeline import LeadEvent, SeveralBuyers, SeveralLeads, SeveralSales, findings_of
from lead_mcp.outgoing.event_text import event_text, finding_text
from lead_mcp.vendors.spec.events import Detail, EventKind, TimelineEvent
from lead_mcp.vendors.spec.vendor import account_of

AT = datetime(2026, 11, 1, tzinfo=UTC)
URI = "lead://acme/1"


def event(kind: EventKind, **facts: Any) -> TimelineEvent:
    return TimelineEvent(at=AT, kind=kind, **facts)


@pytest.mark.parametrize(
    ("one", "text"),
    [
        (event(EventKind.CREATED), "came in"),
        (event(EventKind.CREATED, source="google_ads"), "came in from google_ads"),
        (event(EventKind.CREATED, form="Quote"), "came in through Quote"),
        (event(EventKind.CREATED, detail=Detail.INTO_LIST), "came into a list"),
        (event(EventKind.UPDATED), "last changed"),
        (event(EventKind.QUALIFIED), "qualified"),
        (event(EventKind.CONSENT, detail=Detail.TCPA), "gave consent (TCPA)"),
        (event(EventKind.CONSENT), "gave consent"),
        (event(EventKind.SENT, buyer="Acme", amount=Decimal("12.50"), accepted=True), "sent to Acme at 12.50"),
        (event(EventKind.SENT, buyer="Acme", amount=Decimal(5), currency="EUR"), "sent to Acme at 5 EUR"),
        (event(EventKind.SENT), "sent to a buyer"),
        (event(EventKind.SENT, buyer="Acme", amount=Decimal(12), accepted=False), "refused by Acme"),
        (event(EventKind.RETURNED, buyer="Acme", reason="Bad number"), "returned by Acme: Bad number"),
        (event(EventKind.CALL, detail=Detail.FIRST_REACHED), "first reached by phone"),
        (event(EventKind.CALL, detail=Detail.LAST_DIALLED), "last dialled"),
        (event(EventKind.CALL), "called"),
        (event(EventKind.RECORDING, seconds=61), "call recording, 61 s"),
        (event(EventKind.RECORDING), "call recording, unknown length"),
        (event(EventKind.PING, status="Duplicate Lead", accepted=False), "ping Duplicate Lead"),
        (event(EventKind.PING, accepted=True), "ping accepted"),
        (event(EventKind.PING, accepted=False), "ping refused"),
    ],
)
def test_an_event_in_words(one: TimelineEvent, text: str) -> None:
    assert event_text(one) == text


def test_every_kind_has_words() -> None:
    assert all(event_text(event(kind)) for kind in EventKind)


@pytest.mark.parametrize(
    ("facts", "found"),
    [
        ([("A", True), ("B", True)], [SeveralBuyers(URI, 2)]),
        ([("A", True), ("B", False)], []),
        ([("A", None), ("B", None), ("C", False)], [SeveralBuyers(URI, 2)]),
        ([("sent to many", False), ("sent to more", False)], []),
    ],
)
def test_a_double_sale_is_known_by_its_kind_and_that_buyers_took_it(facts: list[Any], found: list[Any]) -> None:
    sends = [event(EventKind.SENT, buyer=buyer, accepted=accepted) for buyer, accepted in facts]
    assert list(findings_of([], [LeadEvent("acme", URI, one) for one in sends])) == found


def test_findings_in_words_name_ten_uris_at_most() -> None:
    uris = tuple(f"lead://acme/{nth}" for nth in range(13))
    assert finding_text(SeveralLeads("acme", uris[:2])) == f"acme has this person 2 times: {uris[0]}, {uris[1]}"
    assert finding_text(SeveralBuyers(URI, 3)) == f"{URI} was sent to 3 buyers"
    several = finding_text(SeveralSales(uris))
    assert several.startswith("this person was sold as 13 leads: lead://acme/0, ")
    assert several.endswith("lead://acme/9 and 3 more")


def test_a_sending_is_told_with_its_buyer_its_price_and_whether_it_was_taken() -> None:
    vendor = vendors.vendor("leadexec")
    account = account_of(vendor, "exchange", {"lead_type_uids": "12"})
    taken = {"DateSent": "2026-11-01T00:00:00Z", "Client": "Acme", "Price": "12.5", "Valid": True}
    returned = {
        "DateSent": "2026-11-01T01:00:00Z",
        "Client": "Best",
        "Valid": False,
        "LastActionDate": "2026-11-02T00:00:00Z",
        "LastReturnActionReason": "Bad number",
    }
    found = vendor.events(account, {"SendInformation": {"Sends": [taken, returned, "x"]}})
    told = [(one.kind, one.buyer, one.amount, one.accepted, one.reason, one.is_sale) for one in found]
    assert told == [
        (EventKind.SENT, "Acme", Decimal("12.5"), True, None, True),
        (EventKind.SENT, "Best", None, False, None, False),
        (EventKind.RETURNED, "Best", None, None, "Bad number", False),
    ]
