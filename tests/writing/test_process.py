"""Every vendor's write through a real server process on stdio, in both eras, asked about and replayed."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from lead_mcp.sandbox.app import Sandbox
from lead_mcp.server import build_server
from tests.process.processes import ROOT, clean
from tests.writing.desk import ERAS, INSERTERS, Clerk, Desk, Era, desk, insertion, loaded, somebody, surroundings


@pytest.fixture(scope="module")
def eyes(box: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Somebody else who looks at the vendors."""
    with desk(tmp_path_factory.mktemp("eyes"), box) as found:
        yield found


@pytest.fixture(scope="module", params=ERAS)
def through(
    request: pytest.FixtureRequest, box: Sandbox, origin: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Desk]:
    """A client of ``lead-mcp serve`` on stdio."""
    with served(box, surroundings(box, origin, tmp_path_factory.mktemp("state")), request.param) as found:
        yield found


@contextmanager
def served(box: Sandbox, settings: Mapping[str, str], era: Era) -> Iterator[Desk]:
    """A client of ``lead-mcp serve`` with these settings."""
    environment, clerk = clean(settings), Clerk()
    program = StdioServerParameters(
        command=sys.executable, args=["-m", "tests.served", "serve"], env=environment, cwd=Path(ROOT)
    )
    with start_blocking_portal() as portal:
        client = Client(stdio_client(program), mode=era, elicitation_callback=clerk)
        with portal.wrap_async_context_manager(client) as opened:
            yield Desk(box, build_server(loaded(environment)), opened, portal, clerk)


@pytest.mark.parametrize("vendor", INSERTERS)
def test_a_lead_goes_through_a_real_server(through: Desk, eyes: Desk, vendor: str) -> None:
    lead = somebody(vendor)
    arguments = insertion(vendor, lead, idempotency_key=lead["email"])
    through.clerk.asked.clear()
    through.clerk.says = "decline"
    assert through.call("insert_lead", **arguments)["outcome"] == "declined"
    assert eyes.sees(vendor, lead) == []
    through.clerk.says = "yes"
    done = through.call("insert_lead", **arguments)
    assert through.call("insert_lead", **arguments) == done
    assert (done["outcome"], eyes.sees(vendor, lead)) == ("created", [done["uri"]])
    assert len(through.clerk.asked) == 2


@pytest.mark.slow
def test_the_deadline_bounds_all_that_vendors_do_for_one_call(
    box: Sandbox, origin: str, eyes: Desk, tmp_path: Path
) -> None:
    """Each answer is there within it; but the look, the look after the question and the sending together are not."""
    lead = somebody("octanist")
    arguments = insertion("octanist", lead, idempotency_key=lead["email"])
    settings = surroundings(box, origin, tmp_path, {"LEAD_MCP_DEADLINE": "2"}, ["octanist"])
    with served(box, settings, "legacy") as through:
        box.fault("octanist", "slow", seconds=1.2, times=-1)
        late = through.fails("insert_lead", **arguments)
        box.mend()
        assert (late.code, "nothing was sent" in late.message, eyes.sees("octanist", lead)) == ("timeout", True, [])
        assert through.call("insert_lead", **arguments)["outcome"] == "created"
