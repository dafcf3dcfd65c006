"""An event loop for tests whose waits cost nothing: its clock stands still while there is work and skips idle time.

On a loaded machine a call that hangs until its deadline still ends exactly then, and nothing else ends with it: seconds pass
only where every task waits for a timer. While a worker thread is busy time passes as it does on the wall. Only for tests in
which everything that a call waits for lives in this loop (or in its threads): another process would be waited for in no time.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, Final, TypeVar, TypeVarTuple

from anyio._backends._asyncio import _threadpool_idle_workers, _threadpool_workers
from anyio.from_thread import BlockingPortal, start_blocking_portal
from anyio.lowlevel import _run_vars

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

GRACE: Final = 0.002
"""Real seconds without any event before idle time is skipped: what one socket of this loop sent another has then arrived."""


class Skipping(selectors.DefaultSelector):
    """Waits for events no longer than ``GRACE``, then pretends that the whole wait is over. ``now``: seconds passed."""

    now = 0.0
    grace = GRACE
    busy: Callable[[], bool] = staticmethod(lambda: False)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0)
        if found or timeout == 0:
            return found
        if timeout is None or self.busy():
            return self._really(timeout)
        found = super().select(min(timeout, self.grace))
        self.now += 0.0 if found else timeout
        return found

    def _really(self, timeout: float | None) -> list[tuple[selectors.SelectorKey, int]]:
        started = time.monotonic()
        found = super().select(timeout)
        self.now += time.monotonic() - started
        return found


class SkippingLoop(asyncio.SelectorEventLoop):
    """The loop; threads of asyncio's executor and of anyio count as work."""

    def __init__(self, grace: float = GRACE) -> None:
        self._skipping = Skipping()
        self._skipping.grace = grace
        self._skipping.busy = self._threads_at_work
        self._executing = 0
        super().__init__(self._skipping)

    def time(self) -> float:
        return self._skipping.now

    def run_in_executor(self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts) -> asyncio.Future[T]:
        self._executing += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._executed)
        return future

    def _executed(self, future: asyncio.Future[Any]) -> None:
        self._executing -= 1

    def _threads_at_work(self) -> bool:
        known: Any = _run_vars.get(self, {})
        return self._executing > 0 or len(known.get(_threadpool_workers, ())) > len(
            known.get(_threadpool_idle_workers, ())
        )


def skipping_portal(grace: float = GRACE) -> AbstractContextManager[BlockingPortal]:
    """A portal whose loop, in a thread of its own, skips idle time. ``grace``: longer where many bytes are on their way."""
    return start_blocking_portal(backend_options={"loop_factory": partial(SkippingLoop, grace)})
