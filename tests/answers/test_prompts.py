"""Prompts are listed and name tools and arguments that there are; template arguments complete."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from mcp import MCPError
from mcp.types import PromptReference, ResourceTemplateReference

from tests.driving import Bench, bench, in_order
from tests.facts import TRIED

GIVEN = {
    "todays_leads": {"account": "octanist"},
    "one_leads_story": {"person": "+12135550101"},
    "rejected_pings": {"since": "-48h"},
    "source_quality": {"source": "facebook"},
}


@pytest.fixture(scope="module")
def driven() -> Iterator[Bench]:
    with bench(60, only=TRIED) as found:
        yield found


def said(driven: Bench, name: str, arguments: dict[str, str]) -> str:
    found = driven.portal.call(driven.client.get_prompt, name, arguments)
    return str(getattr(found.messages[0].content, "text", ""))


def test_the_everyday_jobs_are_listed_with_words_for_a_menu(driven: Bench) -> None:
    prompts = driven.portal.call(driven.client.list_prompts).prompts
    assert {one.name for one in prompts} == set(GIVEN)
    for one in prompts:
        assert one.title
        assert {argument.name for argument in one.arguments or []} >= set(GIVEN[one.name])
        assert all(argument.description for argument in one.arguments or [])


@pytest.mark.parametrize("name", GIVEN)
def test_a_prompt_names_tools_and_arguments_that_there_are(driven: Bench, name: str) -> None:
    text = said(driven, name, GIVEN[name])
    tools = {tool.name: tool for tool in driven.portal.call(driven.client.list_tools).tools}
    named = [one for one in tools if one in text]
    assert named
    known = {key for one in named for key in tools[one].input_schema["properties"]}
    assert set(re.findall(r"(\w+)=", text)) <= known
    assert next(iter(GIVEN[name].values())) in text


def calls(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The calls that a prompt spells out, as a model makes them."""
    for tool, words in re.findall(r"Call (\w+) with (.*)$", text, re.MULTILINE):
        starts = re.finditer(r"(?:^|, )(\w+)=", words)
        yield tool, {one[1]: json.JSONDecoder().raw_decode(words, one.end())[0] for one in starts}


@pytest.mark.parametrize("name", GIVEN)
def test_the_calls_that_prompts_ask_for_are_answered(driven: Bench, name: str) -> None:
    asked = list(calls(said(driven, name, GIVEN[name])))
    assert asked
    for tool, arguments in asked:
        assert not driven.raw_call(tool, **arguments).is_error, (tool, arguments)


@pytest.mark.parametrize(
    ("person", "argument"),
    [("lead://octanist/1", "uri"), ("ann@example.com", "email"), ("+1 213 555 0101", "phone")],
)
def test_a_person_is_asked_for_by_what_is_given(driven: Bench, person: str, argument: str) -> None:
    ((_, arguments),) = calls(said(driven, "one_leads_story", {"person": person}))
    assert arguments == {argument: person}


def test_a_prompt_whose_tools_are_not_there_is_not_there_either() -> None:
    with bench(5, only=["octanist"]) as alone:
        listed = {one.name for one in alone.portal.call(alone.client.list_prompts).prompts}
    assert listed == GIVEN.keys() - {"rejected_pings"}


def test_each_account_is_listed_as_a_resource_and_can_be_read(driven: Bench) -> None:
    listed = driven.portal.call(driven.client.list_resources).resources
    accounts = {str(one.uri): one.title for one in listed if str(one.uri).startswith("account://")}
    assert accounts.keys() == {f"account://{name}" for name in driven.accounts}
    for uri, title in accounts.items():
        assert title
        found = driven.portal.call(driven.client.read_resource, uri).contents[0].model_dump()["text"]
        assert json.loads(found)["fields"]["rows"]


def test_a_prompt_without_its_argument_is_refused(driven: Bench) -> None:
    with pytest.raises(MCPError):
        said(driven, "one_leads_story", {})
    assert 'period="today"' in said(driven, "todays_leads", {})


LEAD = "lead://{account}/{id}"
PING = "ping://{account}/{direction}/{id}{?type,at}"
RECORDING = "recording://{account}/{lead_id}/{recording_id}"


def completed(driven: Bench, name: str, typed: str, template: str = LEAD, **known: str) -> list[str]:
    ref = ResourceTemplateReference(uri=template)
    found = driven.portal.call(driven.client.complete, ref, {"name": name, "value": typed}, known)
    return list(found.completion.values)


def test_a_completion_is_of_what_it_refers_to(driven: Bench) -> None:
    """An id of a ping's template is a ping's, a lead's is a lead's; what has no such argument completes nothing."""
    assert completed(driven, "account", "", PING) == ["leadexec"]
    assert set(completed(driven, "account", "", RECORDING)) >= {"convoso", "leadsquared"}
    assert completed(driven, "direction", "in", PING) == ["inbound"]
    assert completed(driven, "direction", "in") == []
    assert completed(driven, "id", "", PING, account="leadexec") == [], "of which direction?"
    pings = driven.call("query_pings", direction="inbound", since="-7d", limit=1)["pings"]["rows"]
    newest = completed(driven, "id", "", PING, account="leadexec", direction="inbound")
    assert pings[0][0].endswith(f"/{newest[0]}")
    assert completed(driven, "id", "", "journal://{id}", account="octanist") == []
    assert completed(driven, "source", "") == []
    prompt = PromptReference(name="source_quality")
    found = driven.portal.call(driven.client.complete, prompt, {"name": "since", "value": "-"})
    assert found.completion.values
    assert driven.portal.call(driven.client.complete, prompt, {"name": "id", "value": ""}).completion.values == []


def test_a_prompts_argument_completes_with_what_the_newest_leads_have(driven: Bench) -> None:
    def offered(prompt: str, name: str, value: str = "") -> list[str]:
        asked = {"name": name, "value": value}
        return list(driven.portal.call(driven.client.complete, PromptReference(name=prompt), asked).completion.values)

    leads = driven.page(limit=50, detail="detailed")["leads"]
    uris, sources = [[row[leads["columns"].index(name)] for row in leads["rows"]] for name in ("uri", "source")]
    assert offered("one_leads_story", "person") == uris
    assert offered("one_leads_story", "person", uris[3]) == [uris[3]]
    assert set(offered("source_quality", "source")) >= {source for source in sources if source}


@pytest.mark.parametrize(
    "ref", [ResourceTemplateReference(uri="leed://{account}/{id}"), PromptReference(name="source_qualty")]
)
def test_a_completion_of_nothing_is_refused(driven: Bench, ref: Any) -> None:
    with pytest.raises(MCPError, match="Did you mean"):
        driven.portal.call(driven.client.complete, ref, {"name": "account", "value": ""})


def test_accounts_directions_and_ids_complete(driven: Bench) -> None:
    assert sorted(completed(driven, "account", "")) == sorted(TRIED)
    assert sorted(completed(driven, "account", "lead")) == ["leadexec", "leadsquared", "leadtrackr"]
    for account in TRIED:
        newest = [one.id for one in in_order(driven.everything(account), "created_at:desc")][:50]
        offered = completed(driven, "id", "", account=account)
        assert len(offered) > 10
        assert offered == newest[: len(offered)]
        assert completed(driven, "id", newest[3], account=account) == [newest[3]]
    assert completed(driven, "id", "", account="nobody") == []
    assert completed(driven, "nonsense", "") == []
