"""Counting and adding up, the cheapest honest way, in bounded memory.

Three ways, cheapest first. *Total*: the vendor's own total, one request. *Counts*: one total for each word of a closed list,
honest only if they add up to the vendor's total. *Reading*: every match read, with only the fields needed, and thrown away
again. What was read only in part is said to be.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo

import anyio

from lead_mcp.dates import Window, stamp
from lead_mcp.engine.connection import Connection
from lead_mcp.engine.cursor import Seal
from lead_mcp.engine.fanout import together
from lead_mcp.engine.ledger import LedgerEntry, combined
from lead_mcp.engine.limits import Limits, late
from lead_mcp.engine.plan import Criteria, Plan, bound_clauses, plan
from lead_mcp.engine.query import AccountQuery, Query, resolve_queries
from lead_mcp.engine.readers.paging import Pager, Usage
from lead_mcp.engine.records import Record
from lead_mcp.engine.search import read_through
from lead_mcp.errors import BadArgument, LeadMcpError, did_you_mean
from lead_mcp.filters import Clause, Kind, Op, Order, Value, Where, as_number
from lead_mcp.vendors.spec.reading import PageRequest

PERIODS: Final = ("hour", "day", "week", "month")
MEASURES: Final = ("count", "sum", "avg", "min", "max")
MOST_GROUPS: Final = 50
OTHER: Final = "other"
Key = tuple[Any, ...]
ProgressCallback = Callable[[int], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Measure:
    """``count``, or one of ``sum avg min max`` over the present values of a field."""

    how: str
    field: str = ""

    def __str__(self) -> str:
        return f"{self.how}:{self.field}" if self.field else self.how


def parse_measures(words: Sequence[str]) -> tuple[Measure, ...]:
    """``count``, ``sum:value`` ... Raises BadArgument with the nearest one."""
    return tuple(_measure(word) for word in dict.fromkeys(words))


def _measure(word: str) -> Measure:
    how, _, name = word.partition(":")
    if how not in MEASURES or (how == "count") == bool(name):
        message = f"measures: {word[:60]!r} is none of count, sum:FIELD, avg:FIELD, min:FIELD, max:FIELD."
        raise BadArgument(message + did_you_mean(how, MEASURES))
    return Measure(how, name)


@dataclass(slots=True)
class FieldTotals:
    """What the values of one field add up to; ``total`` only where they are numbers."""

    seen: int
    total: Decimal | None
    least: Any
    most: Any

    def add(self, other: FieldTotals) -> None:
        self.seen += other.seen
        self.total = self.total if other.total is None else (self.total or Decimal(0)) + other.total
        self.least = min(self.least, other.least)
        self.most = max(self.most, other.most)


@dataclass(slots=True)
class GroupTotals:
    """What one group adds up to. Small: there may be a group for every record."""

    count: int = 0
    figures: dict[str, FieldTotals] = field(default_factory=dict)

    def add(self, values: dict[str, Any]) -> None:
        """One record: its number or time for each measured field, where it has one."""
        self.count += 1
        for name, value in values.items():
            self._add(name, FieldTotals(1, value if isinstance(value, Decimal) else None, value, value))

    def merge(self, other: GroupTotals) -> None:
        self.count += other.count
        for name, figure in other.figures.items():
            self._add(name, replace(figure))

    def _add(self, name: str, figure: FieldTotals) -> None:
        if name in self.figures:
            self.figures[name].add(figure)
        else:
            self.figures[name] = figure

    def sum(self, name: str) -> Decimal | None:
        return self.figures[name].total if name in self.figures else None

    def seen(self, name: str) -> int:
        """How many records have a value."""
        return self.figures[name].seen if name in self.figures else 0

    def value(self, measure: Measure) -> Value:
        """The measure; None where no record has a value."""
        if measure.how == "count":
            return Decimal(self.count)
        figure = self.figures.get(measure.field)
        if figure is None:
            return None
        if measure.how in ("min", "max"):
            found: Value = figure.least if measure.how == "min" else figure.most
            return found
        if figure.total is None:
            return None
        return figure.total if measure.how == "sum" else figure.total / figure.seen


@dataclass(frozen=True)
class SummaryQuery:
    """What is to be counted: groups, measures, and how the question is understood at every account."""

    question: Query
    group_by: tuple[str, ...]
    measures: tuple[Measure, ...]
    zone: ZoneInfo
    when: str = "created_at"

    @property
    def fields(self) -> list[str]:
        """Names that are fields of records."""
        groups = [name for name in self.group_by if name not in (*PERIODS, "account")]
        return list(dict.fromkeys([*groups, *(m.field for m in self.measures if m.field)]))


@dataclass
class Summary:
    """Groups with their cells, the total if it is known, how it was come by, and the ledger."""

    columns: list[str]
    cells: dict[Key, GroupTotals]
    total: int | None
    how: str
    entries: list[LedgerEntry]
    window: Window | None
    left_over: int = 0
    apart: bool = False
    """Whether groups of several accounts must not be added up: they hold money."""


async def summarize(
    connections: Sequence[Connection],
    asked: SummaryQuery,
    limits: Limits,
    seal: Seal,
    on_progress: ProgressCallback | None = None,
) -> Summary:
    """The summary. Raises LeadMcpError where the call is wrong or no account could answer."""
    question = replace(asked.question, columns=tuple(asked.fields))
    deadline = anyio.current_time() + limits.deadline
    try:
        with anyio.fail_after(limits.deadline):
            parts = await resolve_queries(connections, question)
    except TimeoutError:
        raise late(limits) from None
    _check_measures(asked, parts)
    question, parts = await _one_window(asked, question, parts)
    columns = _columns(asked, parts)
    job = _Job(replace(asked, question=question, group_by=tuple(columns)), limits, seal, deadline, on_progress)
    await together([partial(job.one, part) for part in parts])
    order = [part.account for part in parts]
    entries = sorted(job.entries, key=lambda entry: order.index(entry.account))
    errors = [entry.error for entry in entries if entry.error]
    if errors and len(errors) == len(entries) and not job.cells:
        raise combined(errors)
    if not columns:
        job.cells.setdefault((), GroupTotals())
    whole = all(entry.complete and entry.error is None for entry in entries)
    total = sum(cell.count for cell in job.cells.values())
    how = "; ".join(dict.fromkeys(job.how)) + ("" if whole else "; NOT COMPLETE: only what was read is counted")
    return Summary(
        columns, job.cells, total if whole else None, how, entries, question.window, apart=_apart(asked, parts)
    )


def _check_measures(asked: SummaryQuery, parts: Sequence[AccountQuery]) -> None:
    for measure in asked.measures:
        for part in parts if measure.field else ():  # a sum over a group of one is that one's value
            if (measured := part.names.field(measure.field)) is not None:
                asked.question.guard.check_order(measure.field, measured, "measures")
        kinds = {known.kind for part in parts if measure.field and (known := part.names.field(measure.field))}
        wrong = kinds - {Kind.NUMBER, Kind.ANY} - ({Kind.TIME} if measure.how in ("min", "max") else set())
        if measure.field and wrong:
            raise BadArgument(f"measures: {measure}: {measure.field} is a {min(wrong)} field, not a number.")


async def _one_window(
    asked: SummaryQuery, question: Query, parts: list[AccountQuery]
) -> tuple[Query, list[AccountQuery]]:
    """Where a vendor insists on a window and none was asked, the same one for every account."""
    back = [part.search.window for part in parts if part.search.window and not _is_bounded(part)]
    if not back:
        return question, parts
    until = (question.window.until if question.window else None) or question.now
    since = (until - max(back)).replace(microsecond=0)
    window = Window(since, until, asked.zone.key)
    clauses = [Where(parts[0].search.when, Op.GTE, since, f"{parts[0].search.when} gte {stamp(since)}")]
    for part in parts:
        if not _is_bounded(part):
            part.clauses = (*part.clauses, *clauses)
            part.notes.append(f"the last {max(back) // timedelta(days=1) or 1} days were asked")
    return replace(question, window=window), parts


def _is_bounded(part: AccountQuery) -> bool:
    return any(w.field == part.search.when and w.op in (Op.GT, Op.GTE) for w in part.clauses)


def _columns(asked: SummaryQuery, parts: Sequence[AccountQuery]) -> list[str]:
    """The grouping: money of several accounts is never added up, for nobody says that their currency is one."""
    names = list(asked.group_by)
    return ["account", *names] if _apart(asked, parts) and "account" not in names else names


def _apart(asked: SummaryQuery, parts: Sequence[AccountQuery]) -> bool:
    return len(parts) > 1 and any(measure.how != "count" for measure in asked.measures)


@dataclass
class _Job:
    """The summary in the making, account by account."""

    asked: SummaryQuery
    limits: Limits
    seal: Seal
    deadline: float
    on_progress: ProgressCallback | None
    cells: dict[Key, GroupTotals] = field(default_factory=dict)
    entries: list[LedgerEntry] = field(default_factory=list)
    how: list[str] = field(default_factory=list)

    async def one(self, part: AccountQuery) -> None:
        """Count at one account, the cheapest way that serves."""
        if part.error is not None or part.nothing:
            notes = [*part.notes, *([f"not asked: {part.nothing} can match"] if part.nothing else [])]
            total = 0 if part.nothing else None
            self.entries.append(
                LedgerEntry(part.account, total=total, complete=part.error is None, notes=notes, error=part.error)
            )
            return
        for way in (self._by_total, self._by_counts):
            entry = await way(part)
            if entry is not None:
                self.entries.append(entry)
                return
        await self._by_reading(part)

    # --- the vendor's own numbers ---

    async def _by_total(self, part: AccountQuery) -> LedgerEntry | None:
        """One request a partition, where only a count is asked and the vendor's total is the answer."""
        if not self._counts_only() or set(self.asked.group_by) - {"account"}:
            return None
        counter = _Counter(part, self.asked.question, self.deadline)
        total = await counter.total(part.clauses)
        if total is None:
            return None
        self._put(part, {}, total)
        self.how.append(f"{part.account}: the vendor's total")
        return counter.entry(total)

    async def _by_counts(self, part: AccountQuery) -> LedgerEntry | None:
        """One total a word of a closed list; read instead where they do not add up (null, or a word nobody listed)."""
        names = [name for name in self.asked.group_by if name != "account"]
        known = part.names.field(names[0]) if len(names) == 1 else None
        if not self._counts_only() or known is None or not (known.values and known.closed):
            return None
        counter, key = _Counter(part, self.asked.question, self.deadline), part.names.key(names[0])
        total = await counter.total(part.clauses)
        if total is None or key is None or len(known.values) >= total:
            return None
        counts = {}
        for word in known.values:
            found = await counter.total((*part.clauses, Where(key, Op.EQ, word)))
            if found is None:
                return None
            counts[word] = found
        if sum(counts.values()) != total:
            return None
        for word, count in counts.items():
            self._put(part, {names[0]: word}, count)
        self.how.append(f"{part.account}: the vendor's total for each {names[0]}")
        return counter.entry(total)

    def _counts_only(self) -> bool:
        return all(measure.how == "count" for measure in self.asked.measures)

    def _put(self, part: AccountQuery, values: dict[str, Any], count: int) -> None:
        if not count:  # a group of nobody is none, whichever way it was counted
            return
        key = tuple(part.account if name == "account" else values.get(name) for name in self.asked.group_by)
        self.cells.setdefault(key, GroupTotals()).count += count

    # --- reading ---

    async def _by_reading(self, part: AccountQuery) -> None:
        limits = Limits(max(0.1, self.deadline - anyio.current_time()), self.limits.scan)
        question = replace(self.asked.question, orders=(Order(part.search.when, descending=True),))
        sink = _Sink(part, self.asked, self.cells)
        entries = await read_through([part], question, limits, sink.take, self.on_progress)
        self.entries += entries
        read = sum(entry.scanned for entry in entries)
        self.how.append(f"{part.account}: {read:,} records read")


