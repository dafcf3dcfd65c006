"""The way to a vendor over real sockets: TLS, large bodies both ways, connections that are kept, closed or dirty."""

from __future__ import annotations

import asyncio
import gzip
import os
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import anyio
import httpcore2
import pytest

from lead_mcp.errors import TooLarge
from lead_mcp.transport.network import NEVER_LEFT, SignedRequest
from lead_mcp.transport.pool import Pool
from lead_mcp.transport.sockets import HIGH_WATER
from tests.certificates import self_signed
from tests.loopback import PATIENCE

pytestmark = pytest.mark.anyio
LIMIT: Final = 16 * 1024 * 1024
OK: Final = b"HTTP/1.1 200 Fine\r\nContent-Length: 2\r\n\r\nok"
OTHER: Final = OK.replace(b"ok", b"no")

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def vendor(talk: Talk, context: ssl.SSLContext | None = None) -> AsyncIterator[tuple[str, list[int]]]:
    """A server that talks so; its base URL, and the ports from which connections came."""
    ports: list[int] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ports.append(writer.get_extra_info("peername")[1])
        try:
            await talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    try:
        with anyio.fail_after(PATIENCE):
            yield f"{'https' if context else 'http'}://localhost:{port}/v1/", ports
    finally:
        server.close()


@asynccontextmanager
async def pool(context: ssl.SSLContext | None = None, silence: float = 10) -> AsyncIterator[Pool]:
    made = Pool(context, silence)
    try:
        yield made
    finally:
        await made.aclose()


def get(base: str) -> SignedRequest:
    return SignedRequest("GET", base.rstrip("/"), "/leads?page=1", ())


def post(base: str, content: bytes) -> SignedRequest:
    return SignedRequest("POST", base.rstrip("/"), "/leads", ((b"Content-Type", b"application/json"),), content)


