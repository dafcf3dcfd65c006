"""The tools as a client sees them, every one that can be listed: annotations, schemas, and a snapshot of it all.

``UPDATE_SNAPSHOTS=1`` writes the snapshot anew; a change of it is a change of what every client is told.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from mcp import MCPError
from mcp.types import INVALID_PARAMS, ResourceTemplateReference, Tool

from lead_mcp.vendors import NAMES
from tests.driving import Bench, CallFailed, bench
from tests.process.processes import clean

SNAPSHOT = Path(__file__).parent / "snapshots" / "tools.json"
FLAT = ("anyOf", "oneOf", "allOf", "$ref", "$defs", "not", "if")
EVERYTHING = {"LEAD_MCP_WRITES": "allow", "LEAD_MCP_DELETES": "allow"}
READING = (
    "list_accounts",
    "search_leads",
    "get_lead",
    "summarize_leads",
    "trace_lead",
    "query_pings",
    "query_sql",
    "get_recordings",
)


@contextmanager
def bench_of_nobody(leads: int, **options: Any) -> Iterator[Bench]:
    """A bench that no account in the environment adds to, a developer's own or another bench's."""
    with mock.patch.dict(os.environ, clean(), clear=True), bench(leads, **options) as found:
        yield found


@pytest.fixture(scope="module")
def driven() -> Iterator[Bench]:
    with bench_of_nobody(20, environment=EVERYTHING) as found:
        yield found


@pytest.fixture(scope="module")
def tools(driven: Bench) -> list[Tool]:
    found: list[Tool] = driven.portal.call(driven.client.list_tools).tools
    return found


def test_every_tool_is_annotated(tools: list[Tool]) -> None:
    for tool in tools:
        hints = tool.annotations
        assert hints is not None, tool.name
        for hint in ("read_only_hint", "destructive_hint", "idempotent_hint", "open_world_hint"):
            assert isinstance(getattr(hints, hint), bool), (tool.name, hint)
        assert hints.read_only_hint is (tool.name in READING), tool.name
        assert not (hints.read_only_hint and hints.destructive_hint), tool.name


def test_every_tool_says_what_it_is_for(tools: list[Tool]) -> None:
    for tool in tools:
        assert tool.description, tool.name
        assert 20 <= len(tool.description) <= 1024, tool.name
        assert "\n" not in tool.description, tool.name


def test_arguments_are_flat_and_described(tools: list[Tool]) -> None:
    for tool in tools:
        schema = tool.input_schema
        assert schema["type"] == "object", tool.name
        assert "additionalProperties" not in schema, (
            tool.name
        )  # google-genai refuses the key; we refuse what is unknown
        assert tool.title, tool.name
        assert not set(FLAT) & set(schema), tool.name
        for name, argument in schema["properties"].items():
            assert not set(FLAT) & set(argument), (tool.name, name)
            assert "type" in argument or "enum" in argument, (tool.name, name)
            assert "title" not in argument, (tool.name, name)
            assert argument["description"], (tool.name, name)
        assert set(schema.get("required", [])) <= set(schema["properties"]), tool.name


def test_fields_are_found_by_what_their_name_or_note_holds() -> None:
    with bench_of_nobody(5, only=["octanist", "convoso"]) as found:
        rows = found.call("list_accounts", account="octanist", find="CLID")["fields"]["rows"]
        assert {row[0] for row in rows} >= {"gclid", "dclid", "twclid"}
        assert all("clid" in f"{row[0]} {row[4]}".casefold() for row in rows)
        assert found.call("list_accounts", account="octanist", find="no such field")["fields"]["rows"] == []
        with pytest.raises(CallFailed) as refused:
            found.call("list_accounts", find="clid")
        assert "octanist, convoso" in str(refused.value) or "convoso, octanist" in str(refused.value)


def test_an_account_is_described_with_the_names_that_are_configured(tools: list[Tool]) -> None:
    """Closed where one is taken, told where several are; only those that the tool is for."""
    accounts = {tool.name: tool.input_schema["properties"].get("account", {}) for tool in tools}
    for name in ("list_accounts", "get_lead", "insert_lead", "insert_leads"):
        assert set(accounts[name]["enum"]) >= set(NAMES), name
    for name in ("search_leads", "summarize_leads"):
        assert "enum" not in accounts[name]
        assert all(one in accounts[name]["description"] for one in NAMES)
    assert "leadexec" in accounts["query_pings"]["description"]
    assert "octanist" not in accounts["query_pings"]["description"]
    assert set(accounts["get_recordings"]["enum"]) >= {"convoso", "leadsquared"}
    assert not {"octanist", "leadexec"} & {*accounts["get_recordings"]["enum"]}


def test_no_schema_refers_elsewhere(tools: list[Tool]) -> None:
    for tool in tools:
        text = json.dumps([tool.input_schema, tool.output_schema])
        assert '"$ref"' not in text, tool.name
        assert '"$defs"' not in text, tool.name


def test_every_key_of_an_answer_is_optional(tools: list[Tool]) -> None:
    """Older official TypeScript clients check error results, which have none of the other keys, against the schema."""
    for tool in tools:
        schema = tool.output_schema
        assert schema is not None, tool.name
        assert schema["type"] == "object", tool.name
        assert not schema.get("required"), tool.name
        assert "error" in schema["properties"], tool.name
        assert not set(FLAT) & set(schema), tool.name


def test_unknown_arguments_are_refused_by_every_tool(driven: Bench, tools: list[Tool]) -> None:
    for tool in tools:
        wanted = next(iter(tool.input_schema["properties"]))
        found = driven.raw_call(tool.name, **{f"{wanted}x": "1"})
        assert found.is_error, tool.name
        assert found.structured_content is not None
        assert set(found.structured_content) == {"error"}, tool.name
        said = found.structured_content["error"]
        assert said["code"] == "bad_argument", tool.name
        assert f"{wanted}x: {tool.name} has no such argument" in said["message"]
        assert f"Did you mean {wanted!r}?" in said["message"]


def test_values_of_the_wrong_type_are_refused_by_every_tool(driven: Bench, tools: list[Tool]) -> None:
    for tool in tools:
        for name in tool.input_schema["properties"]:
            found = driven.raw_call(tool.name, **{name: {"unheard": ["of"]}})
            assert found.is_error, (tool.name, name)
            assert found.structured_content is not None
            said = found.structured_content["error"]
            assert said["code"] in ("bad_argument", "unknown_field", "not_configured"), (tool.name, name, said)
            assert "pydantic" not in json.dumps(said), (tool.name, name)


def test_the_listing_is_the_same_every_time(driven: Bench, tools: list[Tool]) -> None:
    assert driven.portal.call(driven.client.list_tools).tools == tools
    names = [tool.name for tool in tools]
    assert [name for name in names if name in READING] == [name for name in READING if name in names]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("only", "there", "missing"),
    [
        ([], ["list_accounts"], ["search_leads", "get_lead"]),
        (["octanist"], ["search_leads", "get_lead"], ["query_pings", "get_recordings"]),
        (["leadexec"], ["query_pings"], ["get_recordings"]),
        (["convoso"], ["get_recordings"], ["query_pings"]),
    ],
)
def test_only_what_some_account_can_serve_is_listed(only: list[str], there: list[str], missing: list[str]) -> None:
    with bench_of_nobody(5, only=only) as found:
        names = {tool.name for tool in found.portal.call(found.client.list_tools).tools}
        assert set(there) <= names
        assert not set(missing) & names
        if not only:
            assert names == {"list_accounts"}
            said = found.raw_call("list_accounts").content[0]
            assert "--sandbox" in str(said)


def test_a_tool_that_is_not_listed_says_why(driven: Bench) -> None:
    assert refused(driven, "serch_leads") == ("bad_argument", "Did you mean 'search_leads'?")
    with bench_of_nobody(5, only=["octanist"], environment={"LEAD_MCP_WRITES": "off"}) as found:
        assert refused(found, "insert_lead") == ("not_allowed", "LEAD_MCP_WRITES is off")
        assert refused(found, "delete_lead") == ("not_allowed", "LEAD_MCP_DELETES is off")
        assert refused(found, "query_pings") == ("not_offered", "no configured account")
    with bench_of_nobody(5, only=[]) as found:
        assert refused(found, "search_leads") == ("not_configured", "--sandbox")


def refused(driven: Bench, tool: str) -> tuple[str, str]:
    """The error's code, and those of the telling words that its message has."""
    found = driven.raw_call(tool)
    assert found.is_error
    assert found.structured_content is not None
    said = found.structured_content["error"]
    telling = ("Did you mean 'search_leads'?", "LEAD_MCP_WRITES is off", "LEAD_MCP_DELETES is off", "--sandbox")
    return said["code"], next((word for word in (*telling, "no configured account") if word in said["message"]), "")


