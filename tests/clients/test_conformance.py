"""The official conformance suites find nothing but what ``conformance/baseline.yml`` names with a reason, and all of that."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from tests.node_packages import installed, node
from tests.process.processes import listening_server

pytestmark = pytest.mark.slow

HERE: Final = Path(__file__).parent / "conformance"
SCRIPT: Final = "node_modules/@modelcontextprotocol/conformance/dist/index.js"
PATIENCE: Final = 300
NODE_NEEDED: Final = 22
"""The suite's least major version of Node.js."""
RUNS: Final[Mapping[str, Sequence[str]]] = {
    "0.1 all": ("line-0.1", "--suite", "all"),
    "0.2 of 2025-06-18": ("line-0.2", "--suite", "all", "--spec-version", "2025-06-18"),
    "0.2 of 2025-11-25": ("line-0.2", "--suite", "all", "--spec-version", "2025-11-25"),
    "0.2 of 2026-07-28": ("line-0.2", "--requirements", "2026-07-28"),
    "0.2 drafts": ("line-0.2", "--suite", "draft"),
}
QUICK: Final = ("0.1 all", "0.2 of 2026-07-28")
"""What is run without `make clients`, with sessions: the newest revision of each era."""
WITHOUT_SESSIONS: Final = ("0.2 of 2026-07-28", "0.2 drafts")
"""Runs of the revision that knows no sessions: for it every server is alike."""
SERVERS: Final[Mapping[str, Sequence[str]]] = {"sessions": (), "stateless": ("--stateless",)}
"""How the server is started."""
ENTRY: Final = re.compile(r"  - (?P<scenario>[a-z0-9-]+) # (?P<reason>\S.*)")


def entries(name: str) -> list[str]:
    """The lines of a baseline that stand for a scenario."""
    return [line for line in (HERE / name).read_text("utf-8").splitlines() if line.startswith("  -")]


def baseline(run: str, server: str, folder: Path) -> Path:
    """One file of the baselines that count for that run at that server, as the suite wants it."""
    names = ["baseline.yml"]
    if server == "stateless" and run not in WITHOUT_SESSIONS:
        names.append("stateless.yml")
    path = folder / "baseline.yml"
    path.write_text("\n".join(["server:", *(line for name in names for line in entries(name))]), "utf-8")
    return path


def quick(names: Iterable[str], *those: str) -> list[Any]:
    """Parameters, of which ``those`` alone are tried without `make clients`."""
    return [pytest.param(name, marks=() if name in those else pytest.mark.clients) for name in names]


@pytest.fixture(scope="module", params=quick(SERVERS, "sessions"))
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Which server over the emulators it is, and its address."""
    folder = tmp_path_factory.mktemp("conformance")
    with listening_server("--sandbox", *SERVERS[request.param], environment={}, folder=folder) as (_, url):
        yield request.param, url


@pytest.mark.parametrize("run", quick(RUNS, *QUICK))
def test_nothing_fails_that_is_not_explained_and_nothing_explained_passes(
    run: str, served: tuple[str, str], tmp_path: Path
) -> None:
    server, url = served
    line, *words = RUNS[run]
    script = installed(HERE / line, PATIENCE) / SCRIPT
    expected = str(baseline(run, server, tmp_path))
    done = subprocess.run(
        [node(NODE_NEEDED), str(script), "server", "--url", url, "--expected-failures", expected, *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )
    summary = done.stdout[done.stdout.find("=== SUMMARY ===") :]
    assert done.returncode == 0, summary + done.stderr
    total = re.search(r"Total: (\d+) passed", summary)
    assert total is not None
    assert int(total[1]) > 0, "something ran"


@pytest.mark.parametrize("name", ["baseline.yml", "stateless.yml"])
def test_every_entry_of_a_baseline_has_its_reason(name: str) -> None:
    assert [line for line in entries(name) if not ENTRY.fullmatch(line)] == []
