"""Where a vendor's documents disagree or are silent, its emulator speaks every reading: the rows are the same under each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_mcp import vendors
from lead_mcp.filters import Kind
from tests.asking import LIMITS, SORTS, clauses, windows
from tests.driving import DAWN, Bench, bench, in_order, uris
from tests.oracle import check, fields_of
from tests.profiles import examples

DIALECTS: list[tuple[str, dict[str, Any]]] = [
    ("leadexec", {"descending_is": 0}),
    ("leadexec", {"refusals": "body"}),
    ("leadexec", {"uids": "text"}),
    ("convoso", {"dialect": "seed"}),
    ("convoso", {"dialect": "seed", "ids": "number"}),
    ("convoso", {"ids": "number"}),
    ("convoso", {"dates": "offset"}),
    ("convoso", {"zone": "America/New_York"}),
    ("leadsquared", {"errors": "200"}),
    ("leadsquared", {"edition": "2026"}),
    ("leadsquared", {"by_id": "object"}),
    ("leadsquared", {"record_count": "total"}),
    ("leadsquared", {"object_types": True}),
    ("octanist", {"dialect": "production"}),
    ("octanist", {"dialect": "legacy"}),
    ("octanist", {"nulls": "last"}),
    ("leadtrackr", {"settled": "uuid"}),
]
UNLIKE = {"production": {"dclid", "wbraid", "gbraid", "epik"}, "legacy": {"dclid", "wbraid", "gbraid", "epik"}}
"""Fields that a generation has not and refuses to be asked for."""


@pytest.fixture(scope="module")
def usual() -> Iterator[Bench]:
    with bench(90) as found:
        yield found


@pytest.fixture(scope="module", params=DIALECTS, ids=lambda one: f"{one[0]}-{'-'.join(map(str, one[1].values()))}")
def spoken(request: pytest.FixtureRequest) -> Iterator[tuple[Bench, str, dict[str, Any]]]:
    account, options = request.param
    zone = {"CONVOSO_TIMEZONE": options["zone"]} if "zone" in options else {}
    with bench(90, options={account: options}, environment=zone, only=[account]) as found:
        yield found, account, options


def test_the_same_leads_come_under_every_dialect(usual: Bench, spoken: tuple[Bench, str, dict[str, Any]]) -> None:
    driven, account, _ = spoken
    listed = uris(driven.pages(account=account, since=DAWN.isoformat(), limit=13))
    assert set(listed) == {one.uri for one in usual.everything(account)}
    assert listed == [one.uri for one in in_order(driven.everything(account), "created_at:desc")]
    backwards = uris(driven.pages(account=account, since=DAWN.isoformat(), limit=13, sort="created_at:asc"))
    assert backwards == [one.uri for one in in_order(driven.everything(account), "created_at:asc")]


@examples(12)
@given(data=st.data())
def test_questions_mean_the_same_under_every_dialect(
    spoken: tuple[Bench, str, dict[str, Any]], data: st.DataObject
) -> None:
    driven, account, options = spoken
    records = driven.everything(account)
    lacking = UNLIKE.get(str(options.get("dialect")), set())
    unread = {"owner", "OwnerIdName"} if "edition" in options else set()  # its two calls show different columns
    fields = {k: f for k, f in fields_of(driven, account).items() if k not in lacking | unread}
    coarse_times = options.get("dialect") == "legacy"  # shows whole seconds and compares milliseconds
    asked_of = {k: f for k, f in fields.items() if not (coarse_times and f.kind is Kind.TIME)}
    asked = data.draw(st.one_of(st.just([]), clauses(asked_of, records)))
    window = {} if coarse_times else data.draw(windows(records))
    sort = data.draw(st.sampled_from([one for one in SORTS if all(p.split(":")[0] in fields for p in one.split(","))]))
    check(driven, account, asked, window, sort, data.draw(st.sampled_from(LIMITS)))


def test_where_clocks_repeat_an_hour_no_window_loses_a_lead() -> None:
    """Vendors that tell times without a zone repeat an hour on 2026-11-01; windows around it hold what they show."""
    zoned = [name for name in vendors.NAMES if vendors.vendor(name).zone != "UTC"]
    with bench(1500, only=zoned) as driven:
        for account in zoned:
            for start in range(7 * 60, 11 * 60, 45):
                since = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(minutes=start)
                window = {"since": since.isoformat(), "until": (since + timedelta(minutes=75)).isoformat()}
                check(driven, account, [], window, "created_at:desc", 40)