@dataclass
class _Sink:
    """Takes records in, keeps numbers."""

    part: AccountQuery
    asked: SummaryQuery
    cells: dict[Key, GroupTotals]

    def take(self, record: Record) -> None:
        key = tuple(self._group(record, name) for name in self.asked.group_by)
        values = {m.field: self._number(record, m.field) for m in self.asked.measures if m.field}
        self.cells.setdefault(key, GroupTotals()).add(
            {name: value for name, value in values.items() if value is not None}
        )

    def _group(self, record: Record, name: str) -> Any:
        if name == "account":
            return self.part.account
        if name in PERIODS:
            return period(record.get(self.part.search.when), name, self.asked.zone)
        return group_value(record.get(name))

    def _number(self, record: Record, name: str) -> Any:
        value = record.get(name)
        return value if isinstance(value, datetime) else as_number(value)


def group_value(value: Value) -> Any:
    """A field's value as a group: one that can be a key."""
    return json.dumps(value, default=str, ensure_ascii=False) if isinstance(value, dict | list) else value


def period(moment: Value, name: str, zone: ZoneInfo) -> str | None:
    """``2026-10-31T14``, ``2026-10-31``, ``2026-W44`` or ``2026-10`` of a moment in a zone."""
    if not isinstance(moment, datetime):
        return None
    local = moment.astimezone(zone)
    if name == "week":
        year, week, _ = local.isocalendar()
        return f"{year}-W{week:02d}"
    return local.strftime({"hour": "%Y-%m-%dT%H", "day": "%Y-%m-%d", "month": "%Y-%m"}[name])


