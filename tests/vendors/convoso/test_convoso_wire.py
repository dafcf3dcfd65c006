"""Convoso's wire: requests as equalities, every documented reply and failure. Source: shared fact sheet, tags as there."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from lead_mcp.errors import LeadMcpError, MalformedReply, NotFound, RateLimited, Rejected, Unauthorized, Unavailable
from lead_mcp.filters import Kind, Op, Where
from lead_mcp.vendors.convoso import VENDOR, wire
from lead_mcp.vendors.spec.account import Account
from lead_mcp.vendors.spec.http import Request, Signature
from lead_mcp.vendors.spec.reading import Page, PageRequest, Push, Recording, RecordingPage
from lead_mcp.vendors.spec.vendor import account_of
from tests.replies import reply

ACCOUNT = account_of(VENDOR, "acme")
EASTERN = account_of(VENDOR, "east", options={"timezone": "America/New_York"})
LEAD = {"id": "12", "first_name": "Ann", "last_name": "null", "email": "", "created_at": "2026-03-15 10:30:00"}
FULL = {  # the seed's keys with those C1 and C6 saw beside them
    "id": 12,
    "lead_id": "12",
    "created_at": "2026-03-15 10:30:00",
    "modified_at": "2026-03-16 09:00:00",
    "first_name": "Ann",
    "last_name": "Example",
    "email": "ann@example.com",
    "status": "CALLBK",
    "owner_id": "666666",
    "source_id": "7",
    "source_name": "null",
    "campaign_name": "Autumn",
    "list_id": "2807",
    "phone_number": "5555550101",
    "address1": "1 Main St",
    "notes": "",
    "called_count": "3",
    "is_contacted": "0",
    "field_84": "null",
}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def form(*where: Where, account: Account = ACCOUNT) -> dict[str, str]:
    sent = dict(wire.search_leads(account, PageRequest(where=where)).form or {})
    assert (sent.pop("offset"), sent.pop("limit")) == ("0", "20")
    return sent


# --- requests -----------------------------------------------------------------------------------------------------


def test_the_token_joins_the_form() -> None:
    assert wire.sign(Request("POST", "/x", form={}), {"auth_token": "t"}) == Signature(form={"auth_token": "t"})


def test_a_search_is_a_post_form() -> None:
    ask = PageRequest(
        where=[Where("status", Op.EQ, "CALLBK")], offset=4000, limit=2000, columns=("id",), text="ignored"
    )
    sent = {"status": "CALLBK", "offset": "4000", "limit": "2000"}
    assert wire.search_leads(ACCOUNT, ask) == Request("POST", "/leads/search", form=sent)


@pytest.mark.parametrize(
    ("field", "op", "value", "sent"),
    [
        ("id", Op.EQ, "12", {"lead_id": "12"}),
        ("lead_id", Op.EQ, "12", {"lead_id": "12"}),
        ("phone", Op.EQ, "5555550101", {"phone_number": "5555550101"}),
        ("owner", Op.EQ, "666666", {"owner_id": "666666"}),
        ("company", Op.EQ, "Acme & Söhne", {"std_company_name": "Acme & Söhne"}),
        ("address", Op.EQ, "1 Main St", {"address1": "1 Main St"}),
        ("date_of_birth", Op.EQ, "1990-01-31", {"date_of_birth": "1990-01-31"}),
        ("list_id", Op.EQ, "1", {"list_id": "1"}),
        ("list_id", Op.IN, ("1", "2"), {"list_id": "1,2"}),
        ("created_at", Op.GT, at("2026-11-10T08:00"), {"created_at_start_date": "2026-11-10 00:00:00"}),
        ("created_at", Op.LT, at("2026-11-10T08:00"), {"created_at_end_date": "2026-11-10 00:00:00"}),
        # whether a bound is inclusive is unknown: where it belongs, a second more is asked for
        ("created_at", Op.GTE, at("2026-11-10T08:00"), {"created_at_start_date": "2026-11-09 23:59:59"}),
        ("created_at", Op.LTE, at("2026-11-10T08:00"), {"created_at_end_date": "2026-11-10 00:00:01"}),
        ("created_at", Op.GTE, at("2026-07-10T08:00:00.500"), {"created_at_start_date": "2026-07-10 01:00:00"}),
        ("created_at", Op.LT, at("2026-07-10T08:00:00.500"), {"created_at_end_date": "2026-07-10 01:00:01"}),
        ("updated_at", Op.GT, at("2026-07-10T08:00"), {"updated_at_start_date": "2026-07-10 01:00:00"}),
        # what cannot be checked again is asked for as it stands
        ("last_call", Op.GTE, at("2026-07-10T08:00"), {"last_call_start_date": "2026-07-10 01:00:00"}),
        ("last_call", Op.LTE, at("2026-07-10T08:00"), {"last_call_end_date": "2026-07-10 01:00:00"}),
        ("changed_at", Op.LT, at("2026-07-10T08:00"), {"changed_at_end_date": "2026-07-10 01:00:00"}),
        ("deleted_at", Op.GTE, at("2026-07-10T08:00"), {"deleted_at_start": "2026-07-10 01:00:00"}),
        ("archived_at", Op.LT, at("2026-07-10T08:00:00.5"), {"archived_at_end": "2026-07-10 01:00:01"}),
    ],
)
def test_a_clause_is_a_parameter(field: str, op: Op, value: Any, sent: dict[str, str]) -> None:
    assert form(Where(field, op, value)) == sent


@pytest.mark.parametrize(
    ("op", "instant", "sent"),
    [
        # clocks fall back on 2026-11-01 at 06:00Z: 01:30 happens at 05:30Z and at 06:30Z
        (Op.GT, "2026-11-01T05:30", "2026-10-31 21:30:00"),
        (Op.GT, "2026-11-01T06:30", "2026-10-31 22:30:00"),
        (Op.LT, "2026-11-01T05:30", "2026-11-01 04:30:00"),
        (Op.LT, "2026-11-01T06:30", "2026-11-01 05:30:00"),
        (Op.LT, "2026-11-01T08:00:01", "2026-11-01 03:00:01"),
        # clocks spring forward on 2026-03-08 at 07:00Z: a lead kept at 02:30 there is read as 03:30
        (Op.GT, "2026-03-08T07:15", "2026-03-07 22:15:00"),
        (Op.LT, "2026-03-08T07:15", "2026-03-08 07:15:00"),
    ],
)
def test_bounds_near_a_change_of_clocks_move_outwards(op: Op, instant: str, sent: str) -> None:
    assert list(form(Where("created_at", op, at(instant)), account=EASTERN).values()) == [sent]


@pytest.mark.parametrize("kept", ["2026-11-01 01:00:00", "2026-11-01 01:59:59", "2026-03-08 02:30:00"])
@pytest.mark.parametrize("minutes", [-75, -30, 0, 30, 75])
def test_a_lead_of_a_doubtful_hour_is_never_left_out(kept: str, minutes: int) -> None:
    read = EASTERN.fields.ours["created_at"].read({"created_at": kept})
    assert isinstance(read, datetime)
    moment = datetime.fromtimestamp(read.timestamp() + 60 * minutes, UTC)
    low, high = (
        form(Where("created_at", Op.GTE, moment), account=EASTERN),
        form(Where("created_at", Op.LTE, moment), account=EASTERN),
    )
    assert low["created_at_start_date"] < kept or read < moment
    assert high["created_at_end_date"] > kept or read > moment


def test_of_two_bounds_the_tighter_is_sent() -> None:
    days = [at("2026-07-02T07:00"), at("2026-07-03T07:00"), at("2026-07-01T07:00")]
    assert form(
        *(Where("created_at", Op.GT, day) for day in days), *(Where("created_at", Op.LT, day) for day in days)
    ) == {
        "created_at_start_date": "2026-07-03 00:00:00",
        "created_at_end_date": "2026-07-01 00:00:00",
    }


@pytest.mark.parametrize(
    ("where", "push"),
    [
        (Where("status", Op.EQ, "AA"), Push.COARSE),
        (Where("status", Op.IN, ("AA", "NA")), None),
        (Where("status", Op.EQ, " "), None),
        (Where("city", Op.EQ, "Bonn, West"), None),
        (Where("list_id", Op.IN, ("1", "2")), Push.COARSE),
        (Where("list_id", Op.IN, ("1", "")), None),
        (Where("id", Op.EQ, "12"), Push.COARSE),
        (Where("id", Op.IN, ("12", "13")), None),
        (Where("std_account_number", Op.EQ, "9"), Push.COARSE),
        (Where("created_at", Op.GTE, at("2026-07-01")), Push.COARSE),
        (Where("created_at", Op.GTE, at("0001-01-01")), None),
        (Where("updated_at", Op.LT, at("2026-07-01")), Push.COARSE),
        (Where("last_call", Op.LT, at("2026-07-01")), Push.EXACT),
        (Where("last_call", Op.EXISTS, True), None),
        (Where("source", Op.EQ, "web"), None),
        (Where("name", Op.EQ, "Ann Example"), None),
        (Where("email", Op.CONTAINS, "@"), None),
        (Where("email", Op.EXISTS, False), None),
        (Where("plan_sold", Op.EQ, "gold"), None),
    ],
)
def test_what_the_vendor_can_be_asked(where: Where, push: Push | None) -> None:
    assert wire.takes(where, ACCOUNT.fields) == push


def test_a_field_the_account_renames_is_not_asked_of_the_vendor() -> None:
    renamed = account_of(VENDOR, "acme", names={"company": "dba"})
    assert wire.takes(Where("company", Op.EQ, "Acme"), renamed.fields) is None
    assert renamed.fields.ours["company"].read({"dba": "Acme"}) == "Acme"


def test_ids_are_asked_for_as_a_list() -> None:
    sent = {"lead_id": "12,13", "offset": "0", "limit": "2000"}
    assert wire.get_leads(ACCOUNT, ["12", "13"], None) == Request("POST", "/leads/search", form=sent)


@pytest.mark.parametrize(
    ("text", "can"), [("12", True), ("lead_12-a", True), ("1,2", False), ("", False), ("1\n", False)]
)
def test_what_can_be_an_id(text: str, can: bool) -> None:
    assert wire.is_id(text) is can


def test_recordings_are_asked_for_in_the_accounts_zone() -> None:
    sent = {"lead_id": "12", "offset": "100", "limit": "100"}
    times = {"start_time": "2026-07-01 03:59:59", "end_time": "2026-07-02 04:00:01"}
    since, until = at("2026-07-01T08:00"), at("2026-07-02T08:00:00.5")
    path, page = "/leads/get-recordings", PageRequest(offset=100, limit=100)
    assert wire.list_recordings(EASTERN, "12", since, until, page) == Request("POST", path, form=sent | times)
    assert wire.list_recordings(EASTERN, "12", None, None, page) == Request("POST", path, form=sent)
    assert wire.list_recordings(EASTERN, "12", at("0001-01-01"), None, page) == Request("POST", path, form=sent)


def test_the_check_and_the_sample_are_small_searches() -> None:
    assert wire.check(ACCOUNT) == Request("POST", "/leads/search", form={"offset": "0", "limit": "1"})
    assert wire.sample(ACCOUNT, None) == Request("POST", "/leads/search", form={"offset": "0", "limit": "50"})


# --- replies ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "page"),
    [
        ({"success": True, "data": {"offset": 0, "limit": 1, "total": 3, "entries": [LEAD]}}, Page([LEAD], 3, True)),
        (
            {"success": True, "data": {"offset": "0", "limit": "1", "total": "1", "entries": [LEAD]}},
            Page([LEAD], 1, False),
        ),
        ({"success": True, "data": {"total": 9, "entries": []}}, Page([], 9, False)),
        ({"success": True, "data": {"total": 1, "results": [LEAD]}}, Page([LEAD], 1, False)),
        ({"success": True, "data": {"total_found": "1", "entries": 1, "results": [LEAD]}}, Page([LEAD])),
        ({"results": [LEAD], "offset": 0, "limit": 10}, Page([LEAD])),
        ({"results": [LEAD], "offset": 0, "limit": "1"}, Page([LEAD], None, True)),  # cut shorter than asked, no total
        ({"results": [], "offset": 0, "limit": 0}, Page([])),
        ({"entries": [LEAD]}, Page([LEAD])),
        ({"success": True, "results": []}, Page([])),
        ({"success": True, "data": [LEAD]}, Page([LEAD])),
        ({"success": True, "data": []}, Page([])),
        ({"success": True, "data": {}}, Page([])),
        ({"success": True, "data": None}, Page([])),
        ({"success": True}, Page([])),
        ({"success": True, "error": None, "text": "OK", "data": [LEAD]}, Page([LEAD])),
    ],
)
def test_every_envelope_is_a_page(body: Any, page: Page) -> None:
    assert wire.read_leads(ACCOUNT, PageRequest(), reply(body)) == page


def test_a_later_page_knows_where_it_stands() -> None:
    body = {"success": True, "data": {"total": "2002", "entries": [LEAD]}}
    assert wire.read_leads(ACCOUNT, PageRequest(offset=2000, limit=2000), reply(body)).more is True
    assert wire.read_leads(ACCOUNT, PageRequest(offset=2001, limit=2001), reply(body)).more is False


@pytest.mark.parametrize(
    "body",
    [
        b"<html>no such path</html>",
        b'{"success": true, "data": {"entries": [{"id"',
        b"",
        None,
        [],
        {},
        {"data": None},
        {"success": True, "data": {"total": 0}},
        {"success": True, "data": {"entries": None}},
        {"success": True, "data": {"results": {"1": {"id": 1}}}},
        {"success": True, "data": {"entries": [LEAD, "x"]}},
        {"success": True, "data": 5},
    ],
)
def test_another_shape_is_garbled(body: Any) -> None:
    with pytest.raises(MalformedReply):
        wire.read_leads(ACCOUNT, PageRequest(), reply(body))


@pytest.mark.parametrize(
    ("body", "status", "kind", "code"),
    [
        # the four accounts of a refused credential
        ({"success": False, "error": "Invalid authentication token"}, 200, Unauthorized, None),
        ({"success": False, "error": "Missing authentication token"}, 200, Unauthorized, None),
        ({"success": False, "error": "Token expired"}, 200, Unauthorized, None),
        ({"success": False, "error": "Insufficient permissions"}, 200, Unauthorized, None),
        ({"success": False, "code": 5001, "text": "Auth token is invalid"}, 200, Unauthorized, "5001"),
        ({"success": False, "code": "5001"}, 200, Unauthorized, "5001"),
        ({"success": False, "code": 403, "text": "Forbidden"}, 200, Unauthorized, "403"),
        (b"", 401, Unauthorized, None),
        ({"success": False, "text": "No"}, 403, Unauthorized, None),
        ({"success": False, "text": "Auth token is invalid"}, 400, Unauthorized, None),
        # refusals of content
        ({"success": False, "code": 7231, "text": "Invalid offset value"}, 200, Rejected, "7231"),
        ({"success": False, "code": 7230, "text": "Invalid limit value"}, 200, Rejected, "7230"),
        ({"success": False, "code": 7258, "error": "Invalid limit"}, 200, Rejected, "7258"),
        ({"success": False, "code": 6000, "text": "Missing lists"}, 200, Rejected, "6000"),
        ({"success": False, "code": 6005, "text": "Missing users"}, 200, Rejected, "6005"),
        ({"success": False}, 200, Rejected, None),
        ({"success": "false", "data": []}, 200, Rejected, None),
        ({"code": 7231, "text": "Invalid offset value"}, 200, Rejected, "7231"),
        ({"success": True, "error": "Invalid offset", "data": []}, 200, Rejected, None),
        ({"success": False, "error": {"code": 403, "message": "Forbidden"}}, 200, Unauthorized, "403"),
        ({"message": "Bad field"}, 422, Rejected, None),
        # the rest
        ({"success": False, "code": 6001, "text": "No such lead"}, 200, NotFound, "6001"),
        ({"success": False, "error": "Too many requests"}, 200, RateLimited, None),
        ({"success": False, "code": 500, "text": "Oops"}, 200, Unavailable, "500"),
        ({"success": False, "text": "Internal server error"}, 200, Unavailable, None),
        ({"success": False, "error": "Invalid authentication token"}, 500, Unavailable, None),
        (b"<html>down</html>", 503, Unavailable, None),
        (b"<html>no such path</html>", 404, MalformedReply, None),
    ],
)
def test_every_failure_has_its_meaning(body: Any, status: int, kind: type[LeadMcpError], code: str | None) -> None:
    with pytest.raises(LeadMcpError) as caught:
        wire.read_leads(ACCOUNT, PageRequest(), reply(body, status))
    assert (type(caught.value), caught.value.vendor_code, caught.value.status) == (kind, code, status)
    for read in (lambda bad: wire.read_recordings(ACCOUNT, "12", bad), wire.checked):
        with pytest.raises(kind):
            read(reply(body, status))


def test_a_429_says_how_long_to_wait_and_quotes_the_vendor() -> None:
    with pytest.raises(RateLimited, match="“Slow down”") as caught:
        wire.checked(reply({"success": False, "text": "Slow down"}, 429, **{"retry-after": "2"}))
    assert caught.value.retry_after == 2


def test_a_lookup_finds_leads_or_none() -> None:
    assert wire.read_found(ACCOUNT, ["12"], reply({"success": True, "data": {"entries": [LEAD]}})) == [LEAD]
    assert wire.read_found(ACCOUNT, ["12"], reply({"success": True, "data": {"entries": []}})) == []
    assert wire.read_found(ACCOUNT, ["12"], reply({"success": False, "code": 6001, "text": "No such Lead"})) == []
    with pytest.raises(NotFound):
        wire.read_found(ACCOUNT, ["12"], reply({"message": "Not Found"}, 404))


@pytest.mark.parametrize(
    ("raw", "id_"), [({"id": 12}, "12"), ({"lead_id": "13"}, "13"), ({"id": "null", "lead_id": 14}, "14"), ({}, None)]
)
def test_a_lead_is_known_by_its_id(raw: dict[str, Any], id_: str | None) -> None:
    assert wire.identify(ACCOUNT, raw, None) == id_


def test_a_lead_is_read_field_by_field() -> None:
    read = {name: field.read(FULL) for name, field in EASTERN.fields.ours.items()}
    assert {name: value for name, value in read.items() if value is not None} == {
        "id": "12",
        "status": "CALLBK",
        "source": "7",
        "first_name": "Ann",
        "last_name": "Example",
        "name": "Ann Example",
        "email": "ann@example.com",
        "phone": "5555550101",
        "address": "1 Main St",
        "list_id": "2807",
        "campaign": "Autumn",
        "owner": "666666",
        "created_at": at("2026-03-15T14:30:00"),
        "updated_at": at("2026-03-16T13:00:00"),
    }
    assert EASTERN.fields.own["called_count"].read(FULL) == 3
    assert EASTERN.fields.own["is_contacted"].read(FULL) is False
    assert ACCOUNT.fields.ours["name"].read(LEAD) == "Ann"


@pytest.mark.parametrize(
    ("raw", "time"),
    [
        ("2026-03-15 10:30:00", at("2026-03-15T17:30:00")),
        ("2026-03-15T10:30:00", at("2026-03-15T17:30:00")),
        ("2015-01-29T14:09:57-0800", at("2015-01-29T22:09:57")),
        ("2026-11-01 01:30:00", at("2026-11-01T08:30:00")),
        ("0000-00-00 00:00:00", None),
        ("null", None),
        ("", None),
    ],
)
def test_times_are_read_in_the_accounts_zone(raw: str, time: datetime | None) -> None:
    assert ACCOUNT.fields.ours["created_at"].read({"created_at": raw}) == time


def test_a_sample_names_every_key() -> None:
    found = wire.read_fields(ACCOUNT, None, reply({"success": True, "data": {"entries": [{"id": 1}, FULL]}}))
    assert list(found) == list(FULL)
    assert found["called_count"] == ACCOUNT.fields.own["called_count"]
    assert (found["field_84"].kind, found["field_84"].read(FULL)) == (Kind.ANY, None)
    assert found["field_84"].read({"field_84": "gold"}) == "gold"


CALL = {
    "recording_id": 77,
    "lead_id": 12,
    "start_time": "2026-07-01 10:00:00",
    "end_time": "",
    "seconds": 37,
    "url": "a.wav",
}
SEED = {
    **CALL,
    "recording_id": "rec123",
    "end_time": "2026-07-01 10:00:37",
    "seconds": None,
    "url": "https://x.test/a.mp3",
}
START = at("2026-07-01T17:00:00")
READ = Recording("77", "12", START, None, 37, None, CALL)
READ_SEED = Recording("rec123", "12", START, at("2026-07-01T17:00:37"), None, "https://x.test/a.mp3", SEED)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"success": True, "data": {"offset": "0", "total": "2", "entries": [CALL]}}, RecordingPage([READ], 2, True)),
        ({"success": True, "data": {"offset": 1, "total": 2, "entries": [CALL]}}, RecordingPage([READ], 2, False)),
        ({"entries": [SEED]}, RecordingPage([READ_SEED], None, True)),
        ({"entries": []}, RecordingPage([], None, False)),
        ({"success": True}, RecordingPage([], None, False)),
    ],
)
def test_recordings_in_every_envelope(body: Any, expected: Any) -> None:
    assert wire.read_recordings(ACCOUNT, "12", reply(body)) == expected


def test_a_recording_is_never_without_an_id_and_may_be_without_a_lead() -> None:
    bare = {"recording_id": 1}
    assert wire.read_recordings(ACCOUNT, "12", reply({"entries": [bare]})).rows == [
        Recording("1", "12", None, None, None, None, bare)
    ]
    with pytest.raises(MalformedReply):
        wire.read_recordings(ACCOUNT, "12", reply({"entries": [{"lead_id": "12"}]}))


# --- the vendor ---------------------------------------------------------------------------------------------------


def test_what_convoso_offers() -> None:
    (route,) = VENDOR.leads.routes
    assert (route.slices, route.orders, route.page, route.deep, route.text) == (
        "created_at", frozenset(), 2000, 50_000, False
    )  # fmt: skip
    assert (VENDOR.lookup.many, VENDOR.lookup.single_again) == (50, True)
    assert {setting.key: setting.default for setting in VENDOR.settings} == {
        "auth_token": "",
        "base_url": "https://api.convoso.com/v1",
        "timezone": "America/Los_Angeles",
        "rate": "3/1s",
        "recording_hosts": "",
    }


def test_every_documented_filter_is_offered() -> None:
    own = ACCOUNT.fields.own
    texts = {name for name, field in own.items() if Op.EQ in field.coarse}
    assert texts == set(
        "id lead_id list_id user_id owner_id status created_by email last_modified_by first_name last_name phone_number "
        "alt_phone_1 alt_phone_2 address1 address2 city state province postal_code country gender date_of_birth "
        "std_company_name std_consumer_number std_account_number".split()
    )
    assert all(own[name].vendor_text for name in texts)
    only = {name for name, field in own.items() if field.filter_only}
    assert only == {"last_call", "deleted_at", "archived_at", "changed_at"}
    assert set(own) & set(ACCOUNT.fields.ours) <= {*texts, "created_at"}
