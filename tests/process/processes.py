"""Real processes of the program: started with a clean environment, waited for with bounds, ended by their own id."""

from __future__ import annotations

import atexit
import io
import json
import logging
import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final
from unittest import mock

import httpx2

from lead_mcp.vendors import NAMES

ROOT: Final = Path(__file__).parents[2]
PROGRAM: Final = (sys.executable, "-m", "lead_mcp")
PATIENCE: Final = 60.0
"""Seconds anything may take to start or to answer on a busy machine."""
PROMPT: Final = 25.0
"""Seconds an end may take: on an idle machine it is about one, and whatever else could bring it about takes 30 at least."""
SETTINGS: Final = ("LEAD_MCP_", *(f"{name.upper()}_" for name in NAMES))


def clean(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """This environment without anybody's settings, with ``environment`` on top."""
    own = {key: value for key, value in os.environ.items() if not key.startswith(SETTINGS)}
    ours = {"PYTHONPATH": str(ROOT), "COLUMNS": "200", "NO_COLOR": "1", "LEAD_MCP_STATE_DIR": state_folder()}
    return {**own, **ours, **(environment or {})}


@cache
def state_folder() -> str:
    """Where processes keep their state, gone with this one."""
    folder = tempfile.mkdtemp(prefix="lead-mcp-tests-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def run(*arguments: str, environment: Mapping[str, str], text: str = "") -> subprocess.CompletedProcess[str]:
    """The program to its end."""
    return subprocess.run(
        [*PROGRAM, *arguments],
        env=clean(environment),
        input=text,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=2 * PATIENCE,
        check=False,
    )


def here(*arguments: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """The program to its end, in this process: no second spent on a start. Only for commands that end by themselves."""
    from lead_mcp.cli import main

    out, err = io.StringIO(), io.StringIO()
    loggers = [logging.getLogger(), *(logging.getLogger(name) for name in list(logging.Logger.manager.loggerDict))]
    before = [(one, one.level, list(one.handlers)) for one in loggers]
    try:
        with (
            mock.patch.dict(os.environ, clean(environment), clear=True),
            mock.patch.object(sys, "argv", ["lead-mcp", *arguments]),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            main()
        code: Any = 0
    except SystemExit as end:
        code = end.code or 0
    finally:
        for one, level, handlers in before:
            one.level, one.handlers = level, handlers
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


@dataclass
class Background:
    """A process whose output goes to files: nobody has to read along."""

    process: subprocess.Popen[bytes]
    out: Path
    err: Path

    def to_dict(self) -> str:
        return self.err.read_text(encoding="utf-8")

    def wait_for(self, pattern: str) -> re.Match[str]:
        """The first match on stderr. Fails where the process ends or stays silent."""
        until = time.monotonic() + PATIENCE
        while not (found := re.search(pattern, self.to_dict())):
            assert self.process.poll() is None, f"it ended with {self.process.returncode}: {self.to_dict()}"
            assert time.monotonic() < until, f"it never said {pattern!r}: {self.to_dict()}"
            time.sleep(0.02)
        return found

    def end(self, signum: int) -> int:
        """Send the signal and wait a little for the end; the exit code."""
        self.process.send_signal(signum)
        return self.process.wait(PROMPT)


@contextmanager
def background(
    *arguments: str, environment: Mapping[str, str], folder: Path, program: Sequence[str] = PROGRAM
) -> Iterator[Background]:
    """The program in the background, killed with the block if it is still there."""
    stem = f"{arguments[0]}-{time.monotonic_ns()}"
    out, err = folder / f"{stem}.out", folder / f"{stem}.err"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        process = subprocess.Popen(
            [*program, *arguments], env=clean(environment), stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr
        )
    try:
        yield Background(process, out, err)
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(PROMPT)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(PROMPT)


@contextmanager
def listening_server(
    *arguments: str,
    environment: Mapping[str, str],
    folder: Path,
    transport: str = "http",
    program: Sequence[str] = PROGRAM,
) -> Iterator[tuple[Background, str]]:
    """``serve`` over HTTP or SSE on a free port, and its address."""
    words = ("serve", "--transport", transport, "--port", "0", *arguments)
    with background(*words, environment=environment, folder=folder, program=program) as started:
        yield started, started.wait_for(r"listens on (http://\S+)\n")[1]


@dataclass(frozen=True)
class Emulators:
    """A running ``lead-mcp sandbox``."""

    environment: dict[str, str]
    http: httpx2.Client

    def fault(self, vendor: str, kind: str, **options: Any) -> None:
        self.http.post("/_faults", json={"vendor": vendor, "kind": kind, **options}).raise_for_status()

    def forget(self) -> None:
        self.http.delete("/_faults").raise_for_status()

    def heard(self, vendor: str) -> int:
        return len(self.http.get("/_requests", params={"vendor": vendor}).json())

    def wait_until_asked(self, vendor: str, more_than: int) -> None:
        """Until a request has arrived there: a call hangs only once its vendor was asked."""
        until = time.monotonic() + PATIENCE
        while self.heard(vendor) <= more_than:
            assert time.monotonic() < until, f"{vendor} was never asked"
            time.sleep(0.03)


@dataclass
class Pipe:
    """A server on stdio, spoken to by hand: every line it writes is kept."""

    process: subprocess.Popen[str]
    err: Path
    lines: list[str] = field(default_factory=list)
    _fresh: queue.Queue[str] = field(default_factory=queue.Queue)

    def read_along(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            self._fresh.put(line)

    def write(self, text: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def send(self, message: Mapping[str, Any]) -> None:
        self.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")

    def next(self) -> dict[str, Any]:
        """The next message."""
        message: dict[str, Any] = json.loads(self._fresh.get(timeout=PATIENCE))
        return message

    def answer(self, wanted: int) -> dict[str, Any]:
        """The answer to that request."""
        while (message := self.next()).get("id") != wanted:
            pass
        return message

    def greet(self, era: str) -> dict[str, Any]:
        """What a client says first, and the answer; afterwards the server is surely up."""
        self.send(request(1, "server/discover", {}, era) if era == "modern" else HELLO)
        found: dict[str, Any] = self.answer(1)["result"]
        if era == "legacy":
            self.send({"method": "notifications/initialized"})
        return found

    def end_of_input(self) -> int:
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(PROMPT)

    def end(self, signum: int) -> int:
        self.process.send_signal(signum)
        return self.process.wait(PROMPT)

    def to_dict(self) -> str:
        return self.err.read_text(encoding="utf-8")


HELLO: Final[Mapping[str, Any]] = {
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}
ENVELOPE: Final = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


def request(number: int, method: str, params: Mapping[str, Any], era: str) -> dict[str, Any]:
    """A request as a client of that era spells it."""
    envelope = {"_meta": ENVELOPE} if era == "modern" else {}
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": {**params, **envelope}}


@contextmanager
def pipe(
    *arguments: str, environment: Mapping[str, str], folder: Path, program: Sequence[str] = PROGRAM
) -> Iterator[Pipe]:
    err = folder / f"pipe-{time.monotonic_ns()}.err"
    with err.open("wb") as stderr:
        process = subprocess.Popen(
            [*program, "serve", *arguments],
            env=clean(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            encoding="utf-8",
        )
    found = Pipe(process, err)
    reader = threading.Thread(target=found.read_along, daemon=True)
    reader.start()
    try:
        yield found
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(PROMPT)
        reader.join(PROMPT)
        for stream in (process.stdin, process.stdout):
            assert stream is not None
            with suppress(BrokenPipeError):
                stream.close()
