"""Octanist's emulator keeps to Octanist's documents: refusals, filters, pages, order, writes."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from lead_mcp.sandbox.world import World
from lead_mcp.vendors.octanist.emulator.app import API_KEY, SESSION, build, busy, environment

NOW = datetime(2026, 11, 20, 12, 0, 0, 250_000, tzinfo=UTC)
SEEDED = World(leads=400, until=datetime(2026, 11, 20, tzinfo=UTC))
COMPARE = {"gte": operator.ge, "gt": operator.gt, "lte": operator.le, "lt": operator.lt}
Params = dict[str, str]

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def client(world: World = SEEDED, *, key: str = API_KEY, **options: Any) -> httpx2.AsyncClient:
    app = build(world, clock=lambda: NOW, **options)
    headers = {"X-API-KEY": key} if key else {}
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://sandbox/api", headers=headers)


async def everything(octanist: httpx2.AsyncClient, params: Params | None = None) -> list[dict[str, Any]]:
    """Every page of a list request."""
    rows: list[dict[str, Any]] = []
    page, more = 1, True
    while more:
        reply = await octanist.get("/leads", params={"limit": "100", **(params or {}), "page": str(page)})
        assert reply.status_code == 200, reply.text
        rows += reply.json()["data"]
        page, more = page + 1, reply.json()["meta"]["pagination"]["hasMore"]
    return rows


async def refusal(octanist: httpx2.AsyncClient, method: str, path: str, **sent: Any) -> tuple[int, str]:
    """HTTP status and code of an error envelope."""
    reply = await octanist.request(method, path, **sent)
    body = reply.json()
    assert body["success"] is False
    assert set(body) == {"success", "error", "meta"}
    assert set(body["error"]) == {"code", "message", "details"}
    return reply.status_code, body["error"]["code"]


def ids(rows: list[dict[str, Any]]) -> list[str]:
    return [row["id"] for row in rows]


async def shared_email(octanist: httpx2.AsyncClient) -> str:
    """An e-mail address that two leads have."""
    emails: list[str] = [row["email"] for row in await everything(octanist) if row["email"]]
    return next(email for email in emails if emails.count(email) > 1)


@pytest.mark.parametrize("key", ["", "wrong"])
@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/leads"), ("GET", "/leads/x"), ("POST", "/check"), ("POST", "/stats")]
)
async def test_a_missing_or_wrong_key_is_unauthorized(key: str, method: str, path: str) -> None:
    async with client(key=key) as octanist:
        assert await refusal(octanist, method, path) == (401, "UNAUTHORIZED")


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"colour": "red"}, "INVALID_FILTER"),
        ({"email": "a@example.com"}, "INVALID_FILTER"),
        ({"createdAt": "2026-11-01T00:00:00Z"}, "INVALID_FILTER"),
        ({"status[gte]": "won"}, "INVALID_FILTER"),
        ({"status": "Won"}, "INVALID_FILTER"),
        ({"status": "won,"}, "INVALID_FILTER"),
        ({"source": "api,gtm"}, "INVALID_FILTER"),
        ({"gclid": "abc"}, "INVALID_FILTER"),
        ({"gclid[exists]": "1"}, "INVALID_FILTER"),
        ({"value[gte]": "much"}, "INVALID_FILTER"),
        ({"value[ne]": "1"}, "INVALID_FILTER"),
        ({"value[exists]": "true"}, "INVALID_FILTER"),
        ({"createdAt[gte]": "2026-11-01"}, "INVALID_DATE"),
        ({"createdAt[gte]": "2026-11-01T00:00:00"}, "INVALID_DATE"),
        ({"createdAt[gte]": "2026-13-01T00:00:00Z"}, "INVALID_DATE"),
        ({"updated_after": "yesterday"}, "INVALID_DATE"),
        ({"limit": "0"}, "VALIDATION_ERROR"),
        ({"limit": "101"}, "VALIDATION_ERROR"),
        ({"limit": "ten"}, "VALIDATION_ERROR"),
        ({"page": "0"}, "VALIDATION_ERROR"),
        ({"sort": "phone:asc"}, "VALIDATION_ERROR"),
        ({"sort": "createdAt"}, "VALIDATION_ERROR"),
        ({"fields": "id,colour"}, "VALIDATION_ERROR"),
        ({"search": ""}, "VALIDATION_ERROR"),
    ],
)
async def test_bad_parameters_are_refused_with_their_code(params: Params, code: str) -> None:
    async with client() as octanist:
        assert await refusal(octanist, "GET", "/leads", params=params) == (400, code)


async def test_a_parameter_given_twice_is_refused() -> None:
    async with client() as octanist:
        assert await refusal(octanist, "GET", "/leads?limit=5&limit=6") == (400, "VALIDATION_ERROR")


async def test_a_list_comes_in_an_envelope_with_its_count_fifty_at_a_time_newest_first() -> None:
    async with client() as octanist:
        body = (await octanist.get("/leads")).json()
    assert body["success"] is True
    assert body["meta"]["pagination"] == {"limit": 50, "page": 1, "totalPages": 8, "total": 400, "hasMore": True}
    assert body["meta"]["requestId"].startswith("req_")
    assert body["meta"]["timestamp"] == "2026-11-20T12:00:00.250Z"
    created = [row["createdAt"] for row in body["data"]]
    assert created == sorted(created, reverse=True)


async def test_pages_have_no_gaps_and_one_past_the_end_is_empty() -> None:
    async with client() as octanist:
        rows = await everything(octanist, {"limit": "37", "sort": "status:asc"})
        beyond = (await octanist.get("/leads", params={"page": "9"})).json()
    assert len(set(ids(rows))) == len(rows) == 400
    assert beyond["data"] == []
    assert beyond["meta"]["pagination"]["hasMore"] is False


def compares(name: str, op: str, bound: Any) -> Callable[[dict[str, Any]], bool]:
    return lambda row: row[name] is not None and COMPARE[op](row[name], bound)


MIDDLE = "2026-10-15T06:30:00.000Z"


@pytest.mark.parametrize(
    ("params", "passes"),
    [
        ({"status": "won"}, lambda row: row["status"] == "won"),
        ({"status": "won,lost"}, lambda row: row["status"] in ("won", "lost")),
        ({"source": "gtm"}, lambda row: row["source"] == "gtm"),
        ({"labelId": "label_a40b"}, lambda row: row["labelId"] == "label_a40b"),
        ({"website": "https://solar.example.com"}, lambda row: row["website"] == "https://solar.example.com"),
        ({"utm_campaign": "brand"}, lambda row: row["utm_campaign"] == "brand"),
        *(({f"value[{op}]": "450.5"}, compares("value", op, 450.5)) for op in COMPARE),
        *(({f"createdAt[{op}]": MIDDLE}, compares("createdAt", op, MIDDLE)) for op in COMPARE),
        ({"createdAt[lt]": "2026-10-15T08:30:00+02:00"}, compares("createdAt", "lt", MIDDLE)),
        ({"qualifiedAt[lte]": MIDDLE}, compares("qualifiedAt", "lte", MIDDLE)),
        ({"qualifiedAt[exists]": "false"}, lambda row: row["qualifiedAt"] is None),
        ({"updated_after": MIDDLE}, compares("updatedAt", "gte", MIDDLE)),
        *(
            ({f"{click}[exists]": "true"}, lambda row, c=click: row[c] is not None)
            for click in ("gclid", "fbc", "epik")
        ),
        ({"search": "ZOË"}, lambda row: "zoë" in (row["name"] or "").lower()),
        ({"status": "open", "value[gt]": "100"}, lambda row: row["status"] == "open" and (row["value"] or 0) > 100),
    ],
)
async def test_filters_find_exactly_the_leads_that_pass(params: Params, passes: Callable[[Any], bool]) -> None:
    async with client() as octanist:
        everyone = await everything(octanist)
        found = await everything(octanist, params)
    assert ids(found) == [row["id"] for row in everyone if passes(row)]
    assert 0 < len(found) < 400


async def test_a_time_bound_falls_between_milliseconds() -> None:
    async with client() as octanist:
        newest = (await octanist.get("/leads", params={"limit": "1"})).json()["data"][0]
        at, after = [await everything(octanist, {f"createdAt[{op}]": newest["createdAt"]}) for op in ("gte", "gt")]
    assert newest["id"] in ids(at)
    assert newest["id"] not in ids(after)


@pytest.mark.parametrize("nulls", ["first", "last"])
async def test_nulls_sort_to_the_end_asked_for_whichever_the_direction(nulls: Any) -> None:
    async with client(nulls=nulls) as octanist:
        for direction in ("asc", "desc"):
            values = [row["value"] for row in await everything(octanist, {"sort": f"value:{direction}"})]
            present = [value for value in values if value is not None]
            assert present == sorted(present, reverse=direction == "desc")
            assert (values[0] is None) == (nulls == "first")
            assert (values[-1] is None) == (nulls == "last")


async def test_sorts_combine_and_the_legacy_name_still_works() -> None:
    async with client() as octanist:
        rows = await everything(octanist, {"sort": "status:asc,createdAt:desc"})
        expected = sorted(sorted(rows, key=lambda row: row["createdAt"], reverse=True), key=lambda row: row["status"])
        old, new = [await everything(octanist, {"sort": f"{name}:desc"}) for name in ("updated_at", "updatedAt")]
    assert [(row["status"], row["createdAt"]) for row in rows] == [(r["status"], r["createdAt"]) for r in expected]
    assert ids(old) == ids(new)


async def test_chosen_fields_come_back_alone_with_the_id() -> None:
    async with client() as octanist:
        rows = (await octanist.get("/leads", params={"fields": "email,value", "limit": "5"})).json()["data"]
    assert all(set(row) == {"id", "email", "value"} for row in rows)


async def test_one_lead_is_the_whole_object_and_an_unknown_one_is_not_found() -> None:
    async with client() as octanist:
        listed = (await octanist.get("/leads", params={"limit": "1"})).json()["data"][0]
        assert (await octanist.get(f"/leads/{listed['id']}")).json()["data"] == listed
        assert await refusal(octanist, "GET", "/leads/lead_none") == (404, "NOT_FOUND")
        assert await refusal(octanist, "GET", f"/leads/{listed['id']}?fields=id") == (400, "INVALID_FILTER")


async def test_there_is_no_delete() -> None:
    async with client() as octanist:
        assert (await octanist.delete("/leads/lead_005f0000")).status_code == 405
        assert await refusal(octanist, "POST", "/labels") == (404, "NOT_FOUND")


async def test_the_same_seed_gives_the_same_leads_and_every_kind_of_value() -> None:
    async with client() as one, client(World(leads=400, until=SEEDED.until)) as other:
        rows = await everything(one)
        assert rows == await everything(other)
    people = {touch.person.email for touch in SEEDED.touches("octanist", 3)}
    assert {row["email"] for row in rows} == people
    assert {row["status"] for row in rows} == {"open", "qualified", "won", "lost"}
    assert len({row["createdAt"] for row in rows}) < len(rows)
    assert {row["lossReason"] for row in rows if row["status"] != "lost"} == {None}
    assert any(json.loads(row["custom"]) for row in rows if (row["custom"] or "").startswith("{"))
    assert {len([c for c in row["phone"] if c.isdigit()]) for row in rows} == {10, 11, 13}
    for name in ("gclid", "fbc", "expiresAt", "qualifiedAt", "labelId", "name", "email", "note", "value"):
        assert {row[name] is None for row in rows} == {True, False}, name


@pytest.mark.parametrize("status", [200, 201])
async def test_a_created_lead_shows_in_later_reads(status: Any) -> None:
    sent = {
        "name": "Ngọc Park",
        "email": "new@example.com",
        "custom": {"a": [1, "é"]},
        "gclid": "g1",
        "ad_storage": True,
    }
    async with client(created_status=status) as octanist:
        reply = await octanist.post("/leads", json=sent)
        fresh = reply.json()["data"]
        lead = (await octanist.get("/leads", params={"search": "new@example"})).json()["data"][0]
    assert reply.status_code == status
    assert fresh == {"id": "lead_005f0190", "message": "Lead added"}
    assert lead["id"] == fresh["id"]
    assert lead["createdAt"] == lead["updatedAt"] == "2026-11-20T12:00:00.250Z"
    assert (lead["status"], lead["source"], lead["value"], lead["gclid"]) == ("open", "api", None, "g1")
    assert lead["custom"] == '{"a":[1,"é"]}'
    assert (lead["ad_storage"], lead["ad_user_data"]) == (True, False)


async def test_a_pixel_session_brings_its_own_attribution() -> None:
    async with client() as octanist:
        sent = {"phone": "+12015550100", "gclid": "mine", "utm_campaign": "mine", "sessionId": SESSION}
        fresh = (await octanist.post("/leads", json=sent)).json()["data"]["id"]
        lead = (await octanist.get(f"/leads/{fresh}")).json()["data"]
    assert (lead["gclid"], lead["utm_source"], lead["utm_campaign"]) == ("GC_pixel-session", "google_ads", None)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, (400, "VALIDATION_ERROR")),
        ({"note": "nobody"}, (400, "VALIDATION_ERROR")),
        ({"name": "A", "status": "won"}, (400, "VALIDATION_ERROR")),
        ({"name": "A", "value": 5}, (400, "VALIDATION_ERROR")),
        ({"name": 7}, (400, "VALIDATION_ERROR")),
        ({"name": None}, (400, "VALIDATION_ERROR")),
        ({"name": "A", "ad_storage": "maybe"}, (400, "VALIDATION_ERROR")),
        ({"name": "A", "sessionId": "x"}, (400, "VALIDATION_ERROR")),
        ([{"name": "A"}], (400, "VALIDATION_ERROR")),
        ({"email": "spam@blocked.example.com"}, (403, "FORBIDDEN")),
    ],
)
async def test_bad_leads_are_refused_and_nothing_is_added(body: Any, expected: tuple[int, str]) -> None:
    async with client() as octanist:
        assert await refusal(octanist, "POST", "/leads", json=body) == expected
        assert len(await everything(octanist)) == 400


async def test_bodies_must_be_json() -> None:
    async with client() as octanist:
        for sent in ({"data": {"name": "A"}}, {"content": b"{", "headers": {"Content-Type": "application/json"}}):
            assert await refusal(octanist, "POST", "/leads", **sent) == (400, "VALIDATION_ERROR")


async def test_an_update_changes_the_lead_and_its_time() -> None:
    async with client() as octanist:
        before = (await octanist.get("/leads", params={"status": "open", "limit": "1"})).json()["data"][0]
        sent = {"id": before["id"], "status": "lost", "changedTo": "won", "value": "12.50", "lossReason": "moved"}
        reply = (await octanist.patch("/leads", json=sent)).json()
        after = (await octanist.get(f"/leads/{before['id']}")).json()["data"]
        await octanist.patch("/leads", json={"id": before["id"], "changedTo": "qualified", "lossReason": "ignored"})
        again = (await octanist.get(f"/leads/{before['id']}")).json()["data"]
    assert reply["data"] == {"leadId": before["id"], "leadsUpdated": 1, "message": "Lead updated successfully"}
    now = "2026-11-20T12:00:00.250Z"
    assert after == before | {"status": "lost", "value": 12.5, "lossReason": "moved", "updatedAt": now}
    assert again == after | {"status": "qualified", "lossReason": None, "qualifiedAt": now}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"status": "won"}, (400, "VALIDATION_ERROR")),
        ({"id": "lead_005f0000"}, (400, "VALIDATION_ERROR")),
        ({"id": "lead_005f0000", "status": "open"}, (400, "VALIDATION_ERROR")),
        ({"id": "lead_005f0000", "value": "a lot"}, (400, "VALIDATION_ERROR")),
        ({"id": "lead_005f0000", "value": True}, (400, "VALIDATION_ERROR")),
        ({"id": "lead_005f0000", "value": 10**400}, (400, "VALIDATION_ERROR")),
        ({"id": "lead_005f0000", "name": "New Name"}, (400, "VALIDATION_ERROR")),
        ({"id": "lead_none", "status": "won"}, (404, "NOT_FOUND")),
        ({"email": "nobody@example.com", "status": "won"}, (404, "NOT_FOUND")),
    ],
)
async def test_bad_updates_are_refused_and_change_nothing(body: Any, expected: tuple[int, str]) -> None:
    async with client() as octanist:
        before = await everything(octanist)
        assert await refusal(octanist, "PATCH", "/leads", json=body) == expected
        assert await everything(octanist) == before


async def test_several_matches_conflict_unless_the_organisation_allows_bulk_updates() -> None:
    async with client() as careful, client(bulk_updates=True) as bold:
        sent = {"email": await shared_email(careful), "note": "both"}
        assert await refusal(careful, "PATCH", "/leads", json=sent) == (409, "CONFLICT")
        assert (await bold.patch("/leads", json=sent)).json()["data"]["leadsUpdated"] == 2
        assert [row["note"] for row in await everything(bold, {"search": sent["email"]})] == ["both", "both"]


async def test_the_old_rules_want_a_value_for_a_won_lead() -> None:
    async with client(old_rules=True) as octanist:
        bare = next(row for row in await everything(octanist) if row["value"] is None)
        sent = {"id": bare["id"], "status": "won"}
        assert await refusal(octanist, "PATCH", "/leads", json=sent) == (400, "VALIDATION_ERROR")
        assert (await octanist.patch("/leads", json=sent | {"value": 3, "alsoQualified": True})).status_code == 200


async def test_check_answers_without_data() -> None:
    async with client() as octanist:
        assert (await octanist.post("/check")).json() == {"success": True}
        assert await refusal(octanist, "POST", "/check", json={}) == (400, "VALIDATION_ERROR")


async def test_stats_count_the_period() -> None:
    async with client() as octanist:
        body = {"period": "custom", "startDate": "2026-10-01", "endDate": "2026-10-31"}
        data = (await octanist.post("/stats", json=body)).json()["data"]
        params = {"createdAt[gte]": "2026-10-01T00:00:00Z", "createdAt[lt]": "2026-11-01T00:00:00Z"}
        rows = await everything(octanist, params)
        current, previous = [
            (await octanist.post("/stats", json=sent)).json()["data"] for sent in ({}, {"period": "previous"})
        ]
    count = {status: len([r for r in rows if r["status"] == status]) for status in ("open", "qualified", "won", "lost")}
    assert data["leads"]["byStatus"] == count
    assert data["leads"]["total"] == sum(data["leads"]["bySource"].values()) == len(rows)
    assert data["conversion"]["qualified"] == count["qualified"] + count["won"]
    assert current["usage"]["periodEnd"] == "2026-11-30T23:59:59.999Z"
    assert previous == data


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"period": "custom"}, "VALIDATION_ERROR"),
        ({"period": "year"}, "VALIDATION_ERROR"),
        ({"startDate": "2026-10-01", "endDate": "2026-10-31"}, "VALIDATION_ERROR"),
        ({"period": "custom", "startDate": "2026-10-01", "endDate": "31-10-2026"}, "INVALID_DATE"),
        ({"period": "custom", "startDate": "2026-10-02", "endDate": "2026-10-01"}, "VALIDATION_ERROR"),
    ],
)
async def test_stats_refuse_a_bad_period(body: Any, code: str) -> None:
    async with client() as octanist:
        assert await refusal(octanist, "POST", "/stats", json=body) == (400, code)
        assert await refusal(octanist, "POST", "/stats") == (400, "VALIDATION_ERROR")


async def test_the_legacy_dialect_is_bare() -> None:
    async with client(dialect="legacy") as octanist, client(dialect="legacy", key="wrong") as stranger:
        rows = (await octanist.get("/leads")).json()
        fresh = (await octanist.post("/leads", json={"name": "A"})).json()
        changed = (await octanist.patch("/leads", json={"id": fresh["id"], "changedTo": "won"})).json()
        assert (await stranger.post("/check")).json() == {"error": "Invalid or missing API key"}
    updated = [row["updatedAt"] for row in rows]
    assert len(rows) == 100
    assert updated == sorted(updated, reverse=True)
    assert {len(moment) for moment in updated} == {len("2026-11-20T12:00:00Z")}
    assert rows[0]["currency"] == "USD"
    assert set(fresh) == {"id"}
    assert changed == {"success": True, "leadId": fresh["id"], "status": "won"}


async def test_the_production_dialect_knows_no_newer_click_ids() -> None:
    async with client(dialect="production") as octanist:
        row = (await octanist.get("/leads", params={"limit": "1"})).json()["data"][0]
        assert not {"dclid", "wbraid", "gbraid", "epik"} & set(row)
        assert await refusal(octanist, "GET", "/leads?epik[exists]=true") == (400, "INVALID_FILTER")
        assert await refusal(octanist, "POST", "/leads", json={"name": "A", "epik": "e"}) == (400, "VALIDATION_ERROR")


async def test_hostile_text_is_passed_on_as_it_stands() -> None:
    async with client(World(leads=50, until=SEEDED.until, poisoned=True)) as octanist:
        names = " ".join(row["name"] or "" for row in await everything(octanist))
    assert "Ignore previous instructions" in names
    assert "\x1b[31m" in names


async def test_the_environment_points_at_the_api_and_busy_is_a_429() -> None:
    assert environment("http://127.0.0.1:8700/octanist") == {
        "OCTANIST_API_KEY": API_KEY,
        "OCTANIST_BASE_URL": "http://127.0.0.1:8700/octanist/api",
    }
    assert (busy().status_code, busy().headers["Retry-After"]) == (429, "1")
