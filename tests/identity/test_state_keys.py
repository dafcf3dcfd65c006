"""Keys that seal state rotate: what an older key has sealed is opened, until that key is gone."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from lead_mcp.engine.sealing import seal_of, state_keys
from lead_mcp.errors import BadArgument
from lead_mcp.settings import Settings
from lead_mcp.settings.server import server_settings
from tests.identity.team import team
from tests.process.processes import here

OLD, NEW = "an old key of thirty-two characters", "a new key of thirty-two characters"


def settings(*keys: str) -> Settings:
    found = server_settings({}).model_copy(update={"state_keys": tuple(map(SecretStr, keys))})
    return Settings(found, {})


def test_an_older_key_opens_and_the_newest_seals() -> None:
    cursor = seal_of(settings(OLD)).close({"s": 1}, {"limit": 3})
    assert seal_of(settings(OLD, NEW)).open(cursor, {"limit": 3}) == {"s": 1}
    both = seal_of(settings(NEW, OLD))
    assert both.open(cursor, {"limit": 3}) == {"s": 1}
    renewed = both.close({"s": 2}, {"limit": 3})
    assert seal_of(settings(NEW)).open(renewed, {"limit": 3}) == {"s": 2}
    for gone, sealed in ((NEW, cursor), (OLD, renewed)):
        with pytest.raises(BadArgument):
            seal_of(settings(gone)).open(sealed, {"limit": 3})
    assert state_keys(settings(NEW, OLD)) == [*state_keys(settings(NEW)), *state_keys(settings(OLD))]


def test_a_short_key_is_refused_without_being_shown() -> None:
    found = here("tools", environment={"LEAD_MCP_STATE_KEYS": f"{NEW},short", "OCTANIST_API_KEY": "k" * 24})
    assert found.returncode == 2
    assert "LEAD_MCP_STATE_KEYS" in found.stderr
    assert "32 characters" in found.stderr
    assert NEW not in found.stderr


def test_a_client_goes_on_at_another_replica(tmp_path: Path) -> None:
    with (
        team(tmp_path, {"LEAD_MCP_STATE_KEYS": f"{OLD},{NEW}"}, stateless=True) as one,
        team(tmp_path, {"LEAD_MCP_STATE_KEYS": f"{NEW},{OLD}"}, stateless=True) as two,
    ):
        token = one.token("anna", "leads:read", accounts=["octanist"])
        seen: list[str] = []
        cursor: dict[str, str] = {}
        for replica in (one, two, one, two):
            page = replica.call(token, "search_leads", limit=5, **cursor).structured_content
            assert page is not None
            seen += [row[0] for row in page["leads"]["rows"]]
            cursor = {"cursor": page["next_cursor"]}
        assert len(set(seen)) == len(seen) == 20
