"""Whatever is asked of whichever vendor, the answer is what ``matches`` says of all its records: each once, in order.

The oracle reads every record through the account, whole and by id. Questions are drawn from the records, give or take a unit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lead_mcp import vendors
from lead_mcp.engine.connection import Names
from lead_mcp.engine.records import Record
from lead_mcp.query import Where, folded
from lead_mcp.vendors.base import Field
from tests.asking import LIMITS, SORTS, Clause, clauses, expected, meant, windows
from tests.driving import DAWN, Bench, CallFailed, bench, entry, in_order, uris

SINCE = {"since": DAWN.isoformat()}


@pytest.fixture(scope="module")
def driven() -> Iterator[Bench]:
    with bench(150) as found:
        yield found


def names_of(driven: Bench, account: str) -> Names:
    connection = driven.runtime.connection(account)
    return Names(connection.account.fields, driven.portal.call(connection.discovered))


def fields_of(driven: Bench, account: str) -> dict[str, Field]:
    """Every field of ours and the vendor's that a record can be asked for, and those the account adds."""
    names = names_of(driven, account)
    discovered = names.discovered.own if names.discovered else {}
    known = {**names.fields.own, **discovered}
    own = {name: field for name, field in known.items() if name not in names.fields.ours and "." not in name}
    dotted = {name: field for name, field in known.items() if "." in name}
    return {**names.fields.ours, **own, **dotted}


def asked_words(asked: Sequence[Clause], page: dict[str, Any], account: str) -> None:
    """Every clause stands in the ledger: pushed, checked here, or both."""
    said = entry(page, account)
    words = {*said["pushed"], *said["checked_here"]}
    for one in asked:
        assert any(word.startswith(f"{one.field} {one.op} ") for word in words), (one, said)


def of_the_vendors_own(driven: Bench, account: str, page: dict[str, Any]) -> bool:
    return "compared by the vendor's own rules" in entry(page, account).get("note", "")


def sent_as_is(records: Sequence[Record], wheres: Sequence[Where]) -> list[Record]:
    """Records that hold the text exactly as asked: no vendor's comparison is narrower than that."""

    def holds(one: Record, where: Where) -> bool:
        if where.op not in ("eq", "in") or not isinstance(one.get(where.field), str):
            return True
        wanted = where.value if isinstance(where.value, tuple) else (where.value,)
        return one.get(where.field) in wanted or not any(folded(str(w)) == folded(str(one.get(where.field))) for w in wanted)

    return [one for one in records if all(holds(one, where) for where in wheres)]


def check(driven: Bench, account: str, asked: Sequence[Clause], window: dict[str, str], sort: str, limit: int) -> None:
    records = driven.everything(account)
    names = names_of(driven, account)
    wheres = meant(driven.runtime.connection(account).account, asked, names)
    wanted = in_order(expected(records, wheres, window), sort)
    arguments = {"account": account, "filters": [one.argument() for one in asked], "sort": sort, "limit": limit, **window}
    try:
        pages = driven.pages(**arguments)
    except CallFailed as failed:
        assert failed.code == "bad_argument", failed
        assert "no chosen account knows that value" in failed.message
        assert wanted == []
        return
    default = entry(pages[0], account).get("window")
    if default:
        assert "since" not in window
        wanted = [one for one in wanted if one in expected(records, [], {"since": default["since"]})]
    found = uris(pages)
    if of_the_vendors_own(driven, account, pages[0]):
        least = [one.uri for one in sent_as_is(wanted, wheres)]
        assert set(least) <= set(found) <= {one.uri for one in wanted}
        assert found == [one.uri for one in wanted if one.uri in set(found)]
    else:
        assert found == [one.uri for one in wanted]
    for page in pages:
        assert page["total"] in (None, len(found))
        said = entry(page, account)
        assert said["complete"] is True, said
        assert said["total"] in (None, len(found))
        assert len(page["leads"]["rows"]) <= limit
        asked_words(asked, page, account)
    assert all(len(page["leads"]["rows"]) == limit for page in pages[:-1]), "a page before the last is full"


@pytest.mark.parametrize("account", vendors.NAMES)
def test_every_record_is_listed_once(driven: Bench, account: str) -> None:
    records = driven.everything(account)
    assert len(records) == driven.box.world.leads
    assert len({one.uri for one in records}) == len(records)
    pages = driven.pages(account=account, limit=40, **SINCE)
    assert uris(pages) == [one.uri for one in in_order(records, "created_at:desc")]


@pytest.mark.parametrize("account", vendors.NAMES)
@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_filters_windows_and_sorts_mean_what_the_language_says(driven: Bench, account: str, data: st.DataObject) -> None:
    records = driven.everything(account)
    fields = fields_of(driven, account)
    asked = data.draw(clauses(fields, records))
    window = data.draw(windows(records))
    sort = data.draw(st.sampled_from([one for one in SORTS if all(p.split(":")[0] in fields for p in one.split(","))]))
    check(driven, account, asked, window, sort, data.draw(st.sampled_from(LIMITS)))
