"""Octanist's dialect, one equality each. Source: seed; production docs, 2026; old docs, 2025."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from lead_mcp.errors import (
    Conflict,
    LeadMcpError,
    MalformedReply,
    NotFound,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
)
from lead_mcp.filters import Op, Order, Where
from lead_mcp.vendors.octanist import VENDOR, wire
from lead_mcp.vendors.octanist.fields import LEAD
from lead_mcp.vendors.spec.http import Request, Signature
from lead_mcp.vendors.spec.reading import Page, PageRequest, Push, by_table
from lead_mcp.vendors.spec.vendor import account_of
from tests.replies import reply

ACCOUNT = account_of(VENDOR, "acme")
WHEN = datetime(2026, 11, 1, 8, 30, 0, 120_000, tzinfo=UTC)
LEAD_ROW = {"id": "lead_1", "name": "Zoë", "status": "won", "value": 12.5, "createdAt": "2026-11-01T08:30:00.120Z"}


def failed(code: str) -> dict[str, Any]:
    return {"success": False, "error": {"code": code, "message": "as said"}, "meta": {"requestId": "req_1"}}


def test_the_key_joins_as_a_header() -> None:
    signature = wire.sign(Request("GET", "/leads"), {"api_key": "k-1"})
    assert signature == Signature(headers={"X-API-KEY": "k-1"})
    assert "k-1" not in repr(signature)


@pytest.mark.parametrize(
    ("where", "parameter"),
    [
        (Where("status", Op.EQ, "won"), ("status", "won")),
        (Where("status", Op.IN, ("won", "lost")), ("status", "won,lost")),
        (Where("stage", Op.EQ, "open"), ("status", "open")),
        (Where("source", Op.EQ, "gtm"), ("source", "gtm")),
        (Where("label", Op.EQ, "label_7"), ("labelId", "label_7")),
        (Where("value", Op.GTE, Decimal(100)), ("value[gte]", "100")),
        (Where("value", Op.LT, Decimal("0.10")), ("value[lt]", "0.10")),
        (Where("value", Op.EQ, Decimal("1E+3")), ("value", "1000")),
        (Where("created_at", Op.GTE, WHEN), ("createdAt[gte]", "2026-11-01T08:30:00.120Z")),
        (Where("createdAt", Op.LT, WHEN), ("createdAt[lt]", "2026-11-01T08:30:00.120Z")),
        (Where("qualified_at", Op.EXISTS, False), ("qualifiedAt[exists]", "false")),
        (Where("gclid", Op.EXISTS, True), ("gclid[exists]", "true")),
        (Where("utm_source", Op.EQ, "a b"), ("utm_source", "a b")),
    ],
)
def test_a_clause_becomes_a_bracket_parameter(where: Where, parameter: tuple[str, str]) -> None:
    name, value = parameter
    request = wire.search_leads(ACCOUNT, PageRequest(where=[where], limit=50))
    assert request == Request("GET", "/leads", query={"limit": "50", "page": "1", name: value})


def test_order_text_columns_and_the_third_page() -> None:
    ask = PageRequest(
        text="zoë", order=Order("created_at", descending=True), columns=("name", "createdAt"), offset=200, limit=100
    )
    query = {"limit": "100", "page": "3", "sort": "createdAt:desc", "search": "zoë", "fields": "createdAt,id,name"}
    assert wire.search_leads(ACCOUNT, ask) == Request("GET", "/leads", query=query)


@pytest.mark.parametrize(
    ("where", "push"),
    [
        (Where("status", Op.EQ, "won"), Push.EXACT),
        (Where("status", Op.NE, "won"), None),
        (Where("source", Op.IN, ("gtm",)), None),
        (Where("name", Op.EQ, "x"), None),
        (Where("email", Op.EQ, "a@example.com"), None),
        (Where("gclid", Op.EQ, "x"), Push.COARSE),
        (Where("created_at", Op.EQ, WHEN), None),
        (Where("value", Op.GT, Decimal(1)), Push.EXACT),
    ],
)
def test_documented_filters_are_the_vendors_and_click_ids_are_tried(where: Where, push: Push | None) -> None:
    assert by_table(where, LEAD) == push


def test_a_page_in_its_envelope() -> None:
    pagination = {"limit": 1, "page": 1, "totalPages": 3, "total": 3, "hasMore": True}
    body = {"success": True, "data": [LEAD_ROW], "meta": {"pagination": pagination, "requestId": "req_1"}}
    assert wire.read_leads(ACCOUNT, PageRequest(), reply(body)) == Page([LEAD_ROW], 3, True)


def test_the_first_generations_bare_array() -> None:
    assert wire.read_leads(ACCOUNT, PageRequest(), reply([LEAD_ROW])) == Page([LEAD_ROW])


def test_one_lead_by_id_and_the_id_is_one_path_segment() -> None:
    assert wire.get_lead(ACCOUNT, ["lead_1/../x"], None) == Request("GET", "/leads/lead_1%2F..%2Fx")
    assert wire.read_lead(ACCOUNT, ["lead_1"], reply({"success": True, "data": LEAD_ROW})) == [LEAD_ROW]
    assert wire.read_lead(ACCOUNT, ["lead_1"], reply(failed("NOT_FOUND"), 404)) == []


def test_the_fields_read_what_the_sample_holds() -> None:
    read = {name: LEAD.ours[name].read(LEAD_ROW) for name in ("id", "status", "stage", "value", "created_at", "email")}
    assert read == {
        "id": "lead_1",
        "status": "won",
        "stage": "won",
        "value": Decimal("12.5"),
        "created_at": WHEN,
        "email": None,
    }


@pytest.mark.parametrize(
    ("body", "status", "kind", "code"),
    [
        (failed("UNAUTHORIZED"), 401, Unauthorized, "UNAUTHORIZED"),
        (failed("FORBIDDEN"), 403, Unauthorized, "FORBIDDEN"),
        (failed("INVALID_FILTER"), 400, Rejected, "INVALID_FILTER"),
        (failed("INVALID_DATE"), 400, Rejected, "INVALID_DATE"),
        (failed("VALIDATION_ERROR"), 400, Rejected, "VALIDATION_ERROR"),
        (failed("CONFLICT"), 409, Conflict, "CONFLICT"),
        (failed("NOT_FOUND"), 404, NotFound, "NOT_FOUND"),
        (failed("INTERNAL_ERROR"), 500, Unavailable, "INTERNAL_ERROR"),
        (failed("UNAUTHORIZED"), 200, Unauthorized, "UNAUTHORIZED"),
        ({"error": "Invalid or missing API key"}, 401, Unauthorized, None),
        ({"error": "Invalid or missing API key"}, 200, Unauthorized, None),
        ({"success": False}, 200, MalformedReply, None),
        ({"success": True, "data": {"id": "x"}}, 200, MalformedReply, None),
        ({"success": True, "data": ["x"]}, 200, MalformedReply, None),
        ({"success": True}, 200, MalformedReply, None),
        (b"<!doctype html><h1>Sign in</h1>", 200, MalformedReply, None),
        (b'{"success": true, "data": [', 200, MalformedReply, None),
        (b"", 200, MalformedReply, None),
        (b"Bad gateway", 502, Unavailable, None),
        (b"slow down", 429, RateLimited, None),
    ],
)
def test_a_failure_in_any_clothes_is_an_error(
    body: Any, status: int, kind: type[LeadMcpError], code: str | None
) -> None:
    with pytest.raises(kind) as caught:
        wire.read_leads(ACCOUNT, PageRequest(), reply(body, status))
    assert type(caught.value) is kind
    assert caught.value.vendor_code == code


def test_the_key_is_checked_without_changing_anything() -> None:
    assert wire.check(ACCOUNT) == Request("POST", "/check")
    wire.checked(reply({"success": True}))
    with pytest.raises(Unauthorized):
        wire.checked(reply({"error": "Invalid or missing API key"}, 401))
