"""What faults do with a request: bytes that break off, drip, lie or are no HTTP; replies that a server never meant."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from functools import cache
from typing import Any, Final

import anyio

from tests.faults.host import Answered, Exchange, Play

HUGE: Final = 6_000_000
"""Bytes of a reply beyond any limit of these tests."""
BOMB: Final = 96_000_000
"""Bytes into which the bomb unfolds."""
GZIP: Final = 31
"""For zlib: the largest window, in gzip's format."""
FAR: Final = "Tue, 01 Jan 2036 00:00:00 GMT"


# --- the connection breaks ----------------------------------------------------------------------------------------


async def reset_at_once(exchange: Exchange) -> None:
    await exchange.work()
    await exchange.reset()


async def close_at_once(exchange: Exchange) -> None:
    await exchange.work()
    await exchange.close()


def broken_at(share: Callable[[bytes], int], *, reset: bool) -> Play:
    """The reply up to so many of its bytes, then the end of the connection."""

    async def play(exchange: Exchange) -> None:
        whole = (await exchange.reply()).to_bytes()
        await exchange.send(whole[: share(whole)])
        await (exchange.reset() if reset else exchange.close())

    return play


def in_headers(whole: bytes) -> int:
    return whole.index(b"\r\n\r\n") // 2


def before_body(whole: bytes) -> int:
    return whole.index(b"\r\n\r\n") + 4


def in_body(whole: bytes) -> int:
    return (before_body(whole) + len(whole)) // 2


# --- time ---------------------------------------------------------------------------------------------------------


async def hang(exchange: Exchange) -> None:
    await exchange.work()
    await anyio.Event().wait()


def dripping(seconds: float, piece: int) -> Play:
    """The reply in pieces of so many bytes, one every so many seconds."""

    async def play(exchange: Exchange) -> None:
        whole = (await exchange.reply()).to_bytes()
        for start in range(0, len(whole), piece):
            await exchange.send(whole[start : start + piece])
            await anyio.sleep(seconds)

    return play


# --- the framing lies ---------------------------------------------------------------------------------------------


def of_length(extra: int, *, closes: bool = True) -> Play:
    """A Content-Length that is so many bytes off."""

    async def play(exchange: Exchange) -> None:
        said = await exchange.reply()
        await exchange.answer(said, content_length=str(max(0, len(said.body) + extra)))
        await (exchange.close() if closes else anyio.Event().wait())

    return play


async def without_length(exchange: Exchange) -> None:
    """The end of the connection is the end of the reply."""
    said = await exchange.reply()
    headers = {key: value for key, value in said.headers.items() if key != "content-length"}
    await exchange.send(said.head({**headers, "connection": "close"}) + said.body)
    await exchange.close()


def chunked(tail: bytes) -> Play:
    """The reply as one chunk, and what follows it."""

    async def play(exchange: Exchange) -> None:
        said = await exchange.reply()
        headers = {key: value for key, value in said.headers.items() if key != "content-length"}
        head = said.head({**headers, "transfer-encoding": "chunked"})
        await exchange.send(head + f"{len(said.body):x}\r\n".encode() + said.body + b"\r\n" + tail)
        await exchange.close()

    return play


def bytes_of(data: bytes) -> Play:
    """These bytes, whatever they are."""

    async def play(exchange: Exchange) -> None:
        await exchange.work()
        await exchange.send(data)
        await exchange.close()

    return play


def endless(head: bytes, piece: bytes) -> Play:
    """A beginning, and then the same piece until nobody listens."""

    async def play(exchange: Exchange) -> None:
        await exchange.work()
        await exchange.send(head)
        while True:
            await exchange.send(piece)

    return play


async def hinted(exchange: Exchange) -> None:
    """Early hints, then the reply."""
    await exchange.send(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
    await exchange.answer(await exchange.reply())


# --- another reply ------------------------------------------------------------------------------------------------


def saying(status: int, body: bytes = b'{"message": "as asked"}', **headers: str) -> Play:
    """This reply in place of the emulator's."""

    async def play(exchange: Exchange) -> None:
        await exchange.work()
        await exchange.answer(Answered(status, {"content-type": "application/json"}, body), **headers)

    return play


async def redirect_to_itself(exchange: Exchange) -> None:
    await exchange.work()
    await exchange.answer(Answered(302, {"location": exchange.heard.target}, b""))


def echo(status: int) -> Play:
    """A page that shows the whole request, as debug pages do."""

    async def play(exchange: Exchange) -> None:
        await exchange.work()
        heard = exchange.heard
        shown = {"message": f"{heard.method} {heard.target}", **heard.headers, "body": heard.body.decode()}
        await exchange.answer(Answered(status, {"content-type": "application/json"}, json.dumps(shown).encode()))

    return play


def encoded(encode: Callable[[bytes], bytes], coding: str = "") -> Play:
    """The emulator's reply in other bytes."""

    async def play(exchange: Exchange) -> None:
        said = await exchange.reply()
        more = {"content_encoding": coding} if coding else {}
        await exchange.answer(Answered(said.status, said.headers, encode(said.body)), **more)

    return play


def typed(kind: str) -> Play:
    """The emulator's reply under another content type."""

    async def play(exchange: Exchange) -> None:
        await exchange.answer(await exchange.reply(), content_type=kind)

    return play


async def bomb(exchange: Exchange) -> None:
    await exchange.work()
    await exchange.answer(Answered(200, {"content-encoding": "gzip"}, packed()))


@cache
def packed() -> bytes:
    packer, million = zlib.compressobj(1, zlib.DEFLATED, GZIP), b" " * 1_000_000
    return b"".join([packer.compress(million) for _ in range(BOMB // len(million))]) + packer.flush()


# --- the reply with other content ---------------------------------------------------------------------------------


def changed(change: Callable[[Any], Any]) -> Play:
    """The emulator's reply, its JSON changed, where it is a success."""

    async def play(exchange: Exchange) -> None:
        said = await exchange.reply()
        if said.status < 300 and said.body:
            body = json.dumps(change(json.loads(said.body))).encode()
            said = Answered(said.status, said.headers, body)
        await exchange.answer(said)

    return play


def each_list(made: Callable[[], Callable[[Any], Any]]) -> Callable[[], Play]:
    """A change that remembers what came before; each of a vendor's calls is a list of its own."""

    def play_made() -> Play:
        plays: dict[str, Play] = {}

        async def play(exchange: Exchange) -> None:
            mine = plays.setdefault(exchange.heard.path, changed(made()))
            await mine(exchange)

        return play

    return play_made


def in_turn(*plays: Play) -> Callable[[], Play]:
    """Plays one after the other, the last for ever; made anew for every cell."""

    def made() -> Play:
        left = iter(plays)
        last = plays[-1]

        async def play(exchange: Exchange) -> None:
            await next(left, last)(exchange)

        return play

    return made
