"""The recipes' answers are true: their numbers, computed from the emulators' own stores by plain Python."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from statistics import median
from typing import Any, Final

import pytest

from evals.data import ACCOUNTS, LAST_WEEK, YESTERDAY, Data
from evals.rows import Row, pacific
from lead_mcp.sandbox.world import World
from tests.driving import UNTIL
from tests.pages import LEADS, text_of

Rows = list[list[str]]
MONDAY: Final = date(2026, 11, 9)


def rows(heading: str) -> Rows:
    """The table in the answer below a heading, without its names."""
    answer = text_of("recipes.md").partition(f"\n### {heading}\n")[2].partition("```console\n")[2].partition("\n```")[0]
    return [line.split("|") for line in answer.splitlines()[2:] if "|" in line][1:]


def on(when: datetime, first: date, last: date) -> bool:
    """Whether it lies on one of these days, in UTC as the page has it."""
    return first <= when.astimezone(UTC).date() <= last


def last_weeks(data: Data, account: str) -> list[Row]:
    return [row for row in data.leads[account] if on(row.created, *LAST_WEEK)]


def reasons(data: Data) -> Rows:
    found = (row for row in data.pings["inbound"] if on(row.at, YESTERDAY, YESTERDAY) and not row.accepted)
    return [[reason, str(count)] for reason, count in Counter(row.raw["Result"] for row in found).items()]


def bought(data: Data) -> Iterator[tuple[str, list[Any]]]:
    """LeadExec's leads of last week, each with the sendings that a buyer kept."""
    for row in last_weeks(data, "leadexec"):
        sends = (row.raw.get("SendInformation") or {}).get("Sends") or []
        yield row.uri, [one for one in sends if one["Valid"]]


def sold_twice(data: Data) -> Rows:
    found = [(uri, sends) for uri, sends in bought(data) if len(sends) > 1]
    paid = {uri: sum(Decimal(str(one["Price"])) for one in sends) for uri, sends in found}
    return [[uri, str(len(sends)), f"{paid[uri]:f}"] for uri, sends in sorted(found, key=lambda one: -paid[one[0]])][:3]


def speed(data: Data) -> Rows:
    waits: dict[str, list[float]] = defaultdict(list)
    leads = Counter(row.raw["list_id"] for row in last_weeks(data, "convoso"))
    for row in last_weeks(data, "convoso"):
        if reached := row.get("first_contacted_at"):
            waits[row.raw["list_id"]].append((pacific(reached).timestamp() - row.created.timestamp()) / 60)
    return [[name, str(count), f"{round(median(waits[name]), 2):.7g}"] for name, count in leads.items()]


def per_week(data: Data) -> Rows:
    found = Counter(
        (account, f"{row.created.astimezone(UTC):%G-W%V}")
        for account in ACCOUNTS
        for row in data.leads[account]
        if on(row.created, MONDAY, UNTIL.date())
    )
    return [[account, week, str(count)] for (account, week), count in found.items()]


TRUTHS: Final[dict[str, tuple[Callable[[Data], Rows], list[int]]]] = {
    "Yesterday's rejected PINGs, by reason": (reasons, [0, 1]),
    "Who was sold twice?": (sold_twice, [0, 1, 3]),
    "Speed to lead, by list": (speed, [0, 1, 2]),
    "Leads per system, this week beside last week": (per_week, [0, 1, 2]),
}
"""What is true, and the columns of the answer that say it."""


@pytest.mark.slow
def test_the_answers_of_recipes_are_true() -> None:
    data = Data(World(LEADS, until=UNTIL))
    for heading, (truth, columns) in TRUTHS.items():
        said = [[row[place] for place in columns] for row in rows(heading)]
        assert sorted(said) == sorted(truth(data)), heading
