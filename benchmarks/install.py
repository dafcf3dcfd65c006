"""From an empty machine to the first answer, for each channel: seconds from nothing but Python, or uv, to a page of leads.

Wheel and bundle are built beforehand, and nothing is cached: what is measured is mostly the index and the disk.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from zipfile import ZipFile

from benchmarks.driving import ROOT, Failed, clean_environment
from benchmarks.report import Line
from channels import bundle

ASK: Final = ("lead-mcp", "call", "search_leads", "--sandbox", "account=octanist", "limit=3")
CONSTRAINTS: Final = str(ROOT / "constraints.txt")


def measure() -> list[Line]:
    """A line a channel and step; uv's are left out where there is none."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        made = bundle.make(folder / "dist")
        _run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder / "dist")], ROOT, {})
        (wheel,) = (folder / "dist").glob("*.whl")
        lines = list(_by_pip(folder / "pip", wheel))
        uv = shutil.which("uv")
        if uv is not None:
            lines += _by_uvx(folder / "uvx", uv, wheel)
            lines += _by_bundle(folder / "bundle", uv, made)
    return lines


def _by_pip(folder: Path, wheel: Path) -> Iterator[Line]:
    folder.mkdir()
    bin_ = folder / "env" / ("Scripts" if sys.platform == "win32" else "bin")
    started = time.perf_counter()
    venv.create(folder / "env", with_pip=True)
    install = [str(bin_ / "python"), "-m", "pip", "install", "-q", "--no-cache-dir", "-c", CONSTRAINTS, str(wheel)]
    installed = _run(install, folder, {})
    asked = _run([str(bin_ / ASK[0]), *ASK[1:]], folder, {})
    whole = time.perf_counter() - started
    yield Line("pip, empty environment to the first answer", whole, unit="s", note=f"pip itself {installed:,.1f} s")
    yield Line("  the first answer of it", asked, unit="s", note="nothing compiled yet, the sandbox started")


def _by_uvx(folder: Path, uv: str, wheel: Path) -> Iterator[Line]:
    words = [uv, "tool", "run", "--constraints", CONSTRAINTS, "--from", str(wheel), *ASK]
    yield from _cold_and_warm("uvx --from WHEEL", words, folder)


def _by_bundle(folder: Path, uv: str, made: Path) -> Iterator[Line]:
    """As a desktop client does it: unpack, then the manifest's command, with a question in place of ``serve``."""
    with ZipFile(made) as file:
        file.extractall(folder / "unpacked")
    words = [uv, "run", "--directory", str(folder / "unpacked"), "--no-dev", *ASK]
    yield from _cold_and_warm("bundle, uv run", words, folder)


def _cold_and_warm(what: str, words: list[str], folder: Path) -> Iterator[Line]:
    folder.mkdir(exist_ok=True)
    own = {"UV_CACHE_DIR": str(folder / "cache"), "UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1"}
    yield Line(f"{what}, empty cache to the first answer", _run(words, folder, own), unit="s")
    yield Line("  and once more", _run(words, folder, own), unit="s")


def _run(words: list[str], folder: Path, more: Mapping[str, str]) -> float:
    """Seconds that the command takes. Raises Failed."""
    own = {key: text for key, text in clean_environment().items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    home = {"HOME": str(folder), "XDG_STATE_HOME": str(folder / "state"), "XDG_CONFIG_HOME": str(folder / "config")}
    apart = home if folder != ROOT else {}
    kept = {"PIP_CONFIG_FILE": _pip_config()} if apart and _pip_config() else {}
    started = time.perf_counter()
    done = subprocess.run(
        words,
        cwd=folder,
        env={**own, **apart, **kept, **more},
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    if done.returncode:
        raise Failed(f"{' '.join(words[:4])}: {done.returncode} {done.stderr[-500:]}")
    return time.perf_counter() - started


def _pip_config() -> str:
    """The person's own pip configuration, which says where their index is: the home of a run is an empty one."""
    found = (Path.home() / ".config" / "pip" / "pip.conf", Path.home() / ".pip" / "pip.conf")
    return os.environ.get("PIP_CONFIG_FILE") or next((str(path) for path in found if path.exists()), "")
