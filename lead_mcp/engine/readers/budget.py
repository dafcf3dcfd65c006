"""How many records one answer may read: a fair share for every reader, and what others turn out not to need."""

from __future__ import annotations

from dataclasses import dataclass

import anyio

from lead_mcp.engine.limits import Limit, Limits
from lead_mcp.engine.notes import LimitReached


@dataclass
class Budget:
    """``most`` records over all readers, by which ``limit``. ``spare``: what readers that have ended did not need of their
    shares; ``share``: what each reader has to begin with.
    """

    most: int
    limit: Limit = Limit.SCAN
    share: int = 0
    spare: int = 0
    reading: int = 0
    """Readers that have not ended."""
    waiting: int = 0
    """Those among them that have used up their share."""
    _changed: anyio.Event | None = None
    """What those who wait are woken by, where there are any."""

    @staticmethod
    def among(readers: int, limits: Limits) -> Budget:
        """In equal shares for so many readers."""
        return Budget(limits.scan, limits.limit, max(1, limits.scan // max(1, readers)), reading=readers)

    def left_by(self, readers: int) -> None:
        """So many readers turned out to have nothing to read: others may have their shares."""
        self.reading -= readers
        self.spare += readers * self.share
        self.changed()

    def begin_again(self, readers: int) -> None:
        """So many readers that have ended are followed by others in their place."""
        self.reading += readers
        self.spare -= readers * self.share

    def changed(self) -> None:
        """Wake everybody who waits."""
        event, self._changed = self._changed, None
        if event is not None:
            event.set()

    async def borrowed(self) -> int:
        """Some of the spare records; waits until there are any, or until every reader has ended or waits too: then 0."""
        self.waiting += 1
        try:
            while self.spare <= 0 and self.waiting < self.reading:
                self._changed = self._changed or anyio.Event()
                await self._changed.wait()
            taken = max(0, -(-self.spare // self.waiting))
            self.spare -= taken
        finally:
            self.waiting -= 1
        if not taken:
            self.changed()
        return taken


@dataclass
class Usage:
    """What a reading cost: ``requests`` sent, ``scanned`` records read, ``share`` of records it may read.

    ``skipped``: those that earlier pages gave, read again because the vendor cannot be asked to leave them out. They are not
    of the share, else a later page would never get behind them.
    """

    share: int
    budget: Budget | None = None
    requests: int = 0
    scanned: int = 0
    skipped: int = 0

    def asked(self) -> None:
        self.requests += 1

    @property
    def left(self) -> int:
        return self.share + self.skipped - self.scanned

    @property
    def limit(self) -> LimitReached:
        """How many records the whole answer may read."""
        if self.budget is None:
            return LimitReached(Limit.SCAN, self.share)
        return LimitReached(self.budget.limit, self.budget.most)

    async def may_go_on(self) -> bool:
        """Whether more may be read: of the share, or of what others have left."""
        while self.left <= 0:
            more = 0 if self.budget is None else await self.budget.borrowed()
            if not more:
                return False
            self.share += more
        return True

    def end(self) -> None:
        """The reading has ended: others may have what it left."""
        if self.budget is not None:
            self.budget.reading -= 1
            self.budget.spare += self.left  # less than nothing, where the last page held more than was left
            self.share -= self.left
            self.budget.changed()
