"""LeadSquared's emulator keeps to LeadSquared's documents: refusals, filters, pages, order, calls, writes."""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from lead_mcp.sandbox.world import World
from lead_mcp.vendors.leadsquared.emulator.app import ACCESS, PRIVATE, build, busy, environment

NOW: Final = datetime(2026, 11, 20, 12, 0, 0, 250_000, tzinfo=UTC)
SEEDED: Final = World(leads=500, until=datetime(2026, 11, 20, tzinfo=UTC))
LARGE: Final = World(leads=1400, until=SEEDED.until)
KEYS: Final = {"x-LSQ-AccessKey": ACCESS, "x-LSQ-SecretKey": PRIVATE}
LEADS: Final = "LeadManagement.svc"
ACTIVITIES: Final = "ProspectActivity.svc"
NOBODY: Final = "00000000-0000-4000-8000-000000000000"
EVER: Final = {"FromDate": "2020-01-01 00:00:00", "ToDate": "2030-01-01 00:00:00"}
Row = dict[str, Any]

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def client(world: World = SEEDED, *, keys: dict[str, str] = KEYS, **options: Any) -> httpx2.AsyncClient:
    app = build(world, clock=lambda: NOW, **options)
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://sandbox/v2", headers=keys)


def criteria(name: str, sign: str, value: str, *, index: int = 1, size: int = 1000, **more: Any) -> Row:
    parameter = {"LookupName": name, "SqlOperator": sign, "LookupValue": value}
    return {"Parameter": parameter, "Paging": {"PageIndex": index, "PageSize": size}, **more}


async def found(lsq: httpx2.AsyncClient, name: str, sign: str, value: str, **more: Any) -> list[Row]:
    """Every page of a Leads.Get; a short page is the last."""
    rows: list[Row] = []
    index, size = 1, more.pop("size", 1000)
    while True:
        body = criteria(name, sign, value, index=index, size=size, **more)
        page = (await lsq.post(f"{LEADS}/Leads.Get", json=body)).raise_for_status().json()
        rows += page
        if len(page) < size:
            return rows
        index += 1


async def everybody(lsq: httpx2.AsyncClient) -> list[Row]:
    return await found(lsq, "CreatedOn", ">", "2020-01-01 00:00:00")


async def by_ids(lsq: httpx2.AsyncClient, ids: list[str], csv: str = "ProspectID, CreatedOn", **paging: int) -> Row:
    body = {"SearchParameters": {"LeadIds": ids}, "Columns": {"Include_CSV": csv}, "Paging": paging}
    reply: Row = (await lsq.post(f"{LEADS}/Leads/Retrieve/ByIds", json=body)).raise_for_status().json()
    return reply


async def calls(lsq: httpx2.AsyncClient, event: int, **parameter: Any) -> Row:
    body = {"Parameter": EVER | {"ActivityEvent": event} | parameter, "Paging": {"PageIndex": 1, "PageSize": 1000}}
    reply = await lsq.post(f"{ACTIVITIES}/CustomActivity/RetrieveByActivityEvent", json=body)
    row: Row = reply.raise_for_status().json()
    return row


def pairs(**values: str) -> list[Row]:
    return [{"Attribute": name, "Value": value} for name, value in values.items()]


async def write(lsq: httpx2.AsyncClient, path: str, **values: str) -> Row:
    reply: Row = (await lsq.post(f"{LEADS}/{path}", json=pairs(**values))).json()
    return reply


async def get(lsq: httpx2.AsyncClient, lead_id: str) -> Row:
    row: Row = (await lsq.get(f"{LEADS}/Leads.GetById", params={"id": lead_id})).raise_for_status().json()[0]
    return row


def exception(reply: httpx2.Response) -> tuple[int, str]:
    """HTTP status and exception type of an error envelope."""
    envelope = reply.json()
    assert envelope.keys() == {"Status", "ExceptionType", "ExceptionMessage"}
    assert envelope["Status"] == "Error"
    return reply.status_code, envelope["ExceptionType"]


# --- keys, shapes, statuses ---


