"""Whatever is asked of whichever vendor, the answer is what ``matches`` says of all its records: each once, in order.

The oracle reads every record through the account, whole and by id. Questions are drawn from the records, give or take a unit.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_mcp.engine.records import Record
from tests.asking import LIMITS, SORTS, clauses, expected, meant, windows
from tests.driving import DAWN, Bench, bench, entry, in_order, uris
from tests.facts import TRIED
from tests.oracle import answered, check, fields_of, names_of, of_the_vendors_own, sent_as_is
from tests.profiles import examples

SINCE = DAWN.isoformat()


@pytest.fixture(scope="module")
def driven() -> Iterator[Bench]:
    with bench(120, only=TRIED) as found:
        yield found


@pytest.mark.parametrize("account", TRIED)
def test_every_record_is_listed_once(driven: Bench, account: str) -> None:
    records = driven.everything(account)
    assert len(records) == driven.box.world.leads
    assert len({one.uri for one in records}) == len(records)
    pages = driven.pages(account=account, limit=40, since=SINCE)
    assert uris(pages) == [one.uri for one in in_order(records, "created_at:desc")]


@pytest.mark.parametrize("account", TRIED)
@examples(80)
@given(data=st.data())
def test_filters_windows_and_sorts_mean_what_the_language_says(
    driven: Bench, account: str, data: st.DataObject
) -> None:
    records = driven.everything(account)
    fields = fields_of(driven, account)
    asked = data.draw(clauses(fields, records))
    window = data.draw(windows(records))
    sort = data.draw(st.sampled_from([one for one in SORTS if all(p.split(":")[0] in fields for p in one.split(","))]))
    check(driven, account, asked, window, sort, data.draw(st.sampled_from(LIMITS)))


@pytest.mark.parametrize("account", TRIED)
@examples(50)
@given(data=st.data())
def test_a_bare_window_counts_and_orders_its_records_exactly(driven: Bench, account: str, data: st.DataObject) -> None:
    window = data.draw(windows(driven.everything(account), ("since", "until", "both")))
    sort = data.draw(st.sampled_from(["created_at:desc", "created_at:asc"]))
    check(driven, account, [], window, sort, data.draw(st.sampled_from(LIMITS)))


@examples(25)
@given(data=st.data())
def test_all_accounts_answer_as_one_list(driven: Bench, data: st.DataObject) -> None:
    """The clauses are on fields of ours; accounts without the field say so in the ledger and give no rows."""
    first = data.draw(st.sampled_from(driven.accounts))
    fields = driven.runtime.connection(first).account.fields.ours
    asked = data.draw(st.one_of(st.just([]), clauses(fields, driven.everything(first), 2)))
    window = {"since": DAWN.isoformat(), **data.draw(windows(driven.everything(first)))}
    sort, limit = data.draw(st.sampled_from(SORTS)), data.draw(st.sampled_from(LIMITS[1:]))
    arguments = {"filters": [one.argument() for one in asked], "sort": sort, "limit": limit, **window}
    pages = answered(driven, arguments)
    if pages is None:
        return
    wanted: list[Record] = []
    least: set[str] = set()
    for account in driven.accounts:
        said = entry(pages[0], account)
        if all(one.field in driven.runtime.connection(account).account.fields.ours for one in asked):
            assert "error" not in said
            assert said["complete"] is True
            records = driven.everything(account)
            wheres = meant(driven.runtime.connection(account).account, asked, names_of(driven, account))
            rows = expected(records, wheres, window)
            wanted += rows
            own = of_the_vendors_own(driven, account, pages[0])
            least |= {one.uri for one in (sent_as_is(rows, wheres) if own else rows)}
        else:
            assert said["error"]["code"] == "not_offered"
            assert said["returned"] == 0
    found = uris(pages)
    order = [one.uri for one in in_order(wanted, sort)]
    assert least <= set(found) <= set(order)
    assert found == [uri for uri in order if uri in set(found)]
    assert all(page["total"] in (None, len(found)) for page in pages)
