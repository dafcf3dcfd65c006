"""stdin and stdout as a client has them, pipes or sockets: read and written by the event loop itself.

The SDK has a worker thread read each line and two more write and flush each answer: a fifth of the processor time of a search
(measured on 2026-11-27). Files and terminals, and all of Windows, for which no event loop can wait, are left to it.
"""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import Context
from typing import Final, Self

import anyio
from mcp.shared.message import SessionMessage
from mcp.types import jsonrpc_message_adapter

from lead_mcp.serving.unreadable import Item

CHUNK: Final = 64 * 1024
"""Bytes read at once. As many may wait beside whole lines; a line itself may be of any length."""
LINGER: Final = 5.0
"""Seconds that the last answers have to be read in, behind the end of input."""
BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
"""What programs on Windows may send first."""
STDIN, STDOUT, STDERR = 0, 1, 2


def are_pipes() -> bool:
    """Whether the event loop can wait for both, and neither is stderr too, which has to go on blocking."""
    if sys.platform == "win32":
        return False
    ends = os.fstat(STDIN), os.fstat(STDOUT)
    return all(stat.S_ISFIFO(one.st_mode) or stat.S_ISSOCK(one.st_mode) for one in ends) and not _is_stderr(ends[1])


def _is_stderr(found: os.stat_result) -> bool:
    with suppress(OSError):
        return os.path.samestat(found, os.fstat(STDERR))
    return False


@asynccontextmanager
async def opened_pipes() -> AsyncIterator[tuple[Messages, Replies]]:
    """What is read and written, while whoever else reads stdin meets its end, and what else is printed goes to stderr."""
    with _instead(STDIN, os.open(os.devnull, os.O_RDONLY)) as read, _instead(STDOUT, _elsewhere()) as write:
        lines = InputLines(read)
        outlet = Outlet(write, lines.end)
        try:
            yield Messages(lines), Replies(outlet)
            with anyio.move_on_after(LINGER, shield=True):
                await outlet.emptied()
        finally:
            lines.end()
            outlet.end()


def _elsewhere() -> int:
    """Where what is printed goes: stderr, or nowhere."""
    try:
        return os.dup(STDERR)
    except OSError:
        return os.open(os.devnull, os.O_WRONLY)


@contextmanager
def _instead(fd: int, other: int) -> Iterator[int]:
    """What was behind ``fd``, under a number of its own that does not block; ``other`` stands in for it meanwhile."""
    kept = os.dup(fd)
    blocking = os.get_blocking(kept)
    os.dup2(other, fd)
    os.close(other)
    os.set_blocking(kept, False)
    try:
        yield kept
    finally:
        with suppress(OSError, ValueError):
            sys.stdout.flush()  # what was printed belongs to stderr, not behind the last message
        os.set_blocking(kept, blocking)
        os.dup2(kept, fd)
        os.close(kept)


class InputLines:
    """The lines that come through a descriptor."""

    def __init__(self, fd: int) -> None:
        self._fd, self._loop = fd, asyncio.get_running_loop()
        self._waiting = bytearray()
        self._searched = 0
        """Bytes of what waits that hold no end of a line."""
        self._ended = self._reading = False
        self._news: asyncio.Future[None] | None = None

    async def line(self) -> bytes | None:
        """The next one without its end; the last may have none. None at the end."""
        while (end := self._waiting.find(b"\n", self._searched)) < 0 and not self._ended:
            self._searched = len(self._waiting)
            await self._more()
        self._searched = 0
        if end < 0:
            rest, self._waiting = bytes(self._waiting), bytearray()
            return rest or None
        found = bytes(self._waiting[:end])
        del self._waiting[: end + 1]
        return found

    def end(self) -> None:
        """Nothing more is read."""
        self._ended = True
        self._pause()
        self._tell()

    async def _more(self) -> None:
        """Wait for further bytes, or the end."""
        if not self._reading:
            self._reading = True
            self._loop.add_reader(self._fd, self._arrived)
        self._news = self._loop.create_future()
        await self._news

    def _arrived(self) -> None:
        try:
            data = os.read(self._fd, CHUNK)
        except BlockingIOError:
            return
        except OSError:  # a socket whose other end is gone
            data = b""
        self._waiting += data
        self._ended = not data
        if self._ended or len(self._waiting) >= CHUNK:
            self._pause()
        self._tell()

    def _pause(self) -> None:
        if self._reading:
            self._reading = False
            self._loop.remove_reader(self._fd)

    def _tell(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)


class Outlet:
    """Bytes on their way out of a descriptor, in their order. ``gone``: called where nobody reads them any more."""

    def __init__(self, fd: int, gone: Callable[[], None]) -> None:
        self._fd, self._gone, self._loop = fd, gone, asyncio.get_running_loop()
        self._waiting = bytearray()
        self._writing = self._broken = False
        self._empty = anyio.Event()

    async def write(self, data: bytes) -> None:
        """Return when all of it is out. Cut off, it goes out all the same, whole. Raises BrokenResourceError."""
        if not self._broken:
            self._waiting += data
            if not self._writing:
                self._flush()
            await self.emptied()
        if self._broken:
            raise anyio.BrokenResourceError

    async def emptied(self) -> None:
        """Wait until nothing waits."""
        while self._waiting:
            await self._empty.wait()

    def end(self) -> None:
        """Nothing more goes out."""
        self._broken = True
        self._waiting.clear()
        self._settle()

    def _flush(self) -> None:
        try:
            del self._waiting[: os.write(self._fd, self._waiting)]
        except BlockingIOError:
            pass
        except OSError:
            self.end()
            self._gone()
        self._settle()

    def _settle(self) -> None:
        """Be told of room where something waits, and tell whoever waits where nothing does any more."""
        if bool(self._waiting) is self._writing:
            return
        self._writing = not self._writing
        if self._writing:
            self._empty = anyio.Event()
            self._loop.add_writer(self._fd, self._flush)
        else:
            self._loop.remove_writer(self._fd)
            self._empty.set()


class Messages:
    """What the server reads: the messages of a client, and errors for lines that hold none."""

    last_context: Context | None = None

    def __init__(self, lines: InputLines) -> None:
        self._lines = lines
        self._first = True

    async def receive(self) -> Item:
        """Raises EndOfStream."""
        line = await self._lines.line()
        if line is None:
            raise anyio.EndOfStream
        if self._first:
            self._first, line = False, line.removeprefix(BYTE_ORDER_MARK)
        try:
            return SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False))
        except ValueError as error:
            return error

    async def aclose(self) -> None:
        self._lines.end()


class Replies:
    """What the server writes to."""

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet
        self._closed = False

    async def send(self, item: SessionMessage, /) -> None:
        """Raises ClosedResourceError, BrokenResourceError."""
        if self._closed:
            raise anyio.ClosedResourceError
        await self._outlet.write(item.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n")

    async def aclose(self) -> None:
        self._closed = True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *failure: object) -> None:
        await self.aclose()