@pytest.mark.parametrize(
    ("keys", "query", "status"),
    [
        (KEYS, "", 200),
        ({}, f"?accessKey={ACCESS}&secretKey={PRIVATE}", 200),
        ({}, f"?accesskey={ACCESS}&secretkey={PRIVATE}", 200),
        ({}, "", 401),
        ({"x-LSQ-AccessKey": ACCESS}, "", 401),
        (KEYS | {"x-LSQ-SecretKey": "no"}, "", 401),
        (KEYS, "?accessKey=other&secretKey=other", 401),
    ],
)
async def test_keys_come_in_headers_or_in_the_query_and_must_be_right(
    keys: dict[str, str], query: str, status: int
) -> None:
    reply = await client(keys=keys).get(f"Authentication.svc/UserByAccessKey.Get{query}")
    assert reply.status_code == status
    if status == 200:
        assert reply.json()["LSQCommonServiceURLs"]["api"] == "http://sandbox/v2/"


async def test_a_request_not_per_specification_is_a_400_that_is_not_json() -> None:
    lsq = client()
    good = criteria("Score", "=", "5")
    replies = [
        await lsq.post(f"{LEADS}/Leads.Get", content=json.dumps(good), headers={"Content-Type": "text/plain"}),
        await lsq.post(f"{LEADS}/Leads.Get", content="{", headers={"Content-Type": "application/json"}),
        await lsq.post(f"{LEADS}/Leads.Get", json=good | {"Filter": {}}),
        await lsq.post(f"{LEADS}/Leads.Get", json=good | {"Paging": {"PageIndex": "1"}}),
        await lsq.post(f"{LEADS}/Leads.Get?page=2", json=good),
        await lsq.post(f"{LEADS}/Lead.Create", json={"FirstName": "Ana"}),
        await lsq.post(f"{LEADS}/Lead.Create", json=[{"Attribute": "mx_Deal_Value", "Value": 5}]),
        await lsq.get(f"{LEADS}/Leads.GetById", params={"leadId": NOBODY}),
    ]
    assert [reply.status_code for reply in replies] == [400] * 8
    assert {reply.headers["content-type"] for reply in replies} == {"text/html; charset=utf-8"}


async def test_404_is_an_unknown_path_and_405_a_wrong_method() -> None:
    lsq = client()
    assert (await lsq.get("LeadManagement.svc/Leads.Nothing")).status_code == 404
    assert (await lsq.get(f"{LEADS}/Leads.Get")).status_code == 405


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        ("Leads/Retrieve/ByIds", {}, "MXMandatoryAttributeMissingException"),
        ("Leads/Retrieve/ByIds", {"SearchParameters": {"LeadIds": [NOBODY]}}, "MXMandatoryAttributeMissingException"),
        (
            "Leads/Retrieve/ByIds",
            {"SearchParameters": {"LeadIds": ["7"]}, "Columns": {"Include_CSV": "Score"}},
            "MXInvalidInputException",
        ),
        ("Leads/Retrieve/ByIds", {"SearchParameters": {"LeadIds": [NOBODY] * 10_001}}, "MXInvalidInputException"),
        ("Leads.Get", {}, "MXMandatoryAttributeMissingException"),
        ("Leads.Get", criteria("nope", "=", "5"), "MXInvalidInputException"),
        ("Leads.Get", criteria("Source", "IN", "tiktok"), "MXInvalidInputException"),
        ("Leads.Get", criteria("Score", ">", "many"), "MXInvalidInputException"),
        ("Leads.Get", criteria("CreatedOn", ">", "2026-11-01T00:00:00Z"), "MXInvalidInputException"),
        ("Leads.Get", criteria("CreatedOn", ">", "2026-02-30 00:00:00"), "MXInvalidInputException"),
        ("Leads.Get", criteria("Score", "=", "5", index=0), "MXInvalidInputException"),
        ("Leads.Get", criteria("Score", "=", "5", Sorting={"ColumnName": "nope"}), "MXInvalidInputException"),
        (
            "Leads.Get",
            criteria("Score", "=", "5", Sorting={"ColumnName": "Score", "Direction": "desc"}),
            "MXInvalidInputException",
        ),
        ("Leads.Get", criteria("Score", "=", "5", Attribute="LeadType", Value="OT_1"), "MXInvalidInputException"),
        ("Leads.RecentlyModified", {"Parameter": {}}, "MXMandatoryAttributeMissingException"),
    ],
)
async def test_a_failed_call_is_an_exception_on_500_or_rides_on_200(path: str, body: Row, kind: str) -> None:
    assert exception(await client().post(f"{LEADS}/{path}", json=body)) == (500, kind)
    assert exception(await client(errors="200").post(f"{LEADS}/{path}", json=body)) == (200, kind)