def says(reply: bytes, rest: Callable[[asyncio.StreamWriter], None] = lambda writer: None) -> Talk:
    """Every request is answered so, for as long as the connection stands."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not reader.at_eof():
            await reader.readuntil(b"\r\n\r\n")
            writer.write(reply)
            await writer.drain()
            rest(writer)

    return talk


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return self_signed(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def server_side(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


async def test_over_tls_a_connection_is_kept(certificate: Path, server_side: ssl.SSLContext) -> None:
    trusted = ssl.create_default_context(cafile=certificate)
    async with vendor(says(OK), server_side) as (base, ports), pool(trusted) as made:
        assert [(await made.exchange(get(base), LIMIT)).body for _ in range(3)] == [b"ok"] * 3
        assert len(ports) == 1


async def test_a_certificate_that_nobody_trusts_is_no_connection(server_side: ssl.SSLContext) -> None:
    async with vendor(says(OK), server_side) as (base, _), pool(ssl.create_default_context()) as made:
        with pytest.raises(NEVER_LEFT):
            await made.exchange(get(base), LIMIT)


async def test_a_vendor_that_speaks_no_tls_is_no_connection() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(64)

    async with vendor(hang_up) as (base, _), pool(ssl.create_default_context()) as made:
        with pytest.raises(NEVER_LEFT):
            await made.exchange(get(base.replace("http:", "https:")), LIMIT)


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
async def test_large_bodies_come_and_go_whole(certificate: Path, server_side: ssl.SSLContext, secure: bool) -> None:
    """More than a socket takes at once, to a vendor that reads slowly, and back."""
    large = os.urandom(20 * HIGH_WATER)

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await anyio.sleep(0.05)
        body = await reader.readexactly(len(large))
        writer.write(b"HTTP/1.1 200 Fine\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        await writer.drain()

    trusted = ssl.create_default_context(cafile=certificate) if secure else None
    async with vendor(echo, server_side if secure else None) as (base, _), pool(trusted) as made:
        assert (await made.exchange(post(base, large), LIMIT)).body == large


async def test_what_is_too_large_is_not_read_to_its_end() -> None:
    sent = [0]

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 Fine\r\n\r\n")
        while True:
            writer.write(b"x" * HIGH_WATER)
            await writer.drain()
            sent[0] += HIGH_WATER

    async with vendor(endless) as (base, _), pool() as made:
        with pytest.raises(TooLarge):
            await made.exchange(get(base), 4 * HIGH_WATER)
        await anyio.sleep(0.1)
        before = sent[0]
        await anyio.sleep(0.1)
        assert sent[0] == before


async def test_a_connection_that_the_vendor_has_closed_is_not_used_again() -> None:
    async with vendor(says(OK, lambda writer: writer.close())) as (base, ports), pool() as made:
        for _ in range(3):
            assert (await made.exchange(get(base), LIMIT)).body == b"ok"
            await anyio.sleep(0.05)
        assert len(ports) == 3


async def test_what_comes_unasked_is_never_the_next_reply() -> None:
    """A second reply behind the first one belongs to nobody."""

    async def twice(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not reader.at_eof():
            await reader.readuntil(b"\r\n\r\n")
            writer.write(OK)
            await anyio.sleep(0.02)
            writer.write(OTHER)

    async with vendor(twice) as (base, ports), pool() as made:
        for _ in range(3):
            assert (await made.exchange(get(base), LIMIT)).body == b"ok"
            await anyio.sleep(0.05)
        assert len(ports) == 3


async def test_what_came_unasked_with_a_reply_breaks_the_next_exchange() -> None:
    async with vendor(says(OK + OTHER)) as (base, ports), pool() as made:
        assert (await made.exchange(get(base), LIMIT)).body == b"ok"
        with pytest.raises(httpcore2.RemoteProtocolError):
            await made.exchange(get(base), LIMIT)
        assert (await made.exchange(get(base), LIMIT)).body == b"ok"
        assert len(ports) == 2


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (b"", httpcore2.RemoteProtocolError),
        (b"HTTP/1.1 200 Fine\r\nContent-Le", httpcore2.RemoteProtocolError),
        (b"HTTP/1.1 200 Fine\r\nContent-Length: 9\r\n\r\nok", httpcore2.RemoteProtocolError),
        (b"no HTTP at all\r\n\r\n", httpcore2.RemoteProtocolError),
    ],
)
async def test_a_reply_that_breaks_off(reply: bytes, kind: type[Exception]) -> None:
    async with vendor(says(reply, lambda writer: writer.close())) as (base, _), pool() as made:
        with pytest.raises(kind):
            await made.exchange(get(base), LIMIT)


async def test_a_reset_in_a_body_is_an_error_and_not_its_end() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"z")  # a part of what was sent stays unread, so that closing resets
        writer.write(b"HTTP/1.1 200 Fine\r\n\r\nhalf")
        await writer.drain()
        await anyio.sleep(0.05)
        writer.transport.abort()

    async with vendor(talk) as (base, _), pool() as made:
        with pytest.raises(httpcore2.ReadError):
            await made.exchange(post(base, b"z" * 8 * HIGH_WATER), LIMIT)


async def test_silence_ends() -> None:
    async def nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await anyio.sleep(5)

    async with vendor(nothing) as (base, _), pool(silence=0.05) as made:
        with pytest.raises(httpcore2.ReadTimeout):
            await made.exchange(get(base), LIMIT)
        with pytest.raises(httpcore2.WriteTimeout):
            await made.exchange(post(base, b"z" * 64 * HIGH_WATER), LIMIT)


async def test_who_no_longer_waits_leaves_no_connection_behind() -> None:
    closed = anyio.Event()

    async def nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await reader.read()
        closed.set()

    async with vendor(nothing) as (base, _), pool() as made:
        with anyio.move_on_after(0.1):
            await made.exchange(get(base), LIMIT)
        await closed.wait()
    assert closed.is_set()


async def test_what_is_compressed_is_told_as_it_was() -> None:
    body = gzip.compress(b'{"name": "Ana"}')
    head = b"HTTP/1.1 200 Fine\r\nContent-Encoding: gzip\r\nX-One: a\r\nx-one: b\r\nX-Name: Jos\xe9\r\n"
    async with vendor(says(b"%sContent-Length: %d\r\n\r\n%s" % (head, len(body), body))) as (base, _), pool() as made:
        reply = await made.exchange(get(base), LIMIT)
        assert reply.body == b'{"name": "Ana"}'
        assert (reply.headers["x-one"], reply.headers["x-name"]) == ("a, b", "José")
