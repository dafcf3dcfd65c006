"""Summaries under every dialect: the same figures as by hand, and every request that was made stands in the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.answers.test_summaries import EVER, same
from tests.contract.test_dialects import DIALECTS
from tests.driving import Bench, bench, entry

GROUPINGS: list[tuple[list[str], list[str]]] = [
    ([], ["count"]),
    (["account"], ["count"]),
    (["status"], ["count"]),
    (["stage"], ["count"]),
    (["source"], ["count"]),
    (["day"], ["count"]),
    (["status", "source"], ["count"]),
    ([], ["count", "max:created_at"]),
]


@pytest.fixture(scope="module", params=DIALECTS, ids=lambda one: f"{one[0]}-{one[1]}")
def spoken(request: pytest.FixtureRequest) -> Iterator[tuple[Bench, str]]:
    account, dialect = request.param
    with bench(60, options={account: dialect.options}, environment=dialect.environment, only=[account]) as found:
        found.everything(account)
        yield found, account


@pytest.mark.parametrize(("groups", "measures"), GROUPINGS, ids=str)
def test_the_figures_are_right_and_every_request_is_told(
    spoken: tuple[Bench, str], groups: list[str], measures: list[str]
) -> None:
    driven, account = spoken
    if not {*groups} <= {"account", "day", *driven.runtime.connection(account).account.fields.ours}:
        return
    asked: dict[str, Any] = {"account": account, "group_by": groups, "measures": measures, **EVER}
    before = len(driven.heard(account))
    found = driven.call("summarize_leads", **asked)
    assert entry(found, account)["requests"] == len(driven.heard(account)) - before
    assert entry(found, account)["complete"] is True
    same(found, driven.everything(account), measures)
