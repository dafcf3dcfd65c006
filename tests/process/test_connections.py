"""No client keeps others out: every wait of a connection has a bound, connections have one together, and so have sessions."""

from __future__ import annotations

import logging
import socket
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any, Final

import anyio
import anyio.to_thread
import httpx2
import pytest
from mcp.server import MCPServer
from starlette.types import Receive, Scope, Send

from lead_mcp.cli.logs import passes
from lead_mcp.serving.guards import SessionLimit
from lead_mcp.serving.http_connection import FULL, HttpLimits
from lead_mcp.serving.listening import Requests
from lead_mcp.serving.listening import listening as origin_of
from tests.process.processes import HELLO, PATIENCE, PROGRAM, Emulators, listening_server, request

pytestmark = pytest.mark.anyio

QUICK: Final = HttpLimits(head=0.3, body=0.6, write=0.5, idle=1, most=4)
GET: Final = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST: Final = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n"
PLAIN: Final = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
TOKEN: Final = "a long and secret bearer token"


NEVER_ANSWERED: Final = anyio.Semaphore(0)
"""Released for each request for what is never answered."""


async def answering(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads the request, then answers by its path: at once, with very much, or never."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    if scope["path"] == "/never":
        NEVER_ANSWERED.release()
        await anyio.sleep_forever()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(400 if scope["path"] == "/much" else 1):
        await send({"type": "http.response.body", "body": b"x" * 100_000, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


@asynccontextmanager
async def listening(limits: HttpLimits) -> AsyncIterator[int]:
    async with origin_of(answering, limits) as origin:
        yield int(origin.rsplit(":", 1)[1])


@contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    with closing(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)) as one:
        yield one


async def is_ended(one: socket.socket) -> bool:
    """Waits until the server ends the connection."""
    try:
        while await anyio.to_thread.run_sync(one.recv, 65536):
            pass
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False
    return True


async def drip(one: socket.socket, text: bytes) -> bool:
    """Sends byte by byte, each well in time; whether the server ends it all the same."""
    try:
        for byte in text * 50:
            one.sendall(bytes([byte]))
            await anyio.sleep(0.05)
    except OSError:
        return True
    return False


async def answered(one: socket.socket, text: bytes) -> bytes:
    """The beginning of the answer."""
    one.sendall(text)
    return await anyio.to_thread.run_sync(one.recv, 65536)


async def test_a_client_that_says_nothing_is_ended() -> None:
    async with listening(QUICK) as port:
        with connected(port) as one:
            assert await is_ended(one)


@pytest.mark.parametrize("text", [b"G", GET[:-2]], ids=["a byte", "all but the end"])
async def test_a_client_that_never_ends_its_headers_is_ended(text: bytes) -> None:
    async with listening(QUICK) as port:
        with connected(port) as one:
            one.sendall(text)
            assert await is_ended(one)


async def test_headers_drop_by_drop_are_no_way_round() -> None:
    async with listening(QUICK) as port:
        with connected(port) as one:
            one.sendall(GET[:-2])
            assert await drip(one, b"X-More: y\r\n")


@pytest.mark.parametrize("text", [POST, POST + b"12345"])
async def test_a_client_that_never_ends_its_body_is_ended(text: bytes) -> None:
    async with listening(QUICK) as port:
        with connected(port) as one:
            one.sendall(text)
            assert await is_ended(one)


async def test_a_second_request_has_no_longer_than_the_first() -> None:
    async with listening(QUICK) as port:
        with connected(port) as one:
            assert b"200" in await answered(one, GET)
            one.sendall(GET[:-2])
            assert await is_ended(one)


async def test_between_two_requests_a_connection_ends_after_a_while() -> None:
    async with listening(QUICK) as port:
        with connected(port) as one:
            assert b"200" in await answered(one, GET)
            assert await is_ended(one)


async def test_a_client_that_does_not_read_its_answer_is_ended() -> None:
    async with listening(HttpLimits(write=0.5, most=1)) as port:
        with connected(port) as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            one.sendall(GET.replace(b"/ ", b"/much "))
            with anyio.fail_after(PATIENCE):
                while True:
                    with connected(port) as other:
                        if b"200" in await answered(other, GET):
                            break
                    await anyio.sleep(0.05)


async def test_who_takes_a_little_time_is_served() -> None:
    """Headers and body in two parts each, then another request on the same connection, then two at once."""
    async with listening(HttpLimits(head=5, body=5, write=5, most=1)) as port:
        with connected(port) as one:
            for part in (POST[:20], POST[20:], b"12345", b"12345"):
                one.sendall(part)
                await anyio.sleep(0.1)
            assert b"200" in await anyio.to_thread.run_sync(one.recv, 200)
        with connected(port) as one:
            one.sendall(GET + GET)
            seen = b""
            while seen.count(b"HTTP/1.1 200") < 2:
                seen += await anyio.to_thread.run_sync(one.recv, 300_000)


async def test_a_full_house_makes_room_at_the_cost_of_who_waits_longest() -> None:
    async with listening(HttpLimits(most=4)) as port:
        with ExitStack() as stack:
            silent = [stack.enter_context(connected(port)) for _ in range(4)]
            newcomer = stack.enter_context(connected(port))
            assert b"200" in await answered(newcomer, GET)
            assert await is_ended(silent[0])
            assert b"200" in await answered(silent[3], GET)


async def test_who_is_being_answered_keeps_its_place() -> None:
    async with listening(HttpLimits(most=2)) as port:
        with ExitStack() as stack:
            busy = [stack.enter_context(connected(port)) for _ in range(2)]
            for one in busy:
                one.sendall(GET.replace(b"/ ", b"/never "))
            with anyio.fail_after(PATIENCE):
                for _ in busy:
                    await NEVER_ANSWERED.acquire()
            with connected(port) as late:
                assert await anyio.to_thread.run_sync(late.recv, 1000) == FULL
            for one in busy:
                one.setblocking(False)
                with pytest.raises(BlockingIOError):
                    one.recv(1)


# --- descriptors --------------------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="ulimit is POSIX")
async def test_half_open_connections_keep_nobody_out(emulators: Emulators, folder: Path) -> None:
    """300 of them against 256 descriptors: who has the token is served, in the middle of it."""
    environment = {**emulators.environment, "LEAD_MCP_HTTP_TOKEN": TOKEN}
    program = ("sh", "-c", 'ulimit -n 256; exec "$@"', "sh", *PROGRAM)
    with (
        listening_server(environment=environment, folder=folder, program=program) as (server, url),
        ExitStack() as stack,
    ):
        port = int(url.rsplit(":", 1)[1].split("/")[0])
        for _ in range(300):
            stack.enter_context(connected(port)).sendall(b"POST /mcp HTTP/1.1\r\n")
        with httpx2.Client(timeout=PATIENCE, trust_env=False) as http:
            headers = {**PLAIN, "Authorization": f"Bearer {TOKEN}"}
            assert http.post(url, headers=headers, json={"jsonrpc": "2.0", **HELLO}).status_code == 200
        assert "out of system resource" not in server.to_dict()


# --- sessions -----------------------------------------------------------------------------------------------------


def opened(http: httpx2.Client, url: str) -> dict[str, str]:
    hello = http.post(url, headers=PLAIN, json={"jsonrpc": "2.0", **HELLO}).raise_for_status()
    return {**PLAIN, "Mcp-Session-Id": hello.headers["mcp-session-id"]}


async def test_a_session_too_many_ends_the_one_longest_out_of_use() -> None:
    server: Any = MCPServer("sessions", log_level="ERROR")
    app = SessionLimit(server.streamable_http_app(max_sessions=4), most=3)
    ping = request(5, "ping", {}, "legacy")
    transport = httpx2.ASGITransport(app=app)
    async with (
        server.session_manager.run(),
        httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000", headers=PLAIN) as http,
    ):

        async def session() -> dict[str, str]:
            hello = await http.post("/mcp", json={"jsonrpc": "2.0", **HELLO})
            return {"Mcp-Session-Id": hello.raise_for_status().headers["mcp-session-id"]}

        async def works(headers: dict[str, str]) -> bool:
            return (await http.post("/mcp", json=ping, headers=headers)).status_code == 200

        first, second, third = [await session() for _ in range(3)]
        assert await works(first), "the second is the one longest out of use now"
        fourth = await session()
        assert [await works(one) for one in (first, second, third, fourth)] == [True, False, True, True]
        assert (await http.delete("/mcp", headers=third)).status_code == 200
        fifth = await session()
        assert [await works(one) for one in (first, third, fourth, fifth)] == [True, False, True, True]
        assert len(app.known) == 3
        newer = {**PLAIN, "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/list"}
        for number in range(5):
            found = await http.post("/mcp", json=request(number, "tools/list", {}, "modern"), headers=newer)
            assert found.status_code == 200, "a request of the newer kind opens none, and ends none"
        assert [await works(one) for one in (first, fourth, fifth)] == [True, True, True]


async def test_a_message_whose_session_ends_at_that_moment_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    """A client says a last word and leaves: its session is gone before the word, taken with 202, has reached it."""
    server: Any = MCPServer("sessions", log_level="ERROR")
    app = Requests(server.streamable_http_app())
    async with (
        server.session_manager.run(),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://127.0.0.1:8000") as http,
    ):
        hello = await http.post("/mcp", json={"jsonrpc": "2.0", **HELLO}, headers=PLAIN)
        session = {**PLAIN, "Mcp-Session-Id": hello.headers["mcp-session-id"]}

        async def leaving(scope: Scope, receive: Receive, send: Send) -> None:
            async def answered(message: Any) -> None:
                await send(message)
                if message["type"] == "http.response.body":
                    assert (await http.delete("/mcp", headers=session)).status_code == 200

            await app(scope, receive, answered)

        transport = httpx2.ASGITransport(leaving)
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as last:
            word = {"jsonrpc": "2.0", "method": "notifications/initialized"}
            assert (await last.post("/mcp", json=word, headers=session)).status_code == 202
    assert [one.getMessage() for one in caplog.records if one.levelname == "ERROR" and passes(one)] == []


@pytest.mark.parametrize("version", ["2025-11-25", "2026-07-28"])
async def test_a_client_that_leaves_in_mid_request_is_no_error(version: str, caplog: pytest.LogCaptureFixture) -> None:
    server: Any = MCPServer("sessions", log_level="ERROR")
    app, said = Requests(server.streamable_http_app()), iter(["http.request", "http.disconnect"])
    names = {**PLAIN, "Host": "127.0.0.1:8000", "MCP-Protocol-Version": version, "Mcp-Method": "tools/list"}
    headers = [(name.lower().encode(), value.encode()) for name, value in names.items()]

    async def receive() -> Any:
        return {"type": next(said), "body": b'{"jsonrpc"', "more_body": True}

    async def send(message: Any) -> None:
        """Nobody is there."""

    scope = {"type": "http", "method": "POST", "path": "/mcp", "headers": headers, "query_string": b""}
    async with server.session_manager.run():
        await app(scope, receive, send)
    assert [one.getMessage() for one in caplog.records if one.levelname == "ERROR" and passes(one)] == []


GONE: Final = anyio.ClosedResourceError()
FAILURES: Final[Mapping[str, tuple[BaseException, bool]]] = {
    "left": (GONE, False),
    "left, as a task group has it": (ExceptionGroup("one", [GONE, ExceptionGroup("inner", [GONE])]), False),
    "another failure": (ValueError("x"), True),
    "another failure beside it": (ExceptionGroup("two", [GONE, ValueError("x")]), True),
}


@pytest.mark.parametrize(("failure", "told"), FAILURES.values(), ids=list(FAILURES))
def test_the_sdk_s_error_is_told_unless_it_says_no_more_than_that_a_client_left(
    failure: BaseException, told: bool
) -> None:
    """Found by an hour of ``make soak``: a session that ends while its last request is handed over."""
    found = (type(failure), failure, None)
    record = logging.LogRecord("mcp.server.streamable_http", logging.ERROR, "", 0, "SSE response error", None, found)
    assert passes(record) is told


@pytest.mark.slow
def test_many_sessions_do_not_hold_up_the_end(emulators: Emulators, folder: Path) -> None:
    with listening_server(environment=emulators.environment, folder=folder) as (server, url):
        with httpx2.Client(timeout=PATIENCE, trust_env=False) as http:
            first, *_, last = [opened(http, url) for _ in range(510)]
            ping = request(5, "ping", {}, "legacy")
            assert http.post(url, headers=first, json=ping).status_code == 404
            assert http.post(url, headers=last, json=ping).status_code == 200
        assert server.end(15) in (0, 143)
        assert "Traceback" not in server.to_dict()
