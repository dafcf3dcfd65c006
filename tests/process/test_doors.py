"""The same questions through every door: stdio, Streamable HTTP (with sessions and without) and SSE, in both eras."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from mcp import Client, MCPError
from mcp.client.sse import sse_client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.types import CallToolResult, ResourceTemplateReference, TextContent

from lead_mcp import __version__
from tests.process.examples import EVERY, filled
from tests.process.processes import PATIENCE, Background, Emulators, clean, listening_server

P = ParamSpec("P")
T = TypeVar("T")
WAYS = ("stdio", "http", "stateless", "sse")


@dataclass
class Door:
    """A client through one door, in one era, called from plain functions."""

    way: str
    client: Client
    portal: BlockingPortal
    facts: dict[str, str] = field(default_factory=dict)

    def do(self, act: Callable[P, Any], *arguments: P.args, **keywords: P.kwargs) -> Any:
        return self.portal.call(partial(act, *arguments, **keywords))

    def call(self, tool: str, **arguments: Any) -> CallToolResult:
        found: CallToolResult = self.do(self.client.call_tool, tool, arguments, read_timeout_seconds=PATIENCE)
        return found

    def read(self, uri: str) -> Any:
        return self.do(self.client.read_resource, uri).contents[0]

    def learn(self) -> dict[str, str]:
        """A lead, its id, and a lead with calls."""
        if not self.facts:
            lead = rows(self.call("search_leads", account="octanist", limit=1), "leads")[0][0]
            self.facts = {"LEAD": lead, "LEAD_ID": lead.rsplit("/", 1)[1], "CALLED": self._called()}
        return self.facts

    def _called(self) -> str:
        for row in rows(self.call("search_leads", account="convoso", limit=40), "leads"):
            if rows(self.call("get_recordings", uri=row[0]), "recordings"):
                return str(row[0])
        raise AssertionError("nobody at Convoso was ever called")


def rows(result: CallToolResult, table: str) -> list[list[Any]]:
    assert not result.is_error, result
    assert result.structured_content is not None
    found: list[list[Any]] = result.structured_content[table]["rows"]
    return found


def text_of(result: CallToolResult) -> str:
    return "\n".join(block.text for block in result.content if isinstance(block, TextContent))


@pytest.fixture(scope="module", params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def server(way: str, emulators: Emulators, folder: Path) -> Iterator[tuple[Background, str] | None]:
    """The process behind the door; on stdio every client starts its own."""
    if way == "stdio":
        yield None
        return
    words = ["--stateless"] if way == "stateless" else []
    transport = "sse" if way == "sse" else "http"
    with listening_server(*words, environment=emulators.environment, folder=folder, transport=transport) as found:
        yield found


@pytest.fixture(scope="module", params=["auto", "legacy"])
def door(
    request: pytest.FixtureRequest,
    way: str,
    server: tuple[Background, str] | None,
    emulators: Emulators,
    folder: Path,
) -> Iterator[Door]:
    with ExitStack() as stack:
        target: str | AbstractAsyncContextManager[Any]
        if server is None:
            errors = stack.enter_context((folder / f"stdio-{request.param}.err").open("w+", encoding="utf-8"))
            parameters = StdioServerParameters(
                command=sys.executable, args=["-m", "lead_mcp", "serve"], env=clean(emulators.environment)
            )
            target = stdio_client(parameters, errlog=errors)
        else:
            target = sse_client(server[1]) if way == "sse" else server[1]
        portal = stack.enter_context(start_blocking_portal())
        client = stack.enter_context(portal.wrap_async_context_manager(Client(target, mode=request.param)))
        yield Door(way, client, portal)
    if server is None:
        said = (folder / f"stdio-{request.param}.err").read_text(encoding="utf-8")
    else:
        said = server[0].to_dict()
        assert server[0].process.poll() is None
    assert "Traceback" not in said


def test_the_server_says_who_it_is(door: Door) -> None:
    info = door.client.server_info
    assert info is not None
    assert (info.name, info.version) == ("lead-mcp", __version__)
    assert "search_leads" in (door.client.instructions or "")


def test_lists_its_tools(door: Door) -> None:
    tools = {one.name: one for one in door.do(door.client.list_tools).tools}
    assert {"list_accounts", "search_leads", "get_lead", "query_pings", "get_recordings"} <= set(tools)
    assert "delete_lead" not in tools, "deletes are off unless somebody turns them on"
    assert all(one.annotations is not None and one.output_schema is not None for one in tools.values())


def test_every_tool_answers(door: Door) -> None:
    facts = door.learn()
    for tool in door.do(door.client.list_tools).tools:
        assert tool.name in EVERY, f"{tool.name} needs a line in tests/process/examples.py"
        for example in EVERY[tool.name]:
            found = door.call(tool.name, **filled(example, facts))
            assert not found.is_error, (tool.name, found)
            assert found.structured_content, tool.name
            assert set(found.structured_content) <= set(tool.output_schema["properties"])
            assert "error" not in found.structured_content
            assert text_of(found)


def test_errors_are_structured_results(door: Door) -> None:
    for tool in door.do(door.client.list_tools).tools:
        found = door.call(tool.name, no_such_argument=1)
        assert found.is_error, tool.name
        assert found.structured_content is not None
        said = found.structured_content["error"]
        assert said["code"] == "bad_argument"
        assert "no_such_argument" in said["message"]
        assert text_of(found) == f"bad_argument: {said['message']}"


def test_a_wrong_account_is_named_with_the_nearest(door: Door) -> None:
    found = door.call("search_leads", account="octanst")
    assert found.is_error
    assert found.structured_content is not None
    assert found.structured_content["error"]["code"] == "not_configured"
    assert "'octanist'" in text_of(found)


def test_a_failing_vendor_leaves_the_others_answers(door: Door, emulators: Emulators) -> None:
    emulators.fault("octanist", "status", status=401)
    found = door.call("search_leads", account="octanist,convoso", limit=5)
    assert {row[0].split("/")[2] for row in rows(found, "leads")} == {"convoso"}
    assert found.structured_content is not None
    entries = {entry["account"]: entry for entry in found.structured_content["accounts"]}
    assert entries["octanist"]["error"]["code"] == "unauthorized"
    assert "error" not in entries["convoso"]
    emulators.fault("octanist", "status", status=401)
    alone = door.call("search_leads", account="octanist")
    assert alone.is_error
    assert alone.structured_content is not None
    assert alone.structured_content["error"]["code"] == "unauthorized"


def test_every_uri_can_be_read(door: Door) -> None:
    facts = door.learn()
    lead = json.loads(door.read(facts["LEAD"]).text)
    assert lead["uri"] == facts["LEAD"]
    assert lead["raw"]
    ping = rows(door.call("query_pings", direction="inbound", since="-30d", limit=1), "pings")[0][0]
    assert json.loads(door.read(ping).text)["uri"] == ping
    recording = rows(door.call("get_recordings", uri=facts["CALLED"], limit=1), "recordings")[0][0]
    audio = door.read(recording)
    assert audio.mime_type.startswith("audio/")
    assert base64.b64decode(audio.blob)[:4] == b"RIFF"
    account = json.loads(door.read("account://octanist").text)
    assert account["accounts"]["rows"][0][0] == "octanist"


@pytest.mark.parametrize(
    "uri",
    ["lead://octanist/nobody", "lead://nowhere/1", "account://nowhere", "ping://octanist/inbound/1", "lead://octanist"],
)
def test_what_is_not_there_cannot_be_read(door: Door, uri: str) -> None:
    with pytest.raises(MCPError) as failed:
        door.read(uri)
    assert failed.value.error.code == -32602


def test_templates_are_listed(door: Door) -> None:
    found = {one.uri_template for one in door.do(door.client.list_resource_templates).resource_templates}
    assert found == {
        "lead://{account}/{id}",
        "ping://{account}/{direction}/{id}{?type,at}",
        "recording://{account}/{lead_id}/{recording_id}",
        "account://{account}",
        "journal://{id}",
    }


def test_template_arguments_complete(door: Door) -> None:
    lead = ResourceTemplateReference(uri="lead://{account}/{id}")
    accounts = door.do(door.client.complete, ref=lead, argument={"name": "account", "value": "lead"})
    assert set(accounts.completion.values) == {"leadexec", "leadsquared", "leadtrackr"}
    ids = door.do(
        door.client.complete,
        ref=lead,
        argument={"name": "id", "value": ""},
        context_arguments={"account": "octanist"},
    )
    assert door.learn()["LEAD_ID"] in ids.completion.values
    ping = ResourceTemplateReference(uri="ping://{account}/{direction}/{id}{?type,at}")
    ways = door.do(door.client.complete, ref=ping, argument={"name": "direction", "value": "in"})
    assert ways.completion.values == ["inbound"]


def test_prompts_can_be_got(door: Door) -> None:
    for prompt in door.do(door.client.list_prompts).prompts:
        facts = {"account": "octanist", "uri": door.learn()["LEAD"]}
        arguments = {one.name: facts.get(one.name, "octanist") for one in prompt.arguments or ()}
        assert door.do(door.client.get_prompt, prompt.name, arguments).messages


def test_calls_of_one_client_run_side_by_side(door: Door, emulators: Emulators) -> None:
    """A slow vendor holds up its own call and no other."""
    before = emulators.heard("octanist")
    emulators.fault("octanist", "hold")
    slow = door.portal.start_task_soon(
        partial(door.client.call_tool, "search_leads", {"account": "octanist", "limit": 1})
    )
    emulators.wait_until_asked("octanist", before)
    assert not door.call("list_accounts").is_error
    assert not slow.done()
    emulators.forget()
    assert not slow.result(PATIENCE).is_error
