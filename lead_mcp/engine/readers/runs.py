"""Runs: pages of which each record stands strictly behind the one before it, as nearly always. They are taken in together."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from datetime import datetime

from lead_mcp.engine.records import Record, columns_of
from lead_mcp.errors import MalformedReply
from lead_mcp.filters import Value
from lead_mcp.vendors.spec.http import Raw


def run_of(rows: Sequence[Raw], record: Callable[[Raw], Record], along: str, *, descending: bool) -> list[Record]:
    """The page's records, where they are a run by their times in ``along``, each once; else none."""
    try:
        records = list(map(record, rows))
    except MalformedReply:
        return []
    if len({one.uri for one in records}) < len(records):
        return []
    [values] = columns_of(records, [along])
    for one, value in zip(records, values, strict=True):
        one.know(along, value)
    return records if _strictly_ordered(values, descending=descending) else []


def _strictly_ordered(values: Sequence[Value], *, descending: bool) -> bool:
    """Whether the values are times, each behind the one before it."""
    times = [value for value in values if isinstance(value, datetime)]
    behind = operator.gt if descending else operator.lt
    return len(times) == len(values) and all(map(behind, times, times[1:]))
