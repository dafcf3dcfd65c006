"""The chain round every request, against a real HTTP server on loopback: what is repeated, waited for, capped and hidden."""

from __future__ import annotations

import gzip
import html
import json
import logging
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, quote_plus

import anyio
import anyio.lowlevel
import httpx2
import pytest
import stamina
from hypothesis import given
from hypothesis import strategies as st

import lead_mcp
from lead_mcp.errors import (
    BadArgument,
    LeadMcpError,
    MalformedReply,
    NotAllowed,
    NotFound,
    RateLimited,
    Rejected,
    TimedOut,
    TooLarge,
    Unauthorized,
    Unavailable,
)
from lead_mcp.runtime.networks import issuer_client, vendor_network
from lead_mcp.settings import load
from lead_mcp.transport.network import Network
from lead_mcp.transport.outbound import Outbound
from lead_mcp.transport.pool import Pool
from lead_mcp.transport.rate import AT_ONCE, UNTIL_WOKEN, RateLimit
from lead_mcp.transport.redaction import REDACTED
from lead_mcp.transport.retrying import ATTEMPTS
from lead_mcp.transport.through_client import ThroughClient
from lead_mcp.vendors.replies import error_of, ok
from lead_mcp.vendors.spec.account import Account
from lead_mcp.vendors.spec.fields import FieldMap
from lead_mcp.vendors.spec.http import Effect, Reply, Request, Signature
from lead_mcp.vendors.spec.reading import Lookup, Search
from lead_mcp.vendors.spec.vendor import TokenLogin, Vendor, account_of
from tests.heard import Heard
from tests.loopback import PATIENCE, Answer, Listener, Say, all_at_once, in_turn, listening

pytestmark = pytest.mark.anyio

SECRET: Final = 's3cr3t/Kq9+x "Z" & é'
OVER: Final = ContextVar("OVER", default="over a pool")
KEYS: Final = {"api_key": SECRET}
PAIR: Final = {"client_id": "client-one", "client_secret": "client-one-secret"}
READ: Final = Request("GET", "/leads")
WRITE: Final = Request("POST", "/leads", json={"name": "Ann"}, effect=Effect.WRITE)
DELETE: Final = Request("POST", "/leads/1/delete", effect=Effect.DELETE)
EVERYTHING: Final = frozenset(Effect)
DOWN: Final = Say(503)
CUT: Final = Say(cut=True)
OK: Final = Say(body=b'{"fine": true}')


# --- a vendor for tests -------------------------------------------------------------------------------------------


def bearer(request: Request, secrets: Mapping[str, str]) -> Signature:
    return Signature(headers={"Authorization": f"Bearer {secrets['token']}"})


def in_body(request: Request, secrets: Mapping[str, str]) -> Signature:
    """Where ASCII headers end, a body goes on."""
    return Signature(json={"key": secrets["api_key"]}) if request.json else Signature(form={"key": secrets["api_key"]})


def log_in(account: Account) -> Request:
    return Request("POST", "/token", json={"grant": "keys"})


def read_token(reply: Reply) -> tuple[str, float]:
    if not ok(reply):
        raise error_of(reply)
    return reply.json()["token"], float(reply.json()["seconds"])


def read(reply: Reply) -> Any:
    if not ok(reply):
        raise error_of(reply, reply.body.decode())
    return reply.json()


LOGIN: Final = TokenLogin(
    build=log_in,
    sign=lambda request, secrets: Signature(json={key: secrets[key] for key in PAIR}),
    read=read_token,
)


def acme(sign: Callable[[Request, Mapping[str, str]], Signature], login: TokenLogin | None) -> Vendor:
    return Vendor(
        name="acme",
        title="Acme",
        settings=(),
        sign=sign,
        login=login,
        leads=Search(fields=lambda account: FieldMap({}), routes=(), identify=lambda account, raw, partition: None),
        lookup=Lookup(build=lambda account, ids, columns: READ, read=lambda account, ids, reply: ()),
        check=lambda account: READ,
        checked=lambda reply: None,
    )


