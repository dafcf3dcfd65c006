"""The one door to the journal. Blocking: call it in a worker thread. Every method is one transaction.

A write's story: ``intended`` (on disk before anything else), ``sending`` (on disk just before the request leaves), then
``done``, ``refused`` or ``unknown``; beside that ``pending`` (waits for ``lead-mcp approve``), ``declined`` and ``resolved``.
Only ``sending`` can become unknown: a process that died earlier sent nothing, one that died later had the outcome written.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_hex
from threading import Lock
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, delete, event, insert, select, update
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import IntegrityError, ProgrammingError, SQLAlchemyError

from lead_mcp.errors import NotAllowed, SettingsError
from lead_mcp.journal.entries import OPEN, Event, Write, digest_of
from lead_mcp.journal.owner import Owner
from lead_mcp.journal.tables import VERSION, asks, chain, events, meta, metadata, payloads, writes
from lead_mcp.state_dir import private_file, private_folder

START: Final = "0" * 64
HASHED: Final = ("seq", "write_id", "at", "state", "account", "tool", "arguments", "digest", "prev")
LEASE: Final = 120.0
"""Seconds after which a process that we cannot look at is taken for dead."""


class Journal:
    """A journal by URL. Raises NotAllowed, saying why, where it cannot be written: then nothing is sent either."""

    def __init__(
        self, url: str | None, folder: Path, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self.folder, self.clock = folder, clock
        self.url = url or URL.create("sqlite", database=str(folder / "journal.sqlite"))
        self.owner = Owner(folder / "owners")
        self._engine: Engine | None = None
        self._turn = Lock()
        self._opening = Lock()

    # --- opening ---

    def open(self) -> Journal:
        """The journal, ready. Raises NotAllowed."""
        with self._opening:  # the first calls may come at once, each in a thread of its own
            self._open()
        return self

    def _open(self) -> None:
        if self._engine is None:
            with refusing():
                private_folder(self.folder)
                engine = _engine(self.url)
                try:
                    _prepare(engine)
                    self.owner.start()
                except BaseException:
                    engine.dispose()
                    raise
                self._engine = engine

    def close(self) -> None:
        if self._engine is not None:
            self._engine.dispose()
            self.owner.stop()
            self._engine = None

    @contextmanager
    def _tx(self) -> Iterator[Connection]:
        self.open()
        if self._engine is None:
            raise AssertionError("an open journal has an engine")
        # threads of one process take turns here: at the database they would wait for each other by sleeping
        with refusing(), self._turn, self._engine.begin() as tx:
            yield tx

    # --- a write's story ---

    def begin(
        self,
        account: str,
        tool: str,
        principal: str,
        key: str | None,
        arguments: str,
        state: str,
        values: Mapping[str, Any],
    ) -> tuple[Write, bool]:
        """A new write in ``state``, or the one that has this key already; and whether it is new."""
        row: dict[str, Any] = {
            "id": f"w-{token_hex(8)}",
            "at": self._now(),
            "account": account,
            "tool": tool,
            "principal": principal,
            "key": key,
            "arguments": arguments,
            "state": state,
            "uri": None,
            "owner": self.owner.id,
            "lease": self._lease(),
        }
        try:
            with self._tx() as tx:
                tx.execute(insert(writes).values(row))
                self._append(tx, row, state, values)
                self._at_work(row["id"], state)
        except _Taken:
            found = self.find(account, tool, principal, key or "")
            if found is None:  # it gave the key up in between
                return self.begin(account, tool, principal, key, arguments, state, values)
            return found, False
        return Write(**row, intent=values), True

    def mark(
        self, write: Write, state: str, values: Mapping[str, Any], *, uri: str | None = None, keep_key: bool = True
    ) -> Write:
        """The write in its next state."""
        change: dict[str, Any] = {"state": state, "owner": self.owner.id, "lease": self._lease()}
        change |= {"uri": uri} if uri else {}
        change |= {} if keep_key else {"key": None}
        with self._tx() as tx:
            tx.execute(update(writes).where(writes.c.id == write.id).values(change))
            self._append(tx, _columns(write), state, values)
        if state not in OPEN:
            self.let_go(write)
        return replace(write, **change)

    def take_over(
        self,
        write: Write,
        states: Sequence[str],
        state: str,
        values: Mapping[str, Any],
        *,
        uri: str | None = None,
        keep_key: bool = True,
    ) -> bool:
        """Make a write that nobody works on ours and put it into ``state``; False where somebody else was faster."""
        with self._tx() as tx:
            wanted = (writes.c.id == write.id) & writes.c.state.in_(states) & (writes.c.owner == write.owner)
            change: dict[str, Any] = {"state": state, "owner": self.owner.id, "lease": self._lease()}
            change |= {"uri": uri} if uri else {}
            change |= {} if keep_key else {"key": None}
            if not tx.execute(update(writes).where(wanted).values(change)).rowcount:
                return False
            if write.id in self.owner.working:  # another call in this process was faster
                tx.rollback()
                return False
            self._append(tx, _columns(write), state, values)
            self._at_work(write.id, state)
            return True

    def _at_work(self, name: str, state: str) -> None:
        """Before anybody can see that a write is ours, it is known here that a call works on it."""
        if state in OPEN:
            self.owner.working.add(name)

    def let_go(self, write: Write) -> None:
        """No call in this process works on it any more, however it went."""
        self.owner.working.discard(write.id)

    def is_worked_on(self, write: Write) -> bool:
        """Whether some living process is at work on it."""
        if write.state not in OPEN:
            return False
        if write.owner == self.owner.id:
            return write.id in self.owner.working
        lives = self.owner.lives(write.owner)
        return write.lease > self.clock().timestamp() if lives is None else lives

    def _append(self, tx: Connection, row: Mapping[str, Any], state: str, values: Mapping[str, Any]) -> None:
        head = tx.execute(select(chain.c.seq, chain.c.head).where(chain.c.id == 1).with_for_update()).one()
        said = {
            "seq": head.seq + 1,
            "write_id": row["id"],
            "at": self._now(),
            "state": state,
            "account": row["account"],
            "tool": row["tool"],
            "arguments": row["arguments"],
            "digest": digest_of(values),
            "prev": head.head,
        }
        hashed = {**said, "hash": digest_of(said)}
        tx.execute(insert(events).values(hashed))
        body = json.dumps(values, default=str, ensure_ascii=False)
        tx.execute(insert(payloads).values(seq=said["seq"], body=body))
        tx.execute(update(chain).where(chain.c.id == 1).values(seq=said["seq"], head=hashed["hash"]))

    # --- questions to a person ---

    def ask(self, arguments: str, shown: str) -> str:
        """Remember a question; its id."""
        name = f"a-{token_hex(8)}"
        with self._tx() as tx:
            tx.execute(insert(asks).values(id=name, at=self._now(), arguments=arguments, shown=shown, used=0))
        return name

    def answered(self, name: str, arguments: str) -> str | None:
        """What the question showed; None where it is unknown, was another call's, or has been answered before."""
        with self._tx() as tx:
            mine = (asks.c.id == name) & (asks.c.arguments == arguments) & (asks.c.used == 0)
            if not tx.execute(update(asks).where(mine).values(used=1)).rowcount:
                return None
            return str(tx.execute(select(asks.c.shown).where(asks.c.id == name)).scalar_one())

    # --- looking ---

    def find(self, account: str, tool: str, principal: str, key: str) -> Write | None:
        """The write that has this key."""
        same = (writes.c.account == account) & (writes.c.tool == tool)
        same &= (writes.c.principal == principal) & (writes.c.key == key)
        with self._tx() as tx:
            row = tx.execute(select(writes).where(same)).mappings().first()
            return self._whole(tx, dict(row)) if row else None

    def pending(self, account: str, tool: str, principal: str, arguments: str) -> Write | None:
        """A write without a key that waits for approval with just these arguments."""
        same = (writes.c.account == account) & (writes.c.tool == tool) & (writes.c.principal == principal)
        same &= (writes.c.state == "pending") & (writes.c.arguments == arguments) & writes.c.key.is_(None)
        with self._tx() as tx:
            row = tx.execute(select(writes).where(same)).mappings().first()
            return self._whole(tx, dict(row)) if row else None

    def get(self, name: str) -> Write | None:
        """The write of that id."""
        with self._tx() as tx:
            row = tx.execute(select(writes).where(writes.c.id == name)).mappings().first()
            return self._whole(tx, dict(row)) if row else None

    def recent(
        self, *, states: Sequence[str] = (), account: str | None = None, tool: str | None = None, limit: int = 50
    ) -> list[Write]:
        """Writes, newest first."""
        query = select(writes).order_by(writes.c.at.desc(), writes.c.id).limit(limit)
        query = query.where(writes.c.state.in_(states)) if states else query
        query = query.where(writes.c.account == account) if account else query
        query = query.where(writes.c.tool == tool) if tool else query
        with self._tx() as tx:
            return [self._whole(tx, dict(row)) for row in tx.execute(query).mappings().all()]

    def is_of_another(self, write: Write, uri: str) -> bool:
        """Whether another insert is known to have made the lead that this one is thought to have made."""
        made = writes.c.tool.startswith("insert") & writes.c.state.in_(("done", "resolved"))
        query = select(writes.c.id).where(made & (writes.c.uri == uri) & (writes.c.id != write.id))
        with self._tx() as tx:
            return write.tool.startswith("insert") and tx.execute(query).first() is not None

    def story(self, name: str) -> list[Event]:
        """Every step of one write, in order."""
        query = select(events, payloads.c.body).join(payloads, isouter=True).where(events.c.write_id == name)
        with self._tx() as tx:
            rows = tx.execute(query.order_by(events.c.seq)).mappings().all()
        return [
            Event(r["seq"], r["write_id"], r["at"], r["state"], r["digest"], r["hash"], _values(r["body"]))
            for r in rows
        ]

    def _whole(self, tx: Connection, row: Mapping[str, Any]) -> Write:
        query = select(events.c.state, payloads.c.body).join(payloads, isouter=True)
        steps = tx.execute(query.where(events.c.write_id == row["id"]).order_by(events.c.seq)).all()
        ended = [body for state, body in steps if state in ("done", "resolved")]
        outcome = _values(ended[-1]) if ended else None
        return Write(**row, outcome=outcome, intent=_values(steps[0].body) if steps else None)

    # --- keeping ---

    def verify(self) -> list[str]:
        """What is wrong with the chain, in words; nothing where every row is as it was written."""
        problems: list[str] = []
        prev, last = START, dict[str, dict[str, Any]]()
        with self._tx() as tx:
            rows = tx.execute(select(events, payloads.c.body).join(payloads, isouter=True).order_by(events.c.seq))
            for nth, row in enumerate(rows.mappings(), 1):
                problems += _row_problems(nth, prev, dict(row))
                prev, last[row["write_id"]] = row["hash"], dict(row)
            head = tx.execute(select(chain.c.head)).scalar_one()
            kept = {row["id"]: dict(row) for row in tx.execute(select(writes)).mappings()}
        if head != prev:
            problems.append("the newest events are missing")
        problems += [f"write {name} is missing" for name in last if name not in kept]
        return problems + [found for row in kept.values() for found in _write_problems(row, last.get(row["id"], {}))]

    def purge(self, days: int) -> int:
        """Forget the values of writes that ended more than ``days`` days ago; how many events lost theirs.

        What waited for approval that long has ended too: its values are somebody's personal ones like any other's.
        """
        before = (self.clock() - timedelta(days=days)).isoformat()
        self._expire(before)
        ended = select(writes.c.id).where(writes.c.state.not_in((*OPEN, "pending", "unknown")))
        old = select(events.c.seq).where((events.c.at < before) & events.c.write_id.in_(ended))
        with self._tx() as tx:
            tx.execute(delete(asks).where(asks.c.at < before))
            return int(tx.execute(delete(payloads).where(payloads.c.seq.in_(old))).rowcount)

    def _expire(self, before: str) -> None:
        """End the writes that have waited for approval since ``before``; their keys are free again."""
        with self._tx() as tx:
            old = (writes.c.state == "pending") & (writes.c.at < before)
            names = list(tx.execute(select(writes.c.id).where(old)).scalars())
        for write in filter(None, map(self.get, names)):
            self.take_over(write, ["pending"], "expired", {"why": "nobody approved it in time"}, keep_key=False)

    def _now(self) -> str:
        return self.clock().isoformat()

    def _lease(self) -> float:
        return self.clock().timestamp() + LEASE


