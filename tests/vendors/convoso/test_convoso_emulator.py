"""Convoso's emulator keeps to Convoso's documents: envelopes, refusals, filters, pages, order, writes."""

from __future__ import annotations

import io
import wave
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from lead_mcp.sandbox.world import World
from lead_mcp.vendors.convoso.emulator.app import READ_TOKEN, TOKEN, build, busy, environment

NOW = datetime(2026, 3, 1, 20, 0, 0, 250_000, tzinfo=UTC)  # 12:00 in Los Angeles
SEEDED = World(leads=600, until=datetime(2026, 3, 1, tzinfo=UTC))
WINDOW = ("2026-01-10 00:00:00", "2026-02-01 12:30:00")
Reply = dict[str, Any]

pytestmark = pytest.mark.anyio


class Caller:
    """One client of one emulator: posts forms with the token in them."""

    def __init__(self, *, world: World = SEEDED, token: str | None = TOKEN, **options: Any) -> None:
        self.app = build(world, clock=lambda: NOW, **options)
        self.secret = {} if token is None else {"auth_token": token}
        self.http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=self.app), base_url="http://sandbox")

    async def post(self, path: str, **given: str | int) -> Reply:
        reply = await self.http.post(f"/v1/{path}", data={**self.secret, **{k: str(v) for k, v in given.items()}})
        assert reply.status_code == 200, reply.text
        body: Reply = reply.json()
        return body

    async def code(self, path: str, **given: str | int) -> int:
        body = await self.post(path, **given)
        assert set(body) == {"success", "code", "text"}
        assert body["success"] is False
        assert isinstance(body["text"], str)
        return int(body["code"])

    async def rows(self, **filters: str | int) -> list[Reply]:
        """Every page of a search."""
        rows: list[Reply] = []
        while True:
            page = (await self.post("leads/search", **{"limit": 170, **filters, "offset": len(rows)}))["data"]
            rows += page["entries"]
            if not page["entries"] or len(rows) >= int(page["total"]):
                return rows

    async def one(self, lead_id: str) -> Reply:
        (row,) = await self.rows(lead_id=lead_id)
        return row


def ids(rows: list[Reply]) -> set[str]:
    return {row["id"] for row in rows}


NEW_LEAD: dict[str, str | int] = {"list_id": "2101", "phone_number": "2135550199", "first_name": "Zoë"}


@pytest.mark.parametrize(
    ("auth", "status", "missing", "wrong"),
    [
        ("code", 200, {"code": 5001, "text": "Auth token is invalid"}, {"code": 5001, "text": "Auth token is invalid"}),
        ("error", 200, {"error": "Missing authentication token"}, {"error": "Invalid authentication token"}),
        ("forbidden", 200, {"code": 403, "text": "Forbidden"}, {"code": 403, "text": "Forbidden"}),
        ("status", 401, {"code": 401, "text": "Unauthorized"}, {"code": 401, "text": "Unauthorized"}),
    ],
)
async def test_credentials_are_refused_in_the_form_asked_for(
    auth: str, status: int, missing: Reply, wrong: Reply
) -> None:
    http = Caller(auth=auth).http
    for given, expected in (({}, missing), ({"auth_token": "no"}, wrong)):
        reply = await http.post("/v1/leads/search", data=given)
        assert (reply.status_code, reply.json()) == (status, {"success": False, **expected})
    bearer = await http.post("/v1/leads/search", headers={"Authorization": f"Bearer {TOKEN}"})
    assert bearer.json()["success"] is False


async def test_a_read_only_token_reads_and_may_not_write() -> None:
    caller = Caller(token=READ_TOKEN)
    assert (await caller.post("leads/search"))["success"] is True
    assert await caller.code("leads/delete", lead_id="4000001") == 403
    assert (await caller.post("leads/search", lead_id="4000001"))["data"]["total"] == "1"