@dataclass
class Way:
    """An outbound with its count of requests."""

    outbound: Outbound
    server: Listener
    requests: int = 0

    def count(self) -> None:
        self.requests += 1

    async def fetch(self, request: Request = READ) -> Any:
        return await self.outbound.fetch(request, read, self.count)

    async def fails(self, request: Request = READ) -> LeadMcpError:
        with pytest.raises(LeadMcpError) as caught:
            await self.fetch(request)
        assert caught.value.account == "north"
        return caught.value


@pytest.fixture(autouse=True, params=["over a pool", "through a client"])
def over(request: pytest.FixtureRequest) -> str:
    """By which of the two networks every test of this file goes."""
    found: str = request.param
    OVER.set(found)
    return found


@asynccontextmanager
async def network(transport: httpx2.AsyncBaseTransport | None, silence: float) -> AsyncIterator[Network]:
    """``transport`` stands in for sockets, which only a client can."""
    if transport is None and OVER.get() == "over a pool":
        found: Network = Pool(None, silence)
    else:
        timeout = httpx2.Timeout(10, read=silence)
        # no TLS here, and reading every certificate of the machine takes longer than most tests
        found = ThroughClient(httpx2.AsyncClient(verify=False, trust_env=False, timeout=timeout, transport=transport))
    try:
        yield found
    finally:
        await found.aclose()


@asynccontextmanager
async def way(
    answer: Answer,
    *,
    sign: Callable[[Request, Mapping[str, str]], Signature] = lambda request, secrets: Signature(),
    login: TokenLogin | None = None,
    secrets: Mapping[str, str] = KEYS,
    rate: RateLimit | None = None,
    transport: httpx2.AsyncBaseTransport | None = None,
    silence: float = 10,
    **options: Any,
) -> AsyncIterator[Way]:
    vendor = acme(bearer if login else sign, login)
    async with (
        listening(answer) as server,
        network(transport, silence) as opened,
    ):
        yield Way(
            Outbound(
                account=account_of(vendor, "north"),
                vendor=vendor,
                network=opened,
                urls={"base_url": f"{server.origin}/"},
                secrets=PAIR if login else secrets,
                rate=rate or RateLimit(),
                **options,
            ),
            server,
        )


def tokens(data: Answer, seconds: float = 3600) -> Answer:
    """A vendor that hands out ``token-1``, ``token-2``, ... and answers everything else by ``data``."""
    given: list[str] = []

    def answer(heard: Heard) -> Say:
        if heard.path != "/token":
            return data(heard)
        given.append(f"token-{len(given) + 1}")
        return Say(body=json.dumps({"token": given[-1], "seconds": seconds}).encode())

    return answer


@dataclass
class Unreachable(httpx2.AsyncBaseTransport):
    """A network on which the first connections cannot be made."""

    times: int
    error: type[httpx2.TransportError] = httpx2.ConnectError
    inner: httpx2.AsyncHTTPTransport = field(default_factory=lambda: httpx2.AsyncHTTPTransport(verify=False))

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.times -= 1
        if self.times >= 0:
            raise self.error("no way", request=request)
        return await self.inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self.inner.aclose()


@pytest.fixture(autouse=True)
def without_backoff() -> Iterator[None]:
    """As many attempts as ever, with no time between them."""
    with stamina.set_testing(True, attempts=100, cap=True):
        yield


# --- what is repeated ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "passing", [CUT, Say(429), Say(429, headers={"Retry-After": "0"}), Say(502), Say(503), Say(504)], ids=str
)
async def test_a_read_is_tried_again_after_what_may_pass(passing: Say) -> None:
    async with way(in_turn(passing, passing, OK)) as found:
        assert await found.fetch() == {"fine": True}
        assert found.requests == len(found.server.heard) == 3


async def test_a_read_is_tried_again_where_no_connection_could_be_made() -> None:
    async with way(in_turn(OK), transport=Unreachable(2)) as found:
        assert await found.fetch() == {"fine": True}
        assert (found.requests, len(found.server.heard)) == (3, 1)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, Rejected), (401, Unauthorized), (403, Unauthorized), (404, NotFound), (422, Rejected), (500, Unavailable)],
)
async def test_a_read_is_not_tried_again_after_what_will_not_pass(status: int, kind: type[LeadMcpError]) -> None:
    async with way(in_turn(Say(status, b"no"), OK)) as found:
        error = await found.fails()
        assert (type(error), error.status, len(found.server.heard)) == (kind, status, 1)


