"""A value as an answer shows it, in its table or in its text, is given back and finds the lead that it was shown for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import pytest
from mcp.types import TextContent

from lead_mcp import vendors
from lead_mcp.filters import Kind, Op
from lead_mcp.sandbox.app import sandbox
from lead_mcp.sandbox.world import Person, World
from lead_mcp.vendors.spec.vendor import account_of
from tests import facts
from tests.driving import DAWN, UNTIL, Bench, bench, entry, now, uris
from tests.facts import TRIED, vendor_of

ODD: Final = (
    "Ann\tMarie",
    "Ann\nMarie",
    "Ann\r\nMarie",
    "Ann \t Marie",
    "Ann  Marie",
    "Ann\u00a0Marie",
    "Ann\u2009\u3000Marie",
    "\u200bAnn\u00ad Marie\u2060",
    "\u200b Ann Marie \u200b",
    "Ann | Marie",
    "lead://octanist/1 Marie",
    "Anne\u0301 Marie",
    "\x1b[31mAnn\x1b[0m Marie",
    "\u202eAnn Marie\u202c",
)
"""First names and companies that no answer shows as they are, or that a reader cannot tell from others."""
FIELDS: Final = ("name", "company", "first_name")
EVER: Final = {"since": DAWN.isoformat()}


@dataclass(frozen=True)
class Odd(World):
    """The usual world, whose people and companies are called oddly."""

    def person(self, index: int) -> Person:
        odd = ODD[index % len(ODD)]
        return replace(super().person(index), first_name=odd, company=f"{odd} {index}")


@pytest.fixture(scope="module", params=TRIED)
def driven(request: pytest.FixtureRequest) -> Iterator[Bench]:
    box = sandbox(facts.emulators([request.param]), Odd(16, until=UNTIL), clock=now, rated=False)
    with bench(box=box, only=[request.param]) as found:
        yield found


def shown(driven: Bench) -> dict[str, dict[str, set[str]]]:
    """By URI and field, how its value stands in the structure and in the text."""
    known = driven.runtime.connection(driven.accounts[0]).account.fields.ours
    names = [name for name in FIELDS if name in known]
    result = driven.raw_call("search_leads", fields=names, detail="uris", limit=200, max_tokens=20_000, **EVER)
    table = (result.structured_content or {})["leads"]
    found: dict[str, dict[str, set[str]]] = {
        row[0]: {name: {value} for name, value in zip(table["columns"], row, strict=True) if value and name != "uri"}
        for row in table["rows"]
    }
    assert isinstance(result.content[0], TextContent)
    for line in result.content[0].text.splitlines():
        uri, *cells = line.split("|")
        for name, cell in zip(table["columns"][1:], cells, strict=False):
            if uri in found and cell:
                found[uri].setdefault(name, set()).add(cell)
    return found


@pytest.mark.parametrize(
    "op", ["eq", *(pytest.param(op, marks=pytest.mark.slow) for op in ("in", "starts_with", "contains"))]
)
def test_a_value_as_shown_finds_its_lead(driven: Bench, op: str) -> None:
    """All that the vendor's own comparison decides is named as such."""
    (account,) = driven.accounts
    leads = shown(driven)
    texts = {(name, text) for values in leads.values() for name, given in values.items() for text in given}
    assert len(texts) > len(ODD)
    for name, text in sorted(texts):
        where = {"field": name, "op": op, "value": [text] if op == "in" else text}
        page = driven.page(account=account, filters=[where], limit=200, detail="uris", **EVER)
        wanted = {uri for uri, values in leads.items() if text in values.get(name, ())}
        note = entry(page, account).get("note", "")
        assert wanted <= set(uris([page])) or f"{name}: compared by the vendor's own rules" in note, (where, note)


@pytest.mark.slow
def test_a_statement_finds_it_too(driven: Bench) -> None:
    sql = "SELECT uri, name, company FROM leads WHERE name IS NOT NULL"
    rows = driven.call("query_sql", sql=sql, since=EVER["since"])["result"]["rows"]
    assert rows
    for nth, name in enumerate(("name", "company"), 1):
        texts = {row[nth]: row[0] for row in rows if row[nth]}
        if not texts:  # this vendor has no such field
            continue
        listed = ", ".join("'" + text.replace("'", "''") + "'" for text in texts)
        same = f"SELECT DISTINCT {name} FROM leads WHERE {name} IN ({listed})"  # noqa: S608
        found = driven.call("query_sql", sql=same, since=EVER["since"])["result"]["rows"]
        assert {row[0] for row in found} == texts.keys()


@pytest.mark.parametrize("vendor", vendors.NAMES)
def test_no_vendor_is_said_to_compare_text_as_we_do_that_it_may_hold_otherwise_than_it_is_shown(vendor: str) -> None:
    """Where it compares free text itself the ledger names that, as it cannot know how a value was cleaned."""
    fields = account_of(vendor_of(vendor), "acme", options={}).fields
    free = {n: one for n, one in {**fields.ours, **fields.own}.items() if one.kind is Kind.TEXT and not one.values}
    pushed = [n for n, one in free.items() if {Op.EQ, Op.IN} & (one.exact | one.edge | one.coarse | one.tried)]
    assert [name for name in pushed if not (free[name].vendor_text or free[name].filter_only or is_id(name))] == []


def is_id(name: str) -> bool:
    return name.rpartition(".")[2].lower() in ("id", "prospectid", "lead_id", "uid")