class _Taken(Exception):
    """Another write has this key."""


@contextmanager
def refusing() -> Iterator[None]:
    """Failures of the journal as refusals: what cannot be recorded is not done."""
    try:
        yield
    except IntegrityError:
        raise _Taken from None
    except ImportError as error:
        missing = f"{error.name or error} is not installed; PostgreSQL needs lead-mcp[postgresql]"
        raise NotAllowed(f"The journal cannot be opened ({missing}), so nothing was sent.") from None
    except SettingsError as error:
        raise NotAllowed(f"The journal cannot be opened, so nothing was sent: {error}") from None
    except (SQLAlchemyError, OSError) as error:
        reason = str(getattr(error, "orig", None) or getattr(error, "strerror", None) or type(error).__name__)
        advice = "Check LEAD_MCP_STATE_DIR or LEAD_MCP_JOURNAL_URL."
        raise NotAllowed(f"The journal cannot be written ({reason}), so nothing was sent. {advice}") from None


def _columns(write: Write) -> dict[str, Any]:
    return {"id": write.id, "account": write.account, "tool": write.tool, "arguments": write.arguments}


def _values(body: str | None) -> dict[str, Any] | None:
    found: dict[str, Any] | None = json.loads(body) if body is not None else None
    return found


def _digest_of_body(body: str) -> str | None:
    """The digest of stored values; None where they are no JSON any more."""
    try:
        return digest_of(_values(body))
    except ValueError:
        return None


