"""Official clients turn our input schemas into the forms that model providers take: every argument survives that."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any, Final

import pytest
from filelock import FileLock
from platformdirs import user_cache_path

from lead_mcp.tools.catalogue import LISTED, listed

pytestmark = pytest.mark.clients

HERE: Final = Path(__file__).parent
PATIENCE: Final = 300
CONVERSIONS: Final = (
    "openai_by_pydantic_ai",
    "gemini_by_pydantic_ai",
    "openai_by_openai_agents",
    "openai_by_langchain",
    "gemini_by_langchain",
    "anthropic_by_langchain",
    "gemini_by_google_genai",
)


@pytest.fixture(scope="module")
def converted() -> dict[str, dict[str, str]]:
    """What each conversion lost or raised, by tool."""
    schemas: dict[str, Any] = {tool.name: tool.input_schema for tool in (listed(make()) for _, make in LISTED)}
    done = subprocess.run(
        [clients_python(), str(HERE / "convert.py")],
        input=json.dumps(schemas),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, dict[str, str]] = json.loads(done.stdout)
    return found


def clients_python() -> str:
    """The Python of an environment with the clients, made once and kept outside the tree."""
    requirements = HERE / "requirements.txt"
    digest = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()[:12]
    folder = user_cache_path("lead-mcp-tests", appauthor=False) / f"clients-{digest}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    with FileLock(f"{folder}.installing"):
        if not (folder / "installed").exists():
            venv.create(folder, with_pip=True, clear=True)
            words = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", str(requirements)]
            done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, check=False)
            if done.returncode != 0:
                pytest.skip(f"pip could not install the clients: {done.stderr.strip()[-300:]}")
            (folder / "installed").touch()
    return str(python)


@pytest.mark.parametrize("conversion", CONVERSIONS)
def test_every_argument_survives(converted: dict[str, dict[str, str]], conversion: str) -> None:
    assert converted[conversion] == {}


def test_every_conversion_was_tried(converted: dict[str, dict[str, str]]) -> None:
    assert set(converted) == set(CONVERSIONS)
