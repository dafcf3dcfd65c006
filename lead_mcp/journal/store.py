"""The one way to the journal. Blocking: call it in a worker thread. Every method is one transaction, bounded in time.

A write's events: ``intended`` (on disk before anything else), ``sending`` (on disk just before the request leaves), then
``done``, ``refused`` or ``unknown``. Every step is a compare-and-set on the write's owner, state and fencing number: who has
been taken over records nothing more. Who works on a write renews its lease; leases are read by the database's clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from secrets import token_hex
from typing import Any, Final, TypeVar

from sqlalchemy import ColumnElement, Connection, Select, select
from sqlalchemy.engine import URL

from lead_mcp.dates import utc_now
from lead_mcp.errors import NotAllowed
from lead_mcp.identity.principal import HOLDER
from lead_mcp.journal import chain, keeping, questions, steps
from lead_mcp.journal.anchors import AnchorFile
from lead_mcp.journal.chain import Anchor
from lead_mcp.journal.database import BOUND, Database, parsed_url
from lead_mcp.journal.entries import OPEN, REPLAYED, ClaimLost, JournalEvent, NewWrite, State, Write, digest_of
from lead_mcp.journal.failures import refusing
from lead_mcp.journal.owner import Owner
from lead_mcp.journal.reading import events_of, whole
from lead_mcp.journal.tables import writes

T = TypeVar("T")
LEASE: Final = 120.0
"""Seconds after which an owner that renews nothing counts as dead."""


class Journal:
    """A journal by URL. Raises NotAllowed, saying why, where it cannot be written: then nothing is sent either."""

    def __init__(
        self,
        url: str | None,
        folder: Path,
        clock: Callable[[], datetime] = utc_now,
        *,
        bound: float = BOUND,
        lease: float = LEASE,
        has_commands: bool = True,
        page: str = "",
    ) -> None:
        """``has_commands``: whether ``lead-mcp approve`` and ``journal`` open it; nothing but a sandbox's is beyond them.

        ``page``: where its waiting writes are answered in a browser, if anywhere.
        """
        self.folder, self.clock, self.lease, self.has_commands, self.page = folder, clock, lease, has_commands, page
        self.url = url or URL.create("sqlite", database=str(folder / "journal.sqlite"))
        self.owner = Owner(folder / "owners")
        self.database = Database(self.url, folder, clock, self.owner.start, bound)

    def open(self) -> Journal:
        """The journal, ready. Raises NotAllowed."""
        self._run(lambda tx: None)
        return self

    def close(self) -> None:
        if self.database.close():
            self.owner.stop()

    def _run(self, work: Callable[[Connection], T], late: Callable[[], object] = lambda: None) -> T:
        return self.database.run(work, late)

    @cached_property
    def _anchors(self) -> AnchorFile:
        """Each journal that this state folder has seen has its own."""
        with refusing():
            name = parsed_url(self.url).render_as_string(hide_password=True)
        return AnchorFile(self.folder / f"journal-{digest_of(name)[:12]}.anchor")

    def _now(self) -> str:
        return self.clock().isoformat()

    # --- a write's events ---

    def begin(self, new: NewWrite, state: State, values: Mapping[str, Any]) -> tuple[Write, bool]:
        """A new write in ``state``, or the one that has this key already; and whether it is new."""
        while True:
            write = self._new(new, state, values)
            if self._entered(write, values):
                return write, True
            found = self.find(new.account, new.tool, new.principal, new.key or "")
            if found is not None:  # else it gave the key up in between
                return found, False

    def _new(self, new: NewWrite, state: State, values: Mapping[str, Any]) -> Write:
        name, at, owner = f"w-{token_hex(8)}", self._now(), self.owner.id
        described = {name: getattr(new, name) for name in ("account", "tool", "principal", "key", "arguments")}
        return Write(id=name, at=at, state=state, uri=None, owner=owner, lease=0.0, intent=values, **described)

    def _entered(self, write: Write, values: Mapping[str, Any]) -> bool:
        with self._working(write.id, write.state):
            anchor = self._run(lambda tx: steps.begin(tx, write, values, self._lease(tx)))
        if anchor is None:
            self.let_go(write)
            return False
        self._anchors.keep(anchor)
        return True

    def step(
        self, write: Write, state: State, values: Mapping[str, Any], *, uri: str | None = None, keep_key: bool = True
    ) -> Write:
        """The write in its next state. Raises ClaimLost where another process has taken it over."""
        after = replace(write, state=state, uri=uri or write.uri, key=write.key if keep_key else None)
        late = (lambda: self._never_left(after)) if state is State.SENDING else (lambda: None)
        self._moved(write, after, values, late=late)
        if state not in OPEN:
            self.let_go(write)
        return after

    def _moved(
        self,
        write: Write,
        after: Write,
        values: Mapping[str, Any],
        *,
        from_the_dead: bool = False,
        late: Callable[[], object] = lambda: None,
    ) -> None:
        def move(tx: Connection) -> Anchor:
            free = writes.c.lease <= self.database.now(tx) if from_the_dead else None
            return steps.move(tx, write, after, values, at=self._now(), lease=self._lease(tx), free=free)

        self._anchors.keep(self._run(move, late))

    def _never_left(self, write: Write) -> None:
        """The journal said ``sending`` only after it had been given up: that write was not sent."""
        why = {"why": "the journal answered too late; nothing was sent"}
        with suppress(ClaimLost, NotAllowed):  # else it stays ``sending``, and whoever comes next looks at the vendor
            self.step(write, State.REFUSED, why, keep_key=False)

    def take_over(
        self, write: Write, state: State, values: Mapping[str, Any], *, uri: str | None = None, keep_key: bool = True
    ) -> Write | None:
        """Make a write that nobody works on ours, in ``state``; None where somebody else was faster."""
        ours = replace(write, state=state, owner=self.owner.id, fence=write.fence + 1)
        after = replace(ours, uri=uri or write.uri, key=write.key if keep_key else None)
        try:
            with self._working(write.id, state):
                self._moved(write, after, values, from_the_dead=not self._is_free(write))
        except ClaimLost:
            return None
        return after

    # --- who works on it ---

    @contextmanager
    def _working(self, name: str, state: State) -> Iterator[None]:
        """Before anybody can see that a write is ours, it is known here that a call works on it. Raises ClaimLost."""
        if state not in OPEN:
            yield
            return
        if not self.owner.take_up(name):
            raise ClaimLost
        try:
            yield
        except BaseException:
            self.owner.working.discard(name)
            raise

    def _is_free(self, write: Write) -> bool:
        """Whether it needs no look at the lease to know that nobody works on it."""
        return write.state not in OPEN or write.owner == self.owner.id or self.owner.lives(write.owner) is False

    def is_worked_on(self, write: Write) -> bool:
        """Whether some process is at work on it: this one, or another that renews its lease and is not known to be dead.

        This one may have taken it up a moment before its row says so.
        """
        if write.id in self.owner.working:
            return True
        if write.state in OPEN and write.owner == self.owner.id:
            return False
        return not self._is_free(write) and self._run(lambda tx: steps.is_held(tx, write, self.database.now(tx)))

    def renew(self, write: Write) -> bool:
        """Hold the write's lease longer; False where it is not ours any more."""
        return self._run(lambda tx: steps.renew(tx, write, self._lease(tx)))

    def _lease(self, tx: Connection) -> ColumnElement[float]:
        return self.database.now(tx) + self.lease

    def let_go(self, write: Write) -> None:
        """No call in this process works on it any more, however it went."""
        self.owner.working.discard(write.id)

    # --- questions to a person ---

    def ask(self, arguments: str, agreed: Sequence[str | None]) -> str:
        """Remember a question; its id. ``agreed``: the digests that a yes to it is bound to."""
        return self._run(lambda tx: questions.put(tx, arguments, agreed, self._now()))

    def answered(self, name: str, arguments: str) -> list[str | None] | None:
        """What a yes is bound to; None where the question is unknown, was another call's, or has been answered before."""
        return self._run(lambda tx: questions.take(tx, name, arguments))

    # --- looking ---

    def find(self, account: str, tool: str, principal: str, key: str) -> Write | None:
        """The write that has this key."""
        same = (writes.c.account == account) & (writes.c.tool == tool)
        same &= (writes.c.principal == principal) & (writes.c.key == key)
        return self._first(select(writes).where(same))

    def pending(self, new: NewWrite) -> Write | None:
        """A write without a key that waits for approval with just these arguments."""
        same = (writes.c.account == new.account) & (writes.c.tool == new.tool) & (writes.c.principal == new.principal)
        same &= (writes.c.state == "pending") & (writes.c.arguments == new.arguments) & writes.c.key.is_(None)
        return self._first(select(writes).where(same))

    def get(self, name: str) -> Write | None:
        """The write of that id."""
        return self._first(select(writes).where(writes.c.id == name))

    def _first(self, query: Select[Any]) -> Write | None:
        def first(tx: Connection) -> Write | None:
            row = tx.execute(query).mappings().first()
            return whole(tx, row) if row else None

        return self._run(first)

    def recent(
        self,
        *,
        states: Sequence[str] = (),
        account: str | None = None,
        tool: str | None = None,
        principal: str | None = None,
        limit: int = 50,
    ) -> list[Write]:
        """Writes, newest first. ``principal``: a whole name, a token's name, or an issuer's subject."""
        query = select(writes).order_by(writes.c.at.desc(), writes.c.id).limit(limit)
        query = query.where(writes.c.state.in_(states)) if states else query
        query = query.where(writes.c.account == account) if account else query
        query = query.where(writes.c.tool == tool) if tool else query
        if principal:
            named = writes.c.principal.in_([principal, f"{HOLDER}{principal}"])
            query = query.where(named | writes.c.principal.endswith(f"#{principal}", autoescape=True))
        return self._run(lambda tx: [whole(tx, row) for row in tx.execute(query).mappings().all()])

    def has_keys(self, principal: str, beginning: str) -> bool:
        """Whether any key of that principal begins so."""
        query = select(writes.c.id).where(
            writes.c.principal == principal, writes.c.key.startswith(beginning, autoescape=True)
        )
        return self._run(lambda tx: tx.execute(query.limit(1)).first() is not None)

    def is_of_another(self, write: Write, uri: str, tools: Sequence[str]) -> bool:
        """Whether another write by one of ``tools`` is known to have made the lead that this one is thought to have made."""
        made = writes.c.tool.in_(tools) & writes.c.state.in_(REPLAYED)
        query = select(writes.c.id).where(made & (writes.c.uri == uri) & (writes.c.id != write.id))
        return self._run(lambda tx: tx.execute(query).first() is not None)

    def events(self, name: str) -> list[JournalEvent]:
        """Every event of one write, in order."""
        return self._run(lambda tx: events_of(tx, name))

    # --- keeping ---

    def verify(self, anchors: Sequence[Anchor] = ()) -> list[str]:
        """What is wrong with the chain, in words; nothing where it is whole and holds ``anchors`` and the one kept here."""
        own = self._anchors.read()
        return self._run(lambda tx: chain.problems(tx, (*anchors, *([own] if own else []))))

    def head(self) -> Anchor | None:
        """The newest event, for whoever wants to keep it elsewhere."""
        return self._run(chain.head)

    def purge(self, days: int) -> int:
        """Forget the values of writes that ended more than ``days`` days ago; how many events lost theirs.

        What waited for approval that long has ended too: its values are somebody's personal ones like any other's.
        """
        before = keeping.long_ago(self.clock(), days)
        for name in self._run(lambda tx: keeping.waiting_since(tx, before)):
            write = self.get(name)
            if write is not None and write.state is State.PENDING:
                self.take_over(write, State.EXPIRED, {"why": "nobody approved it in time"}, keep_key=False)
        return self._run(lambda tx: keeping.forgotten(tx, before))
