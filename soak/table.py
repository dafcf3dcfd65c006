"""The tables at the end of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rich.console import Console
from rich.table import Table

from benchmarks.report import percentile
from soak.growth import Allowance, growth
from soak.sampling import Series
from soak.tally import Tally

PING: Final = "ping ms"


def show(tally: Tally, series: Series, allowed: Mapping[str, Allowance]) -> None:
    """What was done, how big everything was, and every fault. Growth is put among the faults."""
    console = Console(width=max(120, Console().width))
    console.print(_counts(tally), _pings(series), _sizes(tally, series, allowed))
    for kind, count in tally.faults.most_common():
        console.print(f"FAULT {kind}: {count:,}", markup=False)
    for example in tally.examples:
        console.print(f"  {example}", markup=False)
    if not tally.faults:
        console.print("no fault")


def _counts(tally: Tally) -> Table:
    table = Table("what", "how often")
    for what, count in sorted(tally.counts.items()):
        table.add_row(what, f"{count:,}")
    return table


def _pings(series: Series) -> Table:
    table = Table("ping to", "how often", "p50 ms", "p99 ms", "longest ms")
    for (who, what), values in series.values.items():
        if what == PING:
            cells = (f"{value:,.0f}" for value in (percentile(values, 0.5), percentile(values, 0.99), max(values)))
            table.add_row(who, f"{len(values):,}", *cells)
    return table


def _sizes(tally: Tally, series: Series, allowed: Mapping[str, Allowance]) -> Table:
    table = Table("who", "what", "first third", "second", "last", "last may be", "")
    for (who, what), values in sorted(series.values.items()):
        found = growth(values, allowed.get(what))
        if what == PING or found is None:
            continue
        bound = "" if found.most is None else f"{found.most:,.1f}"
        word = "" if found.most is None else ("GREW" if found.is_too_much else "steady")
        table.add_row(who, what, *(f"{value:,.1f}" for value in (found.first, found.middle, found.last)), bound, word)
        if found.is_too_much:
            tally.fault("growth", f"{who}, {what}: {found.first:,.1f}, {found.middle:,.1f}, {found.last:,.1f}")
    return table
