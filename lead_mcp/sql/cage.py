"""The server's side of the cage: a child process that runs statements, kept warm, replaced after a failure.

One statement at a time holds it (``Cage.session``). Whatever is cancelled, late or broken in a session kills the child; the
next session starts another one. This process never imports DuckDB.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any, Final, cast

import anyio
from anyio import to_thread

from lead_mcp.sql.frames import LENGTH, from_wire, packed

ROOT: Final = str(Path(__file__).parents[2])
START: Final = "import sys; sys.path.append(sys.argv[2]); from lead_mcp.sql.child import main; main(sys.argv[1])"
"""The child finds this package where this process found it, and nothing else of the working directory."""
STARTING: Final = 20.0
"""Seconds a child may take to start."""
LARGEST: Final = 64 * 1024 * 1024
"""Bytes that an answer may have; more is no answer of ours."""
GONE: Final = "the engine's process ended"
NO_FILES: Final[Mapping[str, str]] = MappingProxyType({})
Message = tuple[dict[str, Any], list[bytes]]
IDLE_SPENT: Final = 540.0
"""Seconds without a request after which a child is replaced: soon it ends by itself (``child.IDLE``)."""
CPU_SPENT: Final = 300.0
"""Seconds a child may have computed before it is replaced by a fresh one."""
SYSTEM: Final = {"SYSTEMROOT": r"C:\Windows"}
"""Windows starts no Python without it; elsewhere the child's environment is empty."""


class CageError(Exception):
    """The child could not answer."""


class EngineError(CageError):
    """The engine refused or failed: what it said of it. The child lives."""

    def __init__(self, report: Mapping[str, Any]) -> None:
        super().__init__(str(report.get("exception_message", "")))
        self.report = report

    @property
    def kind(self) -> str:
        """Python's name of the engine's error: ``BinderException``."""
        return str(self.report.get("class", ""))


class TooLong(CageError):
    """The deadline passed; the child is gone."""


class Busy(CageError):
    """Somebody else's statement held the child for too long; nothing was done."""


class ChildDied(CageError):
    """The child ended in the middle: out of memory or time, or broken."""


def is_installed() -> bool:
    """Whether DuckDB is there to be asked (found, not imported)."""
    return find_spec("duckdb") is not None


@dataclass(frozen=True, slots=True)
class ResultSet:
    """What a statement gave. ``row_count``: all rows, or None where there are more than anybody counted."""

    columns: Sequence[str]
    types: Sequence[str]
    rows: Sequence[Sequence[Any]]
    row_count: int | None
    cut_cells: int


