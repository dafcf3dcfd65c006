"""Coroutines side by side."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import anyio

Job = Callable[[], Awaitable[object]]


async def together(jobs: Sequence[Job]) -> None:
    """Run coroutine functions side by side; the first error is raised as itself, not in a group."""
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
