"""One vendor's odd reply never empties another's shelf: whatever its reader stumbles over is that account's garbled reply."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import settings

from tests.contract.replies import GONE, VALUES, places, put
from tests.driving import Bench, bench, entry, uris
from tests.facts import TRIED

EVER = {"since": "2000-01-01"}
CODES = {"garbled", "rejected", "unauthorized", "unavailable", "not_found", "too_large"}
EVERY_NTH = {"quick": 47, "usual": 17, "thorough": 7}
"""One mutation in so many is tried."""


@pytest.fixture(scope="module")
def shared() -> Iterator[Bench]:
    with bench(12, only=TRIED, environment={"LEAD_MCP_SCAN_LIMIT": "1000"}) as found:
        yield found


@pytest.fixture
def driven(shared: Bench) -> Iterator[Bench]:
    yield shared
    shared.box.mend()


@pytest.mark.parametrize("account", TRIED)
def test_whatever_a_reader_raises_is_garbled_at_its_account_alone(driven: Bench, account: str) -> None:
    def stumbles(*arguments: Any) -> Any:
        raise TypeError("unhashable type: the words of ann@example.com")

    outbound = driven.runtime.connection(account).outbound
    vendor = outbound.vendor
    routes = [replace(route, read=stumbles) for route in vendor.leads.routes]
    outbound.vendor = replace(vendor, leads=replace(vendor.leads, routes=routes))
    try:
        page = driven.page(limit=50, **EVER)
    finally:
        outbound.vendor = vendor
    error = entry(page, account)["error"]
    assert (error["code"], "TypeError" in error["message"]) == ("garbled", True)
    assert "ann@example.com" not in json.dumps(page)
    assert {uri.split("/")[2] for uri in uris([page])} == set(driven.accounts) - {account}


def bodies(driven: Bench, account: str) -> Iterator[tuple[str, str]]:
    """Mutations of the reply to a search of that account."""
    replies: list[Any] = []
    outbound = driven.runtime.connection(account).outbound
    vendor = outbound.vendor

    def heard(route: Any) -> Any:
        def read(found: Any, ask: Any, reply: Any) -> Any:
            replies.append(reply.json())
            return route.read(found, ask, reply)

        return replace(route, read=read)

    outbound.vendor = replace(vendor, leads=replace(vendor.leads, routes=[heard(one) for one in vendor.leads.routes]))
    try:
        driven.page(account=account, limit=50, **EVER)
    finally:
        outbound.vendor = vendor
    for path in places(replies[0]):
        for value in VALUES:
            said = "gone" if value is GONE else str(value)[:40]
            yield f"{path}: {said}", json.dumps(put(replies[0], path, value))


def every_so_many(bodies: Iterator[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    """A sample, as dense as the profile says."""
    return [*bodies][:: EVERY_NTH[settings.get_current_profile_name()]]


@pytest.mark.parametrize("account", TRIED)
def test_an_odd_reply_leaves_the_others_their_rows(driven: Bench, account: str) -> None:
    other = next(name for name in driven.accounts if name != account)
    wanted = uris([driven.page(account=other, limit=50, **EVER)])
    for word, body in every_so_many(bodies(driven, account)):
        driven.box.fault(account, "status", status=200, body=body, times=-1)
        result = driven.raw_call("search_leads", account=f"{account},{other}", limit=50, **EVER)
        driven.box.mend(account)
        assert not result.is_error, (word, result)
        page = result.structured_content or {}
        json.dumps(page, allow_nan=False)
        assert [uri for uri in uris([page]) if uri in wanted] == wanted, word
        error = entry(page, account).get("error")
        assert error is None or error["code"] in CODES, (word, error)


@pytest.mark.parametrize("account", TRIED)
def test_an_odd_reply_is_an_answer_or_a_structured_error_of_every_reading_tool(driven: Bench, account: str) -> None:
    uri = uris([driven.page(account=account, limit=1, **EVER)])[0]
    calls: list[tuple[str, dict[str, Any]]] = [
        ("get_lead", {"uri": uri}),
        ("trace_lead", {"email": "nobody@example.com"}),
        ("summarize_leads", {"account": account, "group_by": ["status", "day"], "measures": ["count"], **EVER}),
        ("search_leads", {"account": account, "sort": "name:desc", "detail": "detailed", **EVER}),
        ("search_leads", {"ids": [uri]}),
        ("list_accounts", {"account": account}),
    ]
    for nth, (word, body) in enumerate(every_so_many(bodies(driven, account))):
        tool, arguments = calls[nth % len(calls)]
        driven.box.fault(account, "status", status=200, body=body, times=-1)
        result = driven.raw_call(tool, **arguments)
        driven.box.mend(account)
        said = result.structured_content or {}
        json.dumps(said, allow_nan=False)
        if result.is_error:
            assert said["error"]["code"] in CODES, (tool, word, said)
