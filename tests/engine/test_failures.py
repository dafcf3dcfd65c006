"""One vendor's fall never empties another's shelf; all of them falling is an error that says why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.driving import Bench, CallFailed, bench, entry, uris
from tests.facts import TRIED

ENVIRONMENT = {"LEAD_MCP_REPLY_LIMIT": "2000000"}
FAULTS: list[tuple[str, dict[str, Any], set[str]]] = [
    ("status", {"status": 401}, {"unauthorized"}),
    ("status", {"status": 403}, {"unauthorized"}),
    ("status", {"status": 429, "retry_after": 60}, {"rate_limited"}),
    ("status", {"status": 500}, {"unavailable"}),
    ("status", {"status": 503, "retry_after": 60}, {"unavailable"}),
    ("html", {}, {"garbled"}),
    ("garbage", {}, {"garbled"}),
    ("empty", {}, {"garbled"}),
    ("huge", {"bytes": 3_000_000}, {"too_large"}),
    ("redirect", {}, {"garbled"}),
]


@pytest.fixture(scope="module")
def shared() -> Iterator[Bench]:
    with bench(60, environment=ENVIRONMENT, only=TRIED) as found:
        for account in found.accounts:
            found.everything(account)
        yield found


@pytest.fixture
def driven(shared: Bench) -> Iterator[Bench]:
    yield shared
    shared.box.mend()


@pytest.mark.parametrize("account", TRIED)
@pytest.mark.parametrize(("kind", "options", "codes"), FAULTS, ids=str)
def test_one_vendors_failure_keeps_to_its_shelf(
    driven: Bench, account: str, kind: str, options: dict[str, Any], codes: set[str]
) -> None:
    driven.box.fault(account, kind, times=-1, **options)
    page = driven.page(limit=200)
    said = entry(page, account)
    assert said["error"]["code"] in codes
    assert said["complete"] is False
    assert said["returned"] == 0
    assert page["total"] is None
    if "retry_after" in options and options["status"] == 429:
        assert said["error"]["retry_after"] == options["retry_after"]
    for other in set(driven.accounts) - {account}:
        assert "error" not in entry(page, other)
        assert entry(page, other)["returned"] > 0
    assert {uri.split("/")[2] for uri in uris([page])} == set(driven.accounts) - {account}


@pytest.mark.parametrize(("kind", "options", "codes"), FAULTS, ids=str)
def test_where_the_only_account_fails_the_answer_is_that_error(
    driven: Bench, kind: str, options: dict[str, Any], codes: set[str]
) -> None:
    account = driven.accounts[0]
    driven.box.fault(account, kind, times=-1, **options)
    with pytest.raises(CallFailed) as failed:
        driven.page(account=account)
    assert failed.value.code in codes
    assert failed.value.said["account"] == account


def test_where_all_fail_the_error_names_every_account(driven: Bench) -> None:
    for account in driven.accounts:
        driven.box.fault(account, "status", status=403, times=-1)
    with pytest.raises(CallFailed, match="unauthorized") as failed:
        driven.page()
    assert all(account in failed.value.message for account in driven.accounts)


@pytest.mark.parametrize("account", TRIED)
def test_a_failed_account_stays_out_of_the_cursor_and_every_page_says_so(driven: Bench, account: str) -> None:
    driven.box.fault(account, "status", status=403, times=-1)
    first = driven.page(limit=30)
    driven.box.mend(account)
    found, page = [first], first
    while page["next_cursor"]:
        before = len(driven.heard(account))
        page = driven.page(limit=30, cursor=page["next_cursor"])
        found.append(page)
        assert len(driven.heard(account)) == before, "it is not asked again"
        assert entry(page, account)["error"]["code"] == "unauthorized"
        assert entry(page, account)["complete"] is False
        assert page["total"] is None
    assert {uri.split("/")[2] for uri in uris(found)} == set(driven.accounts) - {account}
    assert len(uris(found)) == len(set(uris(found)))


def test_a_passing_failure_is_tried_again_and_leaves_no_trace_but_the_request(driven: Bench) -> None:
    account = driven.accounts[-1]
    quiet = entry(driven.page(account=account), account)["requests"]
    driven.box.fault(account, "status", status=503, times=1)
    said = entry(driven.page(account=account), account)
    assert "error" not in said
    assert said["requests"] == quiet + 1


def test_a_slow_account_times_out_and_the_others_are_there() -> None:
    with bench(40) as driven:
        driven.page(limit=5)
        slow = driven.accounts[-1]
        driven.box.fault(slow, "hang", times=-1)
        page = driven.page(limit=10)
        assert entry(page, slow)["error"]["code"] == "timeout"
        assert len(uris([page])) == 10
        assert all("error" not in entry(page, other) for other in set(driven.accounts) - {slow})
        with pytest.raises(CallFailed, match="timeout"):
            driven.page(account=slow)


@pytest.mark.parametrize("account", TRIED)
def test_a_reply_that_is_too_large_is_asked_for_in_pieces(account: str) -> None:
    with bench(60, environment={"LEAD_MCP_REPLY_LIMIT": "60000"}, only=[account]) as driven:
        arguments = {"account": account, "limit": 200, "since": "2000-01-01"}
        filters = [{"field": "email", "op": "contains", "value": "@"}]
        page = driven.page(**arguments, filters=filters)
        assert page["next_cursor"] is None
        assert entry(page, account)["complete"] is True
    with bench(60, only=[account]) as usual:
        assert uris([page]) == uris([usual.page(**arguments, filters=filters)])
