"""The quick start is the way: what its page shows is what comes, from a key to a first true answer by a client's own entry."""

from __future__ import annotations

import json
import re
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import anyio
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters

from lead_mcp.clients.table import NAMES
from lead_mcp.sandbox.app import sandbox
from lead_mcp.sandbox.world import World
from lead_mcp.vendors.octanist.emulator import leads as octanist
from tests import facts
from tests.installing.quick_start import ANSWERS, KEY, SEEN, conversation, person, sections
from tests.pages import blocks, marked, text_of
from tests.process.processes import clean, here
from tests.writing.desk import on_loopback

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the page shows Linux")
PAGE: Final = "quick-start.md"
A_MINUTE: Final = 200
"""Characters that somebody types who is no typist."""


def test_every_client_has_its_section_as_the_code_has_it() -> None:
    assert set(SEEN) == set(NAMES)
    assert marked(text_of(PAGE), "clients") == sections(), "python -m tests.pages writes them anew"


@pytest.mark.slow
def test_the_way_of_the_page_leads_from_a_key_to_a_true_answer(tmp_path: Path) -> None:
    world = World(400)
    box = sandbox(facts.emulators(["octanist"]), world, rated=False)
    with on_loopback(box) as origin:
        said = conversation(tmp_path, origin)
        assert marked(text_of(PAGE), "init") == f"```console\n{said}\n```", "python -m tests.pages writes it anew"
        put = next(line for line in blocks(text_of(PAGE), "sh") if "install claude" in line).split()[1:]
        (tmp_path / ".config" / "Claude").mkdir()
        assert here(*put, environment=person(tmp_path)).returncode == 0
        file = tmp_path / ".config" / "Claude" / "claude_desktop_config.json"
        entry = json.loads(file.read_text("utf-8"))["mcpServers"]["lead-mcp"]
        own = clean({**person(tmp_path), **entry["env"]})
        answer = anyio.run(asked, StdioServerParameters(command=entry["command"], args=entry["args"], env=own))
    assert answer["total"] == yesterdays(world) > 0
    question = re.search(r"ask: \*(.*?)\*", text_of(PAGE))
    assert question is not None
    typed = ["lead-mcp init", *(text for _, text in ANSWERS if text != KEY), " ".join(["lead-mcp", *put]), question[1]]
    assert len("\n".join(typed)) + len(ANSWERS) < A_MINUTE


async def asked(server: StdioServerParameters) -> dict[str, Any]:
    """What a client gets that starts the server by its entry."""
    async with Client(server) as client:
        result = await client.call_tool("summarize_leads", {"period": "yesterday"})
    return dict(result.structured_content or {})


def yesterdays(world: World) -> int:
    """Octanist's leads of yesterday in New York, by its emulator's own store."""
    zone = ZoneInfo("America/New_York")
    day = datetime.now(zone).date() - timedelta(days=1)
    leads = octanist.Store(world, lambda: datetime.now(zone)).leads.values()
    return sum(datetime.fromisoformat(lead["createdAt"]).astimezone(zone).date() == day for lead in leads)
