"""Each channel as somebody gets it: the bundle checked by its own command, wheel and sdist in an environment of their own."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from pathlib import Path
from typing import Final

import pytest

from channels import bundle
from lead_mcp import __version__
from tests.node_packages import installed
from tests.process.processes import ROOT, clean

pytestmark = pytest.mark.clients

HERE: Final = Path(__file__).parent
PATIENCE: Final = 900


def ended(*words: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    own = {key: value for key, value in clean({"HOME": str(folder)}).items() if key != "PYTHONPATH"}
    return subprocess.run(
        list(map(str, words)), cwd=folder, env=own, capture_output=True, text=True, timeout=PATIENCE, check=False
    )


@pytest.fixture(scope="module")
def mcpb() -> str:
    """The command for bundles, installed once and kept outside the tree."""
    folder = installed(HERE / "mcpb", PATIENCE)
    return str(folder / "node_modules" / ".bin" / "mcpb")


def test_the_bundle_is_valid_by_its_own_command(mcpb: str, tmp_path: Path) -> None:
    made = bundle.make(tmp_path)
    unpacked = ended(mcpb, "unpack", made, tmp_path / "out", folder=tmp_path)
    assert unpacked.returncode == 0, unpacked
    checked = ended(mcpb, "validate", tmp_path / "out" / "manifest.json", folder=tmp_path)
    assert checked.returncode == 0, checked
    again = ended(mcpb, "pack", tmp_path / "out", tmp_path / "again.mcpb", folder=tmp_path)
    assert again.returncode == 0, again


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist."""
    folder = tmp_path_factory.mktemp("dist")
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(folder)],
        cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("kind", ["whl", "tar.gz"])
def test_wheel_and_sdist_run_in_an_environment_of_their_own(kind: str, built: Path, tmp_path: Path) -> None:
    (archive,) = built.glob(f"*.{kind}")
    venv.create(tmp_path / "env", with_pip=True)
    bin_ = tmp_path / "env" / ("Scripts" if sys.platform == "win32" else "bin")
    installed = ended(
        bin_ / "python", "-m", "pip", "install", "-q", "-c", ROOT / "constraints.txt", archive, folder=tmp_path
    )
    assert installed.returncode == 0, installed.stderr
    assert ended(bin_ / "lead-mcp", "--version", folder=tmp_path).stdout == f"{__version__}\n"
    asked = ended(bin_ / "lead-mcp", "call", "search_leads", "--sandbox", "limit=1", "--raw", folder=tmp_path)
    assert asked.returncode == 0, asked
    assert json.loads(asked.stdout)["structuredContent"]["leads"]["rows"]
    (tmp_path / ".cursor").mkdir()
    assert ended(bin_ / "lead-mcp", "install", "cursor", "--sandbox", folder=tmp_path).returncode == 0
    entry = json.loads((tmp_path / ".cursor" / "mcp.json").read_text("utf-8"))["mcpServers"]["lead-mcp-sandbox"]
    assert Path(entry["command"]) == bin_ / "lead-mcp"
