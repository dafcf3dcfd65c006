"""One call of a tool, bounded: whatever is not answered in time is a fault."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import anyio
from mcp import Client

from soak.clock import Clock
from soak.house import DEADLINE, House
from soak.tally import Tally
from soak.truth import Truth

LONGEST: Final = 3 * DEADLINE + 30
"""Seconds until a call counts as unanswered: the deadline bounds the vendors' part, a busy machine adds to the rest."""
GRACE: Final = 35
"""Seconds after the last fault until every account must answer again: a vendor that was down rests for up to 30."""
ANSWERS_UNDER_FAULTS: Final = frozenset("unavailable timeout rate_limited garbled too_large rejected".split())
"""How a call may end whose vendor fails."""


@dataclass(frozen=True)
class Run:
    """What every client of a run knows. ``pace``: seconds between two calls of one client."""

    house: House
    truth: Truth
    clock: Clock
    tally: Tally
    pace: float

    @property
    def is_calm(self) -> bool:
        """Whether a call that began this long ago or later has met no fault."""
        return self.clock.calm_for() > GRACE


class Refused(Exception):
    """A tool answered with an error."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


async def on_and_on(run: Run, name: str, work: Callable[[], Awaitable[None]]) -> None:
    """One client's work until the end of the run. What breaks it is a fault, after which it goes on."""
    while run.clock.is_running:
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - it is counted, and the others go on
            run.tally.fault("client broken", f"{name}: {'; '.join(map(repr, leaves(error)))}")
            await anyio.sleep(1)


def leaves(error: BaseException) -> Iterator[BaseException]:
    """The errors of a group, and of the groups in it."""
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from leaves(one)
    else:
        yield error


async def call(run: Run, client: Client, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The structured answer. Raises Refused, and TimeoutError for one that never came, which is a fault."""
    run.tally.count(f"calls of {tool}")
    try:
        with anyio.fail_after(LONGEST):
            found = await client.call_tool(tool, dict(arguments))
    except TimeoutError:
        run.tally.fault("unanswered", f"{tool} {arguments}")
        raise
    structured = dict(found.structured_content or {})
    if found.is_error:
        error = structured.get("error") or {"code": "?", "message": str(found.content)}
        run.tally.count(f"answers: {error['code']}")
        raise Refused(error["code"], error["message"])
    run.tally.count("answers: ok")
    return structured
