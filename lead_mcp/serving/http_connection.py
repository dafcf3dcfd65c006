"""One HTTP connection, which may not wait for ever: uvicorn bounds the time between requests alone.

A client that opens connections and says nothing, sends a request drop by drop, or never reads its answer, takes a
descriptor each time; with enough of them nobody else comes in. So each such wait has a bound, connections have one
together, and where that is reached the one that has waited longest without a whole request makes room.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

AT_ONCE: Final = 16
"""Connections taken in one turn of the event loop; it takes a few turns until one that made room is closed."""
SPARE: Final = 128
"""Descriptors for all the rest: vendors, the journal, the event loop, connections just taken."""
FULL: Final = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


@dataclass(frozen=True)
class HttpLimits:
    """Seconds of a client's own: ``head`` from the connection, or the first byte, to the end of the headers; ``body`` from
    there to its end (its size is bounded elsewhere); ``write`` while it reads nothing of what waits for it; ``idle``
    between two requests. ``most``: connections at once, all clients together.
    """

    head: float = 10
    body: float = 30
    write: float = 30
    idle: int = 30
    most: int = 1000


def limits_here() -> HttpLimits:
    """The limits, with as many connections as the descriptors of this process allow."""
    try:
        import resource
    except ImportError:  # Windows
        return HttpLimits()
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = HttpLimits.most if soft == resource.RLIM_INFINITY else soft - SPARE
    return HttpLimits(most=max(16, min(HttpLimits.most, allowed)))


class HttpConnection(H11Protocol):
    """uvicorn's connection with a bound on every wait."""

    def __init__(self, *arguments: Any, limits: HttpLimits, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.waits_for = {h11.IDLE: limits.head, h11.SEND_BODY: limits.body}
        self.limits = limits
        self.waiting_since = self.loop.time()
        self.expected: object = None
        self.reading: asyncio.TimerHandle | None = None
        self.writing: asyncio.TimerHandle | None = None

    @property
    def waits(self) -> bool:
        """Whether more of a request is to come, and none is being answered."""
        return self.conn.their_state in self.waits_for and not self.transport.is_closing()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._expect()
        if sum(not one.transport.is_closing() for one in self.connections) > self.limits.most:
            self._make_room()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._expect()

    def on_response_complete(self) -> None:
        self.waiting_since = self.loop.time()
        super().on_response_complete()
        if self.conn.their_state is not h11.IDLE or self.conn.trailing_data[0]:
            self._expect()  # else nothing of a next request is there: uvicorn bounds that wait
        if self.transport.get_write_buffer_size():
            self._start_writing_clock()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._start_writing_clock()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_writing_clock()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_reading_clock()
        self._stop_writing_clock()
        super().connection_lost(exc)

    def _make_room(self) -> None:
        """End the connection that has waited longest; where all are at work, this one, with a word."""
        waiting = [one for one in self.connections if isinstance(one, HttpConnection) and one.waits and one is not self]
        if waiting:
            min(waiting, key=lambda one: one.waiting_since).transport.abort()
        else:
            self.transport.write(FULL)
            self.transport.close()

    def _expect(self) -> None:
        """Time the part of a request that is to come, from when the part before it was there."""
        state = self.conn.their_state
        if state not in self.waits_for:
            self._stop_reading_clock()
        elif state is not self.expected or self.reading is None:
            self._stop_reading_clock()
            self.expected = state
            self.reading = self.loop.call_later(self.waits_for[state], self.transport.abort)

    def _stop_reading_clock(self) -> None:
        self.expected = None
        if self.reading is not None:
            self.reading.cancel()
            self.reading = None

    def _start_writing_clock(self) -> None:
        if self.writing is None:
            self.writing = self.loop.call_later(self.limits.write, self._give_up_writing)

    def _stop_writing_clock(self) -> None:
        if self.writing is not None:
            self.writing.cancel()
            self.writing = None

    def _give_up_writing(self) -> None:
        self.writing = None
        if self.transport.get_write_buffer_size():
            self.transport.abort()
