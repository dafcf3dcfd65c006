"""The LeadExec emulator keeps to the fact sheet: its refusals, its filter, its pages, its pings, its receiver."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, get_args

import httpx2
import pytest
from starlette.applications import Starlette

from lead_mcp.sandbox.world import World
from lead_mcp.vendors.leadexec.emulator.app import API_KEY, CLIENT_ID, CLIENT_SECRET, build, busy, environment
from lead_mcp.vendors.leadexec.emulator.projection import Projecting

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
WORLD = World(leads=400, seed="leadexec-test", until=NOW)
MORTGAGE, HOME = 3471, 3508
WIDE = {"StartDate": "2020-01-01T00:00:00Z", "EndDate": "2030-01-01T00:00:00Z"}
LEADS = f"/data/v1/leads/query/{MORTGAGE}"
CREDENTIALS = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "grant_type": "client_credentials"}
PERSON = {"FirstName": "Zoë", "LastName": "Ruiz", "EmailAddress": "zoe@example.com", "Phone": "(213) 555-0177"}
SOURCE = {"vid": 501, "lid": MORTGAGE, "aid": 7001, "sendDelay": 0}

Json = dict[str, Any]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Desk:
    """A client with a token, the emulator and its clock."""

    http: httpx2.AsyncClient
    app: Starlette
    clock: Clock

    async def post(self, path: str, body: Json, **headers: str) -> httpx2.Response:
        return await self.http.post(path, json=body, headers=headers)

    async def query(self, path: str = LEADS, **body: Any) -> Json:
        reply = await self.post(path, WIDE | body)
        assert reply.status_code == 200, reply.text
        found: Json = reply.json()
        return found

    async def every(self, path: str = LEADS, key: str = "Leads", take: int = 1000, **body: Any) -> list[Json]:
        rows: list[Json] = []
        while page := (await self.query(path, Skip=len(rows), Take=take, **body))[key]:
            rows += page
        return rows

    async def insert(self, source: Json = SOURCE, **fields: Any) -> Json:
        body = {"source": source, "leads": [{"fields": PERSON | fields}]}
        reply = await self.post("/leads/v2/insert/general", body, **{"api-key": API_KEY})
        assert reply.status_code == 200, reply.text
        answer: Json = reply.json()
        return answer


@asynccontextmanager
async def a_desk(world: World = WORLD, **options: Any) -> AsyncIterator[Desk]:
    clock = Clock()
    app = build(world, clock=clock, **options)
    headers = {"Authorization": f"Bearer {app.state.store.issue()}"}
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://sandbox", headers=headers) as http:
        yield Desk(http, app, clock)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with a_desk() as found:
        yield found


def when(text: str) -> datetime:
    return datetime.fromisoformat(text)


# --- credentials -----------------------------------------------------------------------------------------------------


async def test_credentials_buy_a_token_that_opens_the_data_until_it_expires(desk: Desk) -> None:
    reply = (await desk.post("/account/v1/authorization/token", CREDENTIALS)).json()
    assert (reply["token_type"], reply["expires_in"], reply["error"]) == ("Bearer", 3600, None)
    bearer = {"Authorization": f"Bearer {reply['access_token']}"}
    assert (await desk.post(LEADS, WIDE, **bearer)).status_code == 200
    desk.clock.now += timedelta(seconds=3600)
    assert (await desk.post(LEADS, WIDE, **bearer)).status_code == 401


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
)
async def test_a_refused_token_request_fills_error(change: Json, status: int, error: str) -> None:
    for refusals, expected in (("status", status), ("body", 200)):
        async with a_desk(refusals=refusals) as desk:
            reply = await desk.post("/account/v1/authorization/token", CREDENTIALS | change)
            assert (reply.status_code, reply.json()["error"]) == (expected, error)
            assert not reply.json()["access_token"]


@pytest.mark.parametrize(("refusals", "status"), [("status", 401), ("body", 200)])
async def test_a_revoked_token_is_refused_everywhere_and_opens_no_leads(refusals: str, status: int) -> None:
    async with a_desk(refusals=refusals) as desk:
        desk.app.state.store.revoke()
        paths = [LEADS, *(LEADS.replace("leads", f"pings/{way}") for way in ("inbound", "outbound"))]
        replies = [await desk.post(path, WIDE) for path in paths]
        replies.append(await desk.http.get("/account/v1/leadtypes"))
    assert {reply.status_code for reply in replies} == {status}
    assert not any({"Leads", "Pings"} & reply.json().keys() for reply in replies)


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"StartDate": None}, "StartDate"),
        ({"EndDate": "2026-11-20"}, "EndDate must be a date"),
        ({"EndDate": "2026-02-31T00:00:00Z"}, "EndDate must be a date"),
        ({"StartDate": "2031-01-01T00:00:00Z"}, "after"),
        ({"Take": 1001}, "at most 1000"),
        ({"Take": True}, "whole number"),
        ({"Skip": -1}, "Skip"),
        ({"SortOrder": "ASC"}, "0 or 1"),
        ({"SortFields": ["Shoe"]}, "unknown fields Shoe"),
        ({"SortFields": "DateAdded"}, "array"),
        ({"Fields": ["UID"]}, "unknown fields UID"),
        ({"Limit": 5}, "unknown parameters Limit"),
        ({"Query": []}, "object"),
        ({"Query": {"LoanAmount": {"$gt": 1}}}, "operator $gt is not supported"),
        ({"Query": {"$or": []}}, "operator $or is not supported"),
        ({"Query": {"State": {"$in": ["CA"]}}}, "operator $in is not supported"),
        ({"Query": {"State": {"$gte": "CA"}}}, "State is text"),
        ({"Query": {"Phone": "2135550177"}}, "compared with a number"),
        ({"Query": {"State": None}}, "compared with text"),
        ({"Query": {"LoanAmount": {}}}, "no condition"),
        ({"Query": {"Email": "a@example.com"}}, "not a field"),
        ({"Query": {"Properties.Price": 1}}, "not a field"),
    ],
)
async def test_a_lead_query_outside_the_documents_is_refused_with_a_reason(desk: Desk, body: Json, said: str) -> None:
    reply = await desk.post(LEADS, WIDE | body)
    assert reply.status_code == 400
    assert said in reply.json()["Message"]


async def test_pings_take_no_filter_and_sort_by_word(desk: Desk) -> None:
    path = f"/data/v1/pings/inbound/query/{HOME}"
    bodies: tuple[Json, ...] = (
        {"Query": {}},
        {"Fields": []},
        {"SortFields": []},
        {"SortOrder": 0},
        {"SortOrder": "asc"},
    )
    for body in bodies:
        assert (await desk.post(path, WIDE | body)).status_code == 400
    assert (await desk.post(path, {"StartDate": WIDE["StartDate"]})).status_code == 400


async def test_wrong_method_path_content_type_and_json_are_refused(desk: Desk) -> None:
    assert (await desk.http.get(LEADS)).status_code == 405
    assert (await desk.post("/data/v1/leads/query/1", WIDE)).status_code == 404
    assert (await desk.post("/account/v1/leadtypes/3471/fields", {})).status_code == 404
    assert (await desk.http.post(LEADS, data=WIDE)).status_code == 415
    json_type = {"Content-Type": "application/json"}
    for content in (b"{", b"[]", b'{"Take": NaN}', b'{"Query": {"City": "\\ud800"}}'):
        assert (await desk.http.post(LEADS, content=content, headers=json_type)).status_code == 400


# --- reading leads ---------------------------------------------------------------------------------------------------


async def test_pages_have_no_gap_and_the_counts_tell_page_from_total(desk: Desk) -> None:
    page = await desk.query(Skip=230, Take=40)
    assert page["QueryTotal"] == 240
    assert (page["SentCount"], page["Skip"], page["Take"]) == (10, 230, 40)
    whole, paged = await desk.every(), await desk.every(take=37)
    assert paged == whole
    assert len({lead["UID"] for lead in whole}) == 240
    assert (await desk.query(Take=0))["SentCount"] == 0


@pytest.mark.parametrize(
    ("query", "passes"),
    [
        ({}, lambda lead: True),
        ({"State": "CA"}, lambda lead: lead["Fields"].get("State") == "CA"),
        ({"LoanAmount": {"$gte": 300_000, "$lte": 500_000}}, lambda lead: 3e5 <= lead["Fields"]["LoanAmount"] <= 5e5),
        ({"UID": {"$lte": 31_000_050}}, lambda lead: lead["UID"] <= 31_000_050),
        (
            {"State": "CA", "LoanAmount": {"$gte": 300_000}},
            lambda lead: lead["Fields"]["State"] == "CA" and lead["Fields"]["LoanAmount"] >= 300_000,
        ),
        ({"State": "ca"}, lambda lead: False),
    ],
)
async def test_a_filter_finds_what_brute_force_finds(desk: Desk, query: Json, passes: Callable[[Json], bool]) -> None:
    found = await desk.every(Query=query)
    assert found == [lead for lead in await desk.every() if passes(lead)]


async def test_a_lead_is_found_by_uid_in_its_own_type_and_window_only(desk: Desk) -> None:
    lead = (await desk.query(Take=1))["Leads"][0]
    assert (await desk.query(Query={"UID": lead["UID"]}))["Leads"] == [lead]
    assert (await desk.query(f"/data/v1/leads/query/{HOME}", Query={"UID": lead["UID"]}))["QueryTotal"] == 0
    assert (await desk.query(Query={"UID": lead["UID"]}, EndDate="2021-01-01T00:00:00Z"))["QueryTotal"] == 0


@pytest.mark.parametrize("key", ["DateAdded", "LastUpdated"])
async def test_the_window_holds_both_its_ends_and_reads_offsets(key: str) -> None:
    def date(lead: Json) -> datetime:
        return when(lead["LastUpdated"] if key == "LastUpdated" else lead["Properties"]["DateAdded"])

    async with a_desk(window_on=key) as desk:
        leads = await desk.every()
        since, until = sorted((date(leads[20]), date(leads[120])))
        pacific = (since - timedelta(hours=8)).strftime("%Y-%m-%dT%H:%M:%S.%f-08:00")
        found = await desk.every(StartDate=pacific, EndDate=until.isoformat())
    assert found == [lead for lead in leads if since <= date(lead) <= until]


@pytest.mark.parametrize("descending_is", [0, 1])
async def test_sort_order_means_what_the_dialect_says(descending_is: int) -> None:
    async with a_desk(descending_is=descending_is) as desk:
        down = await desk.every(SortFields=["State", "LoanAmount"], SortOrder=descending_is)
        newest = await desk.every(SortOrder=descending_is)
        default = await desk.every()
        emails = await desk.every(SortFields=["EmailAddress"], SortOrder=1 - descending_is)
    keys = [(lead["Fields"]["State"], lead["Fields"]["LoanAmount"]) for lead in down]
    assert keys == sorted(keys, reverse=True)
    assert default[0]["Properties"]["DateAdded"] < default[-1]["Properties"]["DateAdded"]
    assert newest[0]["Properties"]["DateAdded"] > newest[-1]["Properties"]["DateAdded"]
    present = ["EmailAddress" in lead["Fields"] for lead in emails]
    assert present == sorted(present), "missing values come first, upwards"
    assert not all(present)


async def test_fields_keeps_only_the_named_own_fields(desk: Desk) -> None:
    for lead in (await desk.query(Fields=["City", "Country"]))["Leads"]:
        assert lead["Fields"].keys() <= {"City", "Country"}
        assert len(lead["Properties"]) == 36


@pytest.mark.parametrize("way", get_args(Projecting))
async def test_fields_is_heeded_as_the_dialect_says(way: Projecting) -> None:
    names = ["UID", "Fields", "Properties.DateAdded", "Properties.SearchEngine", "SendInformation.Sends.Client"]
    async with a_desk(projecting=way) as desk:
        whole = await desk.every()
        reply = await desk.post(LEADS, WIDE | {"Fields": names, "Skip": 1, "Take": 200})
        odd = await desk.post(LEADS, WIDE | {"Fields": ["Fields.Shoe"]})
    assert (odd.status_code == 200) is (way == "ignored")
    assert (reply.status_code == 200) is (way not in ("own", "refused"))
    if reply.status_code != 200:
        return
    leads = reply.json()["Leads"]
    keys = [set(lead) for lead in leads]
    assert (leads == whole[1:201]) is (way == "ignored")
    assert any("Properties" in one for one in keys) is (way not in ("without_properties", "fading"))
    if way == "dotted":
        assert set.union(*keys) == {"UID", "Fields", "Properties", "SendInformation"}
        assert {frozenset(lead["Properties"]) for lead in leads} == {frozenset({"DateAdded", "SearchEngine"})}
        assert any(lead.get("SendInformation") == {"Sends": [{"Client": "Delta Homes"}]} for lead in leads)
    if way == "without_empties":
        assert {"SearchEngine" in lead["Properties"] for lead in leads} == {True, False}


async def test_the_two_lead_types_name_the_same_people_differently(desk: Desk) -> None:
    mortgage, home = await desk.every(), await desk.every(f"/data/v1/leads/query/{HOME}")
    people = {touch.number + 31_000_001: touch.person for touch in WORLD.touches("leadexec", 0)}
    for leads, email, phone in ((mortgage, "EmailAddress", "Phone"), (home, "Email", "PhoneNumber")):
        for lead in leads:
            digits = "".join(c for c in str(lead["Fields"][phone]) if c.isdigit())
            assert people[lead["UID"]].phone.endswith(digits[-10:])
            assert (lead["Fields"].get(email) or None) == people[lead["UID"]].email
    assert len(mortgage) + len(home) == len(people)


async def test_records_show_the_documented_variety(desk: Desk) -> None:
    leads = await desk.every() + await desk.every(f"/data/v1/leads/query/{HOME}")
    text = json.dumps(leads, ensure_ascii=False)
    for sentinel in (
        '"N/A"',
        '"Not Assigned"',
        '"Not Returned"',
        '"Bypass QC"',
        "0001-01-01T00:00:00Z",
        '"IsMobile": "True"',
    ):
        assert sentinel in text
    consents = [lead["TCPAInformation"] for lead in leads if "TCPAInformation" in lead]
    sends = [send for lead in leads for send in lead.get("SendInformation", {}).get("Sends", [])]
    assert 0 < len(consents) < len(leads)
    assert {len(consent) for consent in consents} == {28}
    assert {len(send) for send in sends} == {31}
    assert max(len(send["PostData"]) for send in sends) > 5000
    assert {"SendInformation" in lead for lead in leads} == {True, False}
    dates = [lead["Properties"]["DateAdded"] for lead in leads]
    assert any(one == other for one, other in pairwise(sorted(dates)))
    assert not any(date.endswith("0Z") and "." in date for date in dates)


async def test_revenue_is_the_valid_sends_and_the_outbound_pings(desk: Desk) -> None:
    pings = await desk.every(f"/data/v1/pings/outbound/query/{MORTGAGE}", "Pings")
    earned: dict[int, float] = {}
    for ping in pings:
        earned[ping["LeadUID"]] = earned.get(ping["LeadUID"], 0.0) + ping["Revenue"]
    for lead in await desk.every():
        information = lead.get("SendInformation", {"Revenue": 0.0, "Sends": []})
        assert information["Revenue"] == pytest.approx(sum(s["Price"] for s in information["Sends"] if s["Valid"]))
        assert information["Revenue"] == pytest.approx(earned.get(lead["UID"], 0.0))


# --- pings and lead types --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("direction", "time"), [("inbound", "CreatedOn"), ("outbound", "SentOn")])
async def test_pings_page_sort_narrow_and_link_to_leads(desk: Desk, direction: str, time: str) -> None:
    path = f"/data/v1/pings/{direction}/query/{MORTGAGE}"
    up, down = await desk.every(path, "Pings", take=97), await desk.every(path, "Pings", SortOrder="DESC")
    assert up == down[::-1]
    assert [when(ping[time]) for ping in up] == sorted(when(ping[time]) for ping in up)
    assert len({ping["Id"] for ping in up}) == len(up) == (await desk.query(path))["Total"] == 3 * 240
    assert {ping["Accepted"] for ping in up} == {True, False}
    leads = {lead["UID"] for lead in await desk.every()}
    assert {ping["LeadUID"] for ping in up if ping["LeadUID"]} <= leads
    assert not any(ping["LeadUID"] for ping in up if not ping["Accepted"])
    since, until = up[50][time], up[90][time]
    narrowed = await desk.every(path, "Pings", StartDate=since, EndDate=until)
    assert narrowed == [ping for ping in up if when(since) <= when(ping[time]) <= when(until)]


async def test_lead_types_are_listed_in_either_spelling() -> None:
    for spelling, key in (("uid", "LeadTypeUID"), ("id", "Id")):
        async with a_desk(lead_types=spelling) as desk:
            listed = (await desk.http.get("/account/v1/leadtypes")).json()
        assert [kind[key] for kind in listed] == [MORTGAGE, HOME]


# --- the receiver ----------------------------------------------------------------------------------------------------


async def test_an_inserted_lead_is_read_back_and_then_a_duplicate(desk: Desk) -> None:
    answer = await desk.insert(LoanAmount="250000")
    assert (answer["isValidPost"], answer["ResponseType"]) == (True, "No_Error")
    lead = (await desk.query(Query={"UID": answer["LeadIdentifier"]}))["Leads"][0]
    assert lead["Fields"] == PERSON | {"Phone": 2135550177, "LoanAmount": 250_000}
    assert lead["Properties"]["DateAdded"] == lead["LastUpdated"] == "2026-11-20T12:00:00Z"
    assert (lead["Properties"]["LeadSource"], lead["Properties"]["Account"]) == ("google_ads", "solar-spring")
    again = await desk.insert(EmailAddress="ZOE@example.com", Phone="305-555-0133")
    assert (again["isValidPost"], again["ResponseType"], again["LeadIdentifier"]) == (False, "Duplicate_Lead", 0)
    desk.clock.now += timedelta(days=31)
    assert (await desk.insert())["LeadIdentifier"] == answer["LeadIdentifier"] + 1


@pytest.mark.parametrize(
    ("source", "fields", "refusal"),
    [
        ({"vid": None}, {}, "Vendor_ID_Missing"),
        ({"lid": 1}, {}, "LeadType_ID_Missing"),
        ({"vid": 9}, {}, "No_Account_Found"),
        ({"aid": 9}, {}, "No_Account_Found"),
        ({"aid": 7090}, {}, "Account_Disabled"),
        ({"sendDelay": "0"}, {}, "Data_Errors"),
        ({"note": "x"}, {}, "Data_Errors"),
        ({}, {"Shoe": "42"}, "Data_Errors"),
        ({}, {"Phone": "+1 213 555 0177"}, "Data_Errors"),
        ({}, {"EmailAddress": "zoe"}, "Data_Errors"),
        ({}, {"LastName": " "}, "Data_Errors"),
        ({}, {"LoanAmount": "nan"}, "Data_Errors"),
    ],
)
async def test_a_lead_that_does_not_fit_is_refused_on_200(desk: Desk, source: Json, fields: Json, refusal: str) -> None:
    before = (await desk.query())["QueryTotal"]
    answer = await desk.insert(SOURCE | source, **fields)
    assert (answer["isValidPost"], answer["ResponseType"]) == (False, refusal)
    assert (await desk.query())["QueryTotal"] == before


@pytest.mark.parametrize(
    ("reply", "kind", "detail"),
    [
        ("names", "No_Error", "ResponseDetail"),
        ("numbers", 0, "ResponseDetail"),
        ("plural", "No_Error", "ResponseDetails"),
    ],
)
async def test_the_receiver_answers_in_each_family(reply: str, kind: object, detail: str) -> None:
    async with a_desk(reply=reply) as desk:
        answer = await desk.insert()
    assert answer["ResponseType"] == kind
    assert answer[detail]


async def test_the_receiver_wants_the_key_its_dialect_says() -> None:
    body = {"source": SOURCE, "leads": [{"fields": PERSON, "properties": {"noSell": True, "reference": "R1"}}]}
    async with a_desk() as desk:
        assert (await desk.post("/leads/v2/insert/general", body)).status_code == 401
    async with a_desk(insert_auth="bearer", uids="text") as desk:
        uid = (await desk.post("/leads/v2/insert/general", body)).json()["LeadIdentifier"]
        lead = (await desk.query(Query={"UID": uid}))["Leads"][0]
        assert (lead["UID"], lead["Properties"]["RecordID"], "SendInformation" in lead) == (str(uid), "R1", False)


async def test_several_leads_are_answered_one_by_one_and_recent_people_are_duplicates(desk: Desk) -> None:
    recent = str((await desk.every())[-1]["Fields"]["Phone"])[-10:]
    other = PERSON | {"EmailAddress": "other@example.com", "Phone": recent}
    leads = [{"fields": fields} for fields in (PERSON, PERSON, other)]
    reply = await desk.post("/leads/v2/insert/general", {"source": SOURCE, "leads": leads}, **{"api-key": API_KEY})
    assert [answer["ResponseType"] for answer in reply.json()] == ["No_Error", "Duplicate_Lead", "Duplicate_Lead"]


async def test_a_new_lead_may_lag() -> None:
    async with a_desk(lag=timedelta(seconds=10)) as desk:
        uid = (await desk.insert())["LeadIdentifier"]
        assert (await desk.query(Query={"UID": uid}))["QueryTotal"] == 0
        desk.clock.now += timedelta(seconds=10)
        assert (await desk.query(Query={"UID": uid}))["QueryTotal"] == 1


# --- the whole -------------------------------------------------------------------------------------------------------


async def test_the_same_world_holds_the_same_data_hostile_text_included() -> None:
    def world() -> World:
        return World(120, until=NOW, poisoned=True)

    async with a_desk(world()) as one, a_desk(world()) as other:
        assert await one.every() == await other.every()
        assert "Ignore previous instructions" in json.dumps(await one.every())
        path = f"/data/v1/pings/inbound/query/{HOME}"
        assert (await one.query(path))["Pings"] == (await other.query(path))["Pings"]


async def test_the_environment_names_three_paths_of_the_origin() -> None:
    found = environment("http://127.0.0.1:8700/leadexec")
    assert found["LEADEXEC_DATA_URL"] == "http://127.0.0.1:8700/leadexec/data"
    assert found["LEADEXEC_LEAD_TYPE_UIDS"] == f"{MORTGAGE},{HOME}"
    assert busy().status_code == 429
