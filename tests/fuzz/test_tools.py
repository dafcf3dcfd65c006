"""Tools and resources asked anything: an answer of the promised shape, or an error of one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp import MCPError

from tests.driving import Bench, bench
from tests.fuzz.drawing import TEXTS, arguments, damaged
from tests.fuzz.promised import INNER, assert_promised, bounded
from tests.process.examples import EVERY
from tests.profiles import examples

pytestmark = pytest.mark.slow
TOOLS: Final = (*EVERY, "export_leads")
URIS: Final = (
    "lead://octanist/lead_00000001",
    "lead://convoso/4000001",
    "ping://leadexec/inbound/6af816687b7ffcb08c6bdfad?type=3471&at=1794700000",
    "recording://convoso/4000001/r-1",
    "account://leadexec",
    "journal://w-1",
    "export://leads.csv",
    "sql://schema",
)


@pytest.fixture(scope="module")
def driven(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder: Path = tmp_path_factory.mktemp("fuzz")
    own = {
        "LEAD_MCP_STATE_DIR": str(folder),
        "LEAD_MCP_EXPORT_DIR": str(folder),
        "LEAD_MCP_WRITES": "allow",
        "LEAD_MCP_DELETES": "allow",
        "LEAD_MCP_SCAN_LIMIT": "200",
    }
    with bench(8, environment=own, only=["leadexec", "convoso", "octanist"]) as found:
        yield found


@pytest.fixture(scope="module")
def schemas(driven: Bench) -> dict[str, Any]:
    async def listed() -> dict[str, Any]:
        return {tool.name: tool.input_schema for tool in (await driven.client.list_tools()).tools}

    found: dict[str, Any] = driven.portal.call(listed)
    return found


def asked(driven: Bench, tool: str, given: dict[str, Any]) -> None:
    with bounded():
        assert_promised(driven.raw_call(tool, **given), given)


def test_every_tool_is_asked(schemas: dict[str, Any]) -> None:
    assert {*schemas} == {*TOOLS}


@pytest.mark.parametrize("tool", TOOLS)
@given(data=st.data())
@examples(5)
def test_any_arguments_are_answered_in_the_promised_shape(
    driven: Bench, schemas: dict[str, Any], tool: str, data: st.DataObject
) -> None:
    asked(driven, tool, data.draw(arguments(schemas[tool])))


@given(uri=st.sampled_from(URIS).flatmap(damaged) | TEXTS)
@examples(24)
def test_any_uri_is_read_or_refused_in_words(driven: Bench, uri: str) -> None:
    async def read() -> Any:
        with anyio.fail_after(60):
            return await driven.client.read_resource(uri)

    refused = ""
    with bounded(), suppress(UnicodeEncodeError):
        try:
            driven.portal.call(read)
        except MCPError as error:
            refused = str(error)
    inner = INNER.search(refused)
    assert inner is None or inner[0] in uri, refused


@pytest.mark.parametrize(
    "at", ["-99999999999", "99999999999", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "-62135596800"]
)
def test_a_ping_of_the_ends_of_the_calendar_or_beyond_is_not_there(driven: Bench, at: str) -> None:
    with pytest.raises(MCPError, match="not_found"):
        driven.portal.call(driven.client.read_resource, f"ping://leadexec/inbound/x?at={at}")


@given(data=st.data())
@examples(12)
def test_a_damaged_cursor_is_refused(driven: Bench, data: st.DataObject) -> None:
    same = {"account": "octanist,convoso", "limit": 2, "since": "2000-01-01"}
    cursor = driven.page(**same)["next_cursor"]
    found = driven.raw_call("search_leads", **same, cursor=data.draw(damaged(cursor)))
    assert_promised(found)
    if found.is_error:
        assert (found.structured_content or {})["error"]["code"] == "bad_argument"
