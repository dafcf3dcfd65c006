"""Two stateless replicas behind a real nginx, with PostgreSQL and Redis: a client that hops between them notices nothing."""

from __future__ import annotations

import math
import re
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

import httpx2
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import ElicitResult
from redis import Redis

from lead_mcp.identity.tokens import Tokens
from lead_mcp.transport.breaker import FAILURES, HANG
from tests.approvals.browser import Browser
from tests.identity.test_shared_rate import REDIS, redis
from tests.ports import free_port
from tests.process.nginx import NGINX, nginx
from tests.process.processes import Background, Emulators, listening_server
from tests.writing.cluster import Missing, cluster, fresh_database

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(NGINX is None, reason="no nginx here; .ci/run installs it"),
    pytest.mark.skipif(REDIS is None, reason="no redis-server here; .ci/run installs it"),
]
SCOPES = ("leads:read", "leads:write", "pii:read", "sql:query")


@dataclass
class Replicas:
    """Two servers, each with its process, and nginx before them."""

    origin: str
    servers: dict[str, Background]
    token: str
    portal: BlockingPortal
    stack: ExitStack
    clients: dict[str, Client] = field(default_factory=dict)

    def client(self, mode: str = "auto", *, answers: bool = True) -> Client:
        async def yes(context: Any, params: Any) -> ElicitResult:
            return ElicitResult(action="accept", content={"confirm": True})

        name = f"{mode} {answers}"
        if name not in self.clients:
            http = httpx2.AsyncClient(headers={"Authorization": f"Bearer {self.token}"}, trust_env=False, timeout=60)
            self.stack.enter_context(self.portal.wrap_async_context_manager(http))
            target: Any = streamable_http_client(f"{self.origin}/mcp", http_client=http)
            client = Client(target, mode=mode, elicitation_callback=yes if answers else None)
            self.clients[name] = self.stack.enter_context(self.portal.wrap_async_context_manager(client))
        return self.clients[name]

    def call(self, tool: str, *, by: Client | None = None, **arguments: Any) -> dict[str, Any]:
        found = self.portal.call(partial((by or self.client()).call_tool, tool, arguments)).structured_content
        assert found is not None
        return dict(found)

    def numbers(self, server: str, name: str) -> float:
        """A replica's own count, all labels together."""
        headers = {"Authorization": f"Bearer {self.token}"}
        text = httpx2.get(f"{server}/metrics", headers=headers, trust_env=False, timeout=60).text
        return sum(map(float, re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE)))

    def calls(self) -> list[float]:
        return [self.numbers(one, "lead_mcp_tool_calls_total") for one in self.servers]