@dataclass
class _Counter:
    """Asks a vendor for totals alone: pages of one record."""

    part: AccountQuery
    question: Query
    deadline: float
    """When the summary's time is up, by the event loop's clock."""
    usage: Usage = field(default_factory=lambda: Usage(1_000_000))
    pushed: tuple[Clause, ...] | None = None
    """What the first question pushed: the counts of single words are ours, nobody asked for them."""

    async def total(self, clauses: Sequence[Where]) -> int | None:
        """How many match, summed over partitions; None where the vendor's total is not just that."""
        partitions = self.part.search.partitions(self.part.connection.account) or (None,)
        orders = (Order(self.part.search.when, descending=True),)
        query = Criteria(tuple(clauses), self.question.text, orders, self.question.now)
        found = plan(self.part.search, self.part.names.fields, query)
        if not found.counts_exactly:
            return None
        self.pushed = found.pushed if self.pushed is None else self.pushed
        total = 0
        for partition in partitions:
            count = await self._in_partition(found, partition)
            if count is None:
                return None
            total += count
        return total

    async def _in_partition(self, found: Plan, partition: str | None) -> int | None:
        reader = Pager(self.part.connection.outbound, self.usage, self.question.now, partition)
        where = (*found.sent, *bound_clauses(found, found.bounds))
        ask = PageRequest(where=where, text=self.question.text, order=found.criteria.orders[0], limit=1)
        try:
            with anyio.move_on_after(max(0.0, self.deadline - anyio.current_time())):
                return (await reader.page(found.route, ask)).total
        except LeadMcpError:
            return None  # reading tells what is wrong, in the ledger
        return None

    def entry(self, total: int) -> LedgerEntry:
        return LedgerEntry(
            self.part.account,
            total=total,
            scanned=0,
            requests=self.usage.requests + self.part.metadata_requests,
            pushed=self.pushed or (),
            notes=list(self.part.notes),
            field_of=self.part.names.field,
        )