class Child:
    """One child process. Talking to it blocks, so it is done in a worker thread: that works under any event loop.

    It is made in the thread that runs the event loop: on Linux it ends with the thread that has started it (``confine``),
    and a worker thread ends when it has been idle for some seconds.
    """

    def __init__(self, options: Mapping[str, Any], start: str = START, secret: str = "") -> None:
        """``secret``: a line that it is told on its stdin before all else."""
        self.options = options
        self.process = subprocess.Popen(  # noqa: S603 - our own interpreter, our own code
            [sys.executable, "-I", "-c", start, json.dumps(options), ROOT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=SYSTEM if sys.platform == "win32" else {},
            start_new_session=True,
        )
        if secret:
            cast("IO[bytes]", self.process.stdin).write(f"{secret}\n".encode())
            cast("IO[bytes]", self.process.stdin).flush()
        self.version = ""
        self.confined: Mapping[str, bool] = {}
        self.cpu = 0.0
        self.used = time.monotonic()

    @property
    def serves(self) -> bool:
        """Whether it lives, and need not be replaced."""
        spent = self.cpu > CPU_SPENT or time.monotonic() - self.used > IDLE_SPENT
        return self.process.poll() is None and not spent

    async def greet(self) -> None:
        """Wait until it is ready. Raises ChildDied, EngineError."""
        hello, _ = await to_thread.run_sync(self._answer, abandon_on_cancel=True)
        self.version, self.confined = hello["version"], hello["confined"]

    async def ask(self, header: Mapping[str, Any], blobs: Sequence[bytes] = ()) -> Message:
        """One request and its answer. Raises EngineError, ChildDied."""
        self.used = time.monotonic()
        return await to_thread.run_sync(self._ask, packed(header, blobs), abandon_on_cancel=True)

    def _ask(self, message: bytes) -> Message:
        requests = cast("IO[bytes]", self.process.stdin)
        try:
            requests.write(message)
            requests.flush()
        except (OSError, ValueError):
            raise ChildDied(GONE) from None
        return self._answer()

    def _answer(self) -> Message:
        try:
            header = json.loads(self._exactly(int.from_bytes(self._exactly(LENGTH), "big")))
            blobs = [self._exactly(size) for size in header["sizes"]]
        except (ValueError, KeyError, TypeError):
            raise ChildDied("the engine's answer is no answer") from None
        self.cpu = header.get("cpu", self.cpu)
        if "error" in header:
            raise EngineError(header["error"])
        return header, blobs

    def _exactly(self, many: int) -> bytes:
        if many > LARGEST:
            raise ChildDied("the engine's answer is no answer")
        try:
            found = cast("IO[bytes]", self.process.stdout).read(many)
        except (OSError, ValueError):
            raise ChildDied(GONE) from None
        if len(found) < many:
            raise ChildDied(GONE)
        return found

    async def end(self) -> None:
        """Kill it, whatever it is doing, and wait until it is gone."""
        with anyio.CancelScope(shield=True), suppress(ProcessLookupError):
            self.process.kill()
            await to_thread.run_sync(self._closed)

    def _closed(self) -> None:
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            with suppress(OSError):  # what it did not read any more
                cast("IO[bytes]", pipe).close()


@dataclass
class Session:
    """The child for one statement's while."""

    child: Child

    async def tree(self, sql: str) -> Any:
        """The statement as the engine parsed it: ``{"error": false, "statements": [...]}``, or its error."""
        found, _ = await self.child.ask({"op": "parse", "sql": sql})
        try:
            return json.loads(found["tree"])
        except RecursionError:
            raise EngineError({"exception_message": "the statement is nested too deeply"}) from None

    async def begin(self, create: Sequence[str], drop: Sequence[str]) -> None:
        """Fresh tables."""
        await self.child.ask({"op": "begin", "create": list(create), "drop": list(drop)})

    async def load(self, table: str, columns: Sequence[tuple[str, str]], blobs: Sequence[bytes]) -> None:
        """Rows into a table: names and types of columns, for each a JSON list of texts (empty: absent in every row)."""
        await self.child.ask({"op": "load", "table": table, "columns": [list(one) for one in columns]}, blobs)

    async def run(self, sql: str, max_rows: int, max_bytes: int, max_cell: int) -> ResultSet:
        """The result: its first rows, as far as they fit."""
        asked = {"op": "run", "sql": sql, "max_rows": max_rows, "max_bytes": max_bytes, "max_cell": max_cell}
        found, blobs = await self.child.ask(asked)
        rows = [from_wire(row) for row in json.loads(blobs[0])]
        return ResultSet(found["columns"], found["types"], rows, found["row_count"], found["cut_cells"])

    async def finish(self) -> None:
        """Drop the tables, so that nothing of them stays."""
        await self.child.ask({"op": "end"})


@dataclass
class Cage:
    """Where statements run. ``memory``: bytes the engine may use; ``threads``: that compute for it."""

    memory: int = 1_000_000_000
    threads: int = 2
    key: str = field(default="", repr=False)
    """What attached files are encrypted with, if they are."""
    child: Child | None = None
    _lock: anyio.Lock = field(default_factory=anyio.Lock)

    @asynccontextmanager
    async def session(
        self, zone: str, seconds: float, wait: float = 60.0, attached: Mapping[str, str] = NO_FILES
    ) -> AsyncIterator[Session]:
        """The child alone, in ``zone``, for so many seconds, after waiting ``wait`` at most. Raises CageError.

        ``attached``: files that it opens before it is confined, to read them alone, by their names in SQL.
        """
        try:
            with anyio.fail_after(wait):
                await self._lock.acquire()
        except TimeoutError:
            raise Busy("another statement is being run") from None
        try:
            with anyio.fail_after(seconds):
                session = Session(await self._alive(zone, attached))
                async with self._kept_or_ended(session):
                    yield session
        except TimeoutError:
            raise TooLong(f"not done within {seconds:g} s") from None
        finally:
            self._lock.release()

    @asynccontextmanager
    async def _kept_or_ended(self, session: Session) -> AsyncIterator[None]:
        """Its tables dropped afterwards; the child ended where it broke, or is stopped in the middle of something."""
        serves = False
        try:
            try:
                yield
            except Exception as error:
                if isinstance(error, CageError) and not isinstance(error, EngineError):
                    raise
                await session.finish()
                serves = True
                raise
            await session.finish()
            serves = True
        finally:
            if not serves:
                await self.aclose()

    async def _alive(self, zone: str, attached: Mapping[str, str]) -> Child:
        """The child that is, if it still serves; else a new one."""
        child = self.child
        wanted = {"zone": zone, "memory": self.memory, "threads": self.threads, "attached": dict(attached)}
        wanted |= {"sealed": True} if self.key else {}
        if child is not None and not (child.options == wanted and child.serves):
            await self.aclose()
        if self.child is None:
            self.child = Child(wanted, secret=self.key)
            try:
                with anyio.fail_after(STARTING):
                    await self.child.greet()
            except BaseException:
                await self.aclose()
                raise
        return self.child

    async def aclose(self) -> None:
        """End the child, if there is one."""
        child, self.child = self.child, None
        if child is not None:
            await child.end()