async def test_only_forms_and_queries_on_plural_paths_are_understood() -> None:
    http = Caller().http
    assert (await http.get("/v1/leads/search", params={"auth_token": TOKEN})).json()["success"] is True
    as_json = await http.post("/v1/leads/search", params={"auth_token": TOKEN}, json={"limit": 5})
    assert (as_json.status_code, as_json.json()["success"]) == (415, False)
    for reply in (await http.get("/v1/lead/get-recordings"), await http.put("/v1/leads/search")):
        assert reply.status_code in {404, 405}
        assert reply.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"limit": 0}, 7230),
        ({"limit": "ten"}, 7230),
        ({"limit": 2001}, 7258),
        ({"offset": -1}, 7231),
        ({"offset": "x"}, 7231),
        ({"offset": 50_001}, 7231),
        ({"list_id": "1"}, 6000),
        ({"created_at_start_date": "03/01/2026"}, 400),
        ({"created_at_start_date": "2026-02-30"}, 400),
        ({"created_at_start_date": "2026-02-01T00:00:00Z"}, 400),
        ({"page": 2}, 400),
        ({"First_name": "Ana"}, 400),
    ],
)
async def test_a_search_it_cannot_read_is_refused(given: dict[str, str | int], code: int) -> None:
    assert await Caller().code("leads/search", **given) == code


async def test_pages_hold_every_lead_once_in_no_order_but_always_the_same() -> None:
    caller = Caller()
    rows = await caller.rows()
    assert len(rows) == len(ids(rows)) == 600
    assert [row["created_at"] for row in rows] != sorted(row["created_at"] for row in rows)
    assert rows == await caller.rows(limit=37)
    assert len((await caller.post("leads/search"))["data"]["entries"]) == 10
    assert (await caller.post("leads/search", offset=600))["data"]["entries"] == []


async def test_the_same_seed_gives_the_same_data() -> None:
    again = World(leads=600, until=SEEDED.until)
    assert await Caller().rows() == await Caller(world=again).rows()


@pytest.mark.parametrize(
    "filters",
    [
        {"status": "SALE"},
        {"list_id": "2101"},
        {"first_name": "Ana"},
        {"city": "Cañon City"},
        {"owner_id": "1003"},
        {"email": "null"},
        {"gender": "F", "state": "CA"},
    ],
)
async def test_filters_agree_with_reading_everything(filters: dict[str, str]) -> None:
    caller = Caller()
    wanted = [r for r in await caller.rows() if all(r[name] == text for name, text in filters.items())]
    assert wanted == await caller.rows(**filters)
    assert wanted


async def test_several_ids_go_in_one_filter_and_empty_filters_are_none() -> None:
    caller = Caller()
    both = await caller.rows(list_id="2101,2104", first_name="")
    assert both == [row for row in await caller.rows() if row["list_id"] in {"2101", "2104"}]
    assert ids(await caller.rows(lead_id="4000001,4000007,999")) == {"4000001", "4000007"}


@pytest.mark.parametrize(
    ("start", "end", "key"),
    [
        ("created_at_start_date", "created_at_end_date", "created_at"),
        ("updated_at_start_date", "updated_at_end_date", "modified_at"),
        ("last_call_start_date", "last_call_end_date", "last_called"),
    ],
)
async def test_date_ranges_include_both_ends_and_read_three_forms(start: str, end: str, key: str) -> None:
    caller = Caller()
    everybody = await caller.rows()
    found = await caller.rows(**{start: WINDOW[0][:10], end: WINDOW[1].replace(" ", "T")})
    assert ids(found) == {r["id"] for r in everybody if r[key] and WINDOW[0] <= r[key] <= WINDOW[1]}
    (edge, *_) = found
    assert edge["id"] in ids(await caller.rows(**{start: edge[key], end: edge[key]}))
    whole_day = await caller.rows(**{start: edge[key][:10], end: edge[key][:10]})
    assert ids(whole_day) == {r["id"] for r in everybody if (r[key] or "").startswith(edge[key][:10])}


async def test_rows_ascend_by_update_only_with_an_update_filter() -> None:
    rows = await Caller().rows(updated_at_start_date="2026-01-20")
    times = [row["modified_at"] for row in rows]
    assert len(times) > 50
    assert times == sorted(times)


async def test_times_are_told_and_read_in_the_account_zone() -> None:
    pacific, eastern = Caller(), Caller(zone="America/New_York")
    here, there = (await pacific.one("4000100"))["created_at"], (await eastern.one("4000100"))["created_at"]
    assert datetime.fromisoformat(there) - datetime.fromisoformat(here) == timedelta(hours=3)
    assert "4000100" in ids(await eastern.rows(created_at_start_date=there, created_at_end_date=there))
    assert (await Caller(dates="offset").one("4000100"))["created_at"] == here.replace(" ", "T") + "-0800"