@pytest.mark.parametrize(
    ("passing", "kind"), [(CUT, Unavailable), (Say(429), RateLimited), (DOWN, Unavailable)], ids=str
)
async def test_a_read_is_tried_so_often_and_no_more(passing: Say, kind: type[LeadMcpError]) -> None:
    async with way(in_turn(passing)) as found:
        assert type(await found.fails()) is kind
        assert len(found.server.heard) == ATTEMPTS


async def test_a_vendor_too_slow_is_not_asked_again() -> None:
    async with way(in_turn(Say(wait=5), OK), silence=0.05) as found:
        assert type(await found.fails()) is TimedOut
        assert len(found.server.heard) == 1


async def test_a_retry_after_is_waited_for() -> None:
    with stamina.set_testing(False):
        async with way(in_turn(Say(429, headers={"Retry-After": "0.08"}), OK)) as found:
            assert await found.fetch() == {"fine": True}
            first, second = found.server.heard
            assert second.at - first.at >= 0.08


async def test_a_retry_after_may_be_a_date() -> None:
    dated = {"Date": "Sun, 22 Nov 2026 12:00:00 GMT", "Retry-After": "Sun, 22 Nov 2026 12:01:00 GMT"}
    async with way(in_turn(Say(429, headers=dated), OK)) as found:
        with anyio.move_on_after(10):
            error = await found.fails()
        assert (type(error), len(found.server.heard)) == (RateLimited, 1)


async def test_a_retry_after_beyond_the_deadline_fails_at_once() -> None:
    async with way(in_turn(Say(429, headers={"Retry-After": "60"}), OK)) as found:
        with anyio.move_on_after(10) as scope:
            error = await found.fails()
            assert (type(error), error.retry_after, len(found.server.heard)) == (RateLimited, 60, 1)
        assert not scope.cancelled_caught


@pytest.mark.parametrize("request_", [WRITE, DELETE], ids=["write", "delete"])
@pytest.mark.parametrize(
    "answer", [CUT, Say(429, headers={"Retry-After": "0"}), Say(502), DOWN, Say(504), Say(500), Say(400)], ids=str
)
async def test_a_write_that_may_have_arrived_is_sent_once(request_: Request, answer: Say) -> None:
    async with way(in_turn(answer, OK), allowed=EVERYTHING) as found:
        error = await found.fails(request_)
        assert (error.sent, found.requests, len(found.server.heard)) == (True, 1, 1)


@pytest.mark.parametrize("error", [httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout])
async def test_a_write_is_sent_again_where_it_provably_never_left(error: type[httpx2.TransportError]) -> None:
    async with way(in_turn(OK), transport=Unreachable(2, error), allowed=EVERYTHING) as found:
        assert await found.fetch(WRITE) == {"fine": True}
        assert [one.json() for one in found.server.heard] == [{"name": "Ann"}]


async def test_a_write_that_never_left_says_so() -> None:
    async with way(in_turn(OK), transport=Unreachable(100), allowed=EVERYTHING) as found:
        error = await found.fails(WRITE)
        assert (type(error), error.sent, found.server.heard) == (Unavailable, False, [])


@pytest.mark.parametrize("error", [httpx2.ReadError, httpx2.WriteError, httpx2.RemoteProtocolError])
async def test_a_write_that_broke_on_its_way_is_not_sent_again(error: type[httpx2.TransportError]) -> None:
    async with way(in_turn(OK), transport=Unreachable(1, error), allowed=EVERYTHING) as found:
        assert ((await found.fails(WRITE)).sent, found.server.heard) == (True, [])


# --- tokens -------------------------------------------------------------------------------------------------------


async def test_parallel_calls_log_in_once_and_keep_the_token() -> None:
    async with way(tokens(in_turn(OK)), login=LOGIN) as found:
        await all_at_once(*[found.fetch] * 6)
        await found.fetch()
        assert found.server.paths() == ["/token", *["/leads"] * 7]
        assert found.requests == 8
        assert {one.headers.get("authorization") for one in found.server.heard[1:]} == {"Bearer token-1"}
        assert found.server.heard[0].json() == {"grant": "keys", **PAIR}


def only(token: str) -> Answer:
    return lambda heard: OK if heard.headers["authorization"] == f"Bearer {token}" else Say(401)


