"""One key on one journal is one write, through whatever door it comes."""

from __future__ import annotations

from pathlib import Path

from lead_mcp.sandbox.app import Sandbox
from tests.writing.desk import ERAS, desk, insertion, somebody


def test_a_key_is_the_same_with_a_token_and_without(box: Sandbox, faultless: None, tmp_path: Path) -> None:
    lead = somebody("octanist")
    arguments = insertion("octanist", lead, idempotency_key="order 7")
    found = []
    for era in ERAS:
        for token in ({}, {"LEAD_MCP_HTTP_TOKEN": "a token that is long enough"}):
            with desk(tmp_path, box, era=era, environment={"LEAD_MCP_WRITES": "allow", **token}) as hands:
                found.append(hands.call("insert_lead", **arguments))
                assert hands.sees("octanist", lead) == [found[0]["uri"]]
    assert all(one == found[0] for one in found)