async def test_a_phone_is_found_in_any_spelling() -> None:
    caller = Caller(world=World(leads=2000, until=SEEDED.until))
    odd = [row for row in await caller.rows(limit=2000) if len(row["phone_number"]) != 10]
    assert {len(row["phone_number"]) for row in odd} == {11, 14}
    for row in odd[:5]:
        digits = "".join(c for c in row["phone_number"] if c.isdigit())[-10:]
        assert row["id"] in ids(await caller.rows(phone_number=digits))


async def test_rows_hold_every_kind_of_nothing_and_the_accounts_own_fields() -> None:
    rows = await Caller().rows()
    emails = [row["email"] for row in rows]
    assert {"", "null"} <= set(emails)
    assert {None, "", "null"} <= {row["address2"] for row in rows}
    assert any("@" in email for email in emails if email)
    assert {"plan_sold" in row for row in rows} == {True, False}
    assert "null" in {row.get("plan_sold") for row in rows}
    unfiltered = await Caller().rows(plan_sold="Gold")
    assert len(unfiltered) == 600  # accepted, and not searchable


async def test_ids_and_totals_come_as_text_or_numbers() -> None:
    text = (await Caller().post("leads/search", lead_id="4000001"))["data"]
    number = (await Caller(ids="number").post("leads/search", lead_id="4000001"))["data"]
    assert (text["total"], text["entries"][0]["id"], text["entries"][0]["list_id"]) == (
        "1",
        "4000001",
        str(number["entries"][0]["list_id"]),
    )
    assert (number["total"], number["entries"][0]["id"]) == (1, 4000001)


async def test_the_seed_dialect_has_its_own_envelopes() -> None:
    caller = Caller(dialect="seed")
    page = await caller.post("leads/search", limit=3)
    assert set(page) == {"results", "offset", "limit"}
    assert len(page["results"][0]) == 23
    assert await caller.post("leads/search", email="nobody@example.com") == {"success": True, "results": []}
    assert await caller.post("leads/delete", lead_id="1") == {"success": False, "error": "No such Lead"}
    assert await caller.post("leads/update", lead_id="1") == {"success": False, "error": "Lead not found"}
    made = await caller.post("leads/insert", **NEW_LEAD)
    assert made == {"success": True, "data": {"lead_id": "4000601"}, "id": "4000601"}
    assert set(await caller.post("leads/get-recordings", lead_id="4000001")) == {"entries"}


async def test_recordings_of_a_lead_play_without_the_token() -> None:
    caller = Caller()
    called = next(row for row in await caller.rows() if row["called_count"] == "4")
    data = (await caller.post("leads/get-recordings", lead_id=called["id"]))["data"]
    assert data["total"] == len(data["entries"]) > 0
    recording = data["entries"][0]
    audio = await caller.http.get(recording["url"])
    assert audio.headers["content-type"] == "audio/wav"
    with wave.open(io.BytesIO(audio.content)) as sound:
        assert sound.getnframes() == 16_000
    later = await caller.post(
        "leads/get-recordings", lead_id=called["id"], start_time=data["entries"][-1]["start_time"]
    )
    assert later["data"]["entries"] == data["entries"][-1:]
    named = (await Caller(urls="name").post("leads/get-recordings", lead_id=called["id"]))["data"]["entries"][0]
    assert named["url"] == recording["url"].rpartition("/")[2]


async def test_recordings_refuse_a_missing_lead_and_bad_bounds() -> None:
    caller = Caller()
    assert await caller.code("leads/get-recordings") == 6005
    assert await caller.code("leads/get-recordings", lead_id="4000001", limit=101) == 7258
    assert await caller.code("leads/get-recordings", lead_id="4000001", start_time="2026-02-01") == 400


