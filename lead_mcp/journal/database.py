"""The journal's database: an engine by URL, and transactions that end within a bound, whatever the database does.

A transaction runs in a thread of its own. Where it does not end in time, it is given up: the caller gets a refusal, and the
thread rolls back as soon as the database lets it. One that was already committing may still come through; ``late`` says what
is then to be done about it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import Connection, Engine, Float, cast, create_engine, event, extract, func, literal
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.sql import ColumnElement

from lead_mcp.errors import SettingsError
from lead_mcp.journal.failures import refusing, unusable
from lead_mcp.journal.migrations import prepare
from lead_mcp.state_dir import private_folder, private_place

T = TypeVar("T")
BOUND: Final = 10.0
"""Seconds that a step of the journal may take."""
OWN_PART: Final = 0.8
"""The part of the bound after which the database itself gives up waiting, so that it says why."""


class GivenUp(Exception):
    """Nobody waits for this transaction any more: it must not be committed."""


@dataclass
class Job(Generic[T]):
    """One transaction on its way."""

    work: Callable[[Connection], T]
    ended: Event = field(default_factory=Event)
    _lock: Lock = field(default_factory=Lock)
    _given_up: bool = False
    _value: list[T] = field(default_factory=list)
    _error: BaseException | None = None

    def do(self, tx: Connection) -> T:
        """The work, inside its transaction. Raises GivenUp where nobody waits for it any more."""
        value = self.work(tx)
        if self._given_up:
            raise GivenUp
        return value

    def end(self, value: list[T], error: BaseException | None = None) -> bool:
        """Hand the result over; False where nobody waits for it any more."""
        with self._lock:
            self._value, self._error = value, error
            self.ended.set()
            return not self._given_up

    def give_up(self) -> bool:
        """Wait no longer; False where it has ended just now."""
        with self._lock:
            self._given_up = not self.ended.is_set()
            return self._given_up

    def result(self) -> T:
        if self._error is not None:
            raise self._error
        return self._value[0]


class Database:
    """A database by URL. ``opened`` runs once, before the first transaction."""

    def __init__(
        self,
        url: str | URL,
        folder: Path,
        clock: Callable[[], datetime],
        opened: Callable[[], None],
        bound: float = BOUND,
    ) -> None:
        self.url, self.folder, self.clock, self.opened, self.bound = url, folder, clock, opened, bound
        self.engine: Engine | None = None
        self._opening = Lock()
        self._turn = Lock()

    def run(self, work: Callable[[Connection], T], late: Callable[[], object] = lambda: None) -> T:
        """What ``work`` makes of one transaction. Raises NotAllowed where that cannot be had within the bound."""
        job = Job(work)
        Thread(target=self._carried_out, args=(job, late), name="lead-mcp-journal", daemon=True).start()
        if not job.ended.wait(self.bound) and job.give_up():
            raise unusable(f"no answer within {self.bound:g} s")
        return job.result()

    def _carried_out(self, job: Job[T], late: Callable[[], object]) -> None:
        try:
            with refusing():
                engine = self._ready()
                with self._taking_turns(engine), engine.begin() as tx:
                    value = job.do(tx)
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            job.end([], error)
        else:
            if not job.end([value]):
                late()

    def _taking_turns(self, engine: Engine) -> AbstractContextManager[object]:
        """Threads of one process queue here for SQLite: in the database they would wait for each other by sleeping."""
        return self._turn if engine.dialect.name == "sqlite" else nullcontext()

    def now(self, tx: Connection) -> ColumnElement[float]:
        """Epoch seconds by the database's clock: PostgreSQL's own; for SQLite this machine's, where the file is."""
        if tx.dialect.name == "sqlite":
            return literal(self.clock().timestamp())
        return cast(extract("epoch", func.clock_timestamp()), Float)

    def _ready(self) -> Engine:
        with self._opening:  # the first calls may come at once, each in a thread of its own
            if self.engine is None:
                private_folder(self.folder)
                engine = _engine(self.url, self.bound)
                try:
                    prepare(engine)
                    self.opened()
                except BaseException:
                    engine.dispose()
                    raise
                self.engine = engine
            return self.engine

    def close(self) -> bool:
        """Whether it was open."""
        engine, self.engine = self.engine, None
        if engine is not None:
            engine.dispose()
        return engine is not None


# --- engines ------------------------------------------------------------------------------------------------------


def parsed_url(url: str | URL) -> URL:
    """The URL taken apart; ``postgres://``, which libpq and hosts of databases write, is ``postgresql+psycopg://``.

    Raises SettingsError.
    """
    try:
        found = make_url(url)
        found = found.set(drivername="postgresql+psycopg") if found.drivername == "postgres" else found
        found.get_dialect()
    except SQLAlchemyError:
        raise SettingsError(
            "LEAD_MCP_JOURNAL_URL is no database URL, such as postgresql+psycopg://host/name."
        ) from None
    return found


def _engine(url: str | URL, bound: float) -> Engine:
    parsed = parsed_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed, bound)
    seconds = max(2, round(bound * OWN_PART))  # libpq takes whole seconds, two at least
    connecting: dict[str, Any] = {}
    if parsed.get_driver_name() == "psycopg":
        connecting = {"connect_timeout": seconds, "tcp_user_timeout": round(bound * 1000)}
    engine = create_engine(
        parsed, pool_pre_ping=True, pool_size=10, max_overflow=30, pool_timeout=bound, connect_args=connecting
    )
    if parsed.get_backend_name() == "postgresql":
        event.listen(engine, "begin", partial(_limit_postgresql, round(bound * OWN_PART * 1000)))
    return engine


def _limit_postgresql(milliseconds: int, connection: Connection) -> None:
    """A living server ends what takes too long by itself, and rolls it back."""
    limits = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    connection.exec_driver_sql("; ".join(f"SET LOCAL {name} = {milliseconds}" for name in limits))


def _sqlite(url: URL, bound: float) -> Engine:
    _own_file(Path(url.database or ""))
    engine = create_engine(url, connect_args={"timeout": bound * OWN_PART})
    event.listen(engine, "connect", _sqlite_settings)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def _own_file(path: Path) -> None:
    """The database file, readable by its owner only; SQLite gives its side files the same mode."""
    private_folder(path.parent)
    private_place(path)


def _sqlite_settings(connection: Any, record: Any) -> None:
    connection.isolation_level = None  # we begin transactions ourselves, immediately, so that writers queue
    with _cursor(connection) as cursor:
        for setting in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
            cursor.execute(f"PRAGMA {setting}")


@contextmanager
def _cursor(connection: Any) -> Iterator[Any]:
    cursor = connection.cursor()
    try:
        yield cursor
    finally:
        cursor.close()
