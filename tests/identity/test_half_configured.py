"""Half an identity is refused at the start, by the name of the key that is missing or wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.process.processes import here

ISSUER = {"LEAD_MCP_OAUTH_ISSUER": "https://id.example.com"}
WHOLE = {**ISSUER, "LEAD_MCP_OAUTH_AUDIENCE": "https://leads.example.com/mcp"}
ASKED = {"LEAD_MCP_OAUTH_INTROSPECTION_URL": "https://id.example.com/introspect"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (ISSUER, "LEAD_MCP_OAUTH_AUDIENCE"),
        ({"LEAD_MCP_OAUTH_AUDIENCE": "https://leads.example.com/mcp"}, "LEAD_MCP_OAUTH_ISSUER"),
        (ASKED, "LEAD_MCP_OAUTH_ISSUER"),
        ({**WHOLE, **ASKED}, "LEAD_MCP_OAUTH_INTROSPECTION_CLIENT_ID"),
        (
            {**WHOLE, **ASKED, "LEAD_MCP_OAUTH_INTROSPECTION_CLIENT_ID": "lead-mcp"},
            "LEAD_MCP_OAUTH_INTROSPECTION_CLIENT_SECRET",
        ),
        ({**WHOLE, "LEAD_MCP_OAUTH_ISSUER": "http://id.example.com"}, "https://"),
        ({**WHOLE, "LEAD_MCP_OAUTH_AUDIENCE": "leads"}, "LEAD_MCP_OAUTH_AUDIENCE"),
        ({**WHOLE, "LEAD_MCP_OAUTH_ALGORITHMS": "HS256"}, "HS256"),
        ({**WHOLE, "LEAD_MCP_OAUTH_ALGORITHMS": "none"}, "none"),
        ({**WHOLE, **ASKED, "LEAD_MCP_OAUTH_ISSUER": "https://a.example.com,https://b.example.com"}, "CLIENT_ID"),
        ({"LEAD_MCP_OAUTH_CLIENT_ID": "lead-mcp"}, "LEAD_MCP_OAUTH_ISSUER"),
        ({**WHOLE, "LEAD_MCP_OAUTH_CLIENT_SECRET": "s" * 16}, "LEAD_MCP_OAUTH_CLIENT_ID"),
        (
            {
                **WHOLE,
                "LEAD_MCP_OAUTH_CLIENT_ID": "lead-mcp",
                "LEAD_MCP_OAUTH_ISSUER": "https://a.example.com,https://b.example.com",
            },
            "names several",
        ),
    ],
)
def test_half_a_sign_in_is_refused_by_name(tmp_path: Path, given: dict[str, str], said: str) -> None:
    found = here("tools", environment={**given, "OCTANIST_API_KEY": "k" * 24, "LEAD_MCP_STATE_DIR": str(tmp_path)})
    assert found.returncode == 2
    assert said in found.stderr


TWO = {**WHOLE, "LEAD_MCP_OAUTH_ISSUER": "https://a.example.com,https://b.example.com"}
RIGHT = 'subject = "anna"\naccounts = "octanist"\nscopes = "leads:read"\n'


@pytest.mark.parametrize(
    ("environment", "table", "said"),
    [
        ({}, RIGHT, "LEAD_MCP_OAUTH_ISSUER"),
        (WHOLE, RIGHT.replace("octanist", "octanst"), "'octanist'"),
        (WHOLE, RIGHT.replace("leads:read", "leads:reed"), "'leads:read'"),
        (WHOLE, RIGHT.replace("subject", "subjet"), "'subject'"),
        (WHOLE, RIGHT.replace('subject = "anna"\n', ""), "subject, group, or claim"),
        (WHOLE, RIGHT + 'group = "sales"\n', "subject, group, or claim"),
        (WHOLE, RIGHT.replace('subject = "anna"', 'claim = "department"'), "NAME=VALUE"),
        (WHOLE, RIGHT.replace('accounts = "octanist"\n', ""), "accounts"),
        (WHOLE, RIGHT + 'pii = "some"\n', "neither full nor masked"),
        (WHOLE, RIGHT + 'issuer = "https://other.example.com"\n', "LEAD_MCP_OAUTH_ISSUER"),
        (TWO, RIGHT, "issuer = "),
    ],
)
def test_a_grant_that_means_nothing_is_refused_by_name(
    tmp_path: Path, environment: dict[str, str], table: str, said: str
) -> None:
    config = tmp_path / "accounts.toml"
    config.write_text(f"[grants.one]\n{table}", "utf-8")
    own = {**environment, "OCTANIST_API_KEY": "k" * 24, "LEAD_MCP_STATE_DIR": str(tmp_path)}
    found = here("tools", "--config", str(config), environment=own)
    assert found.returncode == 2, found.stdout
    assert said in found.stderr
    assert "[grants" in found.stderr


def test_two_issuers_with_one_subject_are_two_people(tmp_path: Path) -> None:
    from lead_mcp.identity.grants import Grants

    names = {Grants().principal({"iss": one, "sub": "anna", "scope": "leads:read"}).name for one in TWO.values()}
    assert len(names) == len(set(TWO.values()))
