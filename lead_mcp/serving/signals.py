"""Ctrl-C and SIGTERM: open work has a moment to unwind, and the process is gone within a second, whatever happens."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import AsyncIterator
from typing import Final

import anyio

HAS_SIGNALS: Final = sys.platform != "win32"
"""Windows has no signals that an event loop could wait for: there the end of input ends stdio, and uvicorn the rest."""
GRACE: Final = 0.6
"""Seconds that open work has to unwind after a signal."""
LAST: Final = 0.9
"""Seconds after a signal at which the process ends in any case: unwinding thousands of sessions keeps the loop busy."""


async def ending_signals() -> AsyncIterator[int]:
    """The exit code for each signal that comes. From the first on the end is certain."""
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as received:
        async for number in received:
            code = 128 + number
            last = threading.Timer(LAST, leave, [code])
            last.daemon = True
            last.start()
            yield code


def leave(code: int) -> int:
    """End the process now if a signal asked for it: a thread that still waits for something would keep it for minutes."""
    if code:
        sys.stderr.flush()
        os._exit(code)
    return code
