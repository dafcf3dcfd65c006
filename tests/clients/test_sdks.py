"""Other people's clients do what they can, and are shown what the emulator holds. See ``sdks.py`` and ``plan.py``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from tests.clients.environments import python_with
from tests.clients.plan import CHECKS, facts, plan
from tests.clients.sdks import ABILITIES, Case, cases, page
from tests.node_packages import copied, installed, node
from tests.process.conftest import emulators, folder, no_faults
from tests.process.processes import ROOT, Emulators, clean, listening_server

__all__ = ["emulators", "folder", "no_faults"]

HERE: Final = Path(__file__).parent
EXAMS: Final = HERE / "exams"
PATIENCE: Final = 600
PAGE: Final = ROOT / "docs" / "clients-tested.md"
QUICK: Final = Case("typescript-1", "legacy", "http")
"""The one that is run without `make clients`: its packages are those of tests/process/test_typescript.py."""


def marked(case: Case) -> Any:
    mark = pytest.mark.slow if case == QUICK else pytest.mark.clients
    return pytest.param(case, id=f"{case.name}-{case.era}-{case.transport}", marks=mark)


@contextmanager
def target_of(case: Case, environment: Mapping[str, str], folder: Path) -> Iterator[dict[str, Any]]:
    """A server for that case, as a plan names it."""
    if case.transport == "stdio":
        yield {"command": sys.executable, "args": ["-m", "lead_mcp", "serve"], "env": clean(environment)}
    else:
        words = ["--stateless"] if case.transport == "stateless" else []
        with listening_server(*words, environment=environment, folder=folder) as (_, url):
            yield {"url": url}


def command(case: Case) -> list[str]:
    """What runs the exam; skipped where the client cannot be had."""
    exam, pinned = case.sdk.exam, case.sdk.pinned
    if exam.endswith(".mjs"):
        packages = installed((HERE / pinned).parent)
        return [node(20), str(copied(EXAMS, packages) / exam)]
    python = sys.executable if pinned.endswith("constraints.txt") else python_with(pinned)
    return [python, str(EXAMS / exam)]


@pytest.mark.parametrize("case", list(map(marked, cases())))
def test_a_client_does_what_it_can_and_is_shown_what_is_there(case: Case, emulators: Emulators, tmp_path: Path) -> None:
    words = command(case)
    known = facts(emulators, f"{case.name}-{case.era}-{case.transport}@example.com", case.era)
    own = {**emulators.environment, "LEAD_MCP_STATE_DIR": str(tmp_path / "state")}
    with target_of(case, own, tmp_path) as target:
        done = subprocess.run(
            words,
            input=json.dumps(plan(target, known, case.era)),
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=PATIENCE,
            check=False,
        )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, dict[str, Any]] = json.loads(done.stdout)
    assert {name: one["failed"] for name, one in found.items() if "failed" in one} == {}, done.stderr[-3000:]
    for ability in ABILITIES:
        if ability not in case.lacks:
            CHECKS[ability](found[ability]["result"], known)
    if "accept" in case.lacks:
        CHECKS["pending"](found["accept"]["result"], known)


def test_the_page_names_the_clients_and_what_they_do() -> None:
    if os.environ.get("UPDATE_SNAPSHOTS"):
        PAGE.write_text(page(), encoding="utf-8")
    assert PAGE.read_text("utf-8") == page(), "write it anew with UPDATE_SNAPSHOTS=1"
