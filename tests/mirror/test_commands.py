"""``lead-mcp mirror`` as a process: over the sandbox, killed in the middle, and what it says."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from lead_mcp.cli.mirroring import PATIENCE, in_turn
from lead_mcp.errors import Conflict
from lead_mcp.mirror.lock import writing
from lead_mcp.mirror.store import Store
from tests.skipping import skipping_portal


def environment(state: Path, **more: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("LEAD_MCP_")}
    return {**kept, "LEAD_MCP_STATE_DIR": str(state), "LEAD_MCP_MIRROR": "on", **more}


def run(state: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lead_mcp", "mirror", *words, "--sandbox"]
    return subprocess.run(command, env=environment(state, **more), capture_output=True, text=True, check=False)


def status(state: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(state, "status", "--json").stdout)
    return found


def test_a_mirror_that_is_off_says_so_and_nothing_is_stored(tmp_path: Path) -> None:
    found = run(tmp_path, "sync", LEAD_MCP_MIRROR="off")
    assert (found.returncode, found.stdout) == (1, "")
    assert "LEAD_MCP_MIRROR is off" in found.stderr
    assert not (tmp_path / "sandbox" / "mirror").exists()


@pytest.mark.parametrize("refusals", [3, 1000])
def test_a_sync_waits_for_its_turn(tmp_path: Path, refusals: int) -> None:
    """Servers that top up write for seconds: neither a sync from cron nor one that watches ends for that."""
    tried = 0
    with ExitStack() as other, skipping_portal() as portal:
        other.enter_context(writing(tmp_path))

        async def work() -> int:
            nonlocal tried
            tried += 1
            if tried > refusals:
                other.close()
            with writing(tmp_path):
                return 7

        if refusals < PATIENCE:
            assert portal.call(in_turn, work) == 7
        else:
            with pytest.raises(Conflict, match="Another process is writing"):
                portal.call(in_turn, work)
            assert tried > PATIENCE


@pytest.mark.slow
def test_a_sync_killed_for_good_is_gone_on_with(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "lead_mcp", "mirror", "sync", "--sandbox"]
    folder = tmp_path / "sandbox" / "mirror"
    for seconds in (0.0, 0.5, 2.0):
        process = subprocess.Popen(command, env=environment(tmp_path), stdout=subprocess.DEVNULL)
        until = time.monotonic() + 120
        while not Store(folder).exists and time.monotonic() < until:
            time.sleep(0.05)
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        process.wait()
    whole = run(tmp_path, "sync")
    assert whole.returncode == 0, whole.stderr
    counts = {(one["account"], one["kind"]): one["records"] for one in status(tmp_path)["accounts"]}
    assert {many for (_, kind), many in counts.items() if kind == "lead"} == {2000}
    exported = run(tmp_path, "export", str(tmp_path / "out"))
    assert exported.returncode == 0, exported.stderr
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text("utf-8"))
    assert manifest["tables"]["leads"]["rows"] == 10_000
    assert "erased" in run(tmp_path, "forget", "--email", "nova@example.com").stdout
    assert run(tmp_path, "drop", "--yes").returncode == 0
    assert {one["records"] for one in status(tmp_path)["accounts"]} == {0}


def test_a_command_that_speaks_no_mcp_does_not_load_the_sdk() -> None:
    """It would take longer than everything else that a small sync does, and 25 MB."""
    words = "import sys, lead_mcp.cli.mirroring; print('mcp' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", words], text=True) == "False\n"
