"""``in_account``: of a search only those leads whose person is at another account too, or is not; by page and by id."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from lead_mcp import vendors
from lead_mcp.engine.persons.person import Person
from lead_mcp.engine.records import Record
from tests.driving import DAWN, Bench, CallFailed, bench, entry, in_order, uris

EVER: dict[str, Any] = {"since": DAWN.isoformat()}
PAIRS = [("octanist", "leadtrackr"), ("leadtrackr", "leadexec"), ("leadexec", "octanist")]


@pytest.fixture(scope="module")
def driven() -> Iterator[Bench]:
    with bench(90) as found:
        for account in found.accounts:
            found.everything(account)
        yield found


def person_of(one: Record) -> Person:
    return Person.of({"email": one.get("email"), "phone": one.get("phone")}, "US")


def there(driven: Bench, one: Record, other: str) -> bool:
    return any(person_of(one).is_in(found, "US") for found in driven.everything(other))


def wanted(driven: Bench, account: str, other: str, *, present: bool) -> list[str]:
    known = [one for one in driven.everything(account) if person_of(one) and there(driven, one, other) is present]
    return [one.uri for one in in_order(known, "created_at:desc")]


@pytest.mark.parametrize(("account", "other"), PAIRS)
@pytest.mark.parametrize("present", [True, False])
def test_only_those_stay_whose_person_is_there_too_or_is_not(
    driven: Bench, account: str, other: str, *, present: bool
) -> None:
    word = other if present else f"not {other}"
    pages = driven.pages(account=account, in_account=word, limit=15, **EVER)
    assert uris(pages) == wanted(driven, account, other, present=present)
    assert uris(pages)
    for page in pages:
        assert f"in_account {word}" in entry(page, account)["checked_here"]
        assert "people looked for" in entry(page, other)["note"]
        assert entry(page, other)["returned"] == 0
        assert len(page["leads"]["rows"]) <= 15
        assert page["total"] in (None, len(uris(pages)))
        told = entry(page, account)
        assert told["complete"] is True or "next_cursor" in told["note"], told


@pytest.mark.parametrize("present", [True, False])
def test_so_it_is_with_filters_and_ids(driven: Bench, *, present: bool) -> None:
    word = "leadtrackr" if present else "not leadtrackr"
    with_email = [{"field": "email", "op": "exists", "value": True}]
    here, away = (wanted(driven, "octanist", "leadtrackr", present=one)[:9] for one in (True, False))
    ids = [*here, *away]
    pages = driven.pages(ids=ids, in_account=word, filters=with_email, limit=5)
    emails = {one.uri for one in driven.everything("octanist") if one.get("email")}
    assert uris(pages) == [uri for uri in (here if present else away) if uri in emails]


@pytest.mark.parametrize("account", vendors.NAMES)
def test_people_are_told_whatever_columns_are_shown(driven: Bench, account: str) -> None:
    other = "leadtrackr" if account != "leadtrackr" else "convoso"
    pages = driven.pages(account=account, in_account=other, detail="uris", fields=["status"], limit=200, **EVER)
    assert uris(pages) == wanted(driven, account, other, present=True)
    assert pages[0]["leads"]["columns"] == ["uri", "status"]


@pytest.mark.slow
@pytest.mark.parametrize("present", [True, False])
def test_so_it_is_over_all_accounts(driven: Bench, *, present: bool) -> None:
    word = "leadtrackr" if present else "not leadtrackr"
    everywhere = driven.pages(in_account=word, limit=100, **EVER)
    others = [name for name in vendors.NAMES if name != "leadtrackr"]
    assert set(uris(everywhere)) == {
        uri for name in others for uri in wanted(driven, name, "leadtrackr", present=present)
    }


def test_what_cannot_be_told_is_said_and_never_taken_for_absent(driven: Bench) -> None:
    driven.box.fault("leadtrackr", "status", status=403, times=-1)
    try:
        for word in ("leadtrackr", "not leadtrackr"):
            with pytest.raises(CallFailed, match="unauthorized"):
                driven.page(account="octanist", in_account=word, **EVER)
    finally:
        driven.box.mend("leadtrackr")
    with pytest.raises(CallFailed, match="searched itself"):
        driven.page(account="octanist", in_account="octanist")
    with pytest.raises(CallFailed, match="No account"):
        driven.page(account="octanist", in_account="not leadtracker")


def test_no_more_people_are_asked_for_than_a_page_can_pay(driven: Bench) -> None:
    """A page whose people were not all told says so, and its cursor goes on."""
    page = driven.page(account="octanist", in_account="leadtrackr", limit=200, **EVER)
    assert page["next_cursor"]
    assert entry(page, "octanist")["complete"] is False
    # 60 are asked for; who comes a second time meanwhile is known
    assert re.search(r"stopped when 6\d people had been looked for", entry(page, "octanist")["note"])
    assert entry(page, "leadtrackr")["requests"] <= 60 * 3 + 1


def test_the_ledger_names_the_other_account_under_masks_too() -> None:
    with bench(30, only=["octanist", "leadtrackr"], environment={"LEAD_MCP_PII": "masked"}) as masked:
        page = masked.page(account="octanist", in_account="not leadtrackr", limit=3, **EVER)
        assert "in_account not leadtrackr" in entry(page, "octanist")["checked_here"]