@contextmanager
def standing(emulators: Emulators, environment: dict[str, str], folder: Path) -> Iterator[Replicas]:
    state = folder / "state"
    token = Tokens(state).new("hopper", SCOPES, None, None)[1]
    (folder / "files").mkdir()
    own = {**emulators.environment, **environment, "LEAD_MCP_STATE_DIR": str(state), "LEAD_MCP_STATE_KEYS": "k" * 32}
    own["LEAD_MCP_EXPORT_DIR"] = str(folder / "files")
    with ExitStack() as stack:
        started = [
            stack.enter_context(listening_server("--stateless", environment=own, folder=folder)) for _ in range(2)
        ]
        servers = {url.removesuffix("/mcp"): process for process, url in started}
        origin = stack.enter_context(nginx(list(servers)))
        portal = stack.enter_context(start_blocking_portal())
        yield Replicas(origin, servers, token, portal, stack)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What replicas share: where their journal and their rates are."""
    try:
        with cluster() as database, redis(tmp_path_factory.mktemp("redis"), free_port()) as rates:
            yield {"database": database, "LEAD_MCP_REDIS_URL": rates}
    except Missing as missing:
        pytest.skip(str(missing))


def environment(shared: dict[str, str], name: str) -> dict[str, str]:
    journal = fresh_database(shared["database"], name)
    return {"LEAD_MCP_JOURNAL_URL": journal, "LEAD_MCP_REDIS_URL": shared["LEAD_MCP_REDIS_URL"]}


@pytest.fixture(scope="module")
def replicas(
    emulators: Emulators, shared: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Replicas]:
    with standing(emulators, environment(shared, "hopping"), tmp_path_factory.mktemp("replicas")) as found:
        yield found


def insertion(number: int) -> dict[str, Any]:
    lead = {"name": "Ann Archer", "email": f"hop{number}@example.com", "phone": f"+1213555{number:04}"}
    return {"account": "octanist", "lead": lead, "idempotency_key": f"hop-{number}"}


def test_pages_go_on_at_whichever_replica(replicas: Replicas) -> None:
    whole = replicas.call("search_leads", account="octanist", limit=60, fields=["id"])["leads"]["rows"]
    before, rows, cursor = replicas.calls(), list[Any](), None
    for _ in range(6):
        more: dict[str, Any] = {"cursor": cursor} if cursor else {}
        page = replicas.call("search_leads", account="octanist", limit=10, fields=["id"], **more)
        rows += page["leads"]["rows"]
        cursor = page["next_cursor"]
    assert [row[0] for row in rows] == [row[0] for row in whole]
    assert all(now > then for then, now in zip(before, replicas.calls(), strict=True)), "both have answered"


def test_a_question_of_one_replica_is_answered_at_another(replicas: Replicas) -> None:
    for number in (1, 2, 3):
        done = replicas.call("insert_lead", **insertion(number))
        assert done["outcome"] == "created", done
        assert done["approved_by"].startswith("a person by ")
        assert replicas.call("insert_lead", **insertion(number))["uri"] == done["uri"]


def test_an_older_clients_write_is_answered_on_the_page_at_any_replica(replicas: Replicas) -> None:
    older = replicas.client("legacy", answers=False)
    refused = replicas.call("insert_lead", by=older, **insertion(11))
    write = refused["journal_id"]
    assert f"/approvals/{write}" in refused["error"]["message"]
    browser = Browser(replicas.origin)
    listed = browser.sign_in(replicas.token)
    assert write in listed.writes()
    looked, pages = browser.get(f"/approvals/{write}"), list[str]()
    clicks = [Thread(target=lambda: pages.append(browser.answer(looked, write, "yes").text)) for _ in range(2)]
    for click in clicks:
        click.start()
    for click in clicks:
        click.join(60)
    assert ["created lead://octanist/" in page for page in pages] == [True, True], pages
    done = replicas.call("insert_lead", by=older, **insertion(11))
    assert (done["outcome"], done["approved_by"]) == ("created", "token:hopper at /approvals")
    assert emails(replicas, 11) == 1


def test_one_key_at_two_replicas_at_once_makes_one_lead(replicas: Replicas) -> None:
    client, found = replicas.client(), list[dict[str, Any]]()
    calls = [
        Thread(target=lambda: found.append(replicas.call("insert_lead", by=client, **insertion(21)))) for _ in range(6)
    ]
    for one in calls:
        one.start()
    for one in calls:
        one.join(120)
    assert len({one["uri"] for one in found}) == 1, found
    assert emails(replicas, 21) == 1


def test_sql_is_answered_by_either(replicas: Replicas) -> None:
    sql = "SELECT count(*) AS n FROM leads WHERE account = 'octanist'"
    asked = [replicas.call("query_sql", sql=sql, account="octanist") for _ in range(4)]
    assert len({one["result"]["rows"][0][0] for one in asked}) == 1


def test_a_link_to_an_export_leads_to_it_at_either(replicas: Replicas) -> None:
    found = replicas.call("export_leads", account="octanist", limit=20)
    assert found["url"].startswith(f"{replicas.origin}/exports/{found['file']}?"), "where the proxy is, as it was asked"
    query = found["url"].partition("/exports/")[2]
    contents = {
        httpx2.get(f"{one}/exports/{query}", trust_env=False).text for one in (replicas.origin, *replicas.servers)
    }
    assert len(contents) == 1
    assert len(contents.pop().splitlines()) == 21


def test_numbers_are_not_for_the_outside(replicas: Replicas) -> None:
    assert httpx2.get(f"{replicas.origin}/metrics", trust_env=False).status_code == 404
    assert httpx2.get(f"{replicas.origin}/readyz", trust_env=False).json()["checks"]["redis"] == "ok"


def emails(replicas: Replicas, number: int) -> int:
    filters = [{"field": "email", "op": "eq", "value": f"hop{number}@example.com"}]
    return len(replicas.call("search_leads", account="octanist", filters=filters)["leads"]["rows"])


def writing(replicas: Replicas) -> str:
    """The replica whose request to the vendor hangs: under way at two looks, one after the other."""
    last: list[str] = []
    for _ in range(100):
        busy = [one for one in replicas.servers if replicas.numbers(one, "lead_mcp_requests_in_flight")]
        if len(busy) == 1 and busy == last:
            return busy[0]
        last = busy
        time.sleep(0.2)
    raise AssertionError("no replica is writing")


def test_a_replica_killed_in_mid_write_leaves_one_lead(
    emulators: Emulators, shared: dict[str, str], tmp_path: Path
) -> None:
    own = {**environment(shared, "killing"), "LEAD_MCP_WRITES": "allow"}
    with standing(emulators, own, tmp_path) as replicas:
        replicas.call("list_accounts")
        emulators.fault("octanist", "hang_after", path="leads", method="POST")
        body = {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {"name": "insert_lead", "arguments": insertion(31)},
        }
        headers = {"Authorization": f"Bearer {replicas.token}", "Accept": "application/json, text/event-stream"}
        answers: list[str] = []

        def write() -> None:
            try:
                with httpx2.Client(timeout=120, trust_env=False) as http:
                    answers.append(http.post(f"{replicas.origin}/mcp", json=body, headers=headers).text)
            except httpx2.TransportError:
                answers.append("cut")

        call = Thread(target=write)
        heard = emulators.heard("octanist")
        call.start()
        emulators.wait_until_asked("octanist", heard + 1)
        replicas.servers[writing(replicas)].end(signal.SIGKILL)
        call.join(60)
        assert answers == ["cut"], "nginx gives a write that has left to no other replica"
        for _ in range(3):
            again = replicas.call("insert_lead", **insertion(31))
            assert again["outcome"] in ("created", "exists"), again
        assert emails(replicas, 31) == 1


def test_a_vendor_that_hangs_is_left_alone_by_all_and_tried_by_one(
    emulators: Emulators, shared: dict[str, str], tmp_path: Path
) -> None:
    """Redis has what was noted: a rest is over sooner where that is moved."""
    place = shared["LEAD_MCP_REDIS_URL"].replace("/0", "/1")
    own = {**environment(shared, "resting"), "LEAD_MCP_REDIS_URL": place, "LEAD_MCP_DEADLINE": "2"}
    with standing(emulators, own, tmp_path) as replicas, closing(Redis.from_url(place)) as noted:

        def codes(count: int) -> list[str]:
            asked = [replicas.call("search_leads", account="octanist") for _ in range(count)]
            return [one.get("error", {"code": "ok"})["code"] for one in asked]

        emulators.fault("octanist", "hang", times=-1)
        hangs = math.ceil(FAILURES / HANG)
        assert codes(hangs) == ["timeout"] * hangs
        heard = emulators.heard("octanist")
        assert codes(4) == ["unavailable"] * 4, "at whichever replica"
        assert emulators.heard("octanist") == heard
        (key,) = noted.scan_iter("*:breaker")
        noted.hset(key, "until", "0")
        with ThreadPoolExecutor(4) as several:
            assert sorted(several.map(lambda _: codes(1)[0], range(4))) == ["timeout"] + ["unavailable"] * 3
        assert emulators.heard("octanist") == heard + 1, "one tries"
        emulators.forget()
        noted.hset(key, "until", "0")
        assert codes(3) == ["ok"] * 3