async def test_the_call_log_is_of_today_unless_asked_and_newest_first() -> None:
    caller = Caller()
    assert (await caller.post("log/retrieve"))["data"]["results"] == []
    wide: dict[str, str | int] = {"start_time": "2025-01-01 00:00:00", "include_recordings": 1}
    data = (await caller.post("log/retrieve", **wide))["data"]
    dates = [row["call_date"] for row in data["results"]]
    assert (data["entries"], dates) == (500, sorted(dates, reverse=True))
    total = int(data["total_found"])
    assert total == sum(int(row["called_count"]) for row in await caller.rows())
    ascending = [
        (await caller.post("log/retrieve", **wide, order="asc", offset=n))["data"] for n in range(0, total, 500)
    ]
    assert len({row["id"] for page in ascending for row in page["results"]}) == total
    recording = next(row["recording"][0] for row in data["results"] if row["recording"])
    assert (await caller.http.get(recording["public_url"])).status_code == 200
    assert [
        await caller.code("log/retrieve", **{name: 9}) for name in ("list_id", "campaign_id", "user_id", "queue_id")
    ] == [
        6002,
        6004,
        6006,
        6030,
    ]


async def test_closed_sets_can_be_looked_up() -> None:
    caller = Caller()
    assert await caller.code("lists/search") == 6023
    lists = [row for on in (0, 1) for row in (await caller.post("lists/search", status=on))["data"]]
    assert {str(row["id"]) for row in lists} == {row["list_id"] for row in await caller.rows()}
    campaigns = (await caller.post("campaigns/search"))["data"]
    assert {row["status"] for row in campaigns} == {"Y", "N"}
    assert [row["status"] for row in (await caller.post("status/search", query="call back"))["data"]] == ["CALLBK"]
    assert await caller.code("status/search") == 6023
    users = (await caller.post("users/search", user="inés,whitfield"))["data"]["results"]
    assert set(users) == {"1001", "1003"}
    assert isinstance((await Caller(dialect="seed").post("users/search"))["data"], list)


async def test_callbacks_are_of_the_leads_waiting_for_one() -> None:
    caller = Caller()
    data = (await caller.post("callbacks/search", limit=5000))["data"]
    assert data["total"] == str(len(data["results"]))
    assert {row["lead_id"] for row in data["results"]} == ids(await caller.rows(status="CALLBK"))


async def test_an_inserted_lead_is_found_at_once() -> None:
    caller = Caller()
    reply = await caller.post("leads/insert", **NEW_LEAD, hopper="true", hopper_priority=5, plan_sold="Gold")
    assert reply == {"success": True, "data": {"lead_id": "4000601"}}
    row = await caller.one("4000601")
    assert (row["first_name"], row["status"], row["phone_code"], row["plan_sold"]) == ("Zoë", "NEW", "1", "Gold")
    assert row["created_at"] == row["modified_at"] == "2026-03-01 12:00:00"
    assert "4000601" in ids(await caller.rows(phone_number="2135550199", created_at_start_date="2026-03-01"))
    assert len(ids(await caller.rows())) == 601
    assert caller.app.state.store.hopper == {4000601: (5, None)}


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"list_id": "", "phone_number": ""}, 6023),
        ({"list_id": ""}, 6007),
        ({"phone_number": ""}, 6007),
        ({"list_id": "99"}, 6002),
        ({"owner_id": "7"}, 6006),
        ({"phone_number": "+12135550199"}, 6008),
        ({"phone_number": "555"}, 6008),
        ({"email": "nobody"}, 6079),
        ({"status": "ACTIVE"}, 400),
        ({"hopper_expires_in": 301}, 400),
        ({"check_dup": 5}, 400),
        ({"favourite_colour": "red"}, 400),
    ],
)
async def test_a_bad_insert_is_refused_and_changes_nothing(given: dict[str, str | int], code: int) -> None:
    caller = Caller()
    assert await caller.code("leads/insert", **{**NEW_LEAD, **given}) == code
    assert (await caller.post("leads/search"))["data"]["total"] == "600"


@pytest.mark.parametrize(
    ("dialect", "refused"),
    [
        # which check_dup values see a lead of the same list, campaign (list 2102) and account (list 2103)
        ("help", {"2101": {"1", "2", "3", "4"}, "2102": {"1", "3", "4"}, "2103": {"1", "4"}}),
        ("seed", {"2101": {"1", "2", "3", "4"}, "2102": {"2", "3", "4"}, "2103": {"2", "3", "4"}}),
    ],
)
async def test_duplicates_are_looked_for_where_check_dup_says(dialect: str, refused: dict[str, set[str]]) -> None:
    for list_id, expected in refused.items():
        assert {n for n in "01234" if await refuses(dialect, list_id, n)} == expected


