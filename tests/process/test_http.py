"""Who may come in over HTTP and SSE: the bearer token, foreign hosts and origins, addresses that cannot be listened on."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, closing
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest
from anyio.from_thread import start_blocking_portal
from mcp import Client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import ResourceTemplateReference

from tests.process.processes import HELLO, PATIENCE, Emulators, here, listening_server, run

TOKEN = "a long and secret bearer token"
PLAIN = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
ERAS = ("auto", "legacy")


@pytest.fixture(scope="module")
def guarded(emulators: Emulators, folder: Path) -> Iterator[str]:
    """A server on every address, which a token makes possible."""
    environment = {**emulators.environment, "LEAD_MCP_HTTP_TOKEN": TOKEN}
    with listening_server("--host", "0.0.0.0", environment=environment, folder=folder) as (server, url):  # noqa: S104
        assert url.startswith("http://0.0.0.0:")
        yield url.replace("0.0.0.0", "127.0.0.1")  # noqa: S104
        assert TOKEN not in server.to_dict()


@pytest.fixture(scope="module")
def on_loopback(emulators: Emulators, folder: Path) -> Iterator[str]:
    with listening_server("--host", "127.0.0.2", environment=emulators.environment, folder=folder) as (_, url):
        yield url


@pytest.fixture(scope="module")
def over_sse(emulators: Emulators, folder: Path) -> Iterator[str]:
    environment = {**emulators.environment, "LEAD_MCP_HTTP_TOKEN": TOKEN}
    with listening_server(environment=environment, folder=folder, transport="sse") as (server, url):
        yield url
        assert TOKEN not in server.to_dict()


def post(url: str, **headers: str) -> httpx2.Response:
    with httpx2.Client(timeout=PATIENCE, trust_env=False) as http:
        return http.post(url, headers={**PLAIN, **headers}, json={"jsonrpc": "2.0", **HELLO})


def get(url: str, **headers: str) -> int:
    """The status of a request whose answer may be a stream."""
    with httpx2.Client(timeout=PATIENCE, trust_env=False) as http, http.stream("GET", url, headers=headers) as answer:
        return answer.status_code


def accounts(target: AbstractAsyncContextManager[Any], mode: str) -> Any:
    """What a client through that transport is told by ``list_accounts``."""
    with start_blocking_portal() as portal:
        client: Any = Client(target, mode=mode)
        with portal.wrap_async_context_manager(client) as connected:
            return portal.call(connected.call_tool, "list_accounts", {}).structured_content["accounts"]["rows"]


# --- the token ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [None, "", "Bearer", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", TOKEN],
)
def test_without_the_token_nobody_comes_in(guarded: str, over_sse: str, given: str | None) -> None:
    headers = {} if given is None else {"Authorization": given}
    refused = post(guarded, **headers)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Bearer")
    assert TOKEN not in refused.text
    assert get(over_sse, **headers) == 401
    assert post(f"{over_sse.removesuffix('sse')}messages/", **headers).status_code == 401


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_with_the_token_one_comes_in(guarded: str, scheme: str) -> None:
    assert post(guarded, Authorization=f"{scheme} {TOKEN}").status_code == 200


@pytest.mark.parametrize("mode", ERAS)
def test_a_client_with_the_token_is_served(guarded: str, over_sse: str, mode: str) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}

    async def over_http() -> Any:
        async with (
            httpx2.AsyncClient(headers=headers, trust_env=False) as http,
            Client(streamable_http_client(guarded, http_client=http), mode=mode) as client,
        ):
            return (await client.call_tool("list_accounts", {})).structured_content

    with start_blocking_portal() as portal:
        assert len(portal.call(over_http)["accounts"]["rows"]) == 5
    assert len(accounts(sse_client(over_sse, headers=headers), mode)) == 5


@pytest.mark.parametrize(
    ("transport", "host"),
    [("http", "0.0.0.0"), ("sse", "::"), ("http", "example.com")],  # noqa: S104
)
def test_beyond_loopback_a_token_is_needed(emulators: Emulators, host: str, transport: str) -> None:
    words = ("serve", "--transport", transport, "--port", "0", "--host", host)
    ended = here(*words, environment=emulators.environment)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1
    assert "LEAD_MCP_HTTP_TOKEN" in ended.stderr
    assert host in ended.stderr


@pytest.mark.parametrize(
    ("token", "host", "code"),
    [("x" * 15, "no-such-host.invalid", 2), ("x" * 15, "127.0.0.1", 2), ("x" * 16, "no-such-host.invalid", 1)],
)
def test_a_token_is_no_short_word(emulators: Emulators, token: str, host: str, code: int) -> None:
    """With one that is long enough it goes on, to a host that is not there."""
    environment = {**emulators.environment, "LEAD_MCP_HTTP_TOKEN": token}
    ended = run("serve", "--transport", "http", "--host", host, environment=environment)
    assert ended.returncode == code
    assert ("LEAD_MCP_HTTP_TOKEN is too short" in ended.stderr) is (code == 2)
    assert token not in ended.stderr


@pytest.mark.parametrize("path", ["oauth-protected-resource/mcp", "oauth-authorization-server", "openid-configuration"])
def test_who_looks_for_oauth_is_told_that_there_is_none(guarded: str, over_sse: str, path: str) -> None:
    """401 would send a client round in circles: it would look for how to get a token, with a token."""
    for url in (guarded, over_sse):
        assert get(f"{url.rsplit('/', 1)[0]}/.well-known/{path}") == 404
    assert get(f"{guarded}/.well-known/{path}") == 401


# --- foreign hosts and origins ------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example:80", "0.0.0.0"])  # noqa: S104
def test_a_foreign_host_name_is_refused(on_loopback: str, host: str) -> None:
    """A name somebody pointed at this machine, to reach us from a browser. Only probes are answered by every name."""
    assert post(on_loopback, Host=host).status_code == 421
    origin = on_loopback.removesuffix("/mcp")
    paths = ("/metrics", "/approvals", "/approvals/sign-in", "/exports/leads.csv", "/.well-known/openid-configuration")
    assert [get(f"{origin}{path}", Host=host) for path in paths] == [421] * len(paths)
    assert get(f"{origin}/healthz", Host=host) == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "http://localhost.evil.example", "null"])
def test_a_foreign_origin_is_refused(on_loopback: str, origin: str) -> None:
    assert post(on_loopback, Origin=origin).status_code == 403


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8000", "LocalHost:8000", "127.0.0.1:8000", "[::1]:8000", "127.0.0.2:8000"]
)
def test_loopback_has_several_names(on_loopback: str, host: str) -> None:
    assert post(on_loopback, Host=host, Origin=f"http://{host}").status_code == 200


def test_sse_refuses_foreign_names_too(over_sse: str) -> None:
    own = {"Authorization": f"Bearer {TOKEN}"}
    assert get(over_sse, Host="evil.example", **own) == 421
    assert get(over_sse, Origin="https://evil.example", **own) == 403
    assert post(f"{over_sse.removesuffix('sse')}messages/", Host="evil.example", **own).status_code == 421


# --- pages in a browser -------------------------------------------------------------------------------------------

PAGE = "https://app.example.com"


@pytest.fixture(scope="module", params=["127.0.0.1", "0.0.0.0"])  # noqa: S104
def for_pages(request: pytest.FixtureRequest, emulators: Emulators, folder: Path) -> Iterator[str]:
    environment = {
        **emulators.environment,
        "LEAD_MCP_HTTP_TOKEN": TOKEN,
        "LEAD_MCP_HTTP_ORIGINS": f"{PAGE},http://x.test",
    }
    with listening_server("--host", request.param, environment=environment, folder=folder) as (_, url):
        yield url.replace("0.0.0.0", "127.0.0.1")  # noqa: S104


def preflight(url: str, origin: str) -> httpx2.Response:
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    wanted = "authorization, content-type, mcp-session-id, mcp-protocol-version"
    with httpx2.Client(timeout=PATIENCE, trust_env=False) as http:
        return http.options(url, headers={**asked, "Access-Control-Request-Headers": wanted})


def test_an_allowed_page_may_ask_beforehand_and_call(for_pages: str) -> None:
    asked = preflight(for_pages, PAGE)
    assert asked.status_code == 200, "a browser sends no token with it"
    assert asked.headers["access-control-allow-origin"] == PAGE
    assert "authorization" in asked.headers["access-control-allow-headers"]
    called = post(for_pages, Origin=PAGE, Authorization=f"Bearer {TOKEN}")
    assert (called.status_code, called.headers["access-control-allow-origin"]) == (200, PAGE)
    assert "mcp-session-id" in called.headers["access-control-expose-headers"].lower()
    refused = post(for_pages, Origin=PAGE)
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, PAGE), "it may read why"


@pytest.mark.parametrize("origin", ["https://evil.example", "http://app.example.com", f"{PAGE}.evil.example", "null"])
def test_no_other_page_may(for_pages: str, origin: str) -> None:
    assert "access-control-allow-origin" not in preflight(for_pages, origin).headers
    called = post(for_pages, Origin=origin, Authorization=f"Bearer {TOKEN}")
    assert called.status_code == 403
    assert "access-control-allow-origin" not in called.headers


def test_by_default_no_page_may(guarded: str, on_loopback: str) -> None:
    for url in (guarded, on_loopback):
        assert "access-control-allow-origin" not in preflight(url, PAGE).headers
        called = post(url, Origin=PAGE, Authorization=f"Bearer {TOKEN}")
        assert called.status_code == 403


# --- logs ---------------------------------------------------------------------------------------------------------

OTHERS = ("asyncio", "mcp", "py.warnings", "uvicorn.error")


@pytest.mark.parametrize("mode", ERAS)
@pytest.mark.parametrize("transport", ["http", "sse"])
def test_at_debug_nobody_else_writes_what_was_answered(
    emulators: Emulators, folder: Path, transport: str, mode: str
) -> None:
    environment = {**emulators.environment, "LEAD_MCP_LOG_LEVEL": "DEBUG"}
    with listening_server(environment=environment, folder=folder, transport=transport) as (server, url):
        with start_blocking_portal() as portal:
            client: Any = Client(sse_client(url) if transport == "sse" else url, mode=mode)
            with portal.wrap_async_context_manager(client) as connected:
                found = portal.call(connected.call_tool, "search_leads", {"account": "octanist", "limit": 3})
        rows = found.structured_content["leads"]["rows"]
        lines = server.to_dict().splitlines()
    logged = [json.loads(line) for line in lines if line.startswith("{")]
    assert [line for line in lines if not line.startswith("{")] == [f"lead-mcp listens on {url}"]
    assert any(line["log"] == "lead_mcp.outbound" for line in logged)
    for line in logged:
        assert line["log"].startswith("lead_mcp") or (line["log"].startswith(OTHERS) and line["level"] != "debug")
    personal = [value for row in rows for value in row[1:4] if value]
    assert personal
    assert [value for value in personal if any(value in line for line in lines)] == []


# --- sessions -----------------------------------------------------------------------------------------------------


def test_with_sessions_a_client_keeps_one(on_loopback: str) -> None:
    hello = post(on_loopback)
    assert hello.headers["mcp-session-id"]
    assert post(on_loopback, **{"Mcp-Session-Id": "never-given-out"}).status_code == 404


def test_without_sessions_there_is_none(emulators: Emulators, folder: Path) -> None:
    with listening_server("--stateless", environment=emulators.environment, folder=folder) as (_, url):
        assert "mcp-session-id" not in post(url).headers


def test_one_sse_client_leaves_and_the_other_goes_on(over_sse: str) -> None:
    """Both share one runtime: it does not close with the first of them."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    lead = ResourceTemplateReference(uri="lead://{account}/{id}")
    with start_blocking_portal() as portal:
        staying: Any = Client(sse_client(over_sse, headers=headers))
        with portal.wrap_async_context_manager(staying) as client:
            assert len(accounts(sse_client(over_sse, headers=headers), "auto")) == 5
            ask = partial(client.complete, ref=lead, argument={"name": "id", "value": ""})
            found = portal.call(partial(ask, context_arguments={"account": "octanist"}))
            assert found.completion.values
            search = portal.call(client.call_tool, "search_leads", {"account": "octanist", "limit": 1})
            assert not search.is_error


# --- addresses ----------------------------------------------------------------------------------------------------


def test_a_taken_port_is_one_line(emulators: Emulators) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = str(taken.getsockname()[1])
        for words in (["serve", "--transport", "http"], ["sandbox"]):
            ended = run(*words, "--port", port, environment=emulators.environment)
            assert (ended.returncode, ended.stdout) == (1, "")
            assert ended.stderr == f"lead-mcp: cannot listen on 127.0.0.1:{port}: Address already in use\n"


def test_a_host_that_does_not_resolve_is_one_line(emulators: Emulators) -> None:
    environment = {**emulators.environment, "LEAD_MCP_HTTP_TOKEN": TOKEN}
    ended = run("serve", "--transport", "http", "--host", "no-such-host.invalid", environment=environment)
    assert ended.returncode == 1
    assert ended.stderr.startswith("lead-mcp: cannot listen on no-such-host.invalid:8000: ")
    assert ended.stderr.count("\n") == 1


def test_an_ipv6_address_stands_in_brackets(emulators: Emulators, folder: Path) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    with listening_server("--host", "::1", environment=emulators.environment, folder=folder) as (_, url):
        assert url.startswith("http://[::1]:")
        assert post(url).status_code == 200