def test_a_wrong_prompt_is_the_callers_mistake(driven: Bench) -> None:
    for name, given, words in (
        ("todays_lead", {}, "Did you mean 'todays_leads'?"),
        ("one_leads_story", {}, "needs person"),
        ("todays_leads", {"acount": "octanist"}, "Did you mean 'account'?"),
    ):
        with pytest.raises(MCPError) as caught:
            driven.portal.call(driven.client.get_prompt, name, given)
        assert caught.value.error.code == INVALID_PARAMS
        assert words in caught.value.error.message


def test_a_prompts_value_cannot_end_its_quotation_marks(driven: Bench) -> None:
    found = driven.portal.call(driven.client.get_prompt, "source_quality", {"source": 'a"b'})
    assert '"value":"a\\"b"' in found.messages[0].content.model_dump()["text"]


def test_ids_complete_as_the_newest_of_their_kind(driven: Bench) -> None:
    def completed(template: str, argument: str, **known: str) -> list[str]:
        ref = ResourceTemplateReference(uri=template)
        asked = partial(driven.client.complete, ref, {"name": argument, "value": ""}, context_arguments=known)
        values: list[str] = driven.portal.call(asked).completion.values
        return values

    lead, ping = "lead://{account}/{id}", "ping://{account}/{direction}/{id}{?type,at}"
    newest = [row[0] for row in driven.page(account="octanist", limit=50)["leads"]["rows"]]
    assert [f"lead://octanist/{one}" for one in completed(lead, "id", account="octanist")] == newest
    assert completed(lead, "id", account="nobody") == completed(lead, "id") == []
    pings = completed(ping, "id", account="leadexec", direction="inbound")
    rows = driven.call("query_pings", direction="inbound", since="-30d", limit=50)["pings"]["rows"]
    assert pings
    assert set(pings) <= {row[0].split("?")[0].rsplit("/", 1)[1] for row in rows}
    assert completed(ping, "id", account="octanist", direction="inbound") == []


