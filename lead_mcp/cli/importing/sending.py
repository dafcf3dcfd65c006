"""The rows of an import on their way: four at once, within the rate, each result on disk before the next row is taken.

Rows that share an e-mail or a telephone number go one after the other, so that the later sees the earlier.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import anyio

from lead_mcp.cli.importing.columns import Row
from lead_mcp.cli.importing.plan import ImportPlan, key_of, known, person_in
from lead_mcp.cli.importing.results import Results
from lead_mcp.errors import LeadMcpError
from lead_mcp.runtime import Runtime, running
from lead_mcp.settings import Settings
from lead_mcp.writing.call import PREVIEWED, WriteCall
from lead_mcp.writing.outcome import Action, Outcome, OutcomeKind
from lead_mcp.writing.prepared import PreparedWrite, prepare
from lead_mcp.writing.rows import RowResult
from lead_mcp.writing.send import replayed

AT_ONCE: Final = 4
BEFORE: Final = "sent by an earlier run with other values (--map or --on-duplicate)"


@dataclass
class Turns:
    """Rows about one person take turns."""

    locks: dict[str, anyio.Lock] = field(default_factory=dict)

    @asynccontextmanager
    async def of(self, row: Row, region: str) -> AsyncIterator[None]:
        person = person_in(row, region)
        async with AsyncExitStack() as stack:
            for name in sorted(person.emails | person.phones):  # in one order: no two rows wait for each other
                await stack.enter_async_context(self.locks.setdefault(name, anyio.Lock()))
            yield


async def _each(rows: Sequence[Row], work: Callable[[Row], Any], enough: Callable[[], bool]) -> None:
    """``work`` on every row in order, four at once, until it is ``enough``."""
    waiting = iter(rows)

    async def worker() -> None:
        for row in waiting:
            if enough():
                return
            await work(row)

    async with anyio.create_task_group() as group:
        for _ in range(AT_ONCE):
            group.start_soon(worker)


@contextmanager
def _progress(total: int, what: str) -> Iterator[Callable[[], None]]:
    """A bar on stderr where that is a terminal; call what it gives for every row."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=total)
        yield lambda: bar.advance(task)


# --- sending ------------------------------------------------------------------------------------------------------


@dataclass
class ImportRun:
    """The rows on their way: each to its end, its result on disk, until too many have failed."""

    plan: ImportPlan
    results: Results
    turns: Turns = field(default_factory=Turns)

    @property
    def failures(self) -> int:
        return self.results.counts[OutcomeKind.FAILED] + self.results.counts[OutcomeKind.UNKNOWN]

    def enough(self) -> bool:
        return self.failures > self.plan.options.max_failures

    async def run(self, settings: Settings) -> int:
        """Send them all; the exit code."""
        async with running(settings) as runtime:
            await runtime.in_journal(lambda journal: journal.purge(settings.server.journal_days))
            with _progress(len(self.plan.rows), "importing") as advance:
                await _each(self.plan.rows, partial(self._row, runtime, advance), self.enough)
        left = len(self.plan.rows) - self.results.counts.total()
        print(f"{self.plan.size}: {self.results.counted()}{f', {left:,} not sent' if left else ''}")
        print(f"results: {self.results.path}")
        if left:
            sys.stderr.write(f"lead-mcp: stopped: more than {self.plan.options.max_failures} rows failed. ")
        if left or self.failures:
            sys.stderr.write("Run the same command again to try what failed and go on; no row is sent twice.\n")
        return 1 if self.failures else 0

    def last_words(self) -> str:
        return (
            f"lead-mcp: interrupted after {self.results.counts.total():,} of {len(self.plan.rows):,} rows "
            f"({self.results.counted()}). Run the same command again to go on; no row is sent twice.\n"
        )

    async def _row(self, runtime: Runtime, advance: Callable[[], None], row: Row) -> None:
        call = await key_of(runtime, self.plan, row)
        became: Outcome | LeadMcpError
        async with self.turns.of(row, runtime.server.phone_region):
            try:
                became = await self._earlier(runtime, call) or await self._written(runtime, row, call)
            except LeadMcpError as error:
                became = error
            self.results.add(call.key or "", RowResult.of(row.number, became))
        advance()

    async def _written(self, runtime: Runtime, row: Row, call: WriteCall) -> Outcome:
        """A pipeline of its own for each row: it looks at the vendor as of now."""
        return await runtime.pipeline("allow", None, {}, "terminal").run(self.plan.intent(runtime, row), call)

    async def _earlier(self, runtime: Runtime, call: WriteCall) -> Outcome | None:
        """What an earlier run made of this row with other values: it is done all the same, and not done again."""
        write = await known(runtime, self.plan, call)
        if write is None or not write.replayed or write.arguments == call.digest:
            return None
        before = replayed(write)
        return Outcome(before.kind, before.uri, journal_id=write.id, warnings=(*before.warnings, BEFORE))


# --- looking only -------------------------------------------------------------------------------------------------


async def preview(settings: Settings, plan: ImportPlan) -> int:
    """Print what an import would do, row by row counted; nothing is sent. The exit code."""
    counts: Counter[str] = Counter()
    people: Counter[str] = Counter()
    async with running(settings) as runtime:

        async def look(row: Row) -> None:
            counts[await _would(runtime, plan, row)] += 1
            person = person_in(row, runtime.server.phone_region)
            people.update(person.emails | person.phones)
            advance()

        with _progress(len(plan.rows), "looking") as advance:
            await _each(plan.rows, look, lambda: False)
    print(f"{plan.size}: " + ", ".join(f"{count:,} {word}" for word, count in sorted(counts.items())))
    if again := sum(count - 1 for count in people.values()):
        print(f"e-mails and phones that come again in the file: {again:,}")
    print("nothing was sent")
    return 1 if counts[WOULD_FAIL] else 0


WOULD_FAIL: Final = "would fail"


async def _would(runtime: Runtime, plan: ImportPlan, row: Row) -> str:
    """What would become of a row, in a few words."""
    write = await known(runtime, plan, await key_of(runtime, plan, row))
    if write is not None and write.replayed:
        return "imported already"
    try:
        prepared = await prepare(plan.intent(runtime, row), runtime.context(), PREVIEWED)
        prepared.check()
        return _in_words(prepared)
    except LeadMcpError:
        return WOULD_FAIL


def _in_words(prepared: PreparedWrite) -> str:
    if prepared.verdict is not None:
        return str(prepared.verdict)
    return "would be updated" if prepared.action is Action.UPDATE else "would be created"