def _row_problems(nth: int, prev: str, row: Mapping[str, Any]) -> list[str]:
    said = {
        name: row[name] for name in ("seq", "write_id", "at", "state", "account", "tool", "arguments", "digest", "prev")
    }
    problems = []
    if row["seq"] != nth:
        problems.append(f"event {nth} is missing")
    if row["prev"] != prev or digest_of(said) != row["hash"]:
        problems.append(f"event {row['seq']} of {row['write_id']} was changed")
    if row["body"] is not None and _digest_of_body(row["body"]) != row["digest"]:
        problems.append(f"the values of event {row['seq']} of {row['write_id']} were changed")
    return problems


def _write_problems(row: Mapping[str, Any], last: Mapping[str, Any]) -> list[str]:
    """What a write's row says otherwise than its newest event."""
    return [
        f"{row['id']}: {name} {row[name]} is not what its events say"
        for name in ("state", "account", "tool", "arguments")
        if row[name] != last.get(name)
    ]


def _prepare(engine: Engine, tries: int = 5) -> None:
    """Create what is missing; another process may be doing the same just now."""
    try:
        metadata.create_all(engine)
        with engine.begin() as tx:
            _check_version(tx)
    except (IntegrityError, ProgrammingError):
        if tries == 1:
            raise
        _prepare(engine, tries - 1)


