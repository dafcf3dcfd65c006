"""``lead-mcp import``: a file of leads into one account, every row exactly once however often it is killed and run again.

The whole file is checked before the first request. A row's key is the digest of its values and which of the rows with these
values it is: the journal knows by it what became of the row, in this run or an earlier one, whatever other rows have come or
gone. Four rows are under way at once, within the
account's rate; rows that share an e-mail or a telephone number go one after the other, so that the later sees the earlier.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import anyio

from lead_mcp.characters import cleaned
from lead_mcp.cli.columns import Row, mapped
from lead_mcp.cli.results import Results
from lead_mcp.cli.rows import Problems, read_file
from lead_mcp.cli.setup import settings_for
from lead_mcp.cli.terminal import agreed, interruptible
from lead_mcp.engine.people import Person
from lead_mcp.errors import BadArgument, LeadMcpError, NotAllowed
from lead_mcp.journal.entries import Write
from lead_mcp.runtime import Runtime, running
from lead_mcp.settings import Settings
from lead_mcp.writing.batch import RowResult
from lead_mcp.writing.call import PREVIEWED, WriteCall
from lead_mcp.writing.inserts import InsertIntent, OnDuplicate
from lead_mcp.writing.offers import offered_insert
from lead_mcp.writing.outcome import Action, Outcome, OutcomeKind, Tool
from lead_mcp.writing.prepared import PreparedWrite
from lead_mcp.writing.send import replayed

AT_ONCE: Final = 4
PRINCIPAL: Final = "import"
"""The principal of an import's keys, whoever runs the command."""
UNUSABLE: Final = 2
BEFORE: Final = "sent by an earlier run with other values (--map or --on-duplicate)"
DUPLICATES: Final = {
    "fail": "left alone and reported",
    "update": "updated with the row",
    "allow": "added once more",
}


@dataclass(frozen=True)
class Options:
    """What was asked for."""

    account: str
    maps: Sequence[str] = ()
    on_duplicate: OnDuplicate = "fail"
    ignore_unmapped: bool = False
    max_failures: int = 10


@dataclass
class Plan:
    """A file found to be sound, and its rows. ``digest``: of its content."""

    path: Path
    options: Options
    digest: str
    rows: Sequence[Row]
    warnings: Counter[str] = field(default_factory=Counter)
    began_earlier: bool = False
    """Whether version 0.1 has begun to import this very file."""

    def intent(self, runtime: Runtime, row: Row) -> InsertIntent:
        connection = runtime.connection(self.options.account)
        return InsertIntent(connection, row.lead, row.own, self.options.on_duplicate, looks=False)

    def call(self, row: Row) -> WriteCall:
        arguments = {
            "account": self.options.account,
            "lead": row.lead,
            "vendor_fields": row.own or None,
            "on_duplicate": self.options.on_duplicate,
        }
        return WriteCall(Tool.INSERT_LEAD, arguments, f"import {row.name}", PRINCIPAL)

    def earlier_call(self, row: Row) -> WriteCall:
        """The same under the key that version 0.1 gave it: the file's digest and the row's number."""
        return replace(self.call(row), key=f"import {self.digest}#{row.number}")


def run(path: Path, options: Options, *, yes: bool, dry_run: bool, config: Path | None) -> int:
    """Check, ask, send, sum up; the exit code."""
    settings, _ = settings_for(config, sandbox=False)
    try:
        found = anyio.run(_checked, settings, path, options)
    except BadArgument as error:
        return _unusable([error.message])
    if isinstance(found, Problems):
        return _unusable([f"{path.name}: {said}" for said in found.texts()])
    if dry_run:
        return anyio.run(_preview, settings, found)
    if settings.server.writes == "off":
        raise NotAllowed("LEAD_MCP_WRITES is off, so nothing can be imported.")
    results = Results.of(path.with_name(f"{path.name}.results.jsonl"))
    if not agreed(_question(found), yes=yes):
        print("declined; nothing was sent")
        return 0
    results.open()
    try:
        sending = Sending(found, results)
        return anyio.run(interruptible, partial(sending.run, settings), sending.last_words)
    finally:
        results.close()


def _unusable(problems: Sequence[str]) -> int:
    sys.stderr.writelines(f"lead-mcp: {cleaned(said)}\n" for said in problems)
    sys.stderr.write("lead-mcp: nothing was sent\n")
    return UNUSABLE


# --- checking -----------------------------------------------------------------------------------------------------


