"""Whatever fails, on whatever path, is an answer in the promised shape: no crash, no hang, no words of an inner error."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import httpx2
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from mcp import Client, MCPError
from mcp.types import CallToolResult, ResourceTemplateReference, TextContent

from lead_mcp import settings, vendors
from lead_mcp.errors import NotConfigured
from lead_mcp.sandbox.app import sandbox
from lead_mcp.sandbox.world import World
from lead_mcp.server import build_server
from tests.process.examples import EVERY, filled
from tests.process.processes import clean

ORIGIN = "http://127.0.0.1:1"
FACTS = {"LEAD": "lead://octanist/1", "LEAD_ID": "1", "CALLED": "lead://convoso/1"}
INNER = "inner words of an error"
Transport = Callable[[], httpx2.AsyncBaseTransport | None]


def broken(error: BaseException) -> Transport:
    """No network can be had at all."""

    def make() -> httpx2.AsyncBaseTransport:
        raise error

    return make


def breaking(error: BaseException) -> Transport:
    """The network breaks in a way that nobody foresaw."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        raise error

    return lambda: httpx2.MockTransport(answer)


WRONG: Mapping[str, tuple[Transport, Mapping[str, str]]] = {
    "no network": (broken(RuntimeError(INNER)), {}),
    "no network, said by us": (broken(NotConfigured("ALL_PROXY is wrong.")), {}),
    "no network, in a group": (broken(ExceptionGroup("several", [NotConfigured("ALL_PROXY is wrong.")])), {}),
    "an end of the process": (broken(SystemExit(INNER)), {}),
    "a bug below": (breaking(RuntimeError(INNER)), {}),
    "a wrong type below": (breaking(TypeError(INNER)), {}),
    "no key for the masks": (breaking(httpx2.ConnectError("no")), {"LEAD_MCP_PII": "masked"}),
}


@contextmanager
def client(wrong: str, folder: Path, mode: str) -> Iterator[tuple[BlockingPortal, Any]]:
    transport, extra = WRONG[wrong]
    folder.chmod(0o777)  # no state can be kept here
    own = {
        **sandbox(vendors.emulators(), World(1)).environment(ORIGIN),
        "LEAD_MCP_STATE_DIR": str(folder),
        "LEAD_MCP_DELETES": "allow",
    }
    with mock.patch.dict(os.environ, clean({**own, "LEAD_MCP_WRITES": "allow", **extra}), clear=True):
        server = build_server(settings.load(), transport)
    with start_blocking_portal() as portal:
        made: Any = Client(server, mode=mode)
        with portal.wrap_async_context_manager(made) as connected:
            yield portal, connected


@pytest.fixture(params=sorted(WRONG))
def wrong(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_every_tool_answers_with_an_error_of_the_promised_shape(wrong: str, mode: str, tmp_path: Path) -> None:
    with client(wrong, tmp_path, mode) as (portal, connected):
        for tool, examples in EVERY.items():
            for example in examples:
                found: CallToolResult = portal.call(connected.call_tool, tool, filled(example, FACTS))
                if tool == "list_accounts" and not found.is_error:
                    continue
                assert_promised(found, tool)
        assert [one.name for one in portal.call(connected.list_tools).tools] == list(EVERY)


def assert_promised(found: CallToolResult, tool: str) -> None:
    assert found.is_error, tool
    assert found.structured_content is not None, tool
    error = found.structured_content.get("error") or found.structured_content["accounts"][0]["error"]
    assert {"code", "message"} <= set(error)
    assert INNER not in str(found)
    assert "Error executing tool" not in str(found)
    assert isinstance(found.content[0], TextContent)
    assert found.content[0].text


@pytest.mark.parametrize("uri", ["lead://octanist/1", "ping://leadexec/inbound/1", "recording://convoso/1/2"])
def test_every_resource_answers_with_an_error(wrong: str, uri: str, tmp_path: Path) -> None:
    with client(wrong, tmp_path, "auto") as (portal, connected):
        with pytest.raises(MCPError) as caught:
            portal.call(connected.read_resource, uri)
        assert caught.value.error.code in (-32602, -32603)
        assert INNER not in caught.value.error.message
        assert ": " in caught.value.error.message, "a code of ours, then what happened"


def test_every_other_way_in_answers(wrong: str, tmp_path: Path) -> None:
    lead = ResourceTemplateReference(uri="lead://{account}/{id}")
    with client(wrong, tmp_path, "auto") as (portal, connected):
        assert portal.call(connected.list_resource_templates).resource_templates
        assert portal.call(connected.list_prompts).prompts
        assert portal.call(connected.get_prompt, "todays_leads", {}).messages
        known = {"account": "octanist"}
        asked = partial(connected.complete, lead, {"name": "id", "value": ""}, context_arguments=known)
        said = answered(portal, asked)
        assert said == [] or (said.code, INNER in said.message) == (-32603, False)
        with pytest.raises(MCPError) as caught:
            portal.call(connected.get_prompt, "no_such_prompt", {})
        assert caught.value.error.code == -32602


def answered(portal: BlockingPortal, asked: Callable[[], Any]) -> Any:
    """What completes, or the error."""
    try:
        return portal.call(asked).completion.values
    except MCPError as error:
        return error.error
