"""Coroutines side by side."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import anyio

Job = Callable[[], Awaitable[object]]


async def together(jobs: Sequence[Job]) -> None:
    """Run coroutine functions side by side; the first error is raised as itself, not in a group."""
    if len(jobs) == 1:
        await jobs[0]()
        return
    errors: list[BaseException] = []

    async def guarded(job: Job, scope: anyio.CancelScope) -> None:
        try:
            await job()
        except Exception as error:  # noqa: BLE001 - raised again below, alone
            errors.append(error)
            scope.cancel()

    async with anyio.create_task_group() as group:
        for job in jobs:
            group.start_soon(guarded, job, group.cancel_scope)
    if errors:
        raise errors[0]


async def finished_within(seconds: float, jobs: Sequence[Job]) -> list[bool]:
    """Run the jobs side by side for so many seconds at most; which of them came to their end."""
    ended = [False] * len(jobs)

    async def run(nth: int) -> None:
        await jobs[nth]()
        ended[nth] = True

    with anyio.move_on_after(max(0.0, seconds)):
        if len(jobs) == 1:
            await run(0)
            return ended
        async with anyio.create_task_group() as group:
            for nth in range(len(jobs)):
                group.start_soon(run, nth)
    return ended
