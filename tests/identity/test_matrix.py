"""Who may do what: every tool, resource, prompt and completion, for every scope, and for an account that is not one's own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from mcp import MCPError
from mcp.types import ResourceTemplateReference

from lead_mcp.identity.scopes import COMPLETIONS, RESOURCES, TOOLS, Needs, Scope, prompt_needs
from lead_mcp.tools.prompts import PROMPTS
from tests.identity.matrix import PAGE, TABLE, prompt_names, schemes, table, tools
from tests.identity.team import Team, team

CALLS: list[tuple[str, str, Mapping[str, Needs]]] = [
    ("tools/call", "name", {name: TOOLS[name] for name in tools()}),
    ("resources/read", "uri", {f"{scheme}://octanist/1/1": RESOURCES[scheme] for scheme in schemes()}),
    ("prompts/get", "name", {name: prompt_needs(name) for name in prompt_names()}),
]
"""How each is asked for, and what it needs."""
TEMPLATES = {"id": "lead://{account}/{id}", "lead_id": "recording://{account}/{lead_id}/{recording_id}"}
OWN = ("convoso", "leadexec", "octanist")
REACHES: dict[str, dict[str, Any]] = {
    "list_accounts": {"account": "NAME"},
    "search_leads": {"account": "octanist,NAME"},
    "get_lead": {"uri": "lead://NAME/1"},
    "summarize_leads": {"account": "NAME"},
    "trace_lead": {"uri": "lead://NAME/1"},
    "query_pings": {"account": "NAME", "direction": "inbound"},
    "query_sql": {"sql": "SELECT 1", "account": "NAME"},
    "get_recordings": {"account": "NAME", "lead_id": "1"},
    "insert_lead": {"account": "NAME", "lead": {"email": "a@example.com"}},
    "insert_leads": {"account": "NAME", "leads": [{"email": "a@example.com"}]},
    "update_lead": {"uri": "lead://NAME/1", "changes": {"status": "won"}},
    "update_leads": {"uris": ["lead://NAME/1"], "changes": {"status": "won"}},
    "delete_lead": {"uri": "lead://NAME/1"},
    "export_leads": {"account": "octanist,NAME"},
}
"""A call of each tool at an account. A new tool needs a line here."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    folder = tmp_path_factory.mktemp("exports")
    with team(tmp_path_factory.mktemp("matrix"), {"LEAD_MCP_EXPORT_DIR": str(folder)}) as found:
        yield found


@pytest.fixture(scope="module")
def limited(server: Team) -> str:
    return server.token("limited", *Scope, accounts=OWN)


def test_the_page_has_the_table_that_the_code_gives() -> None:
    found = TABLE.search(PAGE.read_text("utf-8"))
    assert found is not None
    assert found[2] == table(), "python -m tests.identity.matrix writes it anew"


def test_nothing_is_forgotten() -> None:
    assert set(tools()) <= TOOLS.keys()
    assert set(schemes()) <= RESOURCES.keys()
    assert all(prompt_needs(one.__name__) < frozenset(Scope) for one in PROMPTS)
    assert REACHES.keys() == set(tools())


@pytest.mark.parametrize("scope", Scope)
def test_one_scope_opens_what_needs_it_alone(server: Team, scope: Scope) -> None:
    token, had = server.token(f"only-{scope.value.replace(':', '-')}", scope), frozenset({scope})
    client = server.client(token)
    assert server.tools(token) == {name for name in tools() if TOOLS[name] <= had}
    prompts = {one.name for one in server.do(client.list_prompts).prompts}
    assert prompts == {name for name in prompt_names() if prompt_needs(name) <= had}
    templates = {one.uri_template for one in server.do(client.list_resource_templates).resource_templates}
    fixed = {str(one.uri) for one in server.do(client.list_resources).resources}
    listed = {uri.partition("://")[0] for uri in templates | fixed}
    assert listed == {scheme for scheme in schemes() if RESOURCES[scheme] <= had}
    for method, key, needs in CALLS:
        for name, needed in needs.items():
            call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {key: name}}
            for headers in (
                {"MCP_Protocol_Version": "2026-07-28", "Mcp_Method": method, "Mcp_Name": name},
                {"MCP_Protocol_Version": "2025-06-18"},
            ):
                refused = server.post(call, token, **headers).status_code == 403
                assert refused == (not needed <= had), name
    for name, needed in COMPLETIONS.items():
        ref = ResourceTemplateReference(uri=TEMPLATES[name])
        asked, known = {"name": name, "value": ""}, {"account": "convoso"}
        found = server.do(client.complete, ref=ref, argument=asked, context_arguments=known)
        assert bool(found.completion.values) == (needed <= had)


@pytest.mark.parametrize("tool", REACHES)
def test_no_tool_tells_an_account_of_others_from_one_that_is_not_there(server: Team, limited: str, tool: str) -> None:
    def said(name: str) -> str:
        found = server.call(limited, tool, **json.loads(json.dumps(REACHES[tool]).replace("NAME", name)))
        assert found.is_error
        assert found.structured_content is not None
        rows = found.structured_content.get("results", {}).get("rows")
        error = found.structured_content.get("error") or {"code": rows[0][3], "message": rows[0][4]}
        assert error["code"] == "not_allowed", error
        return str(error["message"]).replace(name, "NAME")

    assert said("leadtrackr") == said("nowhere-at")


@pytest.mark.parametrize("uri", ["lead://NAME/1", "account://NAME", "ping://NAME/inbound/1", "recording://NAME/1/1"])
def test_no_uri_tells_either(server: Team, limited: str, uri: str) -> None:
    def said(name: str) -> tuple[int, str]:
        with pytest.raises(MCPError) as failed:
            server.do(server.client(limited).read_resource, uri.replace("NAME", name))
        return failed.value.error.code, failed.value.error.message.replace(name, "NAME")

    assert said("leadtrackr") == said("nowhere-at")
    assert "not_allowed" in said("leadtrackr")[1]


def test_an_export_is_read_by_whoever_made_it_and_by_nobody_else(server: Team) -> None:
    maker, other = (server.token(name, "leads:read", "pii:read", accounts=OWN) for name in ("maker", "other"))
    made = server.call(maker, "export_leads", since="2026-10-01").structured_content or {}
    assert made["rows"] > 0
    assert "path" not in made, "nobody over HTTP is told of this machine's folders"
    (content,) = server.do(server.client(maker).read_resource, made["uri"]).contents
    assert content.text.count("\n") == made["rows"] + 1
    assert {line.split("/")[2] for line in content.text.splitlines()[1:]} <= {*OWN}
    with pytest.raises(MCPError, match="no export"):
        server.do(server.client(other).read_resource, made["uri"])
