"""Processes of a run: started with a clean environment, their output in files, ended by their own ids."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from lead_mcp.vendors import NAMES

ROOT: Final = Path(__file__).resolve().parent.parent
PATIENCE: Final = 90.0
"""Seconds a start may take on a busy machine."""
END: Final = 15.0
"""Seconds an end may take there: it is about one on an idle machine."""
SETTINGS: Final = ("LEAD_MCP_", *(f"{name.upper()}_" for name in NAMES))


class Failed(Exception):
    """A process did not start."""


@dataclass
class Running:
    """One process. ``log`` holds what it wrote to either stream."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def wait_for(self, pattern: str) -> str:
        """The first group of the first match in its log. Raises Failed where it ends or stays silent."""
        until = time.monotonic() + PATIENCE
        while not (found := re.search(pattern, self.log.read_text("utf-8"))):
            if self.process.poll() is not None or time.monotonic() > until:
                raise Failed(f"{self.name}: {self.log.read_text('utf-8')[-2000:]}")
            time.sleep(0.05)
        return found[1]

    def end(self) -> int:
        """Ask it to end, then make it; the exit code."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(END)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(END)
        return self.process.returncode


@dataclass
class Processes:
    """Every process of a run, and the folder that all of them live in."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    started: list[Running] = field(default_factory=list)

    def start(self, name: str, *arguments: str, **more: str) -> Running:
        """``python ARGUMENTS`` in the background. ``more``: environment on top of everybody's."""
        log = self.folder / f"{name}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=ROOT,
                env=clean({**self.environment, **more}),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        running = Running(name, process, log)
        self.started.append(running)
        return running

    def ended(self) -> dict[str, int]:
        """Every process asked to end, the last one first; their exit codes."""
        return {one.name: one.end() for one in reversed(self.started)}

    def left(self) -> list[int]:
        """Processes of this run that are still there: those that carry its folder in their environment."""
        mark = str(self.folder).encode()
        return [pid for pid in _pids() if pid != os.getpid() and mark in _environment(pid)]


@contextmanager
def processes(folder: Path) -> Iterator[Processes]:
    """Processes that all end with the block."""
    found = Processes(folder)
    try:
        yield found
    finally:
        found.ended()
        for pid in found.left():
            os.kill(pid, signal.SIGKILL)


def clean(environment: Mapping[str, str]) -> dict[str, str]:
    """This environment without anybody's settings, with ``environment`` on top."""
    own = {key: value for key, value in os.environ.items() if not key.startswith(SETTINGS)}
    return {**own, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", **environment}


def _pids() -> list[int]:
    return [int(one.name) for one in Path("/proc").iterdir() if one.name.isdigit()]


def _environment(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:  # it ended, or is somebody else's
        return b""