def test_text_holds_a_ledgers_note_whole(driven: Bench) -> None:
    found = driven.raw_call("trace_lead", phone="+12125550199")
    assert found.structured_content is not None
    notes = [entry["note"] for entry in found.structured_content["accounts"] if "note" in entry]
    assert max(map(len, notes)) > 120, "no note is long enough to be cut"
    text = found.content[0].model_dump()["text"]
    for note in notes:
        assert all(part in text for part in note.split("; ")), note


def test_one_account_is_described_at_a_time(driven: Bench) -> None:
    found = driven.raw_call("list_accounts", account="octanist,convoso")
    assert found.structured_content is not None
    said = found.structured_content["error"]
    assert said["code"] == "bad_argument"
    assert "names several accounts (octanist, convoso)" in said["message"]


def test_the_tools_are_those_of_the_snapshot(tools: list[Tool]) -> None:
    seen: list[Any] = [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools]
    if os.environ.get("UPDATE_SNAPSHOTS") == "1":
        SNAPSHOT.parent.mkdir(exist_ok=True)
        SNAPSHOT.write_text(json.dumps(seen, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    kept = json.loads(SNAPSHOT.read_text(encoding="utf-8"))
    assert seen == kept, "what clients see has changed: if that is meant, run with UPDATE_SNAPSHOTS=1"