async def test_a_401_renews_the_token_once() -> None:
    async with way(tokens(only("token-2")), login=LOGIN) as found:
        assert await found.fetch() == {"fine": True}
        assert found.server.paths() == ["/token", "/leads", "/token", "/leads"]


async def test_parallel_401s_renew_the_token_once() -> None:
    async with way(tokens(only("token-2")), login=LOGIN) as found:
        await all_at_once(*[found.fetch] * 4)
        assert found.server.paths().count("/token") == 2


@pytest.mark.parametrize("request_", [READ, WRITE], ids=["read", "write"])
async def test_a_second_401_is_the_answer(request_: Request) -> None:
    async with way(tokens(only("none")), login=LOGIN, allowed=EVERYTHING) as found:
        assert type(await found.fails(request_)) is Unauthorized
        assert found.server.paths() == ["/token", "/leads", "/token", "/leads"]


async def test_a_vendor_may_hand_out_the_same_token_again() -> None:
    """The old token is redacted from replies; not from the one that brings it anew."""
    passing = in_turn(Say(401), OK, Say(401), OK)
    again = Say(body=b'{"token": "the-only-token", "seconds": 3600}')
    async with way(lambda heard: again if heard.path == "/token" else passing(heard), login=LOGIN) as found:
        assert await found.fetch() == {"fine": True}
        assert await found.fetch() == {"fine": True}
        sent = [one.headers["authorization"] for one in found.server.heard if one.path != "/token"]
        assert set(sent) == {"Bearer the-only-token"}


async def test_a_token_about_to_expire_is_not_used_again() -> None:
    async with way(tokens(in_turn(OK), seconds=20), login=LOGIN) as found:
        await found.fetch()
        await found.fetch()
        assert found.server.paths() == ["/token", "/leads", "/token", "/leads"]


async def test_a_token_from_the_settings_is_used_and_cannot_be_renewed() -> None:
    async with way(tokens(only("ready")), login=LOGIN) as found:
        found.outbound.secrets = {"access_token": "ready"}
        assert await found.fetch() == {"fine": True}
        found.outbound.secrets = {"access_token": "stale"}
        assert type(await found.fails()) is Unauthorized
        assert found.server.paths() == ["/leads", "/leads"]


async def test_a_write_whose_login_failed_in_passing_is_sent_once_all_the_same() -> None:
    login = in_turn(DOWN, CUT, Say(body=b'{"token": "token-1", "seconds": 3600}'))
    async with way(lambda heard: (login if heard.path == "/token" else in_turn(OK))(heard), login=LOGIN) as found:
        found.outbound.allowed = EVERYTHING
        assert await found.fetch(WRITE) == {"fine": True}
        assert found.server.paths() == ["/token", "/token", "/token", "/leads"]


@pytest.mark.parametrize("request_", [READ, WRITE], ids=["read", "write"])
@pytest.mark.parametrize("refusal", [Say(401), Say(body=b'{"token": "", "seconds": 1}')], ids=["401", "no token"])
async def test_a_refused_login_is_not_tried_again_and_the_request_never_left(request_: Request, refusal: Say) -> None:
    async with way(in_turn(refusal), login=LOGIN, allowed=EVERYTHING) as found:
        error = await found.fails(request_)
        assert (type(error), error.sent, found.server.paths()) == (Unauthorized, False, ["/token"])


# --- the gate -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("login", [None, LOGIN], ids=["key", "token"])
@pytest.mark.parametrize(
    ("request_", "allowed", "says"),
    [
        (WRITE, {Effect.READ}, "may not write at north: LEAD_MCP_WRITES is off"),
        (DELETE, {Effect.READ, Effect.WRITE}, "may not delete at north: LEAD_MCP_DELETES is off"),
        (Request("GET", "/leads/1/archive", effect=Effect.WRITE), {Effect.READ}, "LEAD_MCP_WRITES is off"),
    ],
)
async def test_an_effect_that_is_off_reaches_no_network(
    request_: Request, allowed: set[Effect], says: str, login: TokenLogin | None
) -> None:
    async with way(in_turn(OK), login=login, allowed=frozenset(allowed)) as found:
        error = await found.fails(request_)
        assert (type(error), error.sent) == (NotAllowed, False)
        assert says in error.message
        assert (found.requests, found.server.heard) == (0, [])