async def test_busy_names_the_limit_and_never_says_when_to_come_back() -> None:
    for reply, status in ((busy(), 429), (busy("200"), 200)):
        assert reply.status_code == status
        assert json.loads(bytes(reply.body))["ExceptionType"] == "MXAPIRateLimitExceededException"
        assert b"25 in 5 second" in bytes(reply.body)
        assert "retry-after" not in reply.headers


# --- leads ---


async def test_by_ids_answers_the_known_once_newest_first_and_leaves_the_unknown_out() -> None:
    lsq = client()
    ids = [row["ProspectID"] for row in await everybody(lsq)]
    reply = await by_ids(lsq, [*ids[5:0:-1], ids[2].upper(), NOBODY], PageIndex=1, PageSize=1000)
    assert [row["ProspectID"] for row in reply["Leads"]] == ids[1:6]
    assert reply["RecordCount"] == 5


async def test_by_ids_cuts_pages_to_1000_and_goes_on_without_gap_or_overlap() -> None:
    for counting, counts in (("page", [1000, 400]), ("total", [1400, 1400])):
        lsq = client(LARGE, record_count=counting)
        ids = [row["ProspectID"] for row in await everybody(lsq)]
        pages = [await by_ids(lsq, ids[::-1], PageIndex=index, PageSize=5000) for index in (1, 2)]
        assert [row["ProspectID"] for page in pages for row in page["Leads"]] == ids
        assert [page["RecordCount"] for page in pages] == counts


async def test_columns_that_are_spelt_otherwise_are_left_out_without_a_word() -> None:
    asked = "ProspectId, ProspectAutoID, ProspectID, CompanyType, OwnerIdEmailAddress, FirstName, LeadType, what"
    for edition, extra in (("2022", "CompanyType"), ("2026", "OwnerIdEmailAddress")):
        lsq = client(edition=edition)
        (row,) = (await by_ids(lsq, [(await everybody(lsq))[0]["ProspectID"]], asked))["Leads"]
        assert row.keys() == {"ProspectID", "FirstName", extra}


async def test_values_are_strings_or_null_and_there_are_three_date_formats() -> None:
    lsq = client()
    rows = await everybody(lsq)
    assert {type(value) for row in rows for value in row.values()} == {str, type(None)}
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.000", row["CreatedOn"]) for row in rows)
    activity = (await calls(lsq, 21))["List"][0]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", activity["CreatedOn"])
    (field,) = (await lsq.get(f"{LEADS}/LeadsMetaData.Get?schemaName=mx_Interest")).json()
    assert re.fullmatch(r"/Date\(\d{13}\+0000\)/", field["ModifiedOn"])
    assert {"Value": "Solar"} in field["Options"]
    assert "Options" not in (await lsq.get(f"{LEADS}/LeadsMetaData.Get?excludeOptionSets=1")).text


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("CreatedOn", "2026-10-01 12:00:00", lambda text: text[:19]),
        ("mx_Deal_Value", "450", float),
        ("Score", "54", float),
        ("ProspectStage", "customer", str.casefold),
        ("mx_City", "Dallas", str.casefold),
    ],
)
async def test_each_operator_answers_as_brute_force_and_null_meets_none(
    name: str, value: str, read: Callable[[str], Any]
) -> None:
    lsq = client()
    rows, wanted = await everybody(lsq), read(value)
    signs = {"=": "eq", "<>": "ne", ">": "gt", "<": "lt", ">=": "ge", "<=": "le"}
    for sign, compare in signs.items():
        expected = [
            row for row in rows if row[name] is not None and getattr(operator, compare)(read(row[name]), wanted)
        ]
        assert await found(lsq, name, sign, value) == expected


