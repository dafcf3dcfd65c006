"""Static tokens at the door: made, listed and revoked by the command line, each with its own scopes and accounts."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from mcp.types import ElicitResult, ResourceTemplateReference

from lead_mcp.identity.tokens import Tokens
from tests.identity.team import HELLO, Team, team
from tests.process.processes import here

EVERY = ("leads:read", "leads:write", "leads:delete", "recordings:read", "pii:read")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    with team(tmp_path_factory.mktemp("team")) as found:
        yield found


@pytest.fixture(scope="module")
def reader(server: Team) -> str:
    """May read two of the five accounts."""
    return server.token("reader", "leads:read", accounts=["octanist", "convoso"])


@pytest.fixture(scope="module")
def owner(server: Team) -> str:
    return server.token("owner", *EVERY)


def code(found: Any) -> str:
    assert found.is_error, found
    return str(found.structured_content["error"]["code"])


# --- the command line -----------------------------------------------------------------------------------------------


def test_a_token_is_shown_once_and_kept_as_a_salted_hash(tmp_path: Path) -> None:
    environment = {"OCTANIST_API_KEY": "k" * 24, "LEAD_MCP_STATE_DIR": str(tmp_path)}
    words = ("token", "new", "anna", "--scopes", "leads:read, pii:read", "--accounts", "octanist", "--expires", "90d")
    made = here(*words, environment=environment)
    assert made.returncode == 0, made.stderr
    token = made.stdout.strip()
    file = tmp_path / "tokens.json"
    assert token.startswith("lmcp_")
    assert token.split("_", 2)[2] not in file.read_text("utf-8") + made.stderr
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    listed = json.loads(here("token", "list", "--json", environment=environment).stdout)
    assert [(one["name"], one["state"], one["scopes"], one["accounts"]) for one in listed] == [
        ("anna", "active", "leads:read pii:read", "octanist")
    ]
    assert here(*words, environment=environment).returncode == 1, "a second one of that name"
    principal = Tokens(tmp_path).principal(token)
    assert principal is not None
    assert (principal.name, principal.pii) == ("token:anna", "full")
    assert principal.accounts == frozenset({"octanist"})
    assert here("token", "revoke", "anna", environment=environment).returncode == 0
    assert Tokens(tmp_path).principal(token) is None
    assert Tokens(tmp_path).any(), "a server whose last token was revoked is not open again"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["new", "anna", "--scopes", "leads:reed"], "leads:read"),
        (["new", "anna", "--scopes", "leads:read", "--accounts", "octanst"], "octanist"),
        (["new", "anna", "--scopes", "leads:read", "--expires", "soon"], "90d"),
        (["new", "Anna B", "--scopes", "leads:read"], "lower-case"),
        (["new", "anna", "--scopes", ","], "--scopes"),
        (["revoke", "nobody"], "token list"),
    ],
)
def test_what_cannot_be_a_token_is_refused_with_the_way_out(tmp_path: Path, words: list[str], said: str) -> None:
    environment = {"OCTANIST_API_KEY": "k" * 24, "LEAD_MCP_STATE_DIR": str(tmp_path)}
    found = here("token", *words, environment=environment)
    assert found.returncode == 1
    assert said in found.stderr
    assert not (tmp_path / "tokens.json").exists()


# --- the door -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [None, "lmcp_0_0", "lmcp_", "something else"])
def test_nobody_comes_in_without_a_token_that_counts(server: Team, given: str | None) -> None:
    answer = server.post(HELLO, given)
    assert answer.status_code == 401
    challenge = answer.headers["WWW-Authenticate"]
    assert challenge.startswith('Bearer error="invalid_token"')
    assert 'scope="leads:read"' in challenge


def test_a_revoked_or_expired_token_counts_no_more(server: Team) -> None:
    token = server.token("leaver", "leads:read")
    assert server.post(HELLO, token).status_code == 200
    Tokens(server.folder).revoke("leaver")
    assert server.post(HELLO, token).status_code == 401
    ended = Tokens(server.folder, clock=lambda: datetime(2020, 1, 1, tzinfo=UTC))
    assert server.post(HELLO, ended.new("old", ["leads:read"], None, "1h")[1]).status_code == 401


def test_a_damaged_file_of_tokens_lets_nobody_in(tmp_path: Path) -> None:
    with team(tmp_path) as found:
        token = found.token("anna", "leads:read")
        assert found.post(HELLO, token).status_code == 200
        (tmp_path / "tokens.json").write_text("{", "utf-8")
        assert found.post(HELLO, token).status_code == 503


CALL = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "insert_lead", "arguments": {}}}


def test_a_tool_beyond_ones_scopes_is_a_step_up_before_the_call_is_handled(server: Team, reader: str) -> None:
    answer = server.post(CALL, reader, MCP_Protocol_Version="2025-06-18")
    assert answer.status_code == 403
    challenge = answer.headers["WWW-Authenticate"]
    assert 'error="insufficient_scope"' in challenge
    assert 'scope="leads:read leads:write"' in challenge, "the ones it has, or it would lose them"
    headers = {"MCP_Protocol_Version": "2026-07-28", "Mcp_Method": "tools/call", "Mcp_Name": "insert_lead"}
    assert server.post({"never": "read"}, reader, **headers).status_code == 403
    assert server.post(CALL, None, **headers).headers["WWW-Authenticate"].count("leads:write") == 1


@pytest.mark.parametrize("version", ["2025-06-18", "2026-07-28"])
@pytest.mark.parametrize("headers", [{"Mcp_Name": "list_accounts"}, {"Mcp_Method": "ping"}])
def test_headers_that_name_another_call_than_the_body_are_refused(
    server: Team, owner: str, version: str, headers: dict[str, str]
) -> None:
    given = {"Mcp_Method": "tools/call", "Mcp_Name": "insert_lead", **headers}
    answer = server.post(CALL, owner, MCP_Protocol_Version=version, **given)
    assert answer.status_code == 400, answer.text


def test_a_session_is_of_no_use_to_another_principal(server: Team, reader: str, owner: str) -> None:
    session = server.post(HELLO, reader).headers["mcp-session-id"]
    listing = {"jsonrpc": "2.0", "id": 3, "method": "tools/list"}
    own = {"Mcp_Session_Id": session, "MCP_Protocol_Version": "2025-06-18"}
    assert server.post(listing, reader, **own).status_code == 200
    assert server.post(listing, owner, **own).status_code == 404


# --- what one sees --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_the_tools_are_those_of_ones_scopes_and_accounts(server: Team, reader: str, owner: str, mode: str) -> None:
    reads = {"list_accounts", "search_leads", "get_lead", "summarize_leads", "trace_lead"}
    assert server.tools(reader, mode) == reads, "no pings: LeadExec is not among their accounts"
    assert {"insert_lead", "update_lead", "delete_lead", "query_pings", "get_recordings"} < server.tools(owner, mode)


@pytest.mark.parametrize("way", ["stateless", "sse"])
def test_every_way_in_knows_whose_call_it_is(tmp_path: Path, way: str) -> None:
    with team(tmp_path, stateless=way == "stateless", transport="sse" if way == "sse" else "http") as found:
        one, other = found.token("one", "leads:read", accounts=["octanist"]), found.token("other", "leads:write")
        for mode in ("auto", "legacy"):
            assert "search_leads" in found.tools(one, mode)
            assert found.tools(other, mode) >= {"insert_lead"}
            assert "search_leads" not in found.tools(other, mode)
            listed = found.do(found.client(one, mode).call_tool, "list_accounts", {}).structured_content
            assert [row[0] for row in listed["accounts"]["rows"]] == ["octanist"]


def test_only_ones_own_accounts_are_there(server: Team, reader: str) -> None:
    found = server.call(reader, "list_accounts").structured_content
    assert found is not None
    assert [row[0] for row in found["accounts"]["rows"]] == ["convoso", "octanist"]
    everywhere = server.call(reader, "search_leads", limit=5).structured_content
    assert everywhere is not None
    assert {one["account"] for one in everywhere["accounts"]} == {"convoso", "octanist"}
    template = ResourceTemplateReference(uri="lead://{account}/{id}")
    given = server.do(server.client(reader).complete, ref=template, argument={"name": "account", "value": ""})
    assert set(given.completion.values) == {"convoso", "octanist"}
    foreign = server.do(
        server.client(reader).complete,
        ref=template,
        argument={"name": "id", "value": ""},
        context_arguments={"account": "leadexec"},
    )
    assert foreign.completion.values == []


def test_personal_values_are_masked_without_the_scope_for_them(server: Team, reader: str, owner: str) -> None:
    def emails(token: str) -> list[str]:
        found = server.call(token, "search_leads", account="octanist", limit=5).structured_content
        assert found is not None
        return [str(row[2]) for row in found["leads"]["rows"]]

    clear, masked = emails(owner), emails(reader)
    assert all("@example." in one for one in clear)
    assert not set(clear) & set(masked)


# --- what is one's own ----------------------------------------------------------------------------------------------


def test_a_cursor_is_its_owners_alone(server: Team, reader: str, owner: str) -> None:
    asked = {"account": "octanist", "limit": 3}
    page = server.call(reader, "search_leads", **asked).structured_content
    assert page is not None
    again = server.call(reader, "search_leads", **asked, cursor=page["next_cursor"])
    assert not again.is_error
    found = server.call(owner, "search_leads", **asked, cursor=page["next_cursor"])
    assert code(found) == "not_allowed"


def test_an_idempotency_key_is_its_owners_alone_and_the_journal_names_them(server: Team) -> None:
    async def yes(context: Any, params: Any) -> ElicitResult:
        return ElicitResult(action="accept", content={"confirm": True})

    outcomes = []
    for name in ("writer-a", "writer-b"):
        token = server.token(name, "leads:read", "leads:write")
        server.client(token, elicitation=yes)
        lead = {"email": f"{name}@example.com", "name": "Pat Doe"}
        arguments = {"account": "octanist", "lead": lead, "idempotency_key": "one"}
        found = server.call(token, "insert_lead", **arguments)
        assert not found.is_error, found
        assert found.structured_content is not None
        outcomes.append(found.structured_content["outcome"])
    assert outcomes == ["created", "created"], "else the second key were a conflict"
    environment = {"LEAD_MCP_STATE_DIR": str(server.folder), "OCTANIST_API_KEY": "k" * 24}
    listed = here("journal", "--principal", "writer-a", "--json", environment=environment)
    assert [one["principal"] for one in json.loads(listed.stdout)] == ["token:writer-a"]
