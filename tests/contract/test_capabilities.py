"""What a vendor has not is said so, by name; leads by id keep their order, and what was not found is named."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_mcp.vendors.spec.fields import CANONICAL
from tests.asking import SORTS
from tests.driving import DAWN, Bench, CallFailed, bench, in_order, uris
from tests.facts import TRIED, facts_of
from tests.oracle import fields_of
from tests.profiles import examples


@pytest.fixture(scope="module")
def driven() -> Iterator[Bench]:
    with bench(60, only=TRIED) as found:
        yield found


@pytest.mark.parametrize("account", TRIED)
def test_a_field_that_the_account_lacks_is_an_error_and_nothing_is_sent(driven: Bench, account: str) -> None:
    absent = [name for name in CANONICAL if name not in driven.runtime.connection(account).account.fields.ours]
    for name in absent:
        before = [seen.path for seen in driven.heard(account)]
        with pytest.raises(CallFailed) as failed:
            driven.page(account=account, filters=[{"field": name, "op": "exists", "value": True}])
        assert failed.value.code == "unknown_field"
        assert repr(name) in failed.value.message
        asked = [seen.path for seen in driven.heard(account)][len(before) :]
        assert len(asked) <= 3, "at most a login and the account's own fields were asked for"


@pytest.mark.parametrize("account", TRIED)
def test_a_misspelt_field_operator_or_argument_offers_the_nearest(driven: Bench, account: str) -> None:
    with pytest.raises(CallFailed, match=r"unknown_field.*Did you mean"):
        driven.page(account=account, filters=[{"field": "emial", "op": "eq", "value": "x"}])
    with pytest.raises(CallFailed, match=r"unknown_field.*Did you mean"):
        driven.page(account=account, sort="created_ta:desc")
    with pytest.raises(CallFailed, match=r"bad_argument.*Did you mean"):
        driven.page(account=account, filters=[{"field": "email", "op": "contian", "value": "x"}])
    with pytest.raises(CallFailed, match=r"bad_argument.*Did you mean"):
        driven.page(account=account, limits=3)


@pytest.mark.parametrize("account", TRIED)
def test_recordings_are_offered_or_the_answer_names_who_offers_them(driven: Bench, account: str) -> None:
    lead = driven.everything(account)[0]
    vendor = driven.runtime.connection(account).vendor
    if vendor.recordings is not None:
        assert "recordings" in driven.call("get_recordings", uri=lead.uri)
        return
    with pytest.raises(CallFailed) as failed:
        driven.call("get_recordings", uri=lead.uri)
    assert failed.value.code == "not_offered"
    offering = [c.vendor.title for c in driven.runtime.connections.values() if c.vendor.recordings]
    assert all(title in failed.value.message for title in offering)


@pytest.mark.parametrize("account", TRIED)
def test_pings_are_offered_or_not_offered(driven: Bench, account: str) -> None:
    vendor = driven.runtime.connection(account).vendor
    for direction in ("inbound", "outbound"):
        if direction in vendor.pings:
            assert "pings" in driven.call("query_pings", account=account, direction=direction)
            continue
        with pytest.raises(CallFailed, match="not_offered"):
            driven.call("query_pings", account=account, direction=direction)


@pytest.mark.parametrize("account", TRIED)
def test_every_lead_can_be_got_by_its_uri_and_by_its_id(driven: Bench, account: str) -> None:
    for record in driven.everything(account)[:15]:
        by_uri = driven.call("get_lead", uri=record.uri)
        by_id = driven.call("get_lead", account=account, id=record.id)
        assert by_uri == by_id
        assert by_uri["uri"] == record.uri
        assert by_uri["lead"]["id"] == record.id


@pytest.mark.parametrize("account", TRIED)
def test_an_id_nobody_has_is_not_found(driven: Bench, account: str) -> None:
    own = [one for name in TRIED for one in facts_of(name).nobody]
    for wrong in ("nobody", "0", "../leads", "a b", "ä", "x" * 200, *own):
        with pytest.raises(CallFailed, match="not_found"):
            driven.call("get_lead", account=account, id=wrong)
        assert driven.page(account=account, ids=[wrong])["missing"] == [wrong]


@pytest.mark.parametrize("account", TRIED)
@examples(15)
@given(data=st.data())
def test_ids_keep_their_order_each_once_and_the_missing_are_named(
    driven: Bench, account: str, data: st.DataObject
) -> None:
    known = [one.id for one in driven.everything(account)]
    asked = data.draw(st.lists(st.sampled_from([*known[:12], "nobody", "12"]), min_size=1, max_size=14))
    pages = driven.pages(account=account, ids=asked, limit=data.draw(st.sampled_from([1, 4, 200])))
    wanted = list(dict.fromkeys(asked))
    rows = [row[0].rsplit("/", 1)[1] for page in pages for row in page["leads"]["rows"]]
    assert rows == [one for one in wanted if one in known]
    assert [one for page in pages for one in page["missing"]] == [one for one in wanted if one not in known]


def test_uris_of_several_accounts_are_read_together_and_sorted_if_asked(driven: Bench) -> None:
    records = [one for account in driven.accounts for one in driven.everything(account)[:4]]
    mixed = [one.uri for one in (*records[::2], *records[1::2])]
    assert uris(driven.pages(ids=mixed, limit=3)) == mixed
    for sort in SORTS:
        assert uris(driven.pages(ids=mixed, limit=7, sort=sort)) == [one.uri for one in in_order(records, sort)]


def test_ten_thousand_ids_are_the_most(driven: Bench) -> None:
    account = next(a for a in driven.accounts if driven.runtime.connection(a).vendor.lookup.many > 1)
    with pytest.raises(CallFailed, match="bad_argument"):
        driven.page(account=account, ids=["1"] * 10_001)
    known = [one.id for one in driven.everything(account)]
    page = driven.page(account=account, ids=(known * 200)[:10_000], limit=20)
    assert [row[0].rsplit("/", 1)[1] for row in page["leads"]["rows"]] == known[:20]
    assert page["missing"] == []


def test_bare_ids_want_one_account(driven: Bench) -> None:
    with pytest.raises(CallFailed, match=r"bad_argument.*one account"):
        driven.page(ids=["1"])


@pytest.mark.parametrize("account", TRIED)
def test_text_finds_what_it_finds_and_clauses_narrow_it(driven: Bench, account: str) -> None:
    for text in ("smith", "EXAMPLE.com", "5550", "garcía", "acme"):
        found = uris(driven.pages(account=account, text=text, since=DAWN.isoformat(), limit=9))
        assert len(found) == len(set(found))
        wide = [one for one in driven.everything(account) if one.uri in set(found)]
        assert len(wide) == len(found)
        with_email = [{"field": "email", "op": "exists", "value": True}]
        narrow = uris(driven.pages(account=account, text=text, since=DAWN.isoformat(), limit=9, filters=with_email))
        assert narrow == [one.uri for one in in_order(wide, "created_at:desc") if one.get("email") is not None]


@pytest.mark.parametrize("account", TRIED)
def test_a_field_one_can_ask_for_and_not_read_takes_the_vendors_operators_alone(driven: Bench, account: str) -> None:
    for name, field in fields_of(driven, account).items():
        if not field.filter_only:
            continue
        page = driven.page(account=account, filters=[{"field": name, "op": "gte", "value": "2026-10-01"}])
        assert f"{name} gte 2026-10-01" in page["accounts"][0]["pushed"]
        with pytest.raises(CallFailed, match=r"bad_argument.*takes only"):
            driven.page(account=account, filters=[{"field": name, "op": "exists", "value": True}])
