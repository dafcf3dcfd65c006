"""Pages by token: every way of reading follows them to the end, deep ones too, and none is taken for what it is not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import httpx2
import pytest

from tests.driving import DAWN, Bench, CallFailed, bench, entry, in_order, uris
from tests.sixth.emulator.app import TOKEN

EVER: dict[str, Any] = {"since": DAWN.isoformat()}
LEADS = 450


@pytest.fixture(scope="module")
def driven() -> Iterator[Bench]:
    with bench(LEADS, only=["sixth"], options={"sixth": {"settles": 0.0}}) as found:
        yield found


def asked(driven: Bench, before: int, path: str) -> list[dict[str, str]]:
    """The queries of that path since then."""
    return [
        {key: values[0] for key, values in parse_qs(seen.query).items()}
        for seen in driven.heard("sixth")[before:]
        if seen.path.endswith(path)
    ]


def test_a_deep_listing_follows_the_tokens_one_after_the_other(driven: Bench) -> None:
    before = len(driven.heard("sixth"))
    found = uris(driven.pages(limit=200, sort="name:asc", **EVER))
    records = driven.everything("sixth")
    assert found == [one.uri for one in in_order(records, "name:asc")]
    tokens = [query.get("page_token") for query in asked(driven, before, "/leads")]
    assert tokens[0] is None
    assert len({token for token in tokens if token}) >= 4


def test_a_deep_summary_counts_every_lead(driven: Bench) -> None:
    records = driven.everything("sixth")
    found = driven.call("summarize_leads", group_by=["state"], measures=["count", "sum:value"], **EVER)
    assert found["total"] == LEADS
    counts = {row[0]: row[1] for row in found["groups"]["rows"]}
    assert sum(counts.values()) == LEADS
    assert counts["CA"] == sum(one.get("state") == "CA" for one in records)
    assert entry(found, "sixth")["complete"] is True


def test_a_free_text_search_that_cannot_sort_is_read_to_its_end(driven: Bench) -> None:
    before = len(driven.heard("sixth"))
    found = uris(driven.pages(text="example.com", limit=200, **EVER))
    wanted = [one for one in driven.everything("sixth") if one.get("email") is not None]
    assert found == [one.uri for one in in_order(wanted, "created_at:desc")]
    assert len(asked(driven, before, "/leads/find")) > LEADS / 50


def test_a_list_of_one_person_is_read_whole(driven: Bench) -> None:
    for record in driven.everything("sixth")[:12]:
        call(driven, "PATCH", f"/leads/{record.id}", {"lead": {"person": {"email": "many@example.com"}}})
    before = len(driven.heard("sixth"))
    page = driven.page(filters=[{"field": "email", "op": "eq", "value": "Many@Example.com"}], limit=50, sort="id:asc")
    assert len(page["leads"]["rows"]) == page["total"] == 12
    assert [len(query) for query in asked(driven, before, "/people")] == [2, 3, 3]
    assert entry(page, "sixth")["pushed"] == ["email eq Many@Example.com"]


def test_a_person_is_found_behind_the_first_page(driven: Bench) -> None:
    """Looked up for a story and for duplicates: the thirteenth lead is theirs as well as the first."""
    phone = "+12135550199"
    for nth in range(13):
        call(driven, "POST", "/leads", {"lead": {"person": {"phone": phone}, "note": str(nth)}})
    story = driven.call("trace_lead", phone=phone)
    assert len(story["leads"]["rows"]) == 13
    assert entry(story, "sixth")["complete"] is True
    preview = driven.call("insert_lead", account="sixth", lead={"phone": phone}, dry_run=True)
    assert any("is there already" in warning for warning in preview["warnings"])


def test_recordings_are_read_page_after_page(driven: Bench) -> None:
    called = 0
    for record in driven.everything("sixth")[:40]:
        before = len(driven.heard("sixth"))
        found = driven.call("get_recordings", uri=record.uri, limit=100)
        started = [row[found["recordings"]["columns"].index("started_at")] for row in found["recordings"]["rows"]]
        assert started == sorted(started, reverse=True)
        assert len(asked(driven, before, "/calls")) == max(1, -(-len(started) // 10))
        called = max(called, len(started))
    assert called == 23


def call(driven: Bench, method: str, path: str, body: Any) -> None:
    """A call straight to the vendor."""

    async def send() -> int:
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=driven.box)) as client:
            headers = {"Authorization": f"Bearer {TOKEN}"}
            found = await client.request(method, f"http://127.0.0.1:1/sixth/v3{path}", json=body, headers=headers)
            return found.status_code

    assert driven.portal.call(send) in (200, 202)


# --- what a vendor may get wrong ------------------------------------------------------------------------------------


def answers(driven: Bench, bodies: Iterator[Any]) -> None:
    """Let the list of leads answer with these, one after the other."""
    for body in bodies:
        driven.box.fault("sixth", "status", path="/leads", method="GET", status=200, body=body)


@pytest.fixture
def faulty() -> Iterator[Bench]:
    with bench(5, only=["sixth"]) as found:
        yield found


def rows(*numbers: int) -> list[dict[str, Any]]:
    return [{"id": f"LD-00000{nth}", "created": 1_790_000_000_000 - nth, "status": "new"} for nth in numbers]


@pytest.mark.parametrize("token", [5, "", True, ["x"], {"a": 1}])
def test_what_is_no_token_is_no_end(faulty: Bench, token: Any) -> None:
    answers(faulty, iter([{"data": rows(1), "next_page": token}]))
    with pytest.raises(CallFailed) as failed:
        faulty.page(**EVER)
    assert failed.value.code == "garbled"


def test_a_page_that_names_itself_as_the_next_ends_in_an_error(faulty: Bench) -> None:
    answers(faulty, iter([{"data": rows(1, 2), "next_page": "again"}] * 4))
    page = faulty.page(**EVER)
    said = entry(page, "sixth")
    assert said["error"]["code"] == "garbled"
    assert "names itself" in said["error"]["message"]
    assert said["complete"] is False
    assert said["requests"] == 2


def test_an_empty_page_with_a_successor_is_no_end(faulty: Bench) -> None:
    pages = [
        {"data": rows(1), "next_page": "a"},
        {"data": [], "next_page": "b"},
        {"data": rows(2), "next_page": None},
    ]
    answers(faulty, iter(pages))
    page = faulty.page(**EVER)
    assert [uri.rsplit("/", 1)[1] for uri in uris([page])] == ["LD-000001", "LD-000002"]
    assert entry(page, "sixth")["complete"] is True


def test_pages_that_pass_the_cap_on_replies_are_asked_in_pieces() -> None:
    with bench(90, only=["sixth"], environment={"LEAD_MCP_REPLY_LIMIT": "20000"}) as driven:
        found = uris(driven.pages(limit=200, **EVER))
        whole = json.dumps([one.raw for one in driven.everything("sixth")])
        assert len(whole) > 20_000
        assert found == [one.uri for one in in_order(driven.everything("sixth"), "created_at:desc")]
