"""The view without a browser: what is in its one file, and which clients hear of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import pytest
from mcp import Client
from mcp.client.extension import ClientExtension, advertise

from lead_mcp import view
from lead_mcp.view.build import HERE, SCRIPTS, built
from tests.driving import Bench, bench

APPS: Final = (advertise("io.modelcontextprotocol/ui", {"mimeTypes": [view.MIME_TYPE]}),)
OTHER: Final = (advertise("io.modelcontextprotocol/ui", {"mimeTypes": ["text/plain"]}),)
FORBIDDEN: Final = re.compile(
    r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|new Function|createContextualFragment|DOMParser|fetch\(|"
    r"XMLHttpRequest|WebSocket|EventSource|sendBeacon|import\(|localStorage|document\.cookie|\bon\w+=|javascript:|https?:"
)
ONE_NAME: Final = "http://www.w3.org/2000/svg"
"""The name of SVG, which nothing loads."""


def test_the_page_is_one_small_file_that_loads_and_parses_nothing() -> None:
    page = view.html()
    assert len(page.encode()) < 40_000
    assert FORBIDDEN.findall(page.replace(ONE_NAME, "")) == []
    assert re.findall(r"<(?:link|img|iframe|object|embed|base|form|a)\b|\bsrc=|\bhref=|url\((?!/)", page) == []


def test_the_pages_policy_allows_its_own_script_and_style_alone() -> None:
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', view.html())
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules.keys() == {"default-src", "script-src", "style-src", "base-uri", "form-action"}
    assert {rules[name] for name in ("default-src", "base-uri", "form-action")} == {"'none'"}
    assert all(re.fullmatch(r"'sha256-[\w+/]{43}='", rules[name]) for name in ("script-src", "style-src"))


def test_the_page_is_what_its_sources_make() -> None:
    assert view.html() == built(), "python -m lead_mcp.view.build"
    assert {path.stem for path in (HERE / "src").glob("*.js")} == set(SCRIPTS)


@pytest.fixture(scope="module")
def driven() -> Iterator[Bench]:
    with bench(leads=8) as found:
        yield found


def seen(driven: Bench, mode: Any, extensions: Sequence[ClientExtension]) -> Mapping[str, Any]:
    """What such a client is told: tools, resources and one answer, as they are on the wire."""

    async def ask() -> dict[str, Any]:
        async with Client(driven.server, mode=mode, extensions=extensions) as client:
            return {
                "tools": (await client.list_tools()).tools,
                "resources": (await client.list_resources()).resources,
                "page": (await client.read_resource(view.URI)).contents,
                "answer": [await client.call_tool("search_leads", {"account": "octanist", "limit": 20})],
            }

    found: Mapping[str, Any] = driven.portal.call(ask)
    return {
        name: [one.model_dump(mode="json", by_alias=True, exclude_none=True) for one in many]
        for name, many in found.items()
    }


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_only_a_client_that_knows_apps_hears_of_the_view(driven: Bench, mode: str) -> None:
    knows, other, nothing = (seen(driven, mode, extensions) for extensions in (APPS, OTHER, ()))
    pointing = {tool["name"] for tool in knows["tools"] if tool.get("_meta") == {"ui": {"resourceUri": view.URI}}}
    assert pointing == view.TOOLS
    (listed,) = [one for one in knows["resources"] if one["uri"] == view.URI]
    assert listed["mimeType"] == "text/html;profile=mcp-app"
    for silent in (other, nothing):
        assert not [tool for tool in silent["tools"] if "_meta" in tool]
        assert view.URI not in {one["uri"] for one in silent["resources"]}
        assert json.dumps(silent["answer"]) == json.dumps(knows["answer"])


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_the_view_can_be_read(driven: Bench, mode: str) -> None:
    (page,) = seen(driven, mode, APPS)["page"]
    assert (page["uri"], page["mimeType"]) == (view.URI, view.MIME_TYPE)
    assert page["text"] == view.html()
    assert page["_meta"]["ui"] == {"permissions": {"clipboardWrite": {}}, "prefersBorder": True}


def test_the_pointer_costs_few_tokens() -> None:
    assert len(json.dumps(view.POINTER, separators=(",", ":"))) < 60
