"""Public servers of other people, installed from their registries into environments that can be thrown away."""

from __future__ import annotations

import shutil
import subprocess
import venv
from pathlib import Path
from typing import Final

from platformdirs import user_cache_path

from benchmarks.driving import Failed

PATIENCE: Final = 900


def folder_for(package: str) -> Path:
    """Where a package is installed: beside the tests' own downloads, in the user's cache."""
    name = package.replace("/", "-").replace("@", "-").replace("==", "-").strip("-")
    return user_cache_path("lead-mcp-tests", appauthor=False) / f"peer-{name}"


def from_pypi(package: str, command: str) -> tuple[str, ...]:
    """The command of ``NAME==VERSION``. Raises Failed."""
    folder = folder_for(package)
    if not (folder / "installed").exists():
        venv.create(folder, with_pip=True, clear=True)
        python = str(folder / "bin" / "python")
        _run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", package], folder)
        (folder / "installed").touch()
    return (str(folder / "bin" / "python"), str(folder / "bin" / command))


def from_npm(package: str, script: str) -> tuple[str, ...]:
    """The command of ``NAME@VERSION``. Raises Failed."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise Failed("node and npm are needed here, and are not installed")
    folder = folder_for(package)
    if not (folder / "installed").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{"private": true}', encoding="utf-8")
        _run([npm, "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", package], folder)
        (folder / "installed").touch()
    return (node, str(folder / "node_modules" / script))


def _run(words: list[str], folder: Path) -> None:
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=PATIENCE, check=False)
    if done.returncode:
        raise Failed(f"{words[-1]} could not be installed: {done.stderr[-300:]}")
