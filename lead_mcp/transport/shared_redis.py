"""The Redis that replicas share: scripts run in it, by its own clock, or a word that it is gone."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

log = logging.getLogger("lead_mcp.redis")

PATIENCE: Final = 1.0
"""Seconds that Redis may take."""
COOL_DOWN: Final = 5.0
"""Seconds after a failure in which Redis is not asked."""
CLOCK: Final = """
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1000000
"""
"""How every script begins."""


class RedisGone(Exception):
    """It cannot be asked just now."""


@dataclass
class SharedRedis:
    """One Redis. ``gone_since``: when it could not be asked; None while it can."""

    redis: Any = field(repr=False)
    clock: Callable[[], float] = time.monotonic
    gone_since: float | None = None

    @classmethod
    def at(cls, url: str) -> SharedRedis:
        """The one at that URL; nothing is sent yet."""
        from redis.asyncio import Redis

        return cls(Redis.from_url(url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE))

    async def run(self, script: str, keys: Sequence[str], *arguments: Any) -> Any:
        """What a script returns, which knows ``now`` by Redis's clock. Raises RedisGone."""
        from redis.exceptions import RedisError

        if self.gone_since is not None and self.clock() - self.gone_since < COOL_DOWN:
            raise RedisGone
        try:
            found = await self.redis.eval(CLOCK + script, len(keys), *keys, *arguments)
        except (RedisError, OSError, TimeoutError) as error:
            if self.gone_since is None:
                kind = type(error).__name__  # its words may hold the address
                log.warning(
                    "Redis is gone (%s): each replica keeps to its share of the rates, and breakers apart", kind
                )
            self.gone_since = self.clock()
            raise RedisGone from None
        if self.gone_since is not None:
            log.warning("Redis is back: rates and breakers are kept together again")
            self.gone_since = None
        return found

    async def aclose(self) -> None:
        await self.redis.aclose()
