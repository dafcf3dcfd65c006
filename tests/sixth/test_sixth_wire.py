"""Sixth's dialect, one equality each. Source: the invented document in ``emulator/app.py``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from lead_mcp.errors import (
    BadArgument,
    LeadMcpError,
    MalformedReply,
    NotFound,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
    UnknownField,
)
from lead_mcp.filters import Op, Order, Where
from lead_mcp.phones import Phone
from lead_mcp.vendors.spec.fields import Field
from lead_mcp.vendors.spec.http import Effect, Reply, Request, Signature
from lead_mcp.vendors.spec.reading import Page, PageRequest, Push, Recording, RecordingPage
from lead_mcp.vendors.spec.vendor import account_of
from lead_mcp.vendors.spec.writing import WriteResult
from tests.replies import reply
from tests.sixth import VENDOR, wire, write
from tests.sixth.fields import LEAD

ACCOUNT = account_of(VENDOR, "acme")
WHEN = datetime(2026, 11, 9, 12, 0, 0, 120_000, tzinfo=UTC)
MILLIS = 1_794_225_600_120
MICRO = timedelta(microseconds=1)
ROW = {"id": "LD-00A001", "status": "new", "created": MILLIS}


def refused(kind: str, status: int) -> Reply:
    return reply({"error": {"type": kind, "detail": "as said"}}, status)


def test_the_token_joins_as_a_bearer() -> None:
    signature = wire.sign(Request("GET", "/leads"), {"token": "t-1"})
    assert signature == Signature(headers={"Authorization": "Bearer t-1"})
    assert "t-1" not in repr(signature)


@pytest.mark.parametrize(
    ("where", "parameter"),
    [
        (Where("status", Op.EQ, "new"), ("filter[status][eq]", "new")),
        (Where("status", Op.IN, ("new", "sold")), ("filter[status][in]", "new,sold")),
        (Where("source", Op.EQ, "ads"), ("filter[channel][eq]", "ads")),
        (Where("city", Op.EQ, "Miami"), ("filter[address.city][eq]", "Miami")),
        (Where("phone", Op.EQ, "+12135550101"), ("filter[person.phone][eq]", "+12135550101")),
        (Where("phone", Op.EQ, "(213) 555-0101"), None),
        (Where("email", Op.EQ, " "), None),
        (Where("value", Op.EXISTS, True), ("filter[amount][null]", "false")),
        (Where("value", Op.EXISTS, False), ("filter[amount][null]", "true")),
        (Where("value", Op.EQ, Decimal("4.50")), ("filter[amount][eq]", "450")),
        (Where("value", Op.EQ, Decimal("4.505")), None),
        (Where("value", Op.GTE, Decimal("4.505")), ("filter[amount][gte]", "451")),
        (Where("value", Op.LT, Decimal("4.505")), ("filter[amount][lt]", "451")),
        (Where("value", Op.GT, Decimal("4.505")), ("filter[amount][gt]", "450")),
        (Where("value", Op.LTE, Decimal("4.505")), ("filter[amount][lte]", "450")),
        (Where("value", Op.LTE, Decimal("1E+20")), None),
        (Where("created_at", Op.GTE, WHEN), ("filter[created][gte]", str(MILLIS))),
        (Where("created_at", Op.GTE, WHEN + MICRO), ("filter[created][gte]", str(MILLIS + 1))),
        (Where("created_at", Op.LT, WHEN + MICRO), ("filter[created][lt]", str(MILLIS + 1))),
        (Where("created_at", Op.GT, WHEN + MICRO), ("filter[created][gt]", str(MILLIS))),
        (Where("updated_at", Op.LTE, WHEN + MICRO), ("filter[updated][lte]", str(MILLIS))),
    ],
)
def test_a_clause_becomes_a_filter_that_means_the_same_or_is_not_sent(
    where: Where, parameter: tuple[str, str] | None
) -> None:
    assert wire.parameter(where) == parameter
    assert wire.takes(where, LEAD) == (Push.EXACT if parameter else None)


def test_a_page_is_asked_by_its_token() -> None:
    where = (Where("status", Op.EQ, "new"),)
    ask = PageRequest(where=where, order=Order("created_at", descending=True), limit=50, offset=50, token="t")
    assert wire.search_leads(ACCOUNT, ask) == Request(
        "GET",
        "/leads",
        query={"page_size": "50", "page_token": "t", "sort": "-created", "filter[status][eq]": "new"},
    )
    bare = PageRequest(order=Order("updated_at"), limit=3)
    assert wire.search_leads(ACCOUNT, bare).query == {"page_size": "3", "sort": "updated"}


def test_the_other_ways_of_listing() -> None:
    since = Where("created_at", Op.GTE, WHEN)
    ask = PageRequest(where=(since,), text="smith", limit=50)
    assert wire.find_leads(ACCOUNT, ask) == Request(
        "GET", "/leads/find", query={"page_size": "50", "q": "smith", "filter[created][gte]": str(MILLIS)}
    )
    with pytest.raises(BadArgument, match="at least 2"):
        wire.find_leads(ACCOUNT, PageRequest(text="x"))
    one = PageRequest(where=(Where("email", Op.EQ, "a@example.com"),), limit=5, token="t")
    assert wire.people(ACCOUNT, one) == Request(
        "GET", "/people", query={"page_size": "5", "page_token": "t", "email": "a@example.com"}
    )


@pytest.mark.parametrize(
    ("body", "page"),
    [
        ({"data": [ROW], "next_page": "t"}, Page([ROW], None, True, "t")),
        ({"data": [ROW], "next_page": None, "total": 7}, Page([ROW], 7, False)),
        ({"data": []}, Page([], None, False)),
    ],
)
def test_a_page_says_how_to_go_on(body: Any, page: Page) -> None:
    assert wire.read_leads(ACCOUNT, PageRequest(), reply(body)) == page


def test_a_lead_by_id() -> None:
    assert wire.get_lead(ACCOUNT, ["LD-00A001"], None) == Request("GET", "/leads/LD-00A001")
    assert wire.read_lead(ACCOUNT, ["LD-00A001"], reply({"data": ROW})) == [ROW]
    assert wire.read_lead(ACCOUNT, ["LD-00A001"], refused("not_found", 404)) == []
    assert [wire.is_id(text) for text in ("LD-00A001", "ld-00a001", "LD-1", "LD-00A001/..", "")] == [True, *[False] * 4]


def test_calls_with_their_audio() -> None:
    ask = PageRequest(limit=10, token="t")
    assert wire.list_calls(ACCOUNT, "LD-00A001", WHEN, WHEN + MICRO, ask) == Request(
        "GET",
        "/leads/LD-00A001/calls",
        query={"page_size": "10", "page_token": "t", "started[gte]": str(MILLIS), "started[lt]": str(MILLIS + 1)},
    )
    row = {"id": "C1", "started": MILLIS, "ended": None, "seconds": 12, "audio": "https://x.example.com/1.wav"}
    read = wire.read_calls(ACCOUNT, "LD-00A001", reply({"data": [row], "next_page": "t"}))
    call = Recording("C1", "LD-00A001", WHEN, None, 12, "https://x.example.com/1.wav", row)
    assert read == RecordingPage([call], None, True, "t")
    with pytest.raises(MalformedReply):
        wire.read_calls(ACCOUNT, "LD-00A001", reply({"data": [{"started": MILLIS}]}))


def test_the_accounts_own_fields() -> None:
    found = wire.read_attributes(ACCOUNT, None, reply({"data": [{"name": "budget", "type": "text"}, {}]}))
    assert found == {"attributes.budget": Field("attributes.budget")}


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refused("unauthorized", 401), Unauthorized),
        (refused("not_found", 404), NotFound),
        (refused("invalid_filter", 400), Rejected),
        (refused("unprocessable", 422), Rejected),
        (refused("rate_limited", 429), RateLimited),
        (refused("surprise", 200), MalformedReply),
        (reply(b"<html>", 200), MalformedReply),
        (reply(b"", 503), Unavailable),
        (reply([ROW]), MalformedReply),
        (reply({"data": {"id": 1}}), MalformedReply),
    ],
)
def test_a_failure_in_any_clothes_is_raised(answer: Reply, kind: type[LeadMcpError]) -> None:
    with pytest.raises(kind):
        wire.read_leads(ACCOUNT, PageRequest(), answer)


# --- writing --------------------------------------------------------------------------------------------------------


def test_a_new_lead_is_nested_and_queued() -> None:
    values = {"person.email": "a@example.com", "amount": 450, "attributes.budget": "low"}
    request = write.create_lead(ACCOUNT, values, "0" * 40, upsert=False)
    assert request == Request(
        "POST",
        "/leads",
        json={"lead": {"person": {"email": "a@example.com"}, "amount": 450, "attributes": {"budget": "low"}}},
        effect=Effect.WRITE,
    )
    assert write.read_created(ACCOUNT, reply({"data": {"state": "queued"}}, 202)) == WriteResult(accepted=True)
    assert write.read_created(ACCOUNT, reply({"data": {"id": "LD-00A001"}}, 201)) == WriteResult("LD-00A001")
    with pytest.raises(MalformedReply):
        write.read_created(ACCOUNT, reply({"data": {}}, 202))
    for name in ("surname", "attributes.", "attributes.a.b"):
        with pytest.raises(UnknownField):
            write.create_lead(ACCOUNT, {name: "x"}, "0" * 40, upsert=False)


def test_a_change_is_a_merge_patch() -> None:
    request = write.update_lead(ACCOUNT, "LD-00A001", {"address.city": "Paris", "note": None})
    body = {"lead": {"address": {"city": "Paris"}, "note": None}}
    assert request == Request("PATCH", "/leads/LD-00A001", json=body, effect=Effect.WRITE)
    assert write.read_updated(ACCOUNT, "LD-00A001", reply({"data": ROW})) == WriteResult("LD-00A001")
    with pytest.raises(MalformedReply):
        write.read_updated(ACCOUNT, "LD-00A002", reply({"data": ROW}))
    with pytest.raises(BadArgument):
        write.update_lead(ACCOUNT, "LD-00A001", {"status": None})


def test_a_delete_is_answered_without_a_body() -> None:
    request = write.delete_lead(ACCOUNT, "LD-00A001")
    assert request == Request("DELETE", "/leads/LD-00A001", effect=Effect.DELETE)
    read = partial(write.read_deleted, ACCOUNT, "LD-00A001")
    assert read(reply(b"", 204)) == WriteResult("LD-00A001")
    with pytest.raises(NotFound):
        read(refused("not_found", 404))
    with pytest.raises(MalformedReply):
        read(reply({"data": {}}))


def test_a_person_is_asked_for_once_a_page() -> None:
    ask = PageRequest(limit=5, token="t")
    query = {"page_size": "5", "page_token": "t"}
    phone = Phone("+12135550101", "2135550101", "1")
    assert write.with_email(ACCOUNT, "Ann@Example.com", ask) == [
        [Request("GET", "/people", query={**query, "email": "Ann@Example.com"})]
    ]
    assert write.with_phone(ACCOUNT, phone, ask) == [[Request("GET", "/people", query={**query, "phone": phone.e164})]]


@pytest.mark.parametrize("value", ["-0.01", "0.001", "10000000000"])
def test_an_amount_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(BadArgument):
        write.cents(Decimal(value))
