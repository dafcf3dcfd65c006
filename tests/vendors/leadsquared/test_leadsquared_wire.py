"""LeadSquared's dialect, one equality each. Samples follow the fact sheet; people are made up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from lead_mcp.errors import (
    Conflict,
    LeadMcpError,
    MalformedReply,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
)
from lead_mcp.filters import RANGE, Op, Order, Where
from lead_mcp.vendors.leadsquared import VENDOR, identify, wire
from lead_mcp.vendors.leadsquared.fields import BIT, EVERY_COLUMN, LEAD, STAMP, asked
from lead_mcp.vendors.spec.fields import EQ, NUMBER, TEXT, Field, FieldMap
from lead_mcp.vendors.spec.http import Request, Signature
from lead_mcp.vendors.spec.reading import Page, PageRequest, Push, Recording, RecordingPage
from lead_mcp.vendors.spec.vendor import account_of
from tests.replies import reply

ACCOUNT = account_of(VENDOR, "acme", options={})
RENAMED = account_of(VENDOR, "acme", names={"email": "mx_Work_Email", "created_at": "mx_Born"})
A = "3fa0b2c1-0d5e-4f6a-9b7c-111111111111"
B = "3fa0b2c1-0d5e-4f6a-9b7c-222222222222"
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
NEWEST = {"ColumnName": "CreatedOn", "Direction": "1"}
OLDEST = {"ColumnName": "CreatedOn", "Direction": "0"}
ROW = {"ProspectID": A, "FirstName": "Ada", "CreatedOn": "2026-11-01 12:00:00.000"}
FULL = {
    "ProspectID": A.upper(),
    "ProspectAutoId": "1016",
    "FirstName": "Ada",
    "LastName": "Byron",
    "EmailAddress": "ada@example.com",
    "Phone": "",
    "Mobile": "+1-2025550143",
    "Company": None,
    "Score": "54",
    "Revenue": "1200.50",
    "DoNotEmail": "0",
    "ProspectStage": "Prospect",
    "OwnerIdName": "Grace",
    "OwnerId": B,
    "CreatedOn": "2026-11-01 12:00:00.000",
    "LastVisitDate": "1900-01-01 00:00:00.000",
}


def get(path: str, **query: str) -> Request:
    return Request("GET", f"/LeadManagement.svc/{path}", query=query)


def post(path: str, body: Any) -> Request:
    return Request("POST", f"/LeadManagement.svc/{path}", json=body)


def parameter(name: str, sql: str, value: str) -> dict[str, str]:
    return {"LookupName": name, "LookupValue": value, "SqlOperator": sql}


def paging(page: int, size: int) -> dict[str, int]:
    return {"PageIndex": page, "PageSize": size}


def test_both_keys_go_into_headers() -> None:
    keys = {"access_key": "a", "secret_key": "s"}
    assert wire.sign(get("x"), keys) == Signature(headers={"x-LSQ-AccessKey": "a", "x-LSQ-SecretKey": "s"})


# --- Leads.Get ----------------------------------------------------------------------------------------------------


def test_a_search_is_one_condition_with_sorting_a_page_and_columns() -> None:
    ask = PageRequest(
        where=[Where("status", Op.EQ, "Prospect")],
        order=Order("updated_at", descending=True),
        offset=400,
        limit=200,
        columns=("Source", "ProspectID", "ProspectId", "LeadId", "Id", "id", "mx_Plan"),
    )
    assert wire.search_leads(ACCOUNT, ask) == post(
        "Leads.Get",
        {
            "Parameter": parameter("ProspectStage", "=", "Prospect"),
            "Sorting": {"ColumnName": "ModifiedOn", "Direction": "1"},
            "Paging": paging(3, 200),
            "Columns": {"Include_CSV": "CreatedOn,ProspectID,Source,mx_Plan"},
        },
    )


def test_with_nothing_asked_it_still_sends_a_condition_and_leaves_the_columns_open() -> None:
    assert wire.search_leads(ACCOUNT, PageRequest(limit=1000)) == post(
        "Leads.Get",
        {
            "Parameter": parameter("CreatedOn", ">", "1900-01-01 00:00:00"),
            "Sorting": OLDEST,
            "Paging": paging(1, 1000),
        },
    )


HALF = NOON + timedelta(milliseconds=500)
LAST = datetime.max.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (Where("created_at", Op.GTE, NOON), ("CreatedOn", ">=", "2026-11-01 12:00:00")),
        (Where("created_at", Op.GT, HALF), ("CreatedOn", ">", "2026-11-01 12:00:00")),
        (Where("created_at", Op.LT, HALF), ("CreatedOn", "<", "2026-11-01 12:00:01")),
        (Where("updated_at", Op.LTE, NOON), ("ModifiedOn", "<=", "2026-11-01 12:00:00")),
        (Where("LastVisitDate", Op.LT, LAST), ("LastVisitDate", "<", "9999-12-31 23:59:59")),
        (Where("external_id", Op.EQ, "1016"), ("ProspectAutoId", "=", "1016")),
        (Where("JobTitle", Op.EQ, "CTO"), ("JobTitle", "=", "CTO")),
        (Where("mx_Plan", Op.EQ, "Gold"), ("mx_Plan", "=", "Gold")),
    ],
)
def test_a_clause_is_spelled_as_sql_with_times_in_utc_seconds_rounded_outwards(where: Where, expected: Any) -> None:
    body = wire.search_leads(ACCOUNT, PageRequest(where=[where])).json
    assert body["Parameter"] == parameter(*expected)


def test_a_sort_follows_the_accounts_own_name_for_a_field() -> None:
    body = wire.search_leads(RENAMED, PageRequest(order=Order("created_at"))).json
    assert body["Sorting"] == {"ColumnName": "mx_Born", "Direction": "0"}


@pytest.mark.parametrize(
    ("where", "push"),
    [
        (Where("status", Op.EQ, "x"), Push.COARSE),
        (Where("ProspectID", Op.EQ, A), Push.COARSE),
        (Where("LastVisitDate", Op.GT, NOON), Push.COARSE),
        (Where("created_at", Op.LT, NOON), Push.EDGE),
        (Where("updated_at", Op.GTE, NOON), Push.EDGE),
        (Where("id", Op.EQ, A), None),
        (Where("id", Op.IN, (A,)), None),
        (Where("status", Op.IN, ("x",)), None),
        (Where("status", Op.NE, "x"), None),
        (Where("status", Op.CONTAINS, "x"), None),
        (Where("value", Op.GT, Decimal(1)), None),
        (Where("Score", Op.EQ, Decimal(1)), None),
        (Where("phone", Op.EQ, "x"), None),
        (Where("owner", Op.EQ, "x"), None),
        (Where("name", Op.EQ, "x"), None),
        (Where("created_at", Op.EXISTS, True), None),
    ],
)
def test_leads_get_takes_text_equality_and_times_and_nothing_else(where: Where, push: Push | None) -> None:
    assert wire.one_condition(where, LEAD) is push


def test_the_most_selective_condition_is_sent() -> None:
    best_first = [
        Where("email", Op.EQ, "x"),
        Where("source", Op.EQ, "x"),
        Where("updated_at", Op.GT, NOON),
        Where("created_at", Op.GTE, NOON),
        Where("updated_at", Op.LT, NOON),
        Where("created_at", Op.LT, NOON),
    ]
    ranks = [wire.selectivity(where) for where in best_first]
    assert ranks == sorted(set(ranks))


@pytest.mark.parametrize(
    "body",
    [
        [ROW],
        {"RecordCount": 1, "Leads": [ROW]},
        {"RecordCount": 1, "Leads": [{"LeadPropertyList": [{"Attribute": k, "Value": v} for k, v in ROW.items()]}]},
    ],
)
def test_every_documented_shape_of_a_page_reads_alike(body: Any) -> None:
    assert wire.read_page(ACCOUNT, PageRequest(limit=2), reply(body)) == Page([ROW])


def test_after_a_full_page_more_may_follow() -> None:
    assert wire.read_page(ACCOUNT, PageRequest(limit=1), reply([ROW])) == Page([ROW], more=None)


@pytest.mark.parametrize("body", [[], {"RecordCount": 0, "Leads": None}, {"RecordCount": "0", "Leads": []}])
def test_no_leads_are_an_empty_page(body: Any) -> None:
    assert wire.read_page(ACCOUNT, PageRequest(), reply(body)) == Page([])


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        "Leads",
        [None],
        [[ROW]],
        b"",
        b"<html>maintenance</html>",
        b'[{"ProspectID": "3fa',
        {"Leads": None},
        {"RecordCount": 3, "Leads": None},
        {"RecordCount": 1, "Leads": {"ProspectID": A}},
        {"Status": "Success"},
        [{"LeadPropertyList": None}],
        [{"LeadPropertyList": [{"Value": "x"}]}],
    ],
)
def test_a_reply_of_no_documented_shape_is_garbled(body: Any) -> None:
    with pytest.raises(MalformedReply):
        wire.read_page(ACCOUNT, PageRequest(), reply(body))


# --- the other routes ---------------------------------------------------------------------------------------------


def test_ids_are_asked_for_in_one_call_without_doubles_and_what_is_no_id() -> None:
    ask = PageRequest(where=[Where("id", Op.IN, (B.upper(), A, B, "17"))], columns=("Source",))
    assert wire.search_ids(ACCOUNT, ask) == post(
        "Leads/Retrieve/ByIds",
        {
            "SearchParameters": {"LeadIds": [B, A]},
            "Paging": paging(1, 1000),
            "Columns": {"Include_CSV": "CreatedOn,ProspectID,Source"},
        },
    )


def test_an_impossible_id_asks_for_nobody_and_all_documented_columns() -> None:
    body = wire.search_ids(ACCOUNT, PageRequest(where=[Where("id", Op.EQ, "17")])).json
    assert body["SearchParameters"] == {"LeadIds": ["00000000-0000-0000-0000-000000000000"]}
    assert body["Columns"] == {"Include_CSV": ",".join(sorted(EVERY_COLUMN))}


def test_an_email_has_its_own_call_unless_the_account_keeps_it_elsewhere() -> None:
    where = Where("email", Op.EQ, "ada+x@example.com")
    assert wire.search_email(ACCOUNT, PageRequest(where=[where])) == get(
        "Leads.GetByEmailaddress", emailaddress="ada+x@example.com"
    )
    assert wire.only("email")(where, ACCOUNT.fields) is Push.COARSE
    assert wire.only("email")(where, RENAMED.fields) is None
    assert wire.only("email")(Where("source", Op.EQ, "x"), ACCOUNT.fields) is None


def test_text_goes_to_the_vendors_quick_search_which_does_not_say_whether_it_is_whole() -> None:
    assert wire.search_text(ACCOUNT, PageRequest(text="ada b")) == get("Leads.GetByQuickSearch", key="ada b")
    assert wire.read_text(ACCOUNT, PageRequest(), reply([ROW])) == Page([ROW], more=None)
    assert wire.read_whole(ACCOUNT, PageRequest(limit=1), reply([ROW])) == Page([ROW], more=False)


def test_a_window_of_changes_is_asked_for_with_both_bounds() -> None:
    where = [Where("updated_at", op, moment) for op, moment in ((Op.GTE, NOON), (Op.LT, HALF))]
    where += [Where("updated_at", Op.GT, NOON - timedelta(days=1)), Where("updated_at", Op.LTE, LAST)]
    ask = PageRequest(where=where, order=Order("created_at", descending=True), limit=1000, columns=())
    assert wire.recently_modified(ACCOUNT, ask) == post(
        "Leads.RecentlyModified",
        {
            "Parameter": {"FromDate": "2026-11-01 12:00:00", "ToDate": "2026-11-01 12:00:01"},
            "Sorting": NEWEST,
            "Paging": paging(1, 1000),
            "Columns": {"Include_CSV": "CreatedOn,ProspectID"},
        },
    )


def test_an_open_window_of_changes_reaches_from_long_ago_to_the_end_of_the_calendar() -> None:
    body = wire.recently_modified(ACCOUNT, PageRequest()).json
    assert body["Parameter"] == {"FromDate": "1900-01-01 00:00:00", "ToDate": "9999-12-31 23:59:59"}


def test_routes_stand_cheapest_first() -> None:
    found = [(route.name.partition(" ")[2], route.most, route.page, route.text) for route in VENDOR.leads.routes]
    assert found == [
        ("Leads/Retrieve/ByIds", 1, 0, False),
        ("Leads.GetByEmailaddress", 1, 0, False),
        ("Leads.GetByQuickSearch", 0, 0, True),
        ("Leads.RecentlyModified", 1000, 1000, False),
        ("Leads.Get", 1, 1000, False),
    ]


# --- lookup -------------------------------------------------------------------------------------------------------


def test_one_whole_lead_has_its_own_call_and_several_are_asked_for_together() -> None:
    assert wire.get_leads(ACCOUNT, [A.upper()], None) == get("Leads.GetById", id=A)
    assert wire.get_leads(ACCOUNT, [A], ("Source",)) == wire.by_ids([A], ("Source",))
    assert wire.get_leads(ACCOUNT, [A, B], None).json["SearchParameters"] == {"LeadIds": [A, B]}


def test_the_documented_columns_hold_no_other_name_of_the_id_and_nothing_that_may_be_off() -> None:
    assert {"ProspectID", "OwnerIdEmailAddress", "mx_Street2"} <= set(EVERY_COLUMN)
    assert not {"ProspectId", "LeadId", "Id", "id", "CanUpdate", "LeadType"} & set(EVERY_COLUMN)


@pytest.mark.parametrize(
    "body",
    [
        [ROW],
        ROW,
        {"RecordCount": 1, "Leads": [ROW]},
        {"LeadPropertyList": [{"Attribute": k, "Value": v} for k, v in ROW.items()]},
    ],
)
def test_a_lead_reads_alike_in_every_shape(body: Any) -> None:
    assert wire.read_leads(ACCOUNT, [A.upper()], reply(body)) == [ROW]


@pytest.mark.parametrize("name", ["ProspectID", "ProspectId", "LeadId", "Id", "id"])
def test_rows_are_matched_by_any_name_of_the_id_in_any_case_and_never_by_position(name: str) -> None:
    rows = [{name: B.upper()}, {name: "other"}, {name: A}]
    assert wire.read_leads(ACCOUNT, [A, B], reply(rows)) == [rows[0], rows[2]]
    assert identify(ACCOUNT, rows[0], None) == B


def test_a_lead_the_vendor_does_not_know_is_missing() -> None:
    assert wire.read_leads(ACCOUNT, [A], reply([])) == []


def test_a_row_without_its_id_is_taken_only_where_it_can_be_no_other() -> None:
    assert wire.read_leads(ACCOUNT, [A], reply([{"FirstName": "Ada"}])) == [{"FirstName": "Ada", "ProspectID": A}]
    with pytest.raises(MalformedReply, match="ProspectID"):
        wire.read_leads(ACCOUNT, [A, B], reply([ROW, {"FirstName": "Ada"}]))
    for nothing in ({}, {"FirstName": None, "ProspectID": None}, {"FirstName": ""}):
        with pytest.raises(MalformedReply, match="without its ProspectID"):
            wire.read_leads(ACCOUNT, [A], reply([nothing]))


@pytest.mark.parametrize(
    ("text", "possible"), [(A, True), (A.upper(), True), (A[:-1], False), (f"{A}\n", False), ("17", False)]
)
def test_only_guids_can_be_ids(text: str, *, possible: bool) -> None:
    assert VENDOR.lookup.check(text) is possible


# --- fields -------------------------------------------------------------------------------------------------------


def test_a_record_reads_as_our_fields() -> None:
    wanted = "id name email phone company status value created_at owner external_id updated_at".split()
    assert {name: LEAD.ours[name].read(FULL) for name in wanted} == {
        "id": A,
        "name": "Ada Byron",
        "email": "ada@example.com",
        "phone": "+1-2025550143",
        "company": None,
        "status": "Prospect",
        "value": Decimal("1200.50"),
        "created_at": NOON,
        "owner": "Grace",
        "external_id": "1016",
        "updated_at": None,
    }


@pytest.mark.parametrize(
    ("name", "value"), [("Score", Decimal(54)), ("DoNotEmail", False), ("LastVisitDate", None), ("Grade", None)]
)
def test_the_vendors_own_fields_have_their_types(name: str, value: Any) -> None:
    assert LEAD.own[name].read(FULL) == value


def test_a_phone_is_the_first_of_two() -> None:
    assert LEAD.ours["phone"].read({"Mobile": "2", "Phone": "1"}) == "1"


def test_the_accounts_own_fields_come_from_its_metadata() -> None:
    options = [{"Value": "Gold"}, {"Value": "Tin"}]
    rows = [
        {"SchemaName": "mx_Plan", "DisplayName": "Plan", "DataType": "Select", "Options": options},
        {"SchemaName": "mx_Many", "DataType": "Select", "Options": options, "AllowMultiple": True},
        {"SchemaName": "mx_Age", "DisplayName": "Age", "DataType": "Number", "IsSearchable": True},
        {"SchemaName": "mx_Vip", "DataType": "Boolean"},
        {"SchemaName": "mx_Born", "DataType": "Date"},
        {"SchemaName": "mx_Slot", "DataType": "Time", "IsSearchable": False},
        {"SchemaName": "Score", "DisplayName": "Lead Score", "DataType": "Text"},
        {"SchemaName": "CreatedOn", "DisplayName": "Created", "DataType": "Date"},
    ]
    assert wire.read_fields(ACCOUNT, None, reply(rows)) == {
        "mx_Plan": Field("mx_Plan", coarse=EQ, vendor_text=True, values=("Gold", "Tin"), closed=False, note="Plan"),
        "mx_Many": asked("mx_Many"),
        "mx_Age": Field("mx_Age", codec=NUMBER, note="Age", personal=None),
        "mx_Vip": Field("mx_Vip", codec=BIT),
        "mx_Born": Field("mx_Born", codec=STAMP, personal=None),
        "mx_Slot": Field("mx_Slot", codec=TEXT, personal=None),
        "Score": Field("Score", codec=NUMBER, note="Lead Score"),
        "CreatedOn": Field("CreatedOn", codec=STAMP, edge=RANGE, note="Created"),
    }
    assert wire.get_fields(ACCOUNT, None) == get("LeadsMetaData.Get")


@pytest.mark.parametrize("body", [{}, [{"DisplayName": "Plan"}], [None]])
def test_metadata_without_names_is_garbled(body: Any) -> None:
    with pytest.raises(MalformedReply):
        wire.read_fields(ACCOUNT, None, reply(body))


def test_a_discovered_field_can_be_asked_for() -> None:
    fields = FieldMap(ours=LEAD.ours, own={**LEAD.own, "mx_Plan": asked("mx_Plan")})
    assert wire.one_condition(Where("mx_Plan", Op.EQ, "Gold"), fields) is Push.COARSE


# --- recordings ---------------------------------------------------------------------------------------------------

SOUND = "https://cdn.example.com/1.mp3"


def recorded(raw: dict[str, Any], url: str = SOUND) -> Recording:
    return Recording("r1", A, datetime(2026, 7, 31, 5, 33, 50, tzinfo=UTC), None, 64, url, raw)


def pairs(**values: Any) -> list[dict[str, Any]]:
    return [{"Key": key, "Value": value} for key, value in values.items()]


@pytest.mark.parametrize("event", [21, 22])
def test_calls_are_asked_for_by_direction_from_page_0(event: int) -> None:
    build = VENDOR.recordings.builds[event - 21] if VENDOR.recordings else None
    assert build
    assert build(ACCOUNT, A, NOON, NOON, PageRequest(offset=200, limit=100)) == Request(
        "POST",
        "/ProspectActivity.svc/Retrieve",
        query={"leadId": A},
        json={"Parameter": {"ActivityEvent": event}, "Paging": {"Offset": "2", "RowCount": "100"}},
    )
    assert build(ACCOUNT, A, None, None, PageRequest(limit=100)).json["Paging"]["Offset"] == "0"


@pytest.mark.parametrize(
    "raw",
    [
        {
            "Id": "r1",
            "EventCode": 22,
            "CreatedOn": "2026-07-31 05:35:00",
            "Data": pairs(mx_Custom_2="2026-07-31 05:33:50", mx_Custom_3="64", mx_Custom_4=SOUND),
        },
        {
            "Id": "r1",
            "EventCode": "21",
            "Data": pairs(Duration="64", ResourceUrl=SOUND, Caller="Ada"),
            "ActivityFields": {"mx_Custom_2": "7/31/2026 5:33:50 AM", "mx_Custom_3": "", "mx_Custom_4": None},
        },
        {
            "ProspectActivityId": "r1",
            "ActivityEvent": "22",
            "mx_Custom_2": "soon",
            "CreatedOn": "2026-07-31 05:33:50",
            "mx_Custom_3": 64,
            "mx_Custom_4": SOUND,
        },
    ],
)
def test_a_recording_reads_alike_in_every_shape_of_activity(raw: dict[str, Any]) -> None:
    for body in ({"RecordCount": 1, "ProspectActivities": [raw]}, {"RecordCount": 1, "List": [raw]}, [raw]):
        assert wire.read_recordings(ACCOUNT, A, reply(body)) == RecordingPage([recorded(raw)], more=False)


@pytest.mark.parametrize(
    "raw",
    [
        {"Id": "r1", "EventCode": 22, "Data": pairs(mx_Custom_4="")},
        {"Id": "r1", "EventCode": 22, "Data": None},
        {"Id": "r1", "EventCode": 203, "Data": pairs(mx_Custom_4="No budget")},
    ],
)
def test_an_activity_without_a_recording_or_of_another_kind_is_none(raw: dict[str, Any]) -> None:
    assert wire.read_recordings(ACCOUNT, A, reply({"RecordCount": 1, "ProspectActivities": [raw]})).rows == []


@pytest.mark.parametrize(
    ("rows", "count", "more"),
    [(0, 0, False), (1, 1, False), (25, 60, True), (100, 100, True), (0, 60, False), (3, None, False)],
)
def test_more_calls_may_follow_a_full_page_or_a_larger_count(rows: int, count: int | None, *, more: bool) -> None:
    body = {"RecordCount": count, "ProspectActivities": [{"Id": str(n), "EventCode": 22} for n in range(rows)]}
    assert wire.read_recordings(ACCOUNT, A, reply(body)) == RecordingPage([], more=more)


@pytest.mark.parametrize(
    "body", [{"ProspectActivities": [{"mx_Custom_4": SOUND}]}, {"ProspectActivities": None}, {"RecordCount": 1}]
)
def test_activities_without_id_or_list_are_garbled(body: Any) -> None:
    with pytest.raises(MalformedReply):
        wire.read_recordings(ACCOUNT, A, reply(body))


# --- failures -----------------------------------------------------------------------------------------------------


def fault(kind: str, text: str = "no") -> dict[str, str]:
    return {"Status": "Error", "ExceptionType": kind, "ExceptionMessage": text}


FAILURES: list[tuple[int, Any, type[LeadMcpError], str | None]] = [
    (500, fault("MXDuplicateEntryException"), Conflict, "MXDuplicateEntryException"),
    (500, fault("MXInvalidInputException"), Rejected, "MXInvalidInputException"),
    (500, fault("MXMandatoryAttributeMissingException"), Rejected, "MXMandatoryAttributeMissingException"),
    (401, fault("MXUnAuthorizedAccessException"), Unauthorized, "MXUnAuthorizedAccessException"),
    (200, fault("MXUnauthorizedAccessException"), Unauthorized, "MXUnauthorizedAccessException"),
    (200, fault("MXAPIRateLimitExceededException"), RateLimited, "MXAPIRateLimitExceededException"),
    (500, fault("MXException", "API calls exceeded the limit of 20 in 5 second(s)"), RateLimited, "MXException"),
    (200, {"Status": "Error", "Message": "over 25 calls in 5 seconds"}, RateLimited, None),
    (500, fault("NullReferenceException"), Unavailable, "NullReferenceException"),
    (200, fault("NullReferenceException"), Rejected, "NullReferenceException"),
    (200, {"status": "error", "message": "no"}, Rejected, None),
    (200, {"ExceptionType": "MXInvalidInputException", "RecordCount": 0}, Rejected, "MXInvalidInputException"),
    (400, {"Message": "no"}, Rejected, None),
    (400, b"Bad Request", Rejected, None),
    (401, b"", Unauthorized, None),
    (403, b"<html>", Unauthorized, None),
    (404, b"<html>", Rejected, None),
    (429, b"slow down", RateLimited, None),
    (500, b"<html>", Unavailable, None),
    (503, {"Leads": []}, Unavailable, None),
    (302, b"", MalformedReply, None),
]


@pytest.mark.parametrize(("status", "body", "error", "code"), FAILURES)
def test_a_failure_in_any_clothes_is_raised_by_everything_that_reads(
    status: int, body: Any, error: type[LeadMcpError], code: str | None
) -> None:
    failed = reply(body, status)
    for read in (
        lambda: wire.read_page(ACCOUNT, PageRequest(), failed),
        lambda: wire.read_whole(ACCOUNT, PageRequest(), failed),
        lambda: wire.read_text(ACCOUNT, PageRequest(), failed),
        lambda: wire.read_leads(ACCOUNT, [A], failed),
        lambda: wire.read_recordings(ACCOUNT, A, failed),
        lambda: wire.read_fields(ACCOUNT, None, failed),
        lambda: wire.checked(failed),
    ):
        with pytest.raises(LeadMcpError) as caught:
            read()
        assert (type(caught.value), caught.value.vendor_code, caught.value.status) == (error, code, status)


def test_the_vendors_words_and_its_patience_are_passed_on() -> None:
    with pytest.raises(RateLimited, match="“25 calls in 5 seconds”") as caught:
        wire.checked(reply({"Message": "25 calls in 5 seconds"}, 429, **{"retry-after": "5"}))
    assert caught.value.retry_after == 5


def test_a_wrong_path_is_not_a_missing_lead() -> None:
    with pytest.raises(Rejected, match="base_url"):
        wire.read_leads(ACCOUNT, [A], reply(b"<html>", 404))


def test_the_keys_are_checked_by_asking_whose_they_are() -> None:
    assert wire.check(ACCOUNT) == Request("GET", "/Authentication.svc/UserByAccessKey.Get")
    wire.checked(reply({"Id": B, "Name": "Grace", "LSQCommonServiceURLs": {"api": "https://api.example.com"}}))
    with pytest.raises(MalformedReply):
        wire.checked(reply([]))
