"""``resource_link`` in results: only for clients whose protocol has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.process.processes import HELLO, pipe, request


@pytest.mark.parametrize(("version", "kinds"), [("2025-03-26", {"text"}), ("2025-06-18", {"text", "resource_link"})])
def test_an_older_client_gets_no_block_that_it_does_not_know(tmp_path: Path, version: str, kinds: set[str]) -> None:
    with pipe("--sandbox", environment={}, folder=tmp_path) as talk:
        talk.send({**HELLO, "params": {**HELLO["params"], "protocolVersion": version}})
        assert talk.answer(1)["result"]["protocolVersion"] == version
        talk.send({"method": "notifications/initialized"})

        def call(number: int, tool: str, **arguments: Any) -> Any:
            talk.send(request(number, "tools/call", {"name": tool, "arguments": arguments}, "legacy"))
            return talk.answer(number)["result"]

        leads = call(2, "search_leads", account="leadsquared", limit=20)["structuredContent"]["leads"]["rows"]
        answers = (call(number, "get_recordings", uri=row[0]) for number, row in enumerate(leads, 3))
        found = next(one for one in answers if one["structuredContent"]["recordings"]["rows"])
        assert {block["type"] for block in found["content"]} == kinds
        assert "recording://" in found["content"][0]["text"]
