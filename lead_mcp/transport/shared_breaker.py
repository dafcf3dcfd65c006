"""A breaker that replicas share: its state in Redis, by Redis's own clock, so that one request over all of them tries.

Each replica keeps the state as it last saw it, and goes on from there while Redis is gone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any, Final

import anyio

from lead_mcp.transport.breaker import FAILURES, HANG, LONGEST_REST, REST, Breaker, WatchedRequest
from lead_mcp.transport.shared_redis import RedisGone, SharedRedis

TRYING: Final = 60.0
"""Seconds after which another request may try where a replica that tried never told how it went."""
FORGOTTEN: Final = 600
"""Seconds after which failures that nothing has followed are forgotten."""
STATE: Final = """
local found = redis.call('HMGET', KEYS[1], 'failures', 'rests', 'until', 'tries_until', 'hung', 'trying')
local failures, rests, till = tonumber(found[1] or 0), tonumber(found[2] or 0), tonumber(found[3] or 0)
"""
ENTER: Final = (
    STATE
    + """
local tries = 0
if failures >= tonumber(ARGV[1]) and till <= now and tonumber(found[4] or 0) <= now then
  tries = 1
  redis.call('HSET', KEYS[1], 'trying', ARGV[2], 'tries_until', now + ARGV[3])
  redis.call('EXPIRE', KEYS[1], ARGV[4])
end
return {failures, rests, tostring(till - now), tries}
"""
)
"""Failures that open it, the request's name, TRYING, FORGOTTEN."""
LEAVE: Final = (
    STATE
    + """
local weight, hang, seconds = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
if found[6] == ARGV[2] then redis.call('HDEL', KEYS[1], 'trying', 'tries_until') end
if weight == 0 then
  redis.call('DEL', KEYS[1])
  return {0, 0, '0'}
end
if weight < 0 or (weight == hang and now - seconds < tonumber(found[5] or 0)) then
  return {failures, rests, tostring(till - now)}
end
if weight == hang then redis.call('HSET', KEYS[1], 'hung', now) end
failures = failures + weight
if failures >= tonumber(ARGV[1]) and now >= till then
  till = now + math.min(ARGV[6] * 2 ^ rests, tonumber(ARGV[7]))
  rests = rests + 1
end
redis.call('HSET', KEYS[1], 'failures', failures, 'rests', rests, 'until', till)
redis.call('EXPIRE', KEYS[1], ARGV[8])
return {failures, rests, tostring(till - now)}
"""
)
"""Failures that open it, the request's name, its weight (below 0: it says nothing), HANG, its seconds, REST,
LONGEST_REST, FORGOTTEN."""


@dataclass
class SharedBreaker(Breaker):
    """``key``: the same for whoever uses the same credential."""

    key: str = ""
    shared: SharedRedis | None = field(default=None, repr=False)

    async def enter(self) -> str:
        name = token_hex(8)
        try:
            *state, tries = await self._run(ENTER, FAILURES, name, TRYING, FORGOTTEN)
        except RedisGone:
            return await super().enter()
        self._adopt(*state)
        if self.is_open and not tries:
            raise self.not_asked()
        self.probing = self.probing or bool(tries)
        return name if tries else ""

    async def leave(self, request: WatchedRequest, weight: int | None) -> None:
        if request.probe:
            self.probing = False
        elif weight is None or (weight == 0 and not self.failures):
            return
        outcome = (-1 if weight is None else weight, HANG, request.seconds)
        try:
            state = await self._run(LEAVE, FAILURES, request.probe, *outcome, REST, LONGEST_REST, FORGOTTEN)
        except RedisGone:
            await super().leave(request, weight)
        else:
            self._adopt(*state)

    def _adopt(self, failures: int, rests: int, wait: bytes) -> None:
        """The state as Redis has it is ours."""
        self.failures, self.rests, self.until = failures, rests, self.clock() + float(wait)

    async def _run(self, script: str, *arguments: Any) -> Any:
        """Not cut off: a request that was let in to try must be known to be over."""
        if self.shared is None:
            raise RedisGone
        with anyio.CancelScope(shield=True):
            return await self.shared.run(script, [f"lead-mcp:{{{self.key}}}:breaker"], *arguments)