async def test_the_gate_stands_before_every_request_a_login_too() -> None:
    login = replace(LOGIN, build=lambda account: replace(log_in(account), effect=Effect.WRITE))
    async with way(in_turn(OK), login=login) as found:
        assert type(await found.fails()) is NotAllowed
        assert found.server.heard == []


async def test_a_read_by_post_is_a_read() -> None:
    async with way(in_turn(OK)) as found:
        assert await found.fetch(Request("POST", "/search", json={})) == {"fine": True}


# --- what is sent -------------------------------------------------------------------------------------------------


async def test_the_secret_joins_query_form_body_and_headers() -> None:
    key = {"key": "k-1"}

    def everywhere(request: Request, secrets: Mapping[str, str]) -> Signature:
        return Signature(
            headers={"X-Key": "k-1"}, query=key, form=key if request.form else {}, json=key if request.json else {}
        )

    async with way(in_turn(OK), sign=everywhere) as found:
        await found.fetch(Request("POST", "/a", query={"q": "ä&b"}, form={"name": "é+ n"}, headers={"X-More": "1"}))
        await found.fetch(Request("POST", "/b", json={"name": "é"}))
        form, body = found.server.heard
        assert (form.query, form.form) == ({"q": "ä&b", **key}, {"name": "é+ n", **key})
        assert (body.json(), body.headers["content-type"]) == ({"name": "é", **key}, "application/json")
        assert (form.headers["x-key"], form.headers["x-more"], form.path) == ("k-1", "1", "/a")


@pytest.mark.parametrize(
    "request_",
    [
        Request("GET", "/leads", query={"q": "\ud800"}),
        Request("POST", "/leads", json={"q": "\ud800"}),
        Request("GET", "/lea\nds"),
        Request("GET", "/leads", query={"ids": "1," * 50_000}),
        Request("GET", "/leads", headers={"X-Name": "é→"}),
        Request("GET", "/leads", headers={"X-Name": "a\r\nb: c"}),
    ],
    ids=[
        "half a character",
        "half a character in a body",
        "a line break in a path",
        "too long",
        "no header text",
        "a line break in a header",
    ],
)
async def test_what_http_cannot_say_is_the_callers_error(request_: Request) -> None:
    async with way(in_turn(OK)) as found:
        error = await found.fails(request_)
        assert (type(error), error.sent, found.server.heard) == (BadArgument, False, [])


# --- what comes back ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "fits"), [(1000, True), (1001, False)])
@pytest.mark.parametrize("encoded", [False, True], ids=["plain", "gzip"])
async def test_a_reply_is_capped_by_its_decoded_size(size: int, fits: bool, encoded: bool) -> None:
    body = json.dumps("x" * (size - 2)).encode()
    said = Say(body=gzip.compress(body), headers={"Content-Encoding": "gzip"}) if encoded else Say(body=body)
    async with way(in_turn(said), reply_limit=1000) as found:
        if fits:
            assert len(await found.fetch()) == 998
        else:
            assert "1,000 bytes (LEAD_MCP_REPLY_LIMIT)" in (await found.fails()).message
        assert len(found.server.heard) == 1


async def test_an_endless_reply_is_left_as_soon_as_it_passes_the_cap() -> None:
    async with way(in_turn(Say(body=b"x" * 65536, endless=True)), reply_limit=200_000) as found:
        assert type(await found.fails()) is TooLarge
        assert found.server.sent < 64 * 1024 * 1024


async def test_a_bomb_does_not_fill_the_memory() -> None:
    bomb = Say(body=gzip.compress(bytes(50_000_000)), headers={"Content-Encoding": "gzip"})
    async with way(in_turn(bomb), reply_limit=100_000) as found:
        tracemalloc.start()
        try:
            assert type(await found.fails()) is TooLarge
            assert tracemalloc.get_traced_memory()[1] < 10_000_000
        finally:
            tracemalloc.stop()


