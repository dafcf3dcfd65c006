"""A real server over stdio behind a faulty host: it answers in time, stays small, keeps its secrets and lives on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from anyio.from_thread import start_blocking_portal

from lead_mcp.sandbox.app import sandbox
from lead_mcp.sandbox.world import World
from tests import facts
from tests.faults.host import Host, hosting
from tests.faults.memory import BOUND, forget_peak, peak
from tests.faults.plays import packed
from tests.faults.table import FAULTS, Fault
from tests.process.processes import Pipe, pipe, request

pytestmark = pytest.mark.slow
VENDOR: Final = "octanist"
DEADLINE: Final = 3
ROWS: Final = 3
SAMPLE: Final = (
    "refused",
    "reset in the body",
    "hangs",
    "a byte a second",
    "a chunk that is none",
    "endless headers",
    "429, an hour",
    "500 with our request",
    "deep JSON",
    "huge",
    "endless",
    "a gzip bomb",
    "HTML",
)


@dataclass
class Served:
    """The host, the server's process, and how many questions it was asked."""

    host: Host
    server: Pipe
    relisten: Callable[[], None]
    refuse: Callable[[], None]
    asked: int = 1

    def search(self) -> dict[str, Any]:
        self.asked += 1
        arguments = {"account": VENDOR, "limit": ROWS, "since": "2000-01-01"}
        words = {"name": "search_leads", "arguments": arguments}
        self.server.send(request(self.asked, "tools/call", words, "legacy"))
        found: dict[str, Any] = self.server.answer(self.asked)["result"]["structuredContent"]
        return found


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    box = sandbox(facts.emulators([VENDOR]), World(12), rated=False)
    folder = tmp_path_factory.mktemp("served")
    packed()
    with ExitStack() as stack:
        portal = stack.enter_context(start_blocking_portal())
        host = stack.enter_context(portal.wrap_async_context_manager(hosting(box)))
        environment = {
            **box.emulators[VENDOR].environment(f"{host.origin}/{VENDOR}"),
            "LEAD_MCP_DEADLINE": str(DEADLINE),
            "LEAD_MCP_REPLY_LIMIT": "400000",
            "LEAD_MCP_LOG_LEVEL": "debug",
        }
        server = stack.enter_context(pipe(environment=environment, folder=folder))
        server.greet("legacy")
        found = Served(host, server, lambda: portal.call(host.listen), lambda: portal.call(host.refuse))
        found.search()
        yield found
        assert server.end_of_input() == 0
        said = Path(server.err).read_text("utf-8")
        assert "Traceback" not in said
        assert not [one for key, one in environment.items() if key.endswith(("KEY", "TOKEN", "SECRET")) and one in said]


@pytest.mark.parametrize("fault", [one for one in FAULTS if one.name in SAMPLE], ids=str)
def test_a_server_process_answers_within_bounds_and_lives_on(served: Served, fault: Fault) -> None:
    size = forget_peak(served.server.process.pid)
    if fault.make is None:
        served.refuse()
    else:
        play = fault.make()
        served.host.struck = lambda heard: play
    said = served.search()
    served.host.struck = lambda heard: None
    if fault.make is None:
        served.relisten()
    code = said.get("error", {}).get("code")
    assert code in {*fault.reads, "timeout"}, said  # on a busy machine repetitions may not be done in time
    assert len(served.search()["leads"]["rows"]) == ROWS
    assert peak(served.server.process.pid) - size < BOUND
