"""A vendor's rate kept by several replicas together: slots in Redis, by Redis's own clock.

A slot is an entry whose score is the moment at which it is free again: while its request is under way at the latest when that
has surely ended, from its reply on one window later. Redis gone, each replica keeps to its share of the limit.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any, Final

import anyio

from lead_mcp.transport.rate import MARGIN, RateLimit
from lead_mcp.transport.shared_redis import PATIENCE, RedisGone, SharedRedis

UNDER_WAY: Final = 60.0
"""Seconds after which a request has surely ended whose replica gave no slot back."""
ALIVE: Final = 60.0
"""Seconds for which a replica counts that has asked for a slot."""
SHORTEST_WAIT: Final = 0.02
LOOKS: Final = 5
"""How often in a window a caller that waits looks for a slot, at least."""
TAKE: Final = """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZADD', KEYS[2], now + ARGV[4], ARGV[5])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
local replicas = redis.call('ZCARD', KEYS[2])
redis.call('EXPIRE', KEYS[2], math.ceil(ARGV[4]))
if redis.call('ZCARD', KEYS[1]) < tonumber(ARGV[1]) then
  redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[3])
  redis.call('EXPIRE', KEYS[1], math.ceil(ARGV[2]))
  return {'0', replicas}
end
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
return {tostring(first[2] - now), replicas}
"""
GIVE_BACK: Final = """
redis.call('ZADD', KEYS[1], 'XX', now + ARGV[1], ARGV[2])
return redis.call('ZCOUNT', KEYS[2], now, '+inf')
"""


@dataclass
class SharedSlots:
    """The slots of every account, in one Redis. ``replicas``: how many share them, as far as was last known."""

    shared: SharedRedis
    replica: str = field(default_factory=lambda: token_hex(8))
    replicas: int = 1

    async def take(self, key: str, calls: int, name: str) -> float:
        """Take a slot under that name; 0, or the seconds after which to ask again. Raises RedisGone."""
        wait, self.replicas = await self._run(TAKE, key, calls, UNDER_WAY, name, ALIVE, self.replica)
        return float(wait)

    async def give_back(self, key: str, seconds: float, name: str) -> None:
        """Its reply is here: the slot is free again after so many seconds. Raises RedisGone."""
        self.replicas = await self._run(GIVE_BACK, key, seconds + MARGIN, name)

    async def _run(self, script: str, key: str, *arguments: Any) -> Any:
        names = (f"lead-mcp:{{{key}}}:slots", f"lead-mcp:{{{key}}}:replicas")
        return await self.shared.run(script, names, *arguments)


@dataclass
class SharedRate(RateLimit):
    """``calls`` in any ``seconds`` over all replicas; ``key``: the same for whoever uses the same credential."""

    key: str = ""
    slots: SharedSlots | None = None
    alone: bool = False
    """Redis is gone: this process has its share alone."""

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait for a slot among all replicas', then for one of our own."""
        if self.slots is None or not self.calls:
            async with super().slot():
                yield
            return
        name = token_hex(8)
        taken = await self._take(self.slots, name)
        try:
            async with super().slot():
                yield
        finally:
            if taken:
                await self._give_back(self.slots, name)

    async def _take(self, slots: SharedSlots, name: str) -> bool:
        try:
            while True:
                with anyio.CancelScope(shield=True):  # cut off here, a slot would be taken that nobody gives back
                    wait = await slots.take(self.key, self.calls, name)
                if wait <= 0:
                    break
                # what is under way may be answered sooner than it must be: then a slot is free one window later
                await anyio.sleep(min(max(wait, SHORTEST_WAIT), max(self.seconds / LOOKS, SHORTEST_WAIT)))
        except RedisGone:
            self.alone = True
        else:
            self.alone = False
        return not self.alone

    async def _give_back(self, slots: SharedSlots, name: str) -> None:
        with anyio.move_on_after(PATIENCE, shield=True):
            try:
                await slots.give_back(self.key, self.seconds, name)
            except RedisGone:
                return  # it is free again when its request has surely ended

    def own(self) -> tuple[int, float]:
        """All of the limit; of that a replica's share while Redis is gone, and never more than that together."""
        if not self.alone or self.slots is None:
            return self.calls, self.seconds
        replicas = self.slots.replicas
        share = self.calls // replicas
        return (share, self.seconds) if share else (1, self.seconds * math.ceil(replicas / self.calls))
