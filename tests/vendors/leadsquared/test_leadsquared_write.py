"""LeadSquared's writes, one equality each. Samples follow the fact sheet; people are made up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lead_mcp.errors import (
    BadArgument,
    Conflict,
    LeadMcpError,
    MalformedReply,
    NotFound,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
)
from lead_mcp.phones import Phone
from lead_mcp.vendors.leadsquared import VENDOR, write
from lead_mcp.vendors.spec.http import Effect, Request
from lead_mcp.vendors.spec.reading import PageRequest
from lead_mcp.vendors.spec.vendor import account_of
from lead_mcp.vendors.spec.writing import WriteResult
from tests.replies import reply

ACCOUNT = account_of(VENDOR, "acme")
RENAMED = account_of(VENDOR, "acme", names={"email": "mx_Work_Email", "phone": "mx_Cell"})
A = "3fa0b2c1-0d5e-4f6a-9b7c-111111111111"
ADA = {"FirstName": "Ada", "EmailAddress": "ada@example.com", "Phone": "+12135550101", "mx_City": "Reno"}
PAIRS = [{"Attribute": name, "Value": value} for name, value in ADA.items()]
NUMBER = Phone("+12135550101", "2135550101", "1")
OLDEST = {"ColumnName": "CreatedOn", "Direction": "0"}


def post(path: str, body: Any, **query: str) -> Request:
    return Request("POST", f"/LeadManagement.svc/{path}", query=query, json=body, effect=Effect.WRITE)


def get(path: str, effect: Effect = Effect.READ, **query: str) -> Request:
    return Request("GET", f"/LeadManagement.svc/{path}", query=query, effect=effect)


FIRST = PageRequest(limit=100)


def holding(name: str, value: str) -> Request:
    body = {
        "Parameter": {"LookupName": name, "LookupValue": value, "SqlOperator": "="},
        "Sorting": OLDEST,
        "Paging": {"PageIndex": 1, "PageSize": 100},
    }
    return Request("POST", "/LeadManagement.svc/Leads.Get", json=body)


# --- forms --------------------------------------------------------------------------------------------------------


def test_our_names_stand_for_theirs() -> None:
    assert {ours: param.name for ours, param in write.OURS.items()} == {
        "status": "ProspectStage",
        "source": "Source",
        "first_name": "FirstName",
        "last_name": "LastName",
        "email": "EmailAddress",
        "phone": "Phone",
        "company": "Company",
        "address": "mx_Street1",
        "city": "mx_City",
        "state": "mx_State",
        "postal_code": "mx_Zip",
        "country": "mx_Country",
        "campaign": "SourceCampaign",
        "website": "Website",
        "note": "Notes",
    }


def test_what_is_written_reads_back_under_the_same_name() -> None:
    for ours, param in write.OURS.items():
        assert ACCOUNT.fields.ours[ours].read({param.name: "x"}) == "x"


def test_values_are_spelled_as_text() -> None:
    assert write.OURS["phone"].encode(NUMBER) == "+12135550101"
    assert write.OWN["Phone"].encode("213 555") == "213 555"
    assert [write.OWN["DoNotCall"].encode(flag) for flag in (True, False)] == ["1", "0"]


@pytest.mark.parametrize(
    ("value", "text"),
    [("Gold", "Gold"), (None, ""), (True, "1"), (False, "0"), (7, "7"), (0.5, "0.5"), (1e20, "1" + "0" * 20)],
)
def test_an_accounts_own_field_is_text_whatever_was_given(value: Any, text: str) -> None:
    assert write.pairs({"mx_Plan_2": value}) == [{"Attribute": "mx_Plan_2", "Value": text}]


@pytest.mark.parametrize(
    "name",
    [
        "Score",
        "Revenue",
        "OwnerId",
        "LeadType",
        "IsLead",
        "ProspectID",
        "SearchBy",
        "CreatedOn",
        "mx_",
        "mx_a b",
        "mx_a\n",
        "Plan",
    ],
)
def test_a_field_that_is_not_the_callers_to_write_is_refused_before_sending(name: str) -> None:
    with pytest.raises(BadArgument, match="no field of LeadSquared"):
        write.create(ACCOUNT, {**ADA, name: "x"}, "", False)
    with pytest.raises(BadArgument, match="no field of LeadSquared"):
        write.update(ACCOUNT, A, {name: "x"})


@pytest.mark.parametrize("value", [["a"], {"Status": "Pending"}])
def test_a_field_set_is_refused_rather_than_written_as_text(value: Any) -> None:
    with pytest.raises(BadArgument, match="mx_KYC"):
        write.pairs({"mx_KYC": value})


def test_a_near_miss_is_named() -> None:
    with pytest.raises(BadArgument, match="'JobTitle'"):
        write.pairs({"Jobtitel": "x"})


def test_a_lead_needs_a_name_an_email_or_a_phone() -> None:
    assert write.INSERT.form.any_of == (write.NAMED,)
    assert set(write.NAMED) <= set(write.OURS) | set(write.OWN)
    assert not write.UPDATE.form.any_of


# --- requests -----------------------------------------------------------------------------------------------------


def test_a_lead_is_created_from_pairs() -> None:
    assert write.create(ACCOUNT, ADA, "t" * 40, False) == post("Lead.Create", PAIRS)


@pytest.mark.parametrize(
    ("left_out", "match"), [((), "EmailAddress"), (("Phone",), "EmailAddress"), (("EmailAddress",), "Phone")]
)
def test_an_upsert_says_what_it_matches_by(left_out: tuple[str, ...], match: str) -> None:
    values = {name: value for name, value in ADA.items() if name not in left_out}
    body = [pair for pair in PAIRS if pair["Attribute"] not in left_out] + [{"Attribute": "SearchBy", "Value": match}]
    assert write.create(ACCOUNT, values, "", True) == post("Lead.CreateOrUpdate", body, postUpdatedLead="false")


def test_an_upsert_that_can_match_nobody_creates() -> None:
    for values in ({"FirstName": "Ada"}, {"FirstName": "Ada", "EmailAddress": ""}):
        assert write.create(ACCOUNT, values, "", True) == write.create(ACCOUNT, values, "", False)


def test_a_change_lists_its_fields_and_clears_with_nothing() -> None:
    body = [{"Attribute": "Source", "Value": "Web"}, {"Attribute": "Company", "Value": ""}]
    assert write.update(ACCOUNT, A.upper(), {"Source": "Web", "Company": None}) == post("Lead.Update", body, leadId=A)


def test_a_delete_is_a_get_that_says_it_destroys() -> None:
    assert write.delete(ACCOUNT, A.upper()) == get("Lead/Delete/ById", Effect.DELETE, leadId=A)


@pytest.mark.parametrize("lead", ["", "17", A[:-1], f"{A}\n", f"{A}&leadId=1"])
def test_what_is_no_id_is_neither_changed_nor_deleted(lead: str) -> None:
    with pytest.raises(BadArgument, match="GUID"):
        write.update(ACCOUNT, lead, {})
    with pytest.raises(BadArgument, match="GUID"):
        write.delete(ACCOUNT, lead)


# --- replies ------------------------------------------------------------------------------------------------------


def test_a_created_lead_is_known_by_its_id() -> None:
    for status in ("Success", "success"):
        body = {"Status": status, "Message": {"Id": A.upper(), "AffectedRows": 1}}
        assert write.read_created(ACCOUNT, reply(body)) == WriteResult(A)


@pytest.mark.parametrize("message", [{}, {"Id": None}, {"Id": "17"}, "done", None])
def test_a_success_without_an_id_is_still_one(message: Any) -> None:
    found = write.read_created(ACCOUNT, reply({"Status": "Success", "Message": message}))
    assert (found.id, len(found.warnings)) == (None, 1)


@pytest.mark.parametrize("message", [{"AffectedRows": 1}, {"AffectedRows": "1"}, {}, None])
def test_a_change_is_done_where_the_vendor_says_so(message: Any) -> None:
    assert write.read_updated(ACCOUNT, A, reply({"Status": "Success", "Message": message})) == WriteResult(A)


@pytest.mark.parametrize("rows", [0, "0"])
def test_a_change_of_no_row_found_no_lead(rows: Any) -> None:
    with pytest.raises(NotFound, match="0 rows"):
        write.read_updated(ACCOUNT, A, reply({"Status": "Success", "Message": {"AffectedRows": rows}}))


def test_a_delete_is_done_where_the_vendor_says_so() -> None:
    assert write.read_deleted(ACCOUNT, A.upper(), reply({"Status": "Success"})) == WriteResult(A)


def fault(kind: str, text: str = "no") -> dict[str, str]:
    return {"Status": "Error", "ExceptionType": kind, "ExceptionMessage": text}


DUPLICATE = "MXDuplicateEntryException"
FAILURES: list[tuple[int, Any, type[LeadMcpError], str | None]] = [
    (500, fault(DUPLICATE, "A Lead with same Email already exists."), Conflict, DUPLICATE),
    (500, fault(DUPLICATE, "Duplicate entry 'ada@example.com' for key 'UQ_Email'"), Conflict, DUPLICATE),
    (200, fault(DUPLICATE), Conflict, DUPLICATE),
    (500, fault("MXMandatoryAttributeMissingException"), Rejected, "MXMandatoryAttributeMissingException"),
    (500, fault("MXInvalidInputException"), Rejected, "MXInvalidInputException"),
    (200, fault("MXInvalidInputException"), Rejected, "MXInvalidInputException"),
    (500, fault("MXInvalidInputException", "Lead not found"), NotFound, "MXInvalidInputException"),
    (500, fault("MXException", "Lead does not exist."), NotFound, "MXException"),
    (500, fault("MXException", "Lead field mx_Plan does not exist"), Rejected, "MXException"),
    (500, fault("MXSomethingNewException"), Rejected, "MXSomethingNewException"),
    (401, fault("MXUnAuthorizedAccessException"), Unauthorized, "MXUnAuthorizedAccessException"),
    (200, fault("MXUnAuthorizedAccessException"), Unauthorized, "MXUnAuthorizedAccessException"),
    (200, fault("MXAPIRateLimitExceededException"), RateLimited, "MXAPIRateLimitExceededException"),
    (500, fault("MXException", "API calls exceeded the limit of 20 in 5 second(s)"), RateLimited, "MXException"),
    (400, b"Bad Request", Rejected, None),
    (401, b"", Unauthorized, None),
    (404, b"<html>", Rejected, None),
    (429, {"Message": "API calls exceeded the limit of 25 in 5 second(s)"}, RateLimited, None),
    # what may have happened all the same is no refusal
    (500, fault("NullReferenceException", "Lead not found"), Unavailable, "NullReferenceException"),
    (200, fault("NullReferenceException"), Unavailable, "NullReferenceException"),
    (200, {"Status": "Error", "Message": "no"}, Unavailable, None),
    (500, {"Status": "Success", "Message": {"Id": A}}, Unavailable, None),
    (502, b"<html>", Unavailable, None),
    (302, b"", MalformedReply, None),
    (200, b"", MalformedReply, None),
    (200, b"<html>", MalformedReply, None),
    (200, [], MalformedReply, None),
    (200, {}, MalformedReply, None),
    (200, {"Status": "Queued", "Message": {"Id": A}}, MalformedReply, None),
]


@pytest.mark.parametrize(("status", "body", "error", "code"), FAILURES)
def test_a_failure_is_a_refusal_only_where_nothing_was_written(
    status: int, body: Any, error: type[LeadMcpError], code: str | None
) -> None:
    failed = reply(body, status)
    reads: list[Callable[[], WriteResult]] = [
        lambda: write.read_created(ACCOUNT, failed),
        lambda: write.read_updated(ACCOUNT, A, failed),
        lambda: write.read_deleted(ACCOUNT, A, failed),
    ]
    for read in reads:
        with pytest.raises(LeadMcpError) as caught:
            read()
        assert (type(caught.value), caught.value.vendor_code) == (error, code)


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (200, fault("NullReferenceException", "half-way"), "failed to answer.*“half-way”"),
        (500, fault("MXXSSException", "no scripts"), "refused.*“no scripts”"),
        (500, {"Status": "Error", "Message": {"a": 1}}, r"later\.$"),
        (404, b"<html>", "base_url"),
    ],
)
def test_the_vendors_words_are_passed_on(status: int, body: Any, said: str) -> None:
    with pytest.raises(LeadMcpError, match=said):
        write.read_created(ACCOUNT, reply(body, status))


# --- finding a person ---------------------------------------------------------------------------------------------


def test_an_email_is_looked_for_as_asked_and_in_lower_case() -> None:
    assert write.with_email(ACCOUNT, "ada@example.com", FIRST) == [
        [get("Leads.GetByEmailaddress", emailaddress="ada@example.com")]
    ]
    assert write.with_email(ACCOUNT, "Ada@Example.com", FIRST) == [
        [
            get("Leads.GetByEmailaddress", emailaddress="Ada@Example.com"),
            get("Leads.GetByEmailaddress", emailaddress="ada@example.com"),
        ]
    ]


def test_a_phone_is_looked_for_in_every_spelling_of_the_vendors_pages() -> None:
    assert write.with_phone(ACCOUNT, NUMBER, FIRST) == [
        [
            get("RetrieveLeadByPhoneNumber", phone="2135550101"),
            get("Leads.GetByQuickSearch", key="0101"),
        ],
        [get("Leads.GetByQuickSearch", key="2135550101")],
        [
            holding("Phone", "+12135550101"),
            holding("Phone", "+1-2135550101"),
            holding("Phone", "2135550101"),
            holding("Mobile", "+12135550101"),
        ],
    ]


def test_a_full_name_is_looked_for_by_the_quick_search_and_by_last_name() -> None:
    assert write.with_name(ACCOUNT, ("Ada", "King", "Lovelace"), FIRST) == [
        [
            get("Leads.GetByQuickSearch", key="Ada King Lovelace"),
            holding("LastName", "King Lovelace"),
            holding("LastName", "Lovelace"),
        ]
    ]


def test_a_person_is_looked_for_where_the_account_keeps_them() -> None:
    assert write.with_email(RENAMED, "ada@example.com", FIRST) == [[holding("mx_Work_Email", "ada@example.com")]]
    spellings = ("+12135550101", "+1-2135550101", "2135550101")
    assert write.with_phone(RENAMED, NUMBER, FIRST) == [[holding("mx_Cell", one) for one in spellings]]


ROW = {"ProspectID": A, "Phone": "+12135550101"}
PROPERTIES = {"LeadPropertyList": [{"Attribute": name, "Value": value} for name, value in ROW.items()]}


@pytest.mark.parametrize(
    ("status", "body", "rows"),
    [
        (200, [ROW], [ROW]),
        (200, ROW, [ROW]),
        (200, [PROPERTIES], [ROW]),
        (200, {"RecordCount": 1, "Leads": [PROPERTIES]}, [ROW]),
        (200, [], []),
        (200, None, []),
        (200, {"RecordCount": 0}, []),
        (500, fault("MXInvalidInputException", "Lead not found"), []),
    ],
)
def test_the_leads_found_read_alike_in_every_shape(status: int, body: Any, rows: list[Any]) -> None:
    assert list(write.read_found(ACCOUNT, reply(body, status)).rows) == rows


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (500, fault("MXInvalidInputException"), Rejected),
        (500, fault("NullReferenceException", "Lead not found"), Unavailable),
        (401, b"", Unauthorized),
        (200, {"Message": "hello"}, MalformedReply),
    ],
)
def test_a_failed_search_is_not_taken_for_nobody(status: int, body: Any, error: type[LeadMcpError]) -> None:
    with pytest.raises(error):
        write.read_found(ACCOUNT, reply(body, status))


def test_the_vendor_offers_all_of_it_and_hides_nothing() -> None:
    assert (VENDOR.insert, VENDOR.update) == (write.INSERT, write.UPDATE)
    assert (VENDOR.delete, VENDOR.person_lookup) == (write.DELETE, write.PERSON_LOOKUP)
    assert write.INSERT.upserts
    assert not write.INSERT.dedupes
    assert not any(param.secret for param in write.OWN.values())  # no field of a lead is a secret
