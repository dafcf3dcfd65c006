"""The workflows by zizmor, and the release's list of what is in it, by the tools that CI runs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from channels import sbom
from channels.environments import ROOT, environment
from lead_mcp import __version__

pytestmark = pytest.mark.clients

ZIZMOR: Final = "zizmor==1.32.0"


def test_zizmor_finds_nothing_in_the_workflows(tmp_path: Path) -> None:
    """Offline, since it would else ask for tags with a token that nobody has here; the strictest of its personas."""
    found = subprocess.run(
        [str(environment(tmp_path, ZIZMOR) / "zizmor"), "--offline", "--persona=auditor", ".github/workflows"],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stdout
    assert "No findings" in found.stdout


def test_the_list_of_what_is_in_a_release_is_that_of_the_wheel(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT, capture_output=True, timeout=300, check=True,
    )  # fmt: skip
    bill = json.loads(sbom.make(tmp_path).read_text("utf-8"))
    assert bill["metadata"]["component"]["version"] == __version__
    listed = {one["name"].lower(): one["version"] for one in bill["components"]}
    pinned = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines()[1:])
    held = {name.lower().replace("_", "-"): version for name, version in pinned.items()}
    assert {"mcp", "httpx2", "duckdb", "redis", "keyring"} <= listed.keys()
    assert "pip" not in listed
    assert {name for name, version in listed.items() if held.get(name.replace("_", "-")) != version} == set()
