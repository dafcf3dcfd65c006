"""Results as the official TypeScript client 1.x sees them: it checks every structured result against the output schema."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.node_packages import NODE, installed
from tests.process.examples import EVERY, filled
from tests.process.processes import PATIENCE, ROOT, Emulators, clean

pytestmark = pytest.mark.slow

SOURCE = ROOT / "tests" / "node"


@pytest.fixture(scope="module")
def script() -> Path:
    """The script beside its packages, which are installed once and kept outside the tree."""
    return Path(shutil.copy(SOURCE / "client.mjs", installed(SOURCE) / f"client-{os.getpid()}.mjs"))


def talked(script: Path, emulators: Emulators, calls: Sequence[Any], uris: Sequence[str] = ()) -> dict[str, Any]:
    """What the client made of those calls."""
    assert NODE is not None
    asked = {
        "command": sys.executable,
        "args": ["-m", "lead_mcp", "serve"],
        "env": clean(emulators.environment),
        "calls": calls,
        "uris": uris,
    }
    done = subprocess.run(
        [NODE, str(script)],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=2 * PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def facts(script: Path, emulators: Emulators) -> dict[str, str]:
    """A lead, its id, and a lead with calls, found through the same client."""
    search = {"name": "search_leads", "arguments": {"account": "octanist", "limit": 1}}
    called = {"name": "search_leads", "arguments": {"account": "convoso", "limit": 40}}
    found = talked(script, emulators, [search, called])["results"]
    lead, *_ = [row[0] for row in found[0]["result"]["structuredContent"]["leads"]["rows"]]
    some = [row[0] for row in found[1]["result"]["structuredContent"]["leads"]["rows"]]
    return {"LEAD": lead, "LEAD_ID": lead.rsplit("/", 1)[1], "CALLED": some[0]}


def test_good_results_pass_the_clients_own_check(script: Path, emulators: Emulators, facts: dict[str, str]) -> None:
    listed = [tool["name"] for tool in talked(script, emulators, [])["tools"]]
    calls = [{"name": name, "arguments": filled(one, facts)} for name in listed for one in EVERY[name]]
    talk = talked(script, emulators, calls, [facts["LEAD"], "account://octanist"])
    for call, found in zip(calls, talk["results"], strict=True):
        assert "thrown" not in found, (call, found)
        assert not found["result"].get("isError"), (call, found)
        assert found["result"]["structuredContent"], call
    for found in talk["contents"]:
        assert json.loads(found["result"]["contents"][0]["text"])


def test_error_results_reach_the_model_and_not_the_client(script: Path, emulators: Emulators) -> None:
    """An error result whose structure did not fit the schema would be thrown, and the model would never read it."""
    listed = [tool["name"] for tool in talked(script, emulators, [])["tools"]]
    wrong = [{"name": name, "arguments": {"no_such_argument": 1}} for name in listed]
    at_the_vendor = {"name": "search_leads", "arguments": {"account": "octanist"}}
    nobody = {"name": "get_lead", "arguments": {"uri": "lead://octanist/nobody"}}
    emulators.fault("octanist", "status", status=401)
    talk = talked(script, emulators, [*wrong, at_the_vendor, nobody], ["lead://octanist/nobody"])
    assert not [found for found in talk["results"] if "thrown" in found]
    codes = [found["result"]["structuredContent"]["error"]["code"] for found in talk["results"]]
    assert codes == [*["bad_argument"] * len(wrong), "unauthorized", "not_found"]
    assert all(found["result"]["isError"] and found["result"]["content"][0]["text"] for found in talk["results"])
    assert "-32602" in talk["contents"][0]["thrown"]
