"""The ledger in text: one short line where all is well, more only of what was not read, not offered or not as asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from lead_mcp.engine.ledger import LedgerEntry
from lead_mcp.engine.limits import Limit
from lead_mcp.engine.notes import LimitReached, VendorCompares
from lead_mcp.errors import NotOffered, Unavailable
from lead_mcp.filters import Op, Where
from lead_mcp.outgoing.ledger import ledger_lines
from tests.driving import Bench, bench

WELL = LedgerEntry("octanist", 3, 3, 7, 1, pushed=[Where("status", Op.EQ, "open")], checked_here=[])
LACKING = NotOffered("convoso has no field 'gclid': it was not asked.", account="convoso")
CASES = [
    ([WELL], ["complete: 1 account, 1 request"]),
    ([WELL, replace(WELL, account="convoso", requests=2)], ["complete: 2 accounts, 3 requests"]),
    (
        [WELL, LedgerEntry("convoso", requests=0, complete=False, error=LACKING)],
        ["complete: 1 of 2 accounts, 1 request", "convoso: not_offered: has no field 'gclid': it was not asked."],
    ),
    (
        [LedgerEntry("leadexec", 2, 669, 400, 4, complete=False, notes=[LimitReached(Limit.SCAN, 400)])],
        [
            "not complete: 1 account, 4 requests",
            "leadexec: not complete, 2 of 669 shown, 400 read; stopped at the scan limit of 400 records",
        ],
    ),
    (
        [WELL, LedgerEntry("convoso", requests=3, complete=False, error=Unavailable("It is down.", account="convoso"))],
        ["complete: 1 of 2 accounts, 4 requests", "convoso: unavailable: It is down."],
    ),
    (
        [replace(WELL, account=name, notes=[VendorCompares(("city",))]) for name in ("convoso", "leadsquared")],
        ["complete: 2 accounts, 2 requests", "convoso, leadsquared: city: compared by the vendor's own rules"],
    ),
    (
        [replace(WELL, notes=[VendorCompares(("city",)), VendorCompares(("city",))])],
        ["complete: 1 account, 1 request", "octanist: city: compared by the vendor's own rules"],
    ),
]


@pytest.mark.parametrize(("entries", "lines"), CASES)
def test_a_line_says_how_much_is_whole_and_more_only_of_what_is_not(
    entries: list[LedgerEntry], lines: list[str]
) -> None:
    assert ledger_lines(entries) == lines


@pytest.fixture(scope="module")
def driven() -> Iterator[Bench]:
    with bench(40) as found:
        yield found


def lines_of(driven: Bench, tool: str, **asked: Any) -> list[str]:
    return str(driven.raw_call(tool, **asked).content[0].text).split("\n")  # type: ignore[union-attr]


def test_a_page_of_five_accounts_ends_with_one_line_and_names_no_clause(driven: Bench) -> None:
    asked = {"since": "-30d", "limit": 200, "filters": [{"field": "email", "op": "contains", "value": "example"}]}
    driven.page(**asked)  # what fields there are is asked once
    lines, page = lines_of(driven, "search_leads", **asked), driven.page(**asked)
    requests = sum(one["requests"] for one in page["accounts"])
    assert lines[-1] == f"complete: 5 accounts, {requests} requests"
    assert all(one["checked_here"] for one in page["accounts"])
    assert "contains" not in "\n".join(lines)


def test_one_lead_one_account_one_request(driven: Bench) -> None:
    uri = driven.page(account="octanist", limit=1)["leads"]["rows"][0][0]
    lines = lines_of(driven, "search_leads", ids=[uri])
    assert lines[0].startswith("1 lead, ")
    assert lines[-1] == "complete: 1 account, 1 request"


def test_uris_shows_the_uri_and_the_fields_asked_for_alone(driven: Bench) -> None:
    found = driven.page(detail="uris", limit=3, account="octanist")["leads"]
    assert (found["columns"], {len(row) for row in found["rows"]}) == (["uri"], {1})
    lines = lines_of(driven, "search_leads", detail="uris", fields=["city", "value"], limit=3)
    assert lines[1] == "uri|city|value"
    assert all(line.count("|") == 2 for line in lines[2:5])
