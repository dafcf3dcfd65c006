"""Environments of other people's Python clients: made once, and kept outside the tree."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import venv
from pathlib import Path
from typing import Final

import pytest
from filelock import FileLock
from platformdirs import user_cache_path

HERE: Final = Path(__file__).parent
PATIENCE: Final = 300
"""Seconds that an installation may take."""


def python_with(requirements: str) -> str:
    """The Python of an environment with what that file names; the test is skipped where it cannot be had."""
    path = HERE / requirements
    digest = hashlib.sha256(path.read_bytes() + sys.version.encode()).hexdigest()[:12]
    folder = user_cache_path("lead-mcp-tests", appauthor=False) / f"clients-{digest}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    python = str(folder / ("Scripts" if sys.platform == "win32" else "bin") / "python")
    with FileLock(f"{folder}.installing"):
        if not (folder / "installed").exists():
            venv.create(folder, with_pip=True, clear=True)
            _install(python, path)
            (folder / "installed").touch()
    return python


def _install(python: str, requirements: Path) -> None:
    words = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", str(requirements)]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip(f"pip could not install the clients in {PATIENCE} s")
    if done.returncode != 0:
        pytest.skip(f"pip could not install the clients: {done.stderr.strip()[-300:]}")
