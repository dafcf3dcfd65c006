"""A home folder of somebody's own, and the emulators for the vendors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess

import keyring
import pytest

from lead_mcp.sandbox.app import Sandbox
from tests.installing.memory import Absent, Memory
from tests.process.processes import here
from tests.writing.desk import emulators, on_loopback

Command = Callable[..., CompletedProcess[str]]


@pytest.fixture(scope="session")
def box() -> Sandbox:
    return emulators(5)


@pytest.fixture(scope="session")
def origin(box: Sandbox) -> Iterator[str]:
    with on_loopback(box) as found:
        yield found


@pytest.fixture(autouse=True)
def no_faults(box: Sandbox) -> Iterator[None]:
    yield
    box.mend()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    (folder / "bin").mkdir(parents=True)
    return folder


@pytest.fixture
def own(home: Path) -> dict[str, str]:
    """The environment of somebody whose home folder that is, and who has no programs but those in ``bin`` there."""
    return {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "LEAD_MCP_STATE_DIR": str(home / "state"),
        "PATH": str(home / "bin"),
        "CODEX_HOME": "",
        "CLAUDE_CONFIG_DIR": "",
    }


@pytest.fixture
def command(own: dict[str, str]) -> Command:
    """The program, for that person."""
    return lambda *words, **environment: here(*words, environment={**own, **environment})


@pytest.fixture
def memory(no_keyring: None) -> Memory:
    """The system's keyring, which lives as long as the test."""
    found = Memory()
    keyring.set_keyring(found)
    return found


@pytest.fixture(autouse=True)
def no_keyring() -> Iterator[None]:
    """Nobody's own keyring is asked."""
    keyring.set_keyring(Absent())
    yield
    keyring.set_keyring(Absent())
