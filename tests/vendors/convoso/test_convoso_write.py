"""Convoso's writes: requests as equalities, every documented reply and refusal. Source: shared fact sheet, tags as there."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from lead_mcp.errors import (
    BadArgument,
    Conflict,
    LeadMcpError,
    MalformedReply,
    NotFound,
    NotOffered,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
)
from lead_mcp.filters import Kind
from lead_mcp.phones import Phone
from lead_mcp.vendors.convoso import VENDOR, write
from lead_mcp.vendors.spec.http import Effect, Request
from lead_mcp.vendors.spec.reading import PageRequest
from lead_mcp.vendors.spec.vendor import account_of
from lead_mcp.vendors.spec.writing import WriteResult
from lead_mcp.writing.forms import FilledForm, FormFiller, secret_names
from tests.replies import reply

ACCOUNT = account_of(VENDOR, "acme")
PHONE = Phone("+12135550101", "2135550101", "1")
LONDON = Phone("+442071234567", "2071234567", "44")
LEAD = {"phone_number": PHONE, "list_id": "333"}
SENT = {"phone_number": "2135550101", "phone_code": "1", "list_id": "333"}
TOKEN = "0" * 40

# the parameters of section 7, but for the token
DOCUMENTED = set(
    (
        "list_id phone_number phone_code status created_by last_modified_by owner_id first_name last_name alt_phone_1 "
        "alt_phone_2 email address1 address2 city state province postal_code country gender date_of_birth hopper "
        "hopper_priority hopper_expires_in update_if_found check_dup check_dup_list check_dup_archive check_dnc "
        "check_wireless filter_phone_code std_company_name std_consumer_number std_account_number notes monthly_revenue "
        "annual_revenue title business_name dba industry start_date blueinkdigital_token reject_by_carrier_type "
        "search_campaign_id search_list_id update_order_by_last_called_time lead_id user_id age adaptor_id"
    ).split()
)
OPTIONS = set(
    (
        "hopper hopper_priority hopper_expires_in update_if_found check_dup check_dup_list check_dup_archive check_dnc "
        "check_wireless filter_phone_code blueinkdigital_token reject_by_carrier_type search_campaign_id search_list_id "
        "update_order_by_last_called_time lead_id"
    ).split()
)


def filled(own: dict[str, Any], form: Any = write.INSERTED, **ours: Any) -> FilledForm:
    filling = FormFiller(form, "acme", "US", ZoneInfo("UTC"), datetime(2026, 11, 1, tzinfo=UTC), form is write.INSERTED)
    return filling.fill(ours, own)


def option(name: str, value: Any) -> Any:
    return filled({name: value}, phone="(213) 555-0101", list_id=333).values[name]


# --- forms --------------------------------------------------------------------------------------------------------


def test_the_vendor_offers_all_four() -> None:
    assert (VENDOR.person_lookup, VENDOR.insert, VENDOR.update, VENDOR.delete) == (
        write.PERSON_LOOKUP,
        write.INSERT,
        write.UPDATE,
        write.DELETE,
    )
    # an update through update_if_found is asked for through vendor_fields; nothing dedupes by our token
    assert (write.INSERT.upserts, write.INSERT.dedupes, write.INSERT.ready(ACCOUNT)) == (False, False, "")


def test_our_names_and_theirs() -> None:
    names = {
        "status": "status",
        "first_name": "first_name",
        "last_name": "last_name",
        "email": "email",
        "phone": "phone_number",
        "company": "std_company_name",
        "address": "address1",
        "city": "city",
        "state": "state",
        "postal_code": "postal_code",
        "country": "country",
        "list_id": "list_id",
        "owner": "owner_id",
        "note": "notes",
    }
    for form in (write.INSERTED, write.UPDATED):
        assert {ours: param.name for ours, param in form.ours.items()} == names
        assert form.open
        # what is written under our name is read back under it
        for ours, theirs in names.items():
            assert ACCOUNT.fields.ours[ours].read({theirs: "x"}) == "x"
    assert write.INSERTED.all_of == ("phone", "list_id")


def test_every_documented_parameter_is_known_by_its_name() -> None:
    assert set(write.INSERTED.own) == DOCUMENTED
    assert set(write.UPDATED.own) == DOCUMENTED - OPTIONS - {"user_id", "age"}  # those are the old insert page's alone
    for form in (write.INSERTED, write.UPDATED):
        assert all(name == param.name for name, param in form.own.items())


def test_the_token_of_another_service_is_secret() -> None:
    assert secret_names([write.INSERTED, write.UPDATED]) == {"blueinkdigital_token"}


def test_both_accounts_of_check_dup_are_told() -> None:
    note = write.INSERTED.own["check_dup"].note
    assert "1 whole account" in note
    assert "1 current list" in note


@pytest.mark.parametrize(
    ("name", "value", "sent"),
    [
        ("hopper", True, "1"),
        ("hopper", "no", "0"),
        ("update_if_found", True, "1"),
        ("check_dup_archive", False, "0"),
        ("check_dup", 0, "0"),
        ("check_dup", "4", "4"),
        ("hopper_priority", 0, "0"),
        ("hopper_priority", "99", "99"),
        ("hopper_priority", Decimal("5.0"), "5"),
        ("hopper_expires_in", 300, "300"),
        ("update_order_by_last_called_time", "desc", "DESC"),
        ("reject_by_carrier_type", "mobile, VOIP", "MOBILE,VOIP"),
        ("search_list_id", 12, "12"),
        ("date_of_birth", "1990-01-31", "1990-01-31"),
        ("monthly_revenue", "1e3", "1000"),
        ("annual_revenue", 12.5, "12.5"),
        ("blueinkdigital_token", "t", "t"),
        ("plan_sold", "gold", "gold"),
    ],
)
def test_a_value_is_spelled(name: str, value: Any, sent: Any) -> None:
    assert option(name, value) == sent


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hopper", "perhaps"),
        ("check_dup", 5),
        ("hopper_priority", 100),
        ("hopper_priority", -1),
        ("hopper_priority", 1.5),
        ("hopper_expires_in", 301),
        ("hopper_expires_in", "soon"),
        ("update_order_by_last_called_time", "up"),
        ("reject_by_carrier_type", "MOBILE,FAX"),
        ("reject_by_carrier_type", ""),
        ("date_of_birth", "31.01.1990"),
        ("date_of_birth", "19900131"),
        ("date_of_birth", "1990-02-30"),
        ("monthly_revenue", "much"),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(BadArgument, match=name):
        option(name, value)


@pytest.mark.parametrize("given", [{"phone": "2135550101"}, {"list_id": "333"}])
def test_a_phone_and_a_list_are_required(given: dict[str, Any]) -> None:
    with pytest.raises(BadArgument):
        filled({}, **given)


def test_types_are_known_where_documented() -> None:
    kinds = {name: param.kind for name, param in write.INSERTED.own.items() if param.kind is not Kind.TEXT}
    numbers = ("hopper_priority", "hopper_expires_in", "age", "monthly_revenue", "annual_revenue")
    assert kinds == {**dict.fromkeys(numbers, Kind.NUMBER), **dict.fromkeys(write.FLAGS, Kind.FLAG)}


# --- requests -----------------------------------------------------------------------------------------------------


def test_an_insert_is_a_post_form() -> None:
    values = filled(
        {"hopper": True, "check_dup": 1, "plan_sold": "gold", "score": 7, "vip": True, "rate": 0.5},
        phone="213-555-0101",
        list_id=333,
        first_name="Ann",
        email="ann@example.com",
        company="Acme & Söhne",
        address="1 Main St",
        owner="666666",
        note="two\nlines",
    ).values
    sent = SENT | {
        "first_name": "Ann",
        "email": "ann@example.com",
        "std_company_name": "Acme & Söhne",
        "address1": "1 Main St",
        "owner_id": "666666",
        "notes": "two\nlines",
        "hopper": "1",
        "check_dup": "1",
        "plan_sold": "gold",
        "score": "7",
        "vip": "1",
        "rate": "0.5",
    }
    assert write.insert_lead(ACCOUNT, values, TOKEN, False) == Request(
        "POST", "/leads/insert", form=sent, effect=Effect.WRITE
    )


def test_an_update_sends_only_what_changes() -> None:
    values = filled({"province": "ON", "plan_sold": 2}, write.UPDATED, phone="+44 20 7123 4567", note="new").values
    sent = {
        "lead_id": "12",
        "phone_number": "2071234567",
        "phone_code": "44",
        "notes": "new",
        "province": "ON",
        "plan_sold": "2",
    }
    assert write.update_lead(ACCOUNT, "12", values) == Request("POST", "/leads/update", form=sent, effect=Effect.WRITE)
    status = Request("POST", "/leads/update", form={"lead_id": "12", "status": "AA"}, effect=Effect.WRITE)
    assert write.update_lead(ACCOUNT, "12", {"status": "AA"}) == status


def test_a_deletion_declares_itself() -> None:
    assert write.delete_lead(ACCOUNT, "12") == Request(
        "POST", "/leads/delete", form={"lead_id": "12"}, effect=Effect.DELETE
    )


@pytest.mark.parametrize(
    ("code", "sent"),
    [({}, "44"), ({"phone_code": "44"}, "44"), ({"phone_code": "+44"}, "44"), ({"phone_code": "1"}, None)],
)
def test_a_number_goes_with_its_country_code(code: dict[str, str], sent: str | None) -> None:
    for values in ({"phone_number": LONDON, "list_id": "1", **code}, {**code, "phone_number": LONDON, "list_id": "1"}):
        if sent is None:
            with pytest.raises(BadArgument, match="phone_code"):
                write.insert_lead(ACCOUNT, values, TOKEN, False)
        else:
            form = write.insert_lead(ACCOUNT, values, TOKEN, False).form
            assert form == {"phone_number": "2071234567", "phone_code": sent, "list_id": "1"}


def test_the_vendors_own_phone_number_goes_as_given() -> None:
    sent = {"lead_id": "12", "phone_number": "12135550101"}
    assert write.update_lead(ACCOUNT, "12", {"phone_number": "12135550101"}).form == sent


def test_an_empty_text_is_left_out_of_an_insert() -> None:
    assert write.insert_lead(ACCOUNT, LEAD | {"city": "", "state": " "}, TOKEN, False).form == SENT
    for name in LEAD:
        with pytest.raises(BadArgument, match=name):
            write.insert_lead(ACCOUNT, LEAD | {name: ""}, TOKEN, False)


@pytest.mark.parametrize("value", [None, "", " "])
def test_no_field_can_be_emptied(value: Any) -> None:
    with pytest.raises(NotOffered, match="city") as caught:
        write.update_lead(ACCOUNT, "12", {"status": "AA", "city": value})
    assert caught.value.account == "acme"


@pytest.mark.parametrize("name", ["auth_token", "auth.token", "auth token", "a[b]", "", "naïve", "x\n", "a&b"])
def test_a_name_that_would_be_read_otherwise_is_refused(name: str) -> None:
    with pytest.raises(BadArgument, match="vendor_fields"):
        write.insert_lead(ACCOUNT, {**LEAD, name: "x"}, TOKEN, False)
    with pytest.raises(BadArgument, match="vendor_fields"):
        write.update_lead(ACCOUNT, "12", {name: "x"})


@pytest.mark.parametrize("name", sorted(OPTIONS))
def test_an_option_of_inserting_is_refused_in_an_update(name: str) -> None:
    with pytest.raises(BadArgument, match=name) as caught:
        write.update_lead(ACCOUNT, "12", {name: "s3cret"})
    assert "s3cret" not in caught.value.message


@pytest.mark.parametrize("value", [{"a": 1}, [1], float("nan")])
def test_nothing_nested_is_sent(value: Any) -> None:
    with pytest.raises(BadArgument, match="plan_sold"):
        write.insert_lead(ACCOUNT, {**LEAD, "plan_sold": value}, TOKEN, False)


@pytest.mark.parametrize("lead_id", ["1,2", "", "1 2", "1\n"])
def test_an_id_means_one_lead(lead_id: str) -> None:
    with pytest.raises(BadArgument):
        write.delete_lead(ACCOUNT, lead_id)
    with pytest.raises(BadArgument):
        write.update_lead(ACCOUNT, lead_id, {"status": "AA"})


# --- who is there -------------------------------------------------------------------------------------------------


FIRST = PageRequest(limit=2000)


def search(**form: str) -> Request:
    return Request("POST", "/leads/search", form={**form, "offset": "0", "limit": "2000"})


def test_a_person_is_looked_for_in_every_spelling() -> None:
    mixed = [search(email="Ann@Example.com"), search(email="ann@example.com")]
    assert write.with_email(ACCOUNT, "Ann@Example.com", FIRST) == [mixed]
    assert write.with_email(ACCOUNT, "ann@example.com", FIRST) == [mixed[1:]]
    main, last = (
        [search(phone_number=one) for one in ("2135550101", "12135550101")],
        [search(phone_number="+12135550101")],
    )
    further = [search(**{name: "2135550101"}) for name in ("alt_phone_1", "alt_phone_2")]
    assert write.with_phone(ACCOUNT, PHONE, FIRST) == [[*main, *further], last]
    assert write.with_main_phone(ACCOUNT, PHONE, FIRST) == [main, last]
    fields = ACCOUNT.fields
    cell = replace(fields, ours={**fields.ours, "phone": fields.ours["phone"].but(paths=("alt_phone_1",))})
    renamed = replace(ACCOUNT, fields=cell)
    assert write.with_main_phone(renamed, PHONE, FIRST) == write.with_phone(renamed, PHONE, FIRST)
    assert write.with_name(ACCOUNT, ("Ann", "Lee", "Roe"), FIRST) == [
        [
            search(first_name="Ann", last_name="Lee Roe"),
            search(first_name="Ann Lee", last_name="Roe"),
            search(std_company_name="Ann Lee Roe"),
        ]
    ]
    assert {one.effect for one in mixed} == {Effect.READ}


@pytest.mark.parametrize(
    ("body", "rows"),
    [
        ({"success": True, "data": {"offset": 0, "limit": 1, "total": 1, "entries": [{"id": "1"}]}}, [{"id": "1"}]),
        ({"results": [{"id": 1}], "offset": 0, "limit": 10}, [{"id": 1}]),
        ({"success": True, "data": {"entries": []}}, []),
        ({"success": True, "results": []}, []),
        ({"success": True}, []),
        ({"success": False, "code": 6001, "text": "No such Lead"}, []),
    ],
)
def test_the_rows_of_every_shape_are_read(body: Any, rows: list[Any]) -> None:
    assert write.read_sought(ACCOUNT, reply(body)).rows == rows


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [(b"<html>", 404, MalformedReply), ({"success": False, "code": 5001}, 200, Unauthorized)],
)
def test_a_search_that_failed_finds_nobody_and_says_so(body: Any, status: int, kind: type[LeadMcpError]) -> None:
    with pytest.raises(kind):
        write.read_sought(ACCOUNT, reply(body, status))


# --- replies ------------------------------------------------------------------------------------------------------

READS: dict[str, Any] = {
    "insert": lambda sent: write.read_inserted(ACCOUNT, sent),
    "update": lambda sent: write.read_updated(ACCOUNT, "12", sent),
    "delete": lambda sent: write.read_deleted(ACCOUNT, "12", sent),
}
EVERY = tuple(READS)
FINDING = ("update", "delete")


@pytest.mark.parametrize(
    "body",
    [
        {"success": True, "data": {"lead_id": "12"}, "id": "12"},
        {"success": True, "data": {"lead_id": "12"}},
        {"success": True, "data": {"lead_id": 12}, "code": 200, "text": "OK"},
        {"success": True, "data": [], "id": 12},
        {"success": "true", "id": "12", "error": None},
    ],
)
def test_a_lead_is_written(body: Any) -> None:
    assert [read(reply(body)) for read in READS.values()] == [WriteResult("12")] * 3


@pytest.mark.parametrize(
    "body",
    [
        {"success": True},
        {"success": True, "data": None},
        {"success": True, "data": {}},
        {"success": True, "data": {"lead_id": True}, "id": "null"},
        {"success": True, "data": {"lead_id": 0}},
        {"success": True, "data": {"lead_id": "1,2"}},
    ],
)
def test_a_success_may_name_no_lead(body: Any) -> None:
    inserted = READS["insert"](reply(body))
    assert (inserted.id, inserted.updated, len(inserted.warnings)) == (None, False, 1)
    assert [READS[name](reply(body)) for name in FINDING] == [WriteResult("12")] * 2


def test_a_change_confirmed_for_another_lead_is_told() -> None:
    (warning,) = READS["update"](reply({"success": True, "data": {"lead_id": 13}})).warnings
    assert "13" in warning


@pytest.mark.parametrize(
    "body",
    [
        b"<html>no such path</html>",
        b'{"success": true, "data": {"lead',
        b"",
        None,
        [],
        {},
        {"text": "OK"},
        {"data": {"lead_id": "12"}},
        {"success": "perhaps", "data": {"lead_id": "12"}},
        {"success": True, "error": "Something", "data": {"lead_id": "12"}},
        {"success": True, "code": 6008, "text": "The phone number is invalid"},
    ],
)
def test_a_reply_that_is_neither_is_garbled(body: Any) -> None:
    for read in READS.values():
        with pytest.raises(MalformedReply):
            read(reply(body))


@pytest.mark.parametrize("data", [5, "12", ["12"]])
def test_data_of_another_shape_is_garbled(data: Any) -> None:
    for name in ("insert", "update"):
        with pytest.raises(MalformedReply):
            READS[name](reply({"success": True, "data": data}))


def code(number: int | str, text: str) -> dict[str, Any]:
    return {"success": False, "code": number, "text": text}


def error(text: Any) -> dict[str, Any]:
    return {"success": False, "error": text}


@pytest.mark.parametrize(
    ("calls", "body", "status", "kind", "vendor_code"),
    [
        # the refusals of insert, S2's shape; by code alone; the seed's shape
        (EVERY, code(6002, "No such List"), 200, Rejected, "6002"),
        (EVERY, code(6006, "No such User"), 200, Rejected, "6006"),
        (EVERY, code(6007, "The Lead requires a phone number and list id"), 200, Rejected, "6007"),
        (EVERY, code(6008, "The phone number is invalid"), 200, Rejected, "6008"),
        (EVERY, code(6009, "The phone number already exists"), 200, Conflict, "6009"),
        (EVERY, code(6023, "Required fields are missed"), 200, Rejected, "6023"),
        (EVERY, code(6079, "Invalid Email(s)"), 200, Rejected, "6079"),
        (("insert",), {"success": False, "code": "6009"}, 200, Conflict, "6009"),
        (EVERY, code(6008, "The phone number is invalid, try again"), 200, Rejected, "6008"),
        (EVERY, code(6008, "Bad number, try again"), 200, Rejected, "6008"),
        (EVERY, error("No such List"), 200, Rejected, None),
        (EVERY, error("No such User"), 200, Rejected, None),
        (EVERY, error("The Lead requires a phone number and list id"), 200, Rejected, None),
        (EVERY, error("The phone number is invalid"), 200, Rejected, None),
        (EVERY, error("The phone number already exists"), 200, Conflict, None),
        (EVERY, error("Duplicate lead"), 200, Conflict, None),
        (EVERY, error("Required fields are missed"), 200, Rejected, None),
        (EVERY, error("Invalid Email(s)"), 200, Rejected, None),
        (EVERY, error({"code": 6009, "message": "The phone number already exists"}), 200, Conflict, "6009"),
        # of update and delete
        (EVERY, code(6001, "No such Lead"), 200, NotFound, "6001"),
        (FINDING, {"success": False, "code": 6001}, 200, NotFound, "6001"),
        (EVERY, code(6070, "Invalid lead id"), 200, NotFound, "6070"),
        (EVERY, code(6071, "Lead not found"), 200, NotFound, "6071"),
        (FINDING, {"success": False, "code": 6070}, 200, NotFound, "6070"),
        (FINDING, {"success": False, "code": 6071}, 200, NotFound, "6071"),
        (EVERY, error("Invalid lead_id"), 200, NotFound, None),
        (EVERY, error("Lead 12 does not exist"), 200, NotFound, None),
        (EVERY, error("No such Lead"), 400, NotFound, None),
        (FINDING, {"message": "Nothing here"}, 404, NotFound, None),
        (("insert",), {"message": "Nothing here"}, 404, Rejected, None),
        (EVERY, error("No such List"), 404, Rejected, None),
        (EVERY, b"<html>no such path</html>", 404, Rejected, None),
        # without the flag, only what is known counts
        (EVERY, {"code": 6009, "text": "The phone number already exists"}, 200, Conflict, "6009"),
        (EVERY, {"error": "No such Lead"}, 200, NotFound, None),
        # refusals without a known meaning
        (EVERY, {"success": False}, 200, Rejected, None),
        (EVERY, error("The number is on a do-not-call list"), 200, Rejected, None),
        (EVERY, code(7777, "Odd"), 422, Rejected, "7777"),
        (EVERY, {"message": "Bad"}, 409, Conflict, None),
        # the credential
        (EVERY, error("Invalid authentication token"), 200, Unauthorized, None),
        (EVERY, error("Missing authentication token"), 200, Unauthorized, None),
        (EVERY, error("Insufficient permissions"), 200, Unauthorized, None),
        (EVERY, code(5001, "Auth token is invalid"), 200, Unauthorized, "5001"),
        (EVERY, code(403, "Forbidden"), 200, Unauthorized, "403"),
        (EVERY, b"", 401, Unauthorized, None),
        (EVERY, error("No"), 403, Unauthorized, None),
        (EVERY, error("Invalid Blue Ink Digital token"), 200, Rejected, None),
        (EVERY, error("blueinkdigital_token is invalid"), 200, Rejected, None),
        # asked too often, down
        (EVERY, error("Too many requests"), 200, RateLimited, None),
        (EVERY, b"", 429, RateLimited, None),
        (EVERY, error("Internal server error"), 200, Unavailable, None),
        (EVERY, code(500, "Oops"), 200, Unavailable, "500"),
        (EVERY, error("The phone number already exists"), 500, Unavailable, None),
        (EVERY, b"<html>down</html>", 503, Unavailable, None),
        (EVERY, b"", 302, MalformedReply, None),
    ],
)
def test_every_refusal_has_its_meaning(
    calls: tuple[str, ...], body: Any, status: int, kind: type[LeadMcpError], vendor_code: str | None
) -> None:
    for call in calls:
        with pytest.raises(LeadMcpError) as caught:
            READS[call](reply(body, status))
        assert (type(caught.value), caught.value.vendor_code, caught.value.status) == (kind, vendor_code, status), call


def test_a_429_says_how_long_to_wait_and_quotes_the_vendor() -> None:
    with pytest.raises(RateLimited, match="“Slow down”") as caught:
        READS["update"](reply({"success": False, "text": "Slow down"}, 429, **{"retry-after": "2"}))
    assert caught.value.retry_after == 2
