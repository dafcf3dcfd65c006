"""Environments that are thrown away: for tools that are run on what we hand out, and never beside it."""

from __future__ import annotations

import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
BIN: Final = "Scripts" if sys.platform == "win32" else "bin"


class Failed(Exception):
    """A command that did not end well; its last words."""


def environment(folder: Path, *packages: str) -> Path:
    """The folder of commands of a new environment with pip and these packages. Raises Failed."""
    venv.create(folder, with_pip=True)
    install(folder / BIN, folder, *packages)
    return folder / BIN


def bare_environment(folder: Path, tools: Path, *packages: str) -> Path:
    """The same without pip: what is in it is the packages and what they need. ``tools``: where a pip is. Raises Failed."""
    venv.create(folder, with_pip=False)
    install(tools, folder, *packages, "-c", str(ROOT / "constraints.txt"))
    return folder / BIN


def install(tools: Path, folder: Path, *words: str) -> None:
    """pip's install into the environment of that folder. Raises Failed."""
    python = ["--python", str(folder / BIN / "python")]
    run(
        [
            str(tools / "python"),
            "-m",
            "pip",
            *python,
            "install",
            "-q",
            "--no-compile",
            "--disable-pip-version-check",
            *words,
        ]
    )


def run(words: Sequence[str]) -> str:
    """What a command printed. Raises Failed."""
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"{Path(words[0]).name}: {done.stderr.strip()[-500:] or done.returncode}")
    return done.stdout