def _check_version(tx: Connection) -> None:
    found = tx.execute(select(meta.c.value).where(meta.c.name == "version")).scalar_one_or_none()
    if found is None:
        tx.execute(insert(meta).values(name="version", value=str(VERSION)))
        tx.execute(insert(chain).values(id=1, seq=0, head=START))
    elif int(found) > VERSION:
        message = f"The journal is of version {found}, newer than this lead-mcp knows ({VERSION}). Update lead-mcp."
        raise NotAllowed(message)


def _engine(url: str | URL) -> Engine:
    try:
        parsed = make_url(url)
    except SQLAlchemyError:
        raise SettingsError(
            "LEAD_MCP_JOURNAL_URL is no database URL, such as postgresql+psycopg://host/name."
        ) from None
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed, pool_pre_ping=True)
    _own_file(Path(parsed.database or ""))
    engine = create_engine(parsed, connect_args={"timeout": 30})
    event.listen(engine, "connect", _sqlite_settings)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def _own_file(path: Path) -> None:
    """The database file, readable by its owner only; SQLite gives its side files the same mode."""
    private_folder(path.parent)
    os.close(private_file(path))


def _sqlite_settings(connection: Any, record: Any) -> None:
    connection.isolation_level = None  # we begin transactions ourselves, immediately, so that writers queue
    cursor = connection.cursor()
    for setting in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
        cursor.execute(f"PRAGMA {setting}")
    cursor.close()