async def test_like_takes_percent_and_underscore_and_no_other_wildcards() -> None:
    lsq = client()
    rows = [row for row in await everybody(lsq) if row["EmailAddress"]]
    assert await found(lsq, "EmailAddress", "LIKE", "ANA.%") == [
        row for row in rows if row["EmailAddress"].startswith("ana.")
    ]
    assert await found(lsq, "EmailAddress", "LIKE", ".*") == []


@pytest.mark.parametrize("direction", ["1", 1, "0", 0])
async def test_sorting_goes_both_ways_and_pages_without_gaps(direction: str | int) -> None:
    lsq = client()
    by = {"ColumnName": "mx_Deal_Value", "Direction": direction}
    rows = await found(lsq, "CreatedOn", ">", "2020-01-01 00:00:00", size=300, Sorting=by)
    assert len({row["ProspectID"] for row in rows}) == len(rows) == 500
    values = [-1.0 if row["mx_Deal_Value"] is None else float(row["mx_Deal_Value"]) for row in rows]
    assert values == sorted(values, reverse=str(direction) == "1")


async def test_recently_modified_speaks_in_property_lists_with_can_update() -> None:
    lsq = client()
    window = {"FromDate": "2026-10-01 00:00:00", "ToDate": "2026-10-15 00:00:00"}
    body = {"Parameter": window, "Columns": {"Include_CSV": "ProspectID"}, "Paging": {"PageIndex": 1, "PageSize": 9999}}
    reply = (await lsq.post(f"{LEADS}/Leads.RecentlyModified", json=body)).json()
    rows = [{pair["Attribute"]: pair["Value"] for pair in lead["LeadPropertyList"]} for lead in reply["Leads"]]
    expected = [row["ProspectID"] for row in await everybody(lsq) if "2026-10-01" <= row["ModifiedOn"] < "2026-10-15"]
    assert rows[0].keys() == {"ProspectID", "CanUpdate"}
    assert sorted(row["ProspectID"] for row in rows) == sorted(expected)
    assert reply["RecordCount"] == len(rows) > 20


async def test_single_lookups_answer_arrays_empty_when_nobody_fits() -> None:
    lsq, bare = client(), client(by_id="object")
    lead = next(row for row in await everybody(lsq) if row["EmailAddress"] and row["Phone"].startswith("+1-"))
    digits = re.sub(r"\D", "", lead["Phone"])[-10:]
    for path, query in (
        ("Leads.GetById", {"id": lead["ProspectID"]}),
        ("Leads.GetByEmailaddress", {"emailaddress": lead["EmailAddress"].upper()}),
        ("RetrieveLeadByPhoneNumber", {"phone": digits}),
        ("RetrieveLeadByPhoneNumber", {"phone": "1" + digits}),
        ("Leads.GetByQuickSearch", {"key": lead["EmailAddress"]}),
    ):
        assert lead in (await lsq.get(f"{LEADS}/{path}", params=query)).json(), path
    assert (await bare.get(f"{LEADS}/Leads.GetById", params={"id": lead["ProspectID"]})).json() == lead
    for unknown in ("Leads.GetByEmailaddress?emailaddress=no@example.com", "RetrieveLeadByPhoneNumber?phone=5550000"):
        assert (await lsq.get(f"{LEADS}/{unknown}")).json() == []
    marked = await lsq.get(f"{LEADS}/RetrieveLeadByPhoneNumber", params={"phone": lead["Phone"]})
    assert exception(marked) == (500, "MXInvalidInputException")


async def test_of_several_leads_with_a_number_the_one_with_the_latest_activity_comes() -> None:
    lsq = client()
    numbers: dict[str, list[Row]] = {}
    for row in await everybody(lsq):
        numbers.setdefault(re.sub(r"\D", "", row["Phone"])[-10:], []).append(row)
    twins = {digits: rows for digits, rows in numbers.items() if len(rows) > 1}
    assert twins
    for digits, rows in twins.items():
        (row,) = (await lsq.get(f"{LEADS}/RetrieveLeadByPhoneNumber", params={"phone": digits})).json()
        assert row == max(rows, key=lambda lead: lead["ProspectActivityDate_Max"] or lead["CreatedOn"])