async def test_a_reply_not_compressed_as_it_says_is_garbled() -> None:
    async with way(in_turn(Say(body=b"plain", headers={"Content-Encoding": "gzip"}))) as found:
        assert type(await found.fails()) is MalformedReply
        assert len(found.server.heard) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_refused_and_the_credential_goes_nowhere(status: int) -> None:
    async with way(in_turn(Say(status, headers={"Location": "/elsewhere"}), OK), sign=in_body) as found:
        with pytest.raises(MalformedReply, match="redirect, which is not followed"):
            await found.outbound.fetch(READ, lambda reply: reply, found.count)
        assert found.server.paths() == ["/leads"]


async def test_a_cookie_of_one_account_goes_with_nobodys_requests() -> None:
    """All accounts share one client, and each person with a credential of their own does."""
    cookie = {"Set-Cookie": "session=of-north; Path=/"}
    async with way(in_turn(Say(body=b"{}", headers=cookie), Say(body=b"{}", headers=cookie), OK)) as north:
        south = replace(north.outbound, account=replace(north.outbound.account, name="south"))
        for outbound in (north.outbound, south, north.outbound):
            await outbound.fetch(READ, read, north.count)
        assert [heard.headers.get("cookie") for heard in north.server.heard] == [None] * 3


# --- secrets ------------------------------------------------------------------------------------------------------

