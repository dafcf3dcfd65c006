"""What the emulators share: faults on request, a log of requests, a rate limit, a sound for recordings.

``Stage`` is the outermost ASGI layer round one emulator. ``POST /_faults`` at the sandbox's root plans a
fault; the stage plays it on the next matching request. Faults come before the work (the vendor did nothing) or after it (the
work was done and only the answer is lost): a client cannot tell these apart.
"""

from __future__ import annotations

import io
import math
import struct
import time
import wave
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import anyio
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Kind = Literal[
    "status",  # answer `status` (with `retry_after` and `body` if given); no work done
    "reject",  # do the work, then answer `status` and `body`
    "slow",  # wait `seconds`, then serve as usual
    "hold",  # wait until the faults are forgotten, then serve as usual
    "hang",  # never answer; no work done
    "hang_after",  # do the work, never answer
    "cut",  # close the connection without an answer; no work done
    "cut_after",  # do the work, close the connection without an answer
    "truncate",  # announce the whole reply, send half, close
    "html",  # a 200 HTML page
    "garbage",  # 200, JSON content type, not JSON
    "empty",  # 200 and nothing
    "huge",  # 200 and `bytes` bytes of JSON
    "redirect",  # 302 to `location`
]
Clock = Callable[[], datetime]


@dataclass
class Fault:
    """One planned fault: played on the next ``times`` requests whose path contains ``path`` (-1: for ever)."""

    kind: Kind
    path: str = ""
    method: str = ""
    times: int = 1
    skip: int = 0  # let this many matching requests pass first
    status: int = 503
    body: Any = None
    retry_after: float | None = None
    seconds: float = 5.0
    bytes: int = 20_000_000
    location: str = "http://127.0.0.1:9/"


@dataclass(frozen=True)
class Seen:
    """One request that arrived, for tests to look at. ``at`` is in monotonic seconds."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    at: float


@dataclass
class Stage:
    """One vendor's emulator with its faults, its log and, if wanted, a rate limit.

    ``rate`` is (calls, seconds) by this server's clock, counted when a request arrives; ``busy`` makes the vendor's own
    429 answer. ``heard`` keeps the last 10,000 requests.
    """

    app: ASGIApp
    busy: Callable[[], Response]
    rate: tuple[int, float] | None = None
    faults: list[Fault] = field(default_factory=list)
    heard: deque[Seen] = field(default_factory=lambda: deque(maxlen=10_000))
    _arrivals: deque[float] = field(default_factory=deque)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        body = await _body(receive)
        self.heard.append(_seen(scope, body))
        fault = self._next_fault(scope)
        if fault is None and self._over_rate():
            return await self.busy()(scope, receive, send)
        replay = _replay(body, receive)
        if fault is not None and fault.kind == "hold":
            await self._forgotten(fault)
            fault = None
        if fault is None:
            return await self.app(scope, replay, send)
        await _play(fault, self.app, scope, replay, receive, send)

    def _next_fault(self, scope: Scope) -> Fault | None:
        for fault in self.faults:
            if fault.path in scope["path"] and fault.method in ("", scope["method"]) and fault.times != 0:
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                return fault
        return None

    async def _forgotten(self, fault: Fault) -> None:
        while any(one is fault for one in self.faults):  # noqa: ASYNC110 - whoever plans faults clears a plain list
            await anyio.sleep(0.02)

    def _over_rate(self) -> bool:
        if self.rate is None:
            return False
        calls, seconds = self.rate
        now = time.monotonic()
        while self._arrivals and self._arrivals[0] <= now - seconds:
            self._arrivals.popleft()
        self._arrivals.append(now)
        return len(self._arrivals) > calls


async def _body(receive: Receive) -> bytes:
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _seen(scope: Scope, body: bytes) -> Seen:
    headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
    return Seen(scope["method"], scope["path"], scope["query_string"].decode(), headers, body, time.monotonic())


async def _play(fault: Fault, app: ASGIApp, scope: Scope, replay: Receive, receive: Receive, send: Send) -> None:
    if fault.kind in ("hang_after", "cut_after", "reject", "truncate"):
        held: list[Message] = []
        await app(scope, replay, _holding(held))
        if fault.kind == "truncate":
            return await _half(held, receive, send)
    if fault.kind == "slow":
        await anyio.sleep(fault.seconds)
        return await app(scope, replay, send)
    if fault.kind in ("hang", "hang_after"):
        await anyio.sleep(600)
    if fault.kind in ("cut", "cut_after", "hang", "hang_after"):
        return _cut(receive)
    await _canned(fault)(scope, receive, send)


def _holding(held: list[Message]) -> Send:
    async def hold(message: Message) -> None:
        held.append(message)

    return hold


async def _half(held: list[Message], receive: Receive, send: Send) -> None:
    body = b"".join(message.get("body", b"") for message in held)
    await send(held[0])
    await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
    await anyio.sleep(0.05)
    _cut(receive)


def _cut(receive: Receive) -> None:
    """Drop the connection. uvicorn's receive belongs to the request, which knows its transport; elsewhere raise."""
    transport = getattr(getattr(receive, "__self__", None), "transport", None)
    if transport is None:
        raise ConnectionResetError("the emulator dropped the connection, as asked")
    transport.abort()


def _canned(fault: Fault) -> Response:
    headers = {} if fault.retry_after is None else {"Retry-After": f"{fault.retry_after:g}"}
    match fault.kind:
        case "html":
            return Response("<!doctype html><title>Sign in</title><h1>Please sign in</h1>", media_type="text/html")
        case "garbage":
            return Response('{"success": true, "data": [', media_type="application/json")
        case "empty":
            return Response(b"", media_type="application/json")
        case "huge":
            return Response(b'"' + b"x" * fault.bytes + b'"', media_type="application/json")
        case "redirect":
            return Response(b"", 302, {"Location": fault.location})
        case _:
            return _answer(fault, headers)


def _answer(fault: Fault, headers: dict[str, str]) -> Response:
    if isinstance(fault.body, str):
        return Response(fault.body, fault.status, headers, media_type="text/plain")
    return JSONResponse(fault.body if fault.body is not None else {"message": "as asked"}, fault.status, headers)


def tone(seconds: float = 1.0, pitch: float = 440.0) -> bytes:
    """A short mono WAV: the emulated recordings. 8 kHz, 16 bit."""
    out = io.BytesIO()
    with wave.open(out, "wb") as audio:
        audio.setnchannels(1)
        audio.setsampwidth(2)
        audio.setframerate(8000)
        audio.writeframes(b"".join(_samples(seconds, pitch)))
    return out.getvalue()


def _samples(seconds: float, pitch: float) -> Iterable[bytes]:
    for n in range(int(8000 * seconds)):
        yield struct.pack("<h", int(8000 * math.sin(2 * math.pi * pitch * n / 8000)))
