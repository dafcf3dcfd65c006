"""The workflows: they do what everybody can do here, with as few rights as that takes, by code that is pinned."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from ruamel.yaml import YAML

ROOT: Final = Path(__file__).parent.parent
FILES: Final = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PINNED: Final = re.compile(r"[\w-]+/[\w./-]+@[0-9a-f]{40}")
USES: Final = re.compile(r"uses: (\S+) # v\d+\.\d+\.\d+$", re.MULTILINE)
WRITES: Final = {
    ("release.yml", "build"): {"id-token", "attestations"},
    ("release.yml", "draft"): {"contents"},
    ("release.yml", "pypi"): {"id-token"},
}
"""What each job may write; all others read, or nothing at all."""


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe").load(path.read_text("utf-8"))
    return found


def jobs() -> Iterator[tuple[str, str, dict[str, Any]]]:
    return ((path.name, name, job) for path in FILES for name, job in read(path)["jobs"].items())


def steps() -> Iterator[dict[str, Any]]:
    return (step for _, _, job in jobs() for step in job["steps"])


def runs() -> list[str]:
    return [step["run"] for step in steps() if "run" in step]


def test_ci_runs_the_command_that_everybody_runs() -> None:
    assert [path.name for path in FILES] == ["ci.yml", "release.yml"]
    assert runs()[0] == ".ci/run"
    promised = re.findall(r"Python :: (3\.\d+)", (ROOT / "pyproject.toml").read_text("utf-8"))
    assert read(FILES[0])["jobs"]["check"]["strategy"]["matrix"]["python"] == promised


def test_a_job_may_do_what_it_needs_and_ends() -> None:
    assert {path.name: read(path)["permissions"] for path in FILES} == {path.name: {} for path in FILES}
    for file, name, job in jobs():
        writes = {right for right, how in job.get("permissions", {}).items() if how == "write"}
        assert writes == WRITES.get((file, name), set()), (file, name)
        assert job["timeout-minutes"] <= 60


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_other_peoples_code_is_pinned_and_its_version_is_said(path: Path) -> None:
    used = [step["uses"] for job in read(path)["jobs"].values() for step in job["steps"] if "uses" in step]
    assert used
    assert [one for one in used if PINNED.fullmatch(one) is None] == []
    assert USES.findall(path.read_text("utf-8")) == used


def test_no_token_stays_in_a_checkout_and_no_text_from_outside_is_run() -> None:
    checkouts = [step for step in steps() if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)
    assert [run for run in runs() if "${{" in run] == []
    triggers = {trigger for path in FILES for trigger in read(path)["on"]}
    assert triggers == {"push", "pull_request"}


def test_what_they_run_is_there() -> None:
    targets = set(re.findall(r"^([\w.$()/]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = {word for run in runs() if run.startswith("make ") for word in run.split()[1:]}
    assert named - targets == {".venv/.ready"}
    assert {path for run in runs() for path in re.findall(r"tests/\S+\.py", run) if not (ROOT / path).exists()} == set()
