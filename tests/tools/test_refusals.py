"""What refusals say: the account, what is taken instead, and no word that only our code knows."""

from __future__ import annotations

import inspect
import json
import pkgutil
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

import lead_mcp
from lead_mcp.errors import BadArgument
from lead_mcp.tools.arguments.base import read_arguments
from lead_mcp.tools.catalogue import LISTED
from lead_mcp.vendors.spec.fields import CANONICAL
from tests.driving import Bench, bench


@pytest.fixture(scope="module")
def driven() -> Iterator[Bench]:
    with bench(20, environment={"LEAD_MCP_WRITES": "allow", "LEAD_MCP_DELETES": "allow"}) as found:
        yield found


def refused(driven: Bench, tool: str, **arguments: Any) -> tuple[dict[str, Any], str]:
    """The error's structure and its text."""
    found = driven.raw_call(tool, **arguments)
    assert found.is_error, (tool, arguments)
    return dict(found.structured_content or {})["error"], str(getattr(found.content[0], "text", ""))


def newest(driven: Bench, account: str) -> str:
    return str(driven.page(account=account, limit=1)["leads"]["rows"][0][0])


# --- no way back --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["status", "stage"])
@pytest.mark.parametrize("word", ["open", "Open"])
def test_octanist_has_no_way_back_to_open(driven: Bench, field: str, word: str) -> None:
    error, text = refused(driven, "update_lead", uri=newest(driven, "octanist"), changes={field: word})
    assert error["code"] == "not_offered"
    assert "no way back" in text
    rows = driven.call("update_leads", uris=[newest(driven, "octanist")], changes={field: word})["results"]["rows"]
    assert (rows[0][1], rows[0][3]) == ("failed", "not_offered")


# --- fields of pings ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"filters": [{"field": "reslt", "op": "eq", "value": "x"}]},
        {"sort": "reslt:desc"},
        {"group_by": ["reslt"]},
        {"filters": [{"field": "utm_source", "op": "eq", "value": "x"}]},
    ],
)
@pytest.mark.parametrize("direction", ["inbound", "outbound"])
def test_a_wrong_ping_field_lists_those_of_its_direction(driven: Bench, direction: str, wrong: dict[str, Any]) -> None:
    error, text = refused(driven, "query_pings", direction=direction, **wrong)
    assert error["code"] == "unknown_field"
    search = driven.runtime.connection("leadexec").search(direction)
    assert search is not None
    fields = search.fields(driven.runtime.connection("leadexec").account)
    assert ", ".join(fields.ours) in text
    for hint in re.findall(r"Did you mean '([^']+)'", text):
        assert hint in {*fields.ours, *fields.own, *fields.bare}


# --- did you mean -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("account", ["octanist", "leadtrackr", "convoso", "leadsquared", "leadexec"])
@pytest.mark.parametrize("name", ["campain", "utm_sorce", "compny", "qualifed_at", "lable", "ownr", "list_ids"])
def test_did_you_mean_offers_what_works_there(driven: Bench, account: str, name: str) -> None:
    where = [{"field": name, "op": "exists", "value": True}]
    error, _ = refused(driven, "search_leads", account=account, filters=where)
    stale, _ = refused(
        driven, "update_lead", uri=newest(driven, account), changes={"status": "lost"}, expect={name: "x"}
    )
    for hint in re.findall(r"Did you mean '([^']+)'", error["message"] + stale["message"]):
        asked = [{"field": hint, "op": "exists", "value": True}]
        assert not driven.raw_call("search_leads", account=account, filters=asked, since="-7d").is_error, hint
    fields = driven.runtime.connection(account).account.fields
    for hint in re.findall(r"Did you mean '([^']+)'", stale["message"]):
        assert hint not in CANONICAL or hint in fields.ours


# --- the account --------------------------------------------------------------------------------------------------


def test_a_text_has_the_account_that_its_structure_has(driven: Bench) -> None:
    box, told = driven.box, 0
    calls: list[tuple[str, dict[str, Any]]] = []
    for account in driven.accounts:
        uri = newest(driven, account)
        calls += [
            ("get_lead", {"uri": uri}),
            ("get_recordings", {"uri": uri}),
            ("update_lead", {"uri": uri, "changes": {"status": "lost"}}),
            ("delete_lead", {"uri": uri}),
            ("search_leads", {"account": account}),
            ("summarize_leads", {"account": account}),
            ("insert_lead", {"account": account, "lead": {"first_name": "Ann", "email": "ann.lee@example.com"}}),
        ]
    try:
        for account in driven.accounts:
            box.fault(account, "status", status=401, body={"error": "no"}, times=-1)
        for tool, arguments in calls:
            found = driven.raw_call(tool, **arguments)
            error = (found.structured_content or {}).get("error", {})
            if found.is_error and "account" in error:
                told += 1
                text = str(getattr(found.content[0], "text", ""))
                assert re.search(rf"\b{error['account']}\b", text), text
                assert text.startswith(f"{error['code']}: ")
    finally:
        box.mend()
    assert told > 15


# --- words of our code --------------------------------------------------------------------------------------------

ODD: tuple[Any, ...] = (
    1,
    -1,
    1.5,
    True,
    "x",
    "[",
    "{",
    "[1]",
    '{"a": 1}',
    [[]],
    [{}],
    [None],
    [1, "x"],
    [{"field": []}],
    {"a": {}},
    {"field": 1},
    {"uri": 1},
    ["x"] * 60,
    {"x": ["x"] * 60},
    "x" * 5000,
)


def class_names() -> set[str]:
    """Every class of ours, as code spells it."""
    found: set[str] = set()
    for module in pkgutil.walk_packages(lead_mcp.__path__, "lead_mcp."):
        if "emulator" in module.name or module.name.endswith("__main__"):
            continue
        members = inspect.getmembers(import_module(module.name), inspect.isclass)
        found |= {name for name, one in members if one.__module__.startswith("lead_mcp.")}
    return {name for name in found if not name.islower()}


def refusals() -> Iterator[tuple[str, str]]:
    """What every argument of every tool says to every odd value, and the value."""
    for listing in LISTED:
        for argument in listing.model.model_fields:
            for odd in ODD:
                try:
                    read_arguments(listing.model, {argument: odd}, listing.name)
                except BadArgument as error:
                    yield error.message, json.dumps(odd)


def test_no_refusal_of_an_argument_names_a_class_of_ours() -> None:
    names, seen = class_names() - {"Value", "Page", "Text"}, 0
    for message, odd in refusals():
        seen += 1
        words = set(re.findall(r"\b[A-Z][A-Za-z]+\b", message)) - set(re.findall(r"\w+", odd))
        assert not words & names, message
    assert seen > 300