SPELLINGS = {
    "raw": SECRET,
    "JSON": json.dumps(SECRET)[1:-1],
    "JSON by PHP": json.dumps(SECRET)[1:-1].replace("/", "\\/"),
    "JSON in UTF-8": json.dumps(SECRET, ensure_ascii=False)[1:-1],
    "URL": quote(SECRET),
    "URL, whole": quote(SECRET, safe=""),
    "URL, plus": quote_plus(SECRET),
    "URL, lower case": quote(SECRET, safe="").replace("%2F", "%2f").replace("%2B", "%2b").replace("%C3%A9", "%c3%a9"),
    "HTML": html.escape(SECRET),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_a_secret_that_the_vendor_echoes_is_struck_in_every_spelling(spelling: str) -> None:
    echoed = SPELLINGS[spelling]
    replies: list[Reply] = []
    async with way(in_turn(Say(body=f"<key {echoed}>".encode())), sign=in_body) as found:
        await found.outbound.fetch(Request("POST", "/leads", form={}), replies.append, found.count)
        assert found.server.heard[0].form == {"key": SECRET}
        assert replies[0].body.decode() == f"<key {REDACTED}>"


async def test_a_secret_in_a_header_of_the_reply_is_struck() -> None:
    replies: list[Reply] = []
    async with way(in_turn(Say(headers={"X-Echo": "a plain-key b"})), secrets={"api_key": "plain-key"}) as found:
        await found.outbound.fetch(READ, replies.append, found.count)
        assert replies[0].headers["x-echo"] == f"a {REDACTED} b"


async def test_a_secret_that_begins_another_leaves_nothing_of_it() -> None:
    secrets = {"access_key": "abcd", "secret_key": "abcd1234", "pin": "12"}
    async with way(in_turn(Say(body=b'["abcd1234", "abcd", "12"]')), secrets=secrets) as found:
        assert await found.fetch() == [REDACTED, REDACTED, "12"]


async def test_a_token_is_struck_from_replies_too() -> None:
    async with way(tokens(in_turn(Say(body=b'["token-1", "client-one-secret"]'))), login=LOGIN) as found:
        assert await found.fetch() == [REDACTED, REDACTED]


def said_by(record: logging.LogRecord) -> str:
    return f"{record.getMessage()} {record.__dict__}"


@pytest.mark.parametrize(
    "answer", [OK, Say(401, b"bad token token-2 of client-one-secret"), DOWN, CUT, Say(body=b"no json")], ids=str
)
async def test_no_secret_and_nobodys_name_is_in_a_log_an_error_or_a_repr(
    answer: Say, caplog: pytest.LogCaptureFixture
) -> None:
    for logger in (None, "lead_mcp"):  # a command that ran in this process may have set ours
        caplog.set_level(logging.DEBUG, logger=logger)
    request = Request("POST", "/leads?email=ann@example.com", query={"q": "ann@example.com"}, json={"n": "Ann Example"})
    async with way(tokens(in_turn(answer)), login=LOGIN) as found:
        texts = []
        try:
            await found.fetch(request)
        except LeadMcpError as error:
            texts = [str(error), repr(error), str(error.__dict__), repr(error.__cause__), repr(error.__context__)]
        assert found.server.heard[0].json()["client_secret"] == PAIR["client_secret"]
        texts += [repr(found.outbound), repr(found.outbound.token), repr(bearer(request, {"token": "token-1"}))]
    texts += map(said_by, caplog.records)
    hidden = (*PAIR.values(), "token-1", "token-2")
    assert [text for text in texts if any(secret in text for secret in hidden)] == []
    ours = [said_by(record) for record in caplog.records if record.name.startswith("lead_mcp")]
    assert ours
    assert [text for text in ours if "ann@" in text or "Ann" in text] == []


async def test_every_request_leaves_one_line_of_facts(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="lead_mcp")
    async with way(in_turn(DOWN, CUT, OK)) as found:
        await found.fetch()
    facts = [record.__dict__ for record in caplog.records if record.name == "lead_mcp.outbound"]
    assert [fact["outcome"] for fact in facts] == ["503", "RemoteProtocolError", "200"]
    assert {(fact["account"], fact["method"], fact["path"], fact["effect"]) for fact in facts} == {
        ("north", "GET", "/leads", "read")
    }


# --- rates --------------------------------------------------------------------------------------------------------


@dataclass
class Clock:
    """Seconds that pass when a test says so."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@given(
    calls=st.integers(1, 5),
    seconds=st.sampled_from([0.5, 1.0, 5.0]),
    steps=st.lists(st.tuples(st.booleans(), st.floats(0, 3)), min_size=5, max_size=120),
)
def test_no_window_ever_holds_more_than_its_calls(calls: int, seconds: float, steps: list[tuple[bool, float]]) -> None:
    """However long each request takes: wherever between leaving and reply the vendor counts its arrival."""
    clock = Clock()
    limit = RateLimit(calls, seconds, clock)
    left, replied = list[float](), dict[int, float]()
    for leaves, passed in steps:
        clock.now += passed
        if leaves and limit.pause() is None:
            limit.leave()
            left.append(clock.now)
        elif limit.in_flight:
            limit.arrive()
            replied[len(replied)] = clock.now
    for nth, start in enumerate(left):
        counted = [one for one in range(nth) if replied.get(one, start) > start - seconds]
        assert len(counted) < calls


def test_a_slot_is_free_one_window_after_the_reply_and_not_much_later() -> None:
    clock = Clock()
    limit = RateLimit(1, 5.0, clock)
    limit.leave()
    clock.now += 100
    assert limit.pause() == UNTIL_WOKEN, "under way: only its reply starts the window"
    limit.arrive()
    assert limit.pause() == pytest.approx(5.0, abs=0.1)
    clock.now += 4.99
    assert limit.pause() is not None
    clock.now += 0.1
    assert limit.pause() is None


async def test_the_machines_clock_may_be_set_back_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    """Laptops do it, and so do virtual machines: a rated vendor stays within reach."""
    limit = RateLimit(1, 0.2)
    async with limit.slot():
        pass
    before = time.time()
    monkeypatch.setattr(time, "time", lambda: before - 3600)
    with anyio.fail_after(PATIENCE):
        async with limit.slot():
            pass


def test_what_waits_reads_no_wall_clock() -> None:
    """``datetime.now`` is there once, for a ``Retry-After`` that is a date in a reply that has none of its own."""
    texts = [path.read_text("utf-8") for path in sorted(Path(lead_mcp.__file__).parent.glob("transport/**/*.py"))]
    assert sum(text.count("time.time(") for text in texts) == 0
    assert sum(text.count("datetime.now(") for text in texts) == 1


@pytest.mark.parametrize(
    ("login", "calls", "many"),
    [pytest.param(None, 5, 12, id="key"), pytest.param(LOGIN, 3, 5, id="token: its login counts as well")],
)
async def test_a_rate_is_never_exceeded_by_the_vendors_own_clock(
    login: TokenLogin | None, calls: int, many: int
) -> None:
    slow = iter([0.03, 0.0, 0.02] * 10)
    answer = tokens(lambda heard: Say(wait=next(slow)))
    async with way(answer, login=login, rate=RateLimit(calls, 1.0)) as found:
        await all_at_once(*[found.fetch] * many)
        arrived = sorted(one.at for one in found.server.heard)
        assert len(arrived) == many + (login is not None)
        gaps = [later - earlier for earlier, later in zip(arrived, arrived[calls:], strict=False)]
        assert gaps
        assert min(gaps) > 1.0


async def test_failed_and_repeated_requests_count_against_the_rate() -> None:
    async with way(in_turn(CUT, DOWN, OK), rate=RateLimit(2, 1.0)) as found:
        await found.fetch()
        first, _, third = [one.at for one in found.server.heard]
        assert third - first > 1.0


async def test_without_a_rate_only_so_many_requests_are_under_way_at_once() -> None:
    async with way(in_turn(Say(wait=0.05))) as found:
        await all_at_once(*[found.fetch] * 12)
        assert (found.server.most, len(found.server.heard)) == (AT_ONCE, 12)


async def test_a_rate_allows_so_many_at_once_as_it_has_calls() -> None:
    async with way(in_turn(Say(wait=0.05)), rate=RateLimit(100, 1.0)) as found:
        await all_at_once(*[found.fetch] * 12)
        assert found.server.most > AT_ONCE


async def test_a_call_given_up_while_waiting_takes_no_slot() -> None:
    limit = RateLimit()
    async with anyio.create_task_group() as tasks:
        release = anyio.Event()

        async def hold() -> None:
            async with limit.slot():
                await release.wait()

        for _ in range(AT_ONCE):
            tasks.start_soon(hold)
        await anyio.wait_all_tasks_blocked()
        with anyio.move_on_after(0.01) as given_up:
            await hold()
        assert given_up.cancelled_caught
        assert limit.in_flight == AT_ONCE
        release.set()
    assert limit.in_flight == 0


async def test_a_call_given_up_under_way_has_used_its_slot_and_frees_it_in_time() -> None:
    limit = RateLimit(1, 1.0)
    with anyio.move_on_after(0.01):
        async with limit.slot():
            await anyio.sleep_forever()
    assert limit.in_flight == 0
    with anyio.move_on_after(0.03) as scope:
        async with limit.slot():
            pass
    assert scope.cancelled_caught
    with anyio.fail_after(5):
        async with limit.slot():
            pass


async def test_a_slot_on_its_way_back_is_never_free_already() -> None:
    """Calls that end one turn of the event loop after another, while others wait for their slots."""
    limit, taken = RateLimit(20, 1.0), list[float]()

    async def take(turns: int) -> None:
        async with limit.slot():
            taken.append(time.monotonic())
            for _ in range(turns):
                await anyio.lowlevel.checkpoint()

    with anyio.fail_after(PATIENCE):
        await all_at_once(*[partial(take, turns) for turns in range(40)])
    assert min(later - earlier for earlier, later in zip(taken, taken[20:], strict=False)) > 1.0


async def test_no_way_out_keeps_a_cookie() -> None:
    """A vendor's is of all accounts, an issuer's of everybody who signs in."""
    cookie = Say(body=b"{}", headers={"Set-Cookie": "session=of-ann; Path=/"})
    async with way(in_turn(cookie, OK)) as found, issuer_client(load()) as client:
        await found.fetch()
        await found.fetch()
        for _ in range(2):
            await client.get(found.server.origin)
    assert [heard.headers.get("cookie") for heard in found.server.heard] == [None] * 4


@pytest.mark.parametrize(
    ("environment", "kind"),
    [
        ({}, Pool),
        ({"OCTANIST_BASE_URL": "http://127.0.0.1:9/api", "HTTPS_PROXY": "http://127.0.0.1:9"}, Pool),
        ({"OCTANIST_BASE_URL": "https://example.com/api"}, Pool),
        ({"OCTANIST_BASE_URL": "https://example.com/api", "HTTPS_PROXY": "http://127.0.0.1:9"}, ThroughClient),
        ({"OCTANIST_BASE_URL": "https://example.com/api", "all_proxy": "http://127.0.0.1:9"}, ThroughClient),
    ],
)
async def test_a_proxy_is_gone_through_where_one_is_named(
    monkeypatch: pytest.MonkeyPatch, environment: Mapping[str, str], kind: type[Network]
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name, value in {"OCTANIST_API_KEY": "k-0123456789", **environment}.items():
        monkeypatch.setenv(name, value)
    made = vendor_network(load(), None)
    assert type(made) is kind
    await made.aclose()