async def refuses(dialect: str, list_id: str, check: str) -> bool:
    """Whether a second lead with the number of one in list 2101 is refused."""
    caller = Caller(dialect=dialect)
    await caller.post("leads/insert", **NEW_LEAD)
    again = await caller.post("leads/insert", **{**NEW_LEAD, "list_id": list_id}, check_dup=check)
    assert again["success"] or again.get("code") == 6009 or again["error"] == "The phone number already exists"
    return not again["success"]


async def test_update_if_found_changes_the_lead_it_finds() -> None:
    caller = Caller()
    first = (await caller.post("leads/insert", **NEW_LEAD))["data"]["lead_id"]
    changed = await caller.post(
        "leads/insert", **{**NEW_LEAD, "notes": "again"}, update_if_found=1, search_list_id=2101
    )
    assert changed["data"]["lead_id"] == first
    assert (await caller.one(first))["notes"] == "again"
    elsewhere = await caller.post("leads/insert", **NEW_LEAD, update_if_found=1, search_list_id=2107)
    assert elsewhere["data"]["lead_id"] == "4000602"


async def test_an_update_changes_moves_and_clears() -> None:
    caller = Caller()
    before = await caller.one("4000010")
    given: dict[str, str | int] = {
        "status": "SALE",
        "list_id": "2107",
        "notes": "",
        "field_1": "9",
        "phone_number": "2135550111",
    }
    assert (await caller.post("leads/update", lead_id="4000010", **given))["data"] == {"lead_id": "4000010"}
    after = await caller.one("4000010")
    assert {name: after[name] for name in given} == given
    assert (after["campaign_name"], after["modified_at"]) == ("brand", "2026-03-01 12:00:00")
    assert after["created_at"] == before["created_at"]
    assert "4000010" in ids(await caller.rows(phone_number="2135550111"))
    bad: tuple[dict[str, str | int], ...] = (
        {"lead_id": 9},
        {"list_id": 9},
        {"owner_id": 9},
        {"phone_number": 9},
        {"email": "x"},
    )
    codes = [await caller.code("leads/update", **{"lead_id": "4000010", **one}) for one in bad]
    assert codes == [6001, 6002, 6006, 6008, 6079]


async def test_a_deleted_lead_is_seen_by_deletion_filters_alone() -> None:
    caller = Caller()
    assert await caller.post("leads/delete", lead_id="4000010") == {"success": True}
    assert await caller.code("leads/delete", lead_id="4000010") == 6001
    assert await caller.code("leads/update", lead_id="4000010") == 6001
    assert "4000010" not in ids(await caller.rows())
    assert ids(await caller.rows(deleted_at_start="2026-03-01")) == {"4000010"}
    assert (await caller.post("leads/insert", **NEW_LEAD))["data"]["lead_id"] == "4000601"


def test_the_environment_points_at_the_mounted_emulator() -> None:
    variables = environment("http://127.0.0.1:8700/convoso")
    assert variables["CONVOSO_BASE_URL"] == "http://127.0.0.1:8700/convoso/v1"
    assert variables["CONVOSO_AUTH_TOKEN"] == TOKEN
    assert busy().status_code == 429


async def test_recordings_are_addressed_where_the_emulator_is_mounted() -> None:
    mounted = Starlette(routes=[Mount("/convoso", app=Caller().app)])
    http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=mounted), base_url="http://sandbox/convoso")
    given = {"auth_token": TOKEN, "start_time": "2025-01-01 00:00:00", "include_recordings": "1"}
    results = (await http.post("/v1/log/retrieve", data=given)).json()["data"]["results"]
    address = next(row["recording"][0]["public_url"] for row in results if row["recording"])
    assert address.startswith("http://sandbox/convoso/recordings/")
    assert (await http.get(address)).status_code == 200


async def test_archived_leads_count_as_duplicates_only_when_asked() -> None:
    caller = Caller()
    archived = (await caller.rows(archived_at_start="2025-01-01"))[0]
    phone = "".join(c for c in archived["phone_number"] if c.isdigit())[-10:]
    assert len(await caller.rows(phone_number=phone)) == 1
    again: dict[str, str | int] = {"list_id": "2107", "phone_number": phone, "check_dup": 1}
    assert await caller.code("leads/insert", **again, check_dup_archive=1) == 6009
    assert (await caller.post("leads/insert", **again))["success"] is True
