"""What masks leave possible must not spell a value out: no range, ``contains``, sort or sum over what is shown masked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from lead_mcp.filters import Op
from lead_mcp.outgoing.guard import ASKABLE
from lead_mcp.sandbox.app import sandbox
from tests.answers.marked import Marked
from tests.driving import UNTIL, Bench, CallFailed, bench, now
from tests.facts import TRIED, emulators, facts_of

EVER: dict[str, Any] = {"since": "2000-01-01"}
PSEUDONYM = re.compile(r"(email|phone|name|address|birth|ip|other)_[0-9a-f]{10}")


@pytest.fixture(scope="module")
def driven(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    box = sandbox(emulators(), Marked(40, until=UNTIL), clock=now, rated=False)
    state = str(tmp_path_factory.mktemp("state"))
    with bench(box=box, environment={"LEAD_MCP_PII": "masked", "LEAD_MCP_STATE_DIR": state}) as found:
        yield found


@pytest.mark.parametrize(
    "asked",
    [
        *(
            {"filters": [{"field": field, "op": op, "value": value}]}
            for field in ("email", "phone", "name", "first_name", "address", "postal_code", "raw.date_of_birth")
            for op, value in (("contains", "q"), ("gt", "a"), ("lte", "z"), ("ne", "x"), ("not_in", ["x"]))
        ),
        *({"sort": f"{field}:asc"} for field in ("email", "phone", "name", "last_name", "postal_code")),
        {"sort": "created_at:desc,email:asc"},
        {"text": "q"},
        {"account": "octanist", "filters": [{"field": "custom", "op": "contains", "value": "q"}]},
        {"account": "leadtrackr", "filters": [{"field": "formData", "op": "gt", "value": "q"}]},
    ],
    ids=str,
)
def test_whatever_would_spell_a_value_out_is_refused(driven: Bench, asked: dict[str, Any]) -> None:
    for tool in ("search_leads", "summarize_leads"):
        if tool == "summarize_leads" and "sort" in asked:
            continue
        with pytest.raises(CallFailed) as failed:
            driven.call(tool, **{"account": "convoso", **asked})
        assert failed.value.code in ("bad_argument", "not_allowed")
        assert "LEAD_MCP_PII" in failed.value.message


@pytest.mark.parametrize("how", ["min", "max", "sum", "avg"])
@pytest.mark.parametrize(
    ("account", "field"),
    [("convoso", "raw.phone_number"), ("convoso", "raw.postal_code"), ("leadexec", "Fields.Phone")],
)
def test_no_measure_reads_a_masked_number(driven: Bench, how: str, account: str, field: str) -> None:
    """The sum over a group of one is that one's number."""
    with pytest.raises(CallFailed, match="LEAD_MCP_PII") as failed:
        driven.call("summarize_leads", account=account, group_by=["id"], measures=[f"{how}:{field}"], **EVER)
    assert failed.value.code == "bad_argument"


def spelling_out(account: str, field: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every question whose answer tells how a value of the field compares."""
    asked = {"account": account, **EVER}
    for op, value in (("contains", "q"), ("gt", "a"), ("lte", "z"), ("ne", "x"), ("not_in", ["x"])):
        yield "search_leads", {"filters": [{"field": field, "op": op, "value": value}], **asked}
    yield "search_leads", {"sort": f"{field}:asc", **asked}
    yield "search_leads", {"ids": [f"lead://{account}/1"], "sort": f"{field}:desc"}
    yield "summarize_leads", {"measures": [f"min:{field}"], **asked}


@pytest.mark.parametrize(
    ("account", "field"), [(account, one) for account in TRIED for one in facts_of(account).holders]
)
def test_an_object_or_a_text_that_holds_a_person_is_no_oracle(driven: Bench, account: str, field: str) -> None:
    for tool, asked in spelling_out(account, field):
        with pytest.raises(CallFailed) as failed:
            driven.call(tool, **asked)
        unknown = failed.value.code == "unknown_field"  # a name that nobody knows is asked of nobody
        refused = "LEAD_MCP_PII" in failed.value.message or "not a number" in failed.value.message
        assert unknown or (failed.value.code == "bad_argument" and refused), (tool, asked)


@pytest.mark.parametrize("account", TRIED)
def test_whatever_is_shown_masked_cannot_be_compared(driven: Bench, account: str) -> None:
    """The rule of all the others: a column with a mask in it takes only what asks for a whole value."""
    known = driven.runtime.connection(account).account.fields
    fields = {**known.own, **known.ours}
    names = [name for name, field in fields.items() if not field.filter_only]
    masked = set()
    for start in range(0, len(names), 30):
        chunk = names[start : start + 30]
        page = driven.page(account=account, fields=chunk, limit=40, max_tokens=900_000, **EVER)["leads"]
        columns = list(zip(page["columns"], *page["rows"], strict=True))
        masked |= {name for name, *cells in columns if any(PSEUDONYM.search(str(cell)) for cell in cells)}
    assert {"name", "email", "phone"} <= masked
    guard = driven.runtime.guard
    for name in masked:
        field = fields[name]
        for op in frozenset(Op) - ASKABLE:
            with pytest.raises(Exception, match="LEAD_MCP_PII"):
                guard.check_filter(name, field, op)
        with pytest.raises(Exception, match="LEAD_MCP_PII"):
            guard.check_order(name, field, "sort")


@pytest.mark.parametrize("account", TRIED)
@pytest.mark.parametrize(
    "asked", [{"sort": "created_at:asc"}, {"sort": "status:desc"}, {"sort": "source:asc"}, {"sort": "value:desc"}]
)
def test_what_says_nothing_of_a_person_is_compared_as_ever(driven: Bench, account: str, asked: dict[str, Any]) -> None:
    try:
        assert driven.page(account=account, limit=3, **asked, **EVER)["leads"]["rows"]
    except CallFailed as failed:
        assert failed.code == "unknown_field"  # noqa: PT017