async def test_object_types_are_a_column_and_a_filter_only_where_switched_on() -> None:
    lsq = client(object_types=True)
    typed = await found(lsq, "Score", ">=", "0", Attribute="LeadType", Value="OT_1")
    assert typed
    assert {row["LeadType"] for row in typed} == {"OT_1"}
    assert "LeadType" not in (await everybody(client()))[0]


# --- calls ---


async def test_calls_come_by_event_with_a_note_and_recordings_that_play_without_keys() -> None:
    lsq = client()
    for event in (21, 22):
        reply = await calls(lsq, event)
        assert reply["RecordCount"] == len(reply["List"]) > 50
        row = next(row for row in reply["List"] if row["mx_Custom_4"])
        assert row["ActivityEvent"] == str(event)
        source = json.loads(row["ActivityEvent_Note"])["SourceData"]
        lead = await get(lsq, row["RelatedProspectId"])
        number = source["SourceNumber" if event == 21 else "DestinationNumber"]
        assert number[-10:] == re.sub(r"\D", "", lead["Phone"])[-10:]
        audio = await client(keys={}).get(row["mx_Custom_4"])
        assert (audio.headers["content-type"], audio.content[:4]) == ("audio/wav", b"RIFF")
    assert (await client(keys={}).get("http://sandbox/recordings/no.wav")).status_code == 404


async def test_events_are_bounded_by_their_window_and_empty_values_can_be_left_out() -> None:
    lsq = client()
    window = {"FromDate": "2026-10-01 00:00:00", "ToDate": "2026-10-31 23:59:59"}
    some = (await calls(lsq, 21, **window, RemoveEmptyValue=True))["List"]
    assert sorted(row["ProspectActivityId"] for row in some) == sorted(
        row["ProspectActivityId"] for row in (await calls(lsq, 21))["List"] if row["CreatedOn"][:7] == "2026-10"
    )
    assert all(value not in (None, "") for row in some for value in row.values())
    changed = [row["ModifiedOn"] for row in some]
    assert changed == sorted(changed, reverse=True)


@pytest.mark.parametrize("first", [0, 1])
async def test_activities_of_a_lead_page_from_the_dialects_first_offset(first: int) -> None:
    lsq = client(first_offset=first)
    every = [row["RelatedProspectId"] for row in (await calls(lsq, 22))["List"]]
    path = f"{ACTIVITIES}/Retrieve?leadId={max(every, key=every.count)}"
    whole = (await lsq.post(path, json={})).json()
    pages = [
        (await lsq.post(path, json={"Paging": {"Offset": str(first + nth), "RowCount": "1"}})).json()
        for nth in range(whole["RecordCount"])
    ]
    assert [row for page in pages for row in page["ProspectActivities"]] == whole["ProspectActivities"]
    outbound = (await lsq.post(path, json={"Parameter": {"ActivityEvent": 22}})).json()
    assert outbound["RecordCount"] == every.count(max(every, key=every.count)) > 1
    assert {"Key", "Value"} == outbound["ProspectActivities"][0]["Data"][0].keys()


async def test_recordings_have_addresses_below_the_mount() -> None:
    app = Starlette(routes=[Mount("/leadsquared", app=build(SEEDED, clock=lambda: NOW))])
    base = environment("http://sandbox/leadsquared")["LEADSQUARED_BASE_URL"]
    transport = httpx2.ASGITransport(app=app)
    lsq = httpx2.AsyncClient(transport=transport, base_url=base, headers=KEYS)
    address = next(row["mx_Custom_4"] for row in (await calls(lsq, 21))["List"] if row["mx_Custom_4"])
    assert address.startswith("http://sandbox/leadsquared/recordings/")
    assert (await lsq.get(address)).status_code == 200


# --- writes ---


