"""One caller's heavy answer holds nobody else up: the event loop goes on while 100,000 groups are rendered."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import partial
from typing import Final

import anyio
import anyio.lowlevel
import pytest

from lead_mcp.engine.cursor import Seal
from lead_mcp.engine.pace import aside
from lead_mcp.engine.query import Query
from lead_mcp.engine.summaries.groups import GroupCursor
from lead_mcp.engine.summaries.measures import parse_measures
from lead_mcp.engine.summaries.summary import Summary
from lead_mcp.engine.summaries.totals import GroupTable
from lead_mcp.outgoing.groups import GroupPage
from lead_mcp.outgoing.summaries import summary_answer

GROUPS: Final = 100_000
TURNS: Final = 10
"""Turns that another caller gets at least, where without help there would be none."""


def summary() -> tuple[Summary, GroupPage]:
    groups = GroupTable()
    for nth in range(GROUPS):
        groups.add((f"ann.lee.{nth}@example.com",), {}, 1 + nth % 7)
        groups.records += 1 + nth % 7
    now = datetime(2026, 11, 1, tzinfo=UTC)
    page = GroupPage(GroupCursor(now), Query(now=now), Seal(bytes(32)))
    return Summary(["email"], groups, groups.records, [], [], None), page


@pytest.mark.anyio
async def test_others_have_their_turn_while_a_large_summary_is_rendered() -> None:
    found, page = summary()
    turns: list[float] = []

    async def another() -> None:
        while True:
            turns.append(time.monotonic())
            await anyio.sleep(0.001)

    async with anyio.create_task_group() as group:
        group.start_soon(another)
        await anyio.lowlevel.checkpoint()
        structured, text = await aside(
            partial(summary_answer, found, parse_measures(["count"]), page), len(found.groups)
        )
        group.cancel_scope.cancel()
    assert len(turns) > TURNS
    assert structured["total"] == found.total
    assert text.count("\n") > 10
