"""One sandbox process for all tests here, and the settings that point a server at it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.process.processes import PATIENCE, Emulators, background

UNHURRIED = {"CONVOSO_RATE": "1000/1s", "LEAD_MCP_TIMEZONE": "UTC"}


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("processes")


@pytest.fixture(scope="session")
def emulators(folder: Path) -> Iterator[Emulators]:
    """A real ``lead-mcp sandbox``; what it printed is the environment."""
    with background("sandbox", "--port", "0", "--leads", "200", environment={}, folder=folder) as started:
        origin = started.wait_for(r"listens on (http://\S+)\n")[1]
        pairs = [shlex.split(line)[1].partition("=") for line in started.out.read_text(encoding="utf-8").splitlines()]
        environment = {name: value for name, _, value in pairs}
        own = {**UNHURRIED, "LEAD_MCP_STATE_DIR": str(folder / "state")}
        with httpx2.Client(base_url=origin, timeout=PATIENCE, trust_env=False) as http:
            yield Emulators({**environment, **own}, http)


@pytest.fixture(autouse=True)
def no_faults(request: pytest.FixtureRequest) -> Iterator[None]:
    """A fault that a test planned and did not use up goes with it."""
    yield
    if "emulators" in request.fixturenames:
        request.getfixturevalue("emulators").forget()