def top_groups(
    summary: Summary, most: int = MOST_GROUPS, displayed: Callable[[Key], Key] = lambda key: key
) -> list[tuple[Key, GroupTotals]]:
    """The groups in order, periods by time and others by count; beyond ``most``, the rest as one group ``other``.

    Groups that tie stand in the order of what is ``displayed``: the order of masked values would tell their first letters.
    """
    in_time = any(name in PERIODS for name in summary.columns)
    ranked = sorted(summary.cells.items(), key=lambda item: (-item[1].count, _sort_key(displayed(item[0]))))
    kept, rest = ranked[:most], ranked[most:]
    if in_time:
        kept = sorted(kept, key=lambda item: _sort_key(displayed(item[0])))
    summary.left_over = len(rest)
    return kept + _others(summary, rest)


def _others(summary: Summary, rest: Sequence[tuple[Key, GroupTotals]]) -> list[tuple[Key, GroupTotals]]:
    """The rest as one group; one for each account where accounts must not be added up."""
    columns = summary.columns
    if summary.apart and set(columns) == {"account"}:
        return list(rest)
    at = columns.index("account") if summary.apart else None
    found: dict[Any, GroupTotals] = {}
    for key, cell in rest:
        found.setdefault(None if at is None else key[at], GroupTotals()).merge(cell)
    first = next((nth for nth in range(len(columns)) if nth != at), None)
    words = {first: OTHER}
    return [
        (tuple(account if nth == at else words.get(nth) for nth in range(len(columns))), cell)
        for account, cell in found.items()
    ]


def _sort_key(key: Key) -> tuple[tuple[bool, str], ...]:
    return tuple((part is None, str(part)) for part in key)
