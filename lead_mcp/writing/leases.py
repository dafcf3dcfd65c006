"""Steps of the journal in a worker thread, and a write's lease renewed while work goes on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import anyio
import anyio.to_thread

from lead_mcp.errors import LeadMcpError
from lead_mcp.journal.entries import Write

if TYPE_CHECKING:
    from lead_mcp.journal.store import Journal

P = ParamSpec("P")
T = TypeVar("T")
RENEWALS = 4
"""How often a lease is renewed before it would be over."""


async def in_thread(work: Callable[P, T], *arguments: P.args, **keywords: P.kwargs) -> T:
    """A step of the journal. It is bounded there; whoever is cancelled meanwhile waits for its end."""
    return await anyio.to_thread.run_sync(lambda: work(*arguments, **keywords))


async def shielded(work: Callable[[], Awaitable[T]]) -> T:
    """What ``work`` gives, whoever is cancelled meanwhile."""
    results: list[T] = []
    with anyio.CancelScope(shield=True):
        results.append(await work())
    return results[0]


async def while_held(journal: Journal, write: Write, work: Callable[[], Awaitable[T]]) -> T:
    """What ``work`` gives. As long as it goes on, no other process takes the write for abandoned."""
    results: list[T] = []
    failures: list[Exception] = []
    async with anyio.create_task_group() as group:
        group.start_soon(_renew, journal, write)
        try:
            results.append(await work())
        except Exception as error:  # noqa: BLE001 - raised again below: the task group would wrap it
            failures.append(error)
        group.cancel_scope.cancel()
    if failures:
        raise failures[0]
    return results[0]


async def _renew(journal: Journal, write: Write) -> None:
    held = True
    while held:
        await anyio.sleep(journal.lease / RENEWALS)
        with suppress(LeadMcpError):  # a journal that is stuck just now may answer the next time
            held = await anyio.to_thread.run_sync(journal.renew, write, abandon_on_cancel=True)