async def test_a_created_lead_is_found_again_with_defaults_and_the_clocks_time() -> None:
    lsq = client()
    done = await write(lsq, "Lead.Create", FirstName="Zoë", EmailAddress="zoe.new@example.com", mx_Deal_Value="12.5")
    lead = await get(lsq, done["Message"]["Id"])
    assert lead["CreatedOn"] == "2026-11-20 12:00:00.000"
    assert (lead["FirstName"], lead["mx_Deal_Value"], lead["ProspectStage"]) == ("Zoë", "12.5", "Prospect")
    assert lead["ProspectAutoId"] == "1501"
    assert (await everybody(lsq))[0] == lead


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({}, "MXMandatoryAttributeMissingException"),
        ({"FirstName": "Ana"}, "MXMandatoryAttributeMissingException"),
        ({"Phone": "+12125550000", "nope": "x"}, "MXInvalidInputException"),
        ({"Phone": "+12125550000", "CreatedOn": "2026-11-01 00:00:00"}, "MXInvalidInputException"),
        ({"Phone": "call me"}, "MXInvalidInputException"),
        ({"EmailAddress": "ana"}, "MXInvalidInputException"),
        ({"Phone": "+12125550000", "mx_Interest": "Boats"}, "MXInvalidInputException"),
        ({"Phone": "+12125550000", "mx_Deal_Value": "12,5"}, "MXInvalidInputException"),
        ({"Phone": "+12125550000", "mx_Consent": "yes"}, "MXInvalidInputException"),
        ({"Phone": "+12125550000", "mx_Callback_On": "2026-11-01"}, "MXInvalidInputException"),
        ({"Phone": "+12125550000", "OwnerId": NOBODY}, "MXInvalidInputException"),
    ],
)
async def test_a_lead_that_does_not_fit_is_refused_and_nothing_is_written(values: dict[str, str], kind: str) -> None:
    lsq = client()
    assert exception(await lsq.post(f"{LEADS}/Lead.Create", json=pairs(**values))) == (500, kind)
    assert len(await everybody(lsq)) == 500


async def test_a_name_alone_is_enough_where_the_account_says_so() -> None:
    assert (await write(client(create_needs="any"), "Lead.Create", FirstName="Ana"))["Status"] == "Success"


async def test_a_second_lead_with_the_email_or_number_is_refused_in_either_wording() -> None:
    lsq, older = client(), client(duplicates="key")
    lead = next(row for row in await everybody(lsq) if row["EmailAddress"])
    spelt = "+1" + re.sub(r"\D", "", lead["Phone"])[-10:]
    for values, text in (
        ({"EmailAddress": lead["EmailAddress"].upper()}, "A Lead with same Email already exists."),
        ({"Phone": spelt}, "A Lead with same Phone Number already exists."),
    ):
        reply = await lsq.post(f"{LEADS}/Lead.Create", json=pairs(**values))
        assert exception(reply) == (500, "MXDuplicateEntryException")
        assert reply.json()["ExceptionMessage"] == text
        assert "for key" in (await write(older, "Lead.Create", **values))["ExceptionMessage"]


async def test_an_update_changes_only_what_it_lists_and_stamps_the_change() -> None:
    lsq = client()
    first, second = [row for row in await everybody(lsq) if row["EmailAddress"]][:2]
    path = f"Lead.Update?leadId={first['ProspectID']}&postUpdatedLead=true"
    done = await write(lsq, path, ProspectStage="Customer", JobTitle="", EmailAddress="moved@example.com")
    assert done == {"Status": "Success", "Message": {"AffectedRows": 1}}
    after = await get(lsq, first["ProspectID"])
    changed = {name for name in after if after[name] != first[name]}
    assert changed <= {"ProspectStage", "JobTitle", "EmailAddress", "ModifiedOn", "ModifiedBy", "LeadLastModifiedOn"}
    assert (after["ProspectStage"], after["JobTitle"], after["ModifiedOn"]) == (
        "Customer",
        None,
        "2026-11-20 12:00:00.000",
    )
    old = await lsq.get(f"{LEADS}/Leads.GetByEmailaddress", params={"emailaddress": first["EmailAddress"]})
    assert first["ProspectID"] not in [row["ProspectID"] for row in old.json()]
    taken = await write(lsq, path, EmailAddress=second["EmailAddress"])
    assert taken["ExceptionType"] == "MXDuplicateEntryException"
    nobody = await write(lsq, f"Lead.Update?leadId={NOBODY}", JobTitle="x")
    assert nobody["Message"] == {"AffectedRows": 0}
    assert (await write(lsq, "Lead.Update", JobTitle="x"))["ExceptionType"] == "MXMandatoryAttributeMissingException"


