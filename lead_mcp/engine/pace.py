"""Long work without stalls: in steps on the event loop, or aside in a worker thread. Others are answered meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

import anyio.to_thread
from anyio.lowlevel import cancel_shielded_checkpoint

T = TypeVar("T")

STEP: Final = 0.005
"""Seconds of work between two turns of the event loop."""
SMALL: Final = 500
"""Records, or groups, that are worked on at once without anybody noticing."""
ALWAYS: Final = SMALL + 1
"""The size of one thing of which nobody knows how large it is."""


class Pace:
    """A walk through many records in short steps."""

    def __init__(self) -> None:
        self._since = time.perf_counter()

    async def step(self) -> None:
        """Let others have their turn, if it is time. Never cancelled here: what was begun is whole."""
        if time.perf_counter() - self._since > STEP:
            await cancel_shielded_checkpoint()
            self._since = time.perf_counter()


async def aside(work: Callable[[], T], size: int) -> T:
    """What ``work`` gives, done in a worker thread where ``size`` says that it takes long.

    Nobody else may touch what it works on meanwhile.
    """
    return work() if size <= SMALL else await anyio.to_thread.run_sync(work)
