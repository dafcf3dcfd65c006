"""Where a vendor's documents disagree or are silent, its emulator speaks every reading: the rows are the same under each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_mcp.filters import Kind
from tests.asking import LIMITS, SORTS, clauses, windows
from tests.driving import DAWN, Bench, bench, in_order, uris
from tests.facts import TRIED, Dialect, facts_of, vendor_of
from tests.oracle import check, fields_of
from tests.profiles import examples

DIALECTS: list[tuple[str, Dialect]] = [(name, one) for name in TRIED for one in facts_of(name).dialects]


@pytest.fixture(scope="module")
def usual() -> Iterator[Bench]:
    with bench(90, only=TRIED) as found:
        yield found


@pytest.fixture(scope="module", params=DIALECTS, ids=lambda one: f"{one[0]}-{one[1]}")
def spoken(request: pytest.FixtureRequest) -> Iterator[tuple[Bench, str, Dialect]]:
    account, dialect = request.param
    with bench(90, options={account: dialect.options}, environment=dialect.environment, only=[account]) as found:
        yield found, account, dialect


def test_the_same_leads_come_under_every_dialect(usual: Bench, spoken: tuple[Bench, str, Dialect]) -> None:
    driven, account, _ = spoken
    listed = uris(driven.pages(account=account, since=DAWN.isoformat(), limit=13))
    assert set(listed) == {one.uri for one in usual.everything(account)}
    assert listed == [one.uri for one in in_order(driven.everything(account), "created_at:desc")]
    backwards = uris(driven.pages(account=account, since=DAWN.isoformat(), limit=13, sort="created_at:asc"))
    assert backwards == [one.uri for one in in_order(driven.everything(account), "created_at:asc")]


@examples(12)
@given(data=st.data())
def test_questions_mean_the_same_under_every_dialect(spoken: tuple[Bench, str, Dialect], data: st.DataObject) -> None:
    driven, account, dialect = spoken
    records = driven.everything(account)
    fields = {name: field for name, field in fields_of(driven, account).items() if name not in dialect.unread}
    coarse = dialect.coarse_times
    asked_of = {name: field for name, field in fields.items() if not (coarse and field.kind is Kind.TIME)}
    asked = data.draw(st.one_of(st.just([]), clauses(asked_of, records)))
    window = {} if coarse else data.draw(windows(records))
    sort = data.draw(st.sampled_from([one for one in SORTS if all(p.split(":")[0] in fields for p in one.split(","))]))
    check(driven, account, asked, window, sort, data.draw(st.sampled_from(LIMITS)))


def test_where_clocks_repeat_an_hour_no_window_loses_a_lead() -> None:
    """Vendors that tell times without a zone repeat an hour on 2026-11-01; windows around it hold what they show."""
    zoned = [name for name in TRIED if vendor_of(name).zone != "UTC"]
    with bench(1500, only=zoned) as driven:
        for account in zoned:
            for start in range(7 * 60, 11 * 60, 45):
                since = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(minutes=start)
                window = {"since": since.isoformat(), "until": (since + timedelta(minutes=75)).isoformat()}
                check(driven, account, [], window, "created_at:desc", 40)
