"""Leads by id, cut short: what is handed out is in order, within the limit, and comes exactly once over all pages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.driving import Bench, CallFailed, bench, entry, in_order, uris

SLOW = "octanist"
OTHER = "leadtrackr"
READ = 12
"""Look-ups that the slow vendor answers before it hangs."""


@pytest.fixture(scope="module")
def shared() -> Iterator[Bench]:
    with bench(40, only=[SLOW, OTHER]) as found:
        for account in found.accounts:
            found.everything(account)
        yield found


@pytest.fixture
def driven(shared: Bench) -> Iterator[Bench]:
    yield shared
    shared.box.mend()


def hang_after(driven: Bench, requests: int) -> None:
    driven.box.fault(SLOW, "hang", times=-1, skip=requests)


def pages(driven: Bench, ids: list[str], **arguments: Any) -> list[dict[str, Any]]:
    """Every page; the vendor hangs while the first one is made, and is well again afterwards."""
    hang_after(driven, READ)
    found = [driven.page(ids=ids, **arguments)]
    driven.box.mend(SLOW)
    while found[-1]["next_cursor"]:
        assert len(found) < 60, "the cursors never end"
        found.append(driven.page(ids=ids, cursor=found[-1]["next_cursor"], **arguments))
    return found


@pytest.mark.parametrize("sort", ["name:asc", "created_at:desc", "value:desc,name:asc"])
def test_a_sort_cut_by_the_deadline_sorts_what_was_read_and_goes_on_behind_it(driven: Bench, sort: str) -> None:
    records = driven.everything(SLOW)
    ids = [one.uri for one in records]
    found = pages(driven, ids, sort=sort, limit=5)
    first = found[0]
    assert len(first["leads"]["rows"]) == 5
    assert entry(first, SLOW)["complete"] is False
    assert "deadline" in entry(first, SLOW)["note"]
    assert first["total"] is None
    assert sorted(uris(found)) == sorted(ids), "each once"
    assert all(len(page["leads"]["rows"]) <= 5 for page in found)
    by_uri = {one.uri: one for one in records}
    for page in found:
        rows = uris([page])
        assert rows == [one.uri for one in in_order([by_uri[uri] for uri in rows], sort)]
    batch = uris(found)[:READ]
    assert batch == [one.uri for one in in_order([by_uri[uri] for uri in batch], sort)], "the order of a whole batch"


def test_without_a_sort_a_page_cut_by_the_deadline_goes_on_where_it_ended(driven: Bench) -> None:
    ids = [one.uri for one in driven.everything(SLOW)]
    found = pages(driven, ids, limit=20)
    assert 0 < len(found[0]["leads"]["rows"]) < 20
    assert entry(found[0], SLOW)["complete"] is False
    assert uris(found) == ids


@pytest.mark.parametrize("arguments", [{}, {"sort": "name:asc"}])
def test_an_account_that_fails_between_stays_out_and_the_other_comes_once(
    driven: Bench, arguments: dict[str, Any]
) -> None:
    one, other = driven.everything(SLOW), driven.everything(OTHER)
    ids = [record.uri for pair in zip(one, other, strict=True) for record in pair]
    driven.box.fault(SLOW, "status", status=403, times=-1, skip=3)
    found = driven.pages(ids=ids, limit=8, **arguments)
    theirs = [uri for uri in uris(found) if uri.split("/")[2] == OTHER]
    assert sorted(theirs) == sorted(record.uri for record in other)
    assert len(uris(found)) == len(set(uris(found)))
    for page in found:
        assert entry(page, SLOW)["error"]["code"] == "unauthorized"
        assert page["total"] is None


def test_where_nothing_was_answered_in_time_that_is_the_error(driven: Bench) -> None:
    hang_after(driven, 0)
    with pytest.raises(CallFailed, match="timeout"):
        driven.page(ids=[one.uri for one in driven.everything(SLOW)], sort="name:asc")


def test_an_id_of_a_list_that_was_not_asked_for_again_is_not_missing() -> None:
    """A vendor's lists of ids may leave some out: these are asked for one by one before they count as missing."""
    with bench(30, only=["convoso"]) as driven:
        ids = [one.id for one in driven.everything("convoso")]
        driven.box.fault("convoso", "reject", status=200, body={"success": True, "data": {"entries": []}}, times=1)
        driven.box.fault("convoso", "hang", times=-1, skip=5)
        page = driven.page(account="convoso", ids=ids, limit=30)
        assert page["missing"] == []
        assert entry(page, "convoso")["complete"] is False
