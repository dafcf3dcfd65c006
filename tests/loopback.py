"""A vendor's HTTP server on a free loopback port: what it hears it notes, what it says the test decides."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import anyio
from anyio.abc import ByteStream, SocketAttribute

from tests.heard import Heard, hear

PATIENCE: Final = 60
"""Seconds after which a test that hangs has failed."""


@dataclass(frozen=True)
class Say:
    """One answer. ``cut``: close without a word. ``endless``: repeat the body until nobody listens."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    wait: float = 0.0
    cut: bool = False
    endless: bool = False

    def __str__(self) -> str:
        return "cut" if self.cut else str(self.status)


Answer = Callable[[Heard], Say]


@dataclass
class Listener:
    """The server: where it is, what it heard, the most requests it had at once, the bytes it could send."""

    answer: Answer
    origin: str = ""
    heard: list[Heard] = field(default_factory=list)
    busy: int = 0
    most: int = 0
    sent: int = 0

    def paths(self) -> list[str]:
        return [one.path for one in self.heard]

    async def handle(self, stream: ByteStream) -> None:
        async with stream:
            try:
                found, _ = await hear(stream)
                self.heard.append(found)
                self.busy += 1
                self.most = max(self.most, self.busy)
                try:
                    await self._say(stream, self.answer(found))
                finally:
                    self.busy -= 1
            except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
                return

    async def _say(self, stream: ByteStream, said: Say) -> None:
        await anyio.sleep(said.wait)
        if said.cut:
            return
        length = {} if said.endless else {"Content-Length": str(len(said.body))}
        headers = {"Content-Type": "application/json", **length, "Connection": "close", **said.headers}
        lines = [f"HTTP/1.1 {said.status} Said", *(f"{key}: {text}" for key, text in headers.items()), "", ""]
        await stream.send("\r\n".join(lines).encode("latin-1"))
        await stream.send(said.body)
        while said.endless:
            self.sent += len(said.body)
            await stream.send(said.body)


def in_turn(*says: Say) -> Answer:
    """Answers one after the other, the last for ever."""
    left: Iterator[Say] = iter(says)
    last = [Say()]

    def answer(heard: Heard) -> Say:
        last[0] = next(left, last[0])
        return last[0]

    return answer


@asynccontextmanager
async def listening(answer: Answer) -> AsyncIterator[Listener]:
    """A listener for as long as the block runs, and no longer than ``PATIENCE``."""
    found = Listener(answer)
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    found.origin = f"http://127.0.0.1:{listener.extra(SocketAttribute.local_port)}"  # noqa: S610 - no Django here
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, found.handle)
        with anyio.fail_after(PATIENCE):
            yield found
        tasks.cancel_scope.cancel()


async def all_at_once(*calls: Callable[[], Awaitable[object]]) -> None:
    """Every call in parallel, to the end."""

    async def run(call: Callable[[], Awaitable[object]]) -> None:
        await call()

    async with anyio.create_task_group() as tasks:
        for call in calls:
            tasks.start_soon(run, call)