async def _checked(settings: Settings, path: Path, options: Options) -> Plan | Problems:
    """The plan, or what is wrong. Every row passes the vendor's form; nothing is asked of the vendor."""
    file = read_file(path)
    async with running(settings) as runtime:
        form = offered_insert(runtime.connection(options.account)).form
        columns = mapped(file.columns, options.maps, form, ignore_unmapped=options.ignore_unmapped)
        plan = Plan(path, options, file.digest, columns.rows(file.read))
        beginning = f"import {file.digest}#"
        plan.began_earlier = await runtime.in_journal(lambda journal: journal.has_keys(PRINCIPAL, beginning))
        for row in plan.rows:
            try:
                prepared = await plan.intent(runtime, row).prepare(runtime.context(), PREVIEWED, look=False)
            except LeadMcpError as error:
                file.problems.add(row.line, error.message)
            else:
                plan.warnings.update({note for note in prepared.warnings if isinstance(note, str)})
    return file.problems or plan


def _question(plan: Plan) -> str:
    options = plan.options
    lines = [
        f"Import {len(plan.rows):,} rows of {plan.path.name} into {options.account}? "
        f"A lead that is there already (same e-mail or phone) is {DUPLICATES[options.on_duplicate]}."
    ]
    lines += [f"Note: {warning}" for warning in list(plan.warnings)[:5]]
    return "\n".join([*lines, *([f"Note: {len(plan.warnings) - 5:,} more warnings"] if len(plan.warnings) > 5 else [])])


# --- under way ----------------------------------------------------------------------------------------------------


@dataclass
class Turns:
    """Rows about one person take turns."""

    locks: dict[str, anyio.Lock] = field(default_factory=dict)

    @asynccontextmanager
    async def of(self, row: Row, region: str) -> AsyncIterator[None]:
        person = Person.of({**row.own, **row.lead}, region)
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
class Sending:
    """The rows on their way: each to its end, its result on disk, until too many have failed."""

    plan: Plan
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
        print(f"{len(self.plan.rows):,} rows: {self.results.counted()}{f', {left:,} not sent' if left else ''}")
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
        return await runtime.pipeline("allow", None, {}).run(self.plan.intent(runtime, row), call)

    async def _earlier(self, runtime: Runtime, call: WriteCall) -> Outcome | None:
        """What an earlier run made of this row with other values: it is done all the same, and not done again."""
        write = await known(runtime, self.plan, call)
        if write is None or not write.replayed or write.arguments == call.digest:
            return None
        before = replayed(write)
        return Outcome(before.kind, before.uri, journal_id=write.id, warnings=(*before.warnings, BEFORE))


async def known(runtime: Runtime, plan: Plan, call: WriteCall) -> Write | None:
    """The write that has this key, whatever its arguments."""
    account, key = plan.options.account, call.key or ""
    return await runtime.in_journal(lambda journal: journal.find(account, str(call.tool), PRINCIPAL, key))


async def key_of(runtime: Runtime, plan: Plan, row: Row) -> WriteCall:
    """The call under the key by which the journal knows the row: version 0.1's, where that began it."""
    earlier = plan.earlier_call(row)
    return earlier if plan.began_earlier and await known(runtime, plan, earlier) else plan.call(row)


# --- looking only -------------------------------------------------------------------------------------------------


async def _preview(settings: Settings, plan: Plan) -> int:
    """Print what an import would do, row by row counted; nothing is sent. The exit code."""
    counts: Counter[str] = Counter()
    people: Counter[str] = Counter()
    async with running(settings) as runtime:

        async def look(row: Row) -> None:
            counts[await _would(runtime, plan, row)] += 1
            person = Person.of({**row.own, **row.lead}, runtime.server.phone_region)
            people.update(person.emails | person.phones)
            advance()

        with _progress(len(plan.rows), "looking") as advance:
            await _each(plan.rows, look, lambda: False)
    print(f"{len(plan.rows):,} rows: " + ", ".join(f"{count:,} {word}" for word, count in counts.items()))
    if again := sum(count - 1 for count in people.values()):
        print(f"{again:,} times an e-mail or phone of the file comes again in it")
    print("nothing was sent")
    return 1 if counts[WOULD_FAIL] else 0


WOULD_FAIL: Final = "would fail"


async def _would(runtime: Runtime, plan: Plan, row: Row) -> str:
    """What would become of a row, in a few words."""
    write = await known(runtime, plan, await key_of(runtime, plan, row))
    if write is not None and write.replayed:
        return "imported already"
    try:
        prepared = await plan.intent(runtime, row).prepare(runtime.context(), PREVIEWED)
        prepared.check()
        return _in_words(prepared)
    except LeadMcpError:
        return WOULD_FAIL


def _in_words(prepared: PreparedWrite) -> str:
    if prepared.verdict is not None:
        return str(prepared.verdict)
    return "would be updated" if prepared.action is Action.UPDATE else "would be created"
