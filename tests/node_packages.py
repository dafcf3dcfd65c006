"""What a test in JavaScript needs from npm: installed once, outside the tree, under the name of its package.json."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest
from filelock import FileLock
from platformdirs import user_cache_path

NODE, NPM = shutil.which("node"), shutil.which("npm")
PATIENCE: Final = 240.0
"""Seconds that an installation may take."""


def installed(source: Path, patience: float = PATIENCE) -> Path:
    """A folder with the packages that ``source/package.json`` names; the test is skipped where they cannot be had.

    ``patience``: seconds that it may take.
    """
    if NODE is None or NPM is None:
        pytest.skip("node and npm are needed here, and are not installed")
    package = (source / "package.json").read_bytes()
    folder = user_cache_path("lead-mcp-tests", appauthor=False) / f"node-{hashlib.sha256(package).hexdigest()[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "installing"):
        if not (folder / "installed").exists():
            _install(package, folder, NPM, patience)
    return folder


def _install(package: bytes, folder: Path, npm: str, patience: float) -> None:
    (folder / "package.json").write_bytes(package)
    words = [npm, "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=patience, check=False)
    if done.returncode != 0:
        pytest.skip(f"npm could not install what is needed here: {done.stderr.strip()[-300:]}")
    (folder / "installed").touch()


def copied(source: Path, folder: Path) -> Path:
    """The scripts of ``source`` in a folder of their own beside the packages, where their imports are found."""
    own = folder / f"run-{os.getpid()}"
    shutil.copytree(source, own, dirs_exist_ok=True)
    return own