async def test_create_or_update_matches_by_email_then_phone_or_by_the_named_field() -> None:
    lsq = client()
    lead = next(row for row in await everybody(lsq) if row["EmailAddress"])
    for values in (
        {"EmailAddress": lead["EmailAddress"]},
        {"EmailAddress": "fresh@example.com", "Phone": lead["Phone"]},
        {"SearchBy": "mx_Street1", "mx_Street1": lead["mx_Street1"]},
    ):
        done = await write(lsq, "Lead.CreateOrUpdate?postUpdatedLead=false", **values, Notes="seen")
        assert done["Message"]["Id"] == lead["ProspectID"]
    assert (await get(lsq, lead["ProspectID"]))["EmailAddress"] == "fresh@example.com"
    fresh = await write(lsq, "Lead.CreateOrUpdate", EmailAddress="other@example.com")
    assert fresh["Message"]["Id"] not in [None, lead["ProspectID"]]
    lost = await write(lsq, "Lead.CreateOrUpdate", SearchBy="mx_City", EmailAddress="other@example.com")
    assert lost["ExceptionType"] == "MXMandatoryAttributeMissingException"


async def test_a_capture_updates_as_told_keeps_the_source_and_gives_a_visitor_its_id() -> None:
    lsq = client()
    lead = next(row for row in await everybody(lsq) if row["EmailAddress"] and row["Company"])
    known = {"EmailAddress": lead["EmailAddress"], "Company": "New & Co", "Source": "organic"}
    for behaviour in ("DoNotUpdate", "UpdateOnlyEmptyFields"):
        await write(lsq, f"Lead.Capture?LeadUpdateBehavior={behaviour}", **known)
        assert (await get(lsq, lead["ProspectID"]))["Company"] == lead["Company"]
    assert (await write(lsq, "Lead.Capture", **known))["Message"]["Id"] == lead["ProspectID"]
    after = await get(lsq, lead["ProspectID"])
    assert (after["Company"], after["Source"]) == ("New & Co", lead["Source"])
    other = await write(lsq, "Lead.Capture", ProspectId=lead["ProspectID"], EmailAddress="else@example.com")
    assert other["Message"]["Id"] != lead["ProspectID"]
    visitor = await write(lsq, "Lead.Capture", ProspectId=NOBODY, EmailAddress="visitor@example.com")
    assert visitor["Message"]["Id"] == NOBODY
    wrong = await write(lsq, "Lead.Capture?LeadUpdateBehavior=Maybe", **known)
    assert wrong["ExceptionType"] == "MXInvalidInputException"


async def test_delete_is_off_until_switched_on_and_takes_the_calls_along() -> None:
    lsq = client(deletes=True)
    row = next(row for row in (await calls(lsq, 21))["List"] if row["mx_Custom_4"])
    path = f"{LEADS}/Lead/Delete/ById?leadId={row['RelatedProspectId']}"
    assert exception(await client().get(path)) == (401, "MXUnAuthorizedAccessException")
    assert (await lsq.get(path)).json() == {"Status": "Success"}
    assert (await lsq.get(f"{LEADS}/Leads.GetById?id={row['RelatedProspectId']}")).json() == []
    assert row["RelatedProspectId"] not in [one["RelatedProspectId"] for one in (await calls(lsq, 21))["List"]]
    assert (await lsq.get(row["mx_Custom_4"])).status_code == 404
    assert exception(await lsq.get(path)) == (500, "MXInvalidInputException")


# --- the data ---


async def test_the_same_seed_is_the_same_account_and_people_keep_email_and_number() -> None:
    rows = await everybody(client())
    assert rows == await everybody(client(World(leads=500, until=SEEDED.until)))
    people = {touch.person.email: touch.person.phone for touch in SEEDED.touches("leadsquared", 2)}
    assert all(
        people[row["EmailAddress"]][2:] in re.sub(r"\D", "", row["Phone"]) for row in rows if row["EmailAddress"]
    )
    created = [row["CreatedOn"] for row in rows]
    assert len(created) - len(set(created)) >= 9
    assert max(row["ModifiedOn"] for row in rows) <= "2026-11-20 00:00:00.000"
