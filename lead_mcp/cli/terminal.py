"""Asking a person at a terminal, and ending a command by Ctrl-C or SIGTERM."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Awaitable, Callable

import anyio

from lead_mcp.characters import cleaned
from lead_mcp.errors import NotAllowed
from lead_mcp.serving.signals import GRACE


def agreed(question: str, *, yes: bool) -> bool:
    """Whether the person at the terminal says yes; with ``yes`` the question is shown and taken as answered.

    Not to be called inside an event loop: it would hold Ctrl-C back. Raises NotAllowed where nobody is there to ask.
    """
    sys.stderr.write(f"{cleaned(question, lines=True)}\n")
    if yes:
        return True
    if not sys.stdin.isatty():
        raise NotAllowed("Nobody to ask: not a terminal. Nothing was done; --yes answers for scripts.")
    sys.stderr.write("[y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


async def interruptible(work: Callable[[], Awaitable[int]], last_words: Callable[[], str] = lambda: "") -> int:
    """The exit code of ``work``. Ctrl-C and SIGTERM cancel it and end the process within a second, whatever still waits.

    A write on its way then stands in the journal as ``sending``: its outcome is looked for by whoever comes next.
    """
    unwound, code = anyio.Event(), 0

    async def watch(working: anyio.CancelScope) -> None:
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as received:
            async for signum in received:
                working.cancel()
                with anyio.move_on_after(GRACE):
                    await unwound.wait()
                sys.stderr.write(last_words())
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(128 + signum)

    async with anyio.create_task_group() as group:
        with anyio.CancelScope() as working:
            group.start_soon(watch, working)
            try:
                code = await work()
            finally:
                unwound.set()
        if working.cancel_called:
            await anyio.sleep_forever()  # the process ends in ``watch``
        group.cancel_scope.cancel()
    return code
