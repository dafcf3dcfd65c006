"""LeadExec's writes: the one request there is, and every answer it may get. No sample of an answer exists (sheet 5.1)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from lead_mcp.errors import (
    BadArgument,
    Conflict,
    LeadMcpError,
    MalformedReply,
    NotConfigured,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
    UnknownField,
)
from lead_mcp.phones import Phone
from lead_mcp.vendors.leadexec import VENDOR, wire, write
from lead_mcp.vendors.spec.account import Account
from lead_mcp.vendors.spec.http import Effect, Reply, Request, Signature
from lead_mcp.vendors.spec.vendor import account_of
from lead_mcp.vendors.spec.writing import WriteResult
from tests.replies import reply

OPTIONS = {"lead_type_uids": "12", "source_vid": "501", "source_aid": "7001"}
ONE = account_of(VENDOR, "acme", options=OPTIONS)
TWO = account_of(VENDOR, "acme", options={"lead_type_uids": "12, 40", "source_vid": "501"})
EMAIL = "leads.fields.EmailAddress"
ZOE = {EMAIL: "zoe@example.com"}
TOKEN = "a" * 40
GOOD = {
    "PostID": "9f0c",
    "isValidPost": True,
    "ResponseType": "No_Error",
    "ResponseDetail": "",
    "LeadIdentifier": 99,
    "VendorAccountAssigned": 7001,
    "PendingQCReview": False,
}
DUPLICATE = {
    "isValidPost": False,
    "ResponseType": "Duplicate_Lead",
    "ResponseDetail": "seen before",
    "LeadIdentifier": 0,
}


def named(**names: str) -> Account:
    return account_of(VENDOR, "acme", options=OPTIONS, names=names)


def build(account: Account, values: dict[str, Any]) -> Request:
    return write.insert_lead(account, values, TOKEN, False)


def lead(account: Account, values: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = build(account, values).json["leads"][0]
    return found


def failed(answer: Reply, account: Account = ONE) -> LeadMcpError:
    with pytest.raises(LeadMcpError) as caught:
        write.read_inserted(account, answer)
    return caught.value


# --- asking -------------------------------------------------------------------------------------------------------


def test_leads_are_only_created() -> None:
    assert VENDOR.insert is write.INSERT
    assert (VENDOR.update, VENDOR.delete, VENDOR.person_lookup) == (None, None, None)


def test_a_lead_as_it_is_posted() -> None:
    form = write.FORM
    given = {
        form.ours["email"].name: "zoe@example.com",
        form.ours["phone"].name: form.ours["phone"].encode(Phone("+12135550177", "2135550177", "1")),
        form.ours["external_id"].name: "crm-9",
        "LoanAmount": 150000,
        "Fields.IndustrySub-Category": "Banks",
        "Veteran": True,
    }
    assert build(ONE, given) == Request(
        "POST",
        "/v2/insert/general",
        json={
            "source": {"vid": 501, "lid": 12, "aid": 7001, "sendDelay": 0},
            "leads": [
                {
                    "properties": {"reference": "crm-9"},
                    "fields": {
                        "EmailAddress": "zoe@example.com",
                        "Phone": "2135550177",
                        "LoanAmount": 150000,
                        "IndustrySub-Category": "Banks",
                        "Veteran": True,
                    },
                }
            ],
        },
        headers={"Accept": "application/json"},
        base="leads_url",
        effect=Effect.WRITE,
    )


def test_parameters_stand_where_they_belong() -> None:
    given: dict[str, Any] = {
        "lid": Decimal(40),
        "aid": Decimal(7002),
        "source.sendDelay": Decimal("1.5"),
        "source.returnURL": "https://crm.example/done",
        "properties.orderId": "o-1",
        "properties.offerIds": "5, 6",
        "properties.reference": "crm-9",
        "properties.noSell": True,
    }
    encoded = {name: write.FORM.own[name].encode(value) for name, value in given.items()}
    assert given.keys() == write.FORM.own.keys()
    assert build(TWO, ZOE | encoded).json == {
        "source": {"vid": 501, "lid": 40, "aid": 7002, "sendDelay": 1.5, "returnURL": "https://crm.example/done"},
        "leads": [
            {
                "properties": {"orderId": "o-1", "offerIds": ["5", "6"], "reference": "crm-9", "noSell": True},
                "fields": {"EmailAddress": "zoe@example.com"},
            }
        ],
    }


def test_no_campaign_is_sent_where_none_is_known() -> None:
    assert build(TWO, ZOE | {"lid": 12}).json["source"] == {"vid": 501, "lid": 12, "sendDelay": 0}


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("first_name", "FirstName"),
        ("last_name", "LastName"),
        ("email", "EmailAddress"),
        ("phone", "Phone"),
        ("company", "Company"),
        ("address", "StreetAddress"),
        ("city", "City"),
        ("state", "State"),
        ("postal_code", "PostalCode"),
        ("country", "Country"),
        ("note", "Comments"),
        ("utm_source", "utm_source"),
        ("gclid", "gclid"),
    ],
)
def test_usual_names(ours: str, theirs: str) -> None:
    assert lead(ONE, {write.FORM.ours[ours].name: "x"}) == {"properties": {}, "fields": {theirs: "x"}}


@pytest.mark.parametrize(
    ("names", "values", "fields"),
    [
        ({"email": "Email"}, ZOE, {"Email": "zoe@example.com"}),
        ({"email": "Fields.Email"}, ZOE, {"Email": "zoe@example.com"}),
        # what the caller names himself keeps its name
        ({"email": "Email"}, {"EmailAddress": "a@b.c", **ZOE}, {"EmailAddress": "a@b.c", "Email": "zoe@example.com"}),
        ({"external_id": "CrmID"}, {"leads.properties.reference": "9"}, {"CrmID": "9"}),
    ],
)
def test_the_accounts_names_decide(names: dict[str, str], values: dict[str, Any], fields: dict[str, Any]) -> None:
    assert lead(named(**names), values) == {"properties": {}, "fields": fields}


def test_the_accounts_name_for_our_external_id_leaves_the_reference_alone() -> None:
    both = {"leads.properties.reference": "9", "properties.reference": "r"}
    assert lead(named(external_id="CrmID"), both) == {"properties": {"reference": "r"}, "fields": {"CrmID": "9"}}


@pytest.mark.parametrize(
    ("phone", "text"),
    [
        (Phone("+12135550177", "2135550177", "1"), "2135550177"),
        (Phone("+31612345678", "612345678", "31"), "+31612345678"),
    ],
)
def test_a_phone_is_ten_digits_or_says_its_country(phone: Phone, text: str) -> None:
    assert write.FORM.ours["phone"].encode(phone) == text


@pytest.mark.parametrize(
    ("account", "values", "kind", "says"),
    [
        (TWO, ZOE, BadArgument, "12, 40"),
        (TWO, ZOE | {"lid": 41}, BadArgument, "41 is none of .*12, 40"),
        (ONE, ZOE | {"lid": 40}, BadArgument, "40 is none of"),
        (ONE, {}, BadArgument, "at least one field"),
        (ONE, {"properties.noSell": True}, BadArgument, "at least one field"),
        (ONE, {"emailaddress": "a@b.c", **ZOE}, BadArgument, "given twice"),
        (
            ONE,
            ZOE | {"leads.properties.reference": "9", "properties.reference": "8"},
            BadArgument,
            "reference is given twice",
        ),
        (ONE, ZOE | {"noSell": True}, UnknownField, r"properties\.noSell"),
        (ONE, ZOE | {"nosell": True}, UnknownField, r"properties\.noSell"),
        (ONE, ZOE | {"vid": 3}, UnknownField, "LEADEXEC_SOURCE_VID"),
        (ONE, ZOE | {"properties.tags": "x"}, UnknownField, r"no 'properties\.tags'"),
        (ONE, ZOE | {"Fields.a.b": "x"}, UnknownField, "no 'Fields.a.b'"),
        (ONE, ZOE | {"Fields.": "x"}, UnknownField, "no 'Fields.'"),
        (named(email="Properties.RecordID"), ZOE, NotConfigured, r"email 'Properties\.RecordID'"),
        (account_of(VENDOR, "acme", options=OPTIONS | {"source_vid": "x1"}), ZOE, NotConfigured, "LEADEXEC_SOURCE_VID"),
        (account_of(VENDOR, "acme", options=OPTIONS | {"source_aid": "-1"}), ZOE, NotConfigured, "LEADEXEC_SOURCE_AID"),
    ],
)
def test_what_is_not_sent(account: Account, values: dict[str, Any], kind: type[LeadMcpError], says: str) -> None:
    with pytest.raises(kind, match=says):
        build(account, values)


def test_a_lead_field_may_be_called_like_a_parameter() -> None:
    assert lead(ONE, {"Fields.noSell": "x"}) == {"properties": {}, "fields": {"noSell": "x"}}


@pytest.mark.parametrize(("name", "value"), [("lid", "1.5"), ("lid", "0"), ("aid", "-3"), ("source.sendDelay", "-0.5")])
def test_numbers_that_make_no_sense(name: str, value: str) -> None:
    with pytest.raises(BadArgument, match=name):
        write.FORM.own[name].encode(Decimal(value))


def test_what_must_be_configured() -> None:
    assert write.ready(ONE) == ""
    assert write.ready(account_of(VENDOR, "acme", options={"lead_type_uids": "12"})) == "LEADEXEC_SOURCE_VID"


@pytest.mark.parametrize(
    ("secrets", "headers"),
    [
        ({"token": "tok", "api_key": "key"}, {"Authorization": "Bearer tok", "api-key": "key"}),
        ({"token": "tok"}, {"Authorization": "Bearer tok"}),
    ],
)
def test_an_insert_bears_the_key_it_has(secrets: dict[str, str], headers: dict[str, str]) -> None:
    assert wire.sign(build(ONE, ZOE), secrets) == Signature(headers=headers)


# --- reading ------------------------------------------------------------------------------------------------------

SHAPES = [
    lambda one: one,
    lambda one: [one],
    lambda one: {"leads": [one]},
    lambda one: {"Results": one, "status": "done"},
    lambda one: {"data": {"results": [one]}},
    lambda one: {"isValidPost": one["isValidPost"], "leads": [{k: v for k, v in one.items() if k != "isValidPost"}]},
    lambda one: {f"{key[0].lower()}{key[1:]}": value for key, value in one.items()},
    lambda one: {key: None if value is None else str(value) for key, value in one.items()},
]


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_tells_both_ways(shape: Any) -> None:
    assert write.read_inserted(ONE, reply(shape(GOOD))) == WriteResult("12-99")
    error = failed(reply(shape(DUPLICATE)))
    assert (type(error), error.vendor_code) == (Conflict, "Duplicate_Lead")
    assert "seen before" in error.message


@pytest.mark.parametrize(
    ("number", "name", "kind"),
    [
        (1, "System_ID_Missing", Rejected),
        (2, "LeadType_ID_Missing", Rejected),
        (3, "Vendor_ID_Missing", Rejected),
        (4, "No_Account_Found", Rejected),
        (5, "Outside_Criteria", Rejected),
        (6, "Duplicate_Lead", Conflict),
        (7, "Account_Disabled", Rejected),
        (8, "Post_Over_Max", RateLimited),
        (9, "Data_Errors", Rejected),
    ],
)
@pytest.mark.parametrize("status", [200, 400, 500])
@pytest.mark.parametrize("valid", [{}, {"isValidPost": False}])
def test_refusals_by_name_and_number(
    number: int, name: str, kind: type[LeadMcpError], status: int, valid: dict[str, bool]
) -> None:
    for spelled in (number, str(number), name, name.replace("_", "").lower()):
        error = failed(reply({"ResponseType": spelled, "ResponseDetails": "why", **valid}, status))
        assert (type(error), error.vendor_code, error.status) == (kind, name, status)
        assert f"{name}: why" in error.message


@pytest.mark.parametrize(
    ("body", "status", "kind", "code"),
    [
        ({"isValidPost": False}, 200, Rejected, None),
        ({"isValidPost": False, "ResponseType": 0}, 200, Rejected, "No_Error"),
        ({"isValidPost": False, "ResponseType": "Moon_Phase"}, 200, Rejected, "Moon_Phase"),
        ({"isValidPost": False, "error": "Invalid token"}, 200, Unauthorized, None),
        ({"isValidPost": False}, 401, Unauthorized, None),
        ({"isValidPost": False}, 500, Unavailable, None),
        ({"error": "Invalid token"}, 200, Unauthorized, None),
        ({"error": {"message": "no such campaign"}}, 200, Rejected, None),
        ({"error": "bad lead", "LeadIdentifier": 0}, 200, Rejected, None),
        ({"Message": "no"}, 400, Rejected, None),
        ({"Message": "no"}, 401, Unauthorized, None),
        (b"", 403, Unauthorized, None),
        (b"<html>", 404, Rejected, None),
        ({}, 429, RateLimited, None),
        (b"<html>", 502, Unavailable, None),
        (GOOD, 500, Unavailable, None),
    ],
)
def test_failures_in_other_clothes(body: Any, status: int, kind: type[LeadMcpError], code: str | None) -> None:
    error = failed(reply(body, status))
    assert (type(error), error.vendor_code) == (kind, code)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 200),
        (b"<html>", 200),
        (b"", 302),
        (None, 200),
        ([], 200),
        ("ok", 200),
        ({}, 200),
        ({"Message": "received"}, 200),
        ({"LeadIdentifier": 0}, 200),
        ({"ResponseType": "Moon_Phase", "LeadIdentifier": 99}, 200),
        (GOOD | {"ResponseType": "Duplicate_Lead"}, 200),
        (GOOD, 400),
        ({"LeadIdentifier": 99}, 400),
        ([GOOD, GOOD], 200),
        ({"leads": [GOOD, DUPLICATE], "error": "some"}, 200),
        ([DUPLICATE, DUPLICATE], 200),
    ],
)
def test_no_clear_word_is_neither_yes_nor_no(body: Any, status: int) -> None:
    assert type(failed(reply(body, status))) is MalformedReply


def test_a_refused_lead_that_was_kept_is_named() -> None:
    error = failed(reply({"isValidPost": False, "ResponseType": 5, "LeadIdentifier": 99}))
    assert "Outside_Criteria: no reason given (kept as invalid lead 99)" in error.message


OPEN = "LeadExec did not say of which lead type lead 99 is; its id is 12-99 or 40-99."


@pytest.mark.parametrize(
    ("account", "body", "expected"),
    [
        (ONE, {"LeadIdentifier": 99}, WriteResult("12-99")),
        (ONE, {"ResponseType": 0, "LeadIdentifier": "99"}, WriteResult("12-99")),
        (ONE, {"isValidPost": True}, WriteResult(None, warnings=(write.NAMELESS,))),
        (ONE, GOOD | {"LeadIdentifier": 0}, WriteResult(None, warnings=(write.NAMELESS,))),
        (ONE, GOOD | {"PendingQCReview": True}, WriteResult("12-99", warnings=(write.IN_QC,))),
        (
            ONE,
            GOOD | {"ResponseType": "Moon_Phase"},
            WriteResult("12-99", warnings=("LeadExec's ResponseType “Moon_Phase” is not documented.",)),
        ),
        (TWO, GOOD, WriteResult(None, warnings=(OPEN,))),
        (TWO, GOOD | {"LeadTypeUID": 40}, WriteResult("40-99")),
        (TWO, {"lid": "12", "leads": [GOOD]}, WriteResult("12-99")),
    ],
)
def test_a_created_lead(account: Account, body: Any, expected: WriteResult) -> None:
    assert write.read_inserted(account, reply(body)) == expected
