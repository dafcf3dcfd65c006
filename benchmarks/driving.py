"""Processes and plain JSON-RPC clients: as little as possible between the clock and the server.

Every process has a limit in seconds: past it, it is killed, its reader sees the end of the stream and the run fails.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol
from unittest import mock
from urllib.parse import urlsplit

from lead_mcp import vendors
from lead_mcp.settings import Settings, load

ROOT: Final = Path(__file__).resolve().parent.parent
LIMIT: Final = 300.0
OURS: Final = ("-m", "lead_mcp", "serve")
BARE: Final = ("-m", "benchmarks.bare")
LEGACY: Final = "2025-11-25"
MODERN: Final = "2026-07-28"
CLIENT: Final = {"name": "benchmarks", "version": "1"}
PREFIX: Final = "io.modelcontextprotocol/"
META: Final = {
    f"{PREFIX}protocolVersion": MODERN,
    f"{PREFIX}clientInfo": CLIENT,
    f"{PREFIX}clientCapabilities": dict[str, Any](),
}
Json = dict[str, Any]


class Failed(Exception):
    """A process ended, or an answer was an error."""


@dataclass
class Child:
    """One process of ours, ended with the block: asked to first, then killed, by its own id."""

    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    limit: float = LIMIT
    program: str = sys.executable

    def __post_init__(self) -> None:
        self.process = subprocess.Popen(
            [self.program, *self.arguments],
            cwd=ROOT,
            env={**clean_environment(), **self.environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._timer = threading.Timer(self.limit, self.process.kill)
        self._timer.daemon = True
        self._timer.start()

    def __enter__(self) -> Child:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._timer.cancel()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()
        try:
            self.process.terminate()
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)

    def write(self, data: bytes) -> None:
        stdin = self.process.stdin
        if stdin is None:
            raise Failed("no pipe")
        stdin.write(data)
        stdin.flush()

    def line(self) -> bytes:
        """The next line of its output. Raises Failed at the end of it."""
        stdout = self.process.stdout
        found = stdout.readline() if stdout else b""
        if not found:
            raise Failed(f"{' '.join(self.arguments)}: ended (past its limit of {self.limit:g} s?)")
        return found

    def rss(self) -> float:
        """Resident memory now, MiB."""
        return self._memory("VmRSS")

    def _memory(self, name: str) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        kib = next(line.split()[1] for line in status.splitlines() if line.startswith(name))
        return int(kib) / 1024

    def peak(self) -> float:
        """The most resident memory it ever had, MiB."""
        return self._memory("VmHWM")

    def cpu(self) -> float:
        """Processor time used so far, ms: what the load of the machine does not touch."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def clean_environment() -> dict[str, str]:
    """This machine's environment without anybody's lead-mcp settings."""
    ours = ("LEAD_MCP_", *(f"{vendor.upper()}_" for vendor in vendors.NAMES))
    return {key: text for key, text in os.environ.items() if not key.startswith(ours)}


def finished(arguments: Sequence[str], environment: Mapping[str, str], limit: float = 900) -> tuple[float, str]:
    """A command run to its end: seconds, and what it printed. Raises Failed unless it ended well."""
    started = time.perf_counter()
    with Child(arguments, environment, limit) as child:
        said = child.process.stdout.read().decode() if child.process.stdout else ""
        code = child.process.wait()
    if code:
        raise Failed(f"{' '.join(arguments)}: {code} {said[-500:]}")
    return time.perf_counter() - started, said


def settings_in(environment: Mapping[str, str]) -> Settings:
    """lead-mcp's settings in that environment and nobody else's, for what is measured in this process."""
    with mock.patch.dict(os.environ, {**clean_environment(), **environment}, clear=True):
        return load()


def engine_peak(child: Child) -> float:
    """The most resident memory that the server's own child ever had, MiB."""
    pid = child.process.pid
    (engine,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    lines = Path(f"/proc/{engine}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) / 1024


# --- the emulators ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Emulators:
    """Every vendor in a process of their own. ``environment`` points a server at them; ``cpu``: its processor time, ms."""

    origin: str
    cpu: Callable[[], float]

    @property
    def environment(self) -> dict[str, str]:
        found: dict[str, str] = {"LEAD_MCP_TIMEZONE": "UTC"}
        for vendor, emulator in vendors.emulators().items():
            found |= emulator.environment(f"{self.origin}/{vendor}")
        return found

    def ask(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Any:
        """One request on a connection of its own; the JSON it answers."""
        connection = HTTPConnection(urlsplit(self.origin).netloc, timeout=60)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), dict(headers or {}))
            response = connection.getresponse()
            said = response.read()
        finally:
            connection.close()
        if response.status >= 300:
            raise Failed(f"{method} {path}: {response.status} {said[:200]!r}")
        return json.loads(said) if said else None


@contextmanager
def emulators(leads: int, limit: float = 900) -> Iterator[Emulators]:
    """``lead-mcp sandbox`` with that many leads a vendor, on a port of its own choice."""
    with Child(("-m", "lead_mcp", "sandbox", "--port", "0", "--leads", str(leads)), limit=limit) as child:
        found = Emulators(_origin(child), child.cpu)
        wait_for(urlsplit(found.origin).port or 0)
        yield found


def _origin(child: Child) -> str:
    """Where the sandbox listens: it prints the environment that points at it, an ``export`` a line."""
    while not (said := child.line().decode()).startswith("export OCTANIST_BASE_URL="):
        pass
    parts = urlsplit(said.partition("=")[2].strip())
    return f"{parts.scheme}://{parts.netloc}"


def wait_for(port: int, seconds: float = 60.0) -> None:
    """Until something listens there. Raises Failed."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise Failed(f"nothing listens on {port} after {seconds:g} s")


# --- clients ------------------------------------------------------------------------------------------------------


class Client(Protocol):
    child: Child

    def ask(self, method: str, params: Json) -> Json: ...


def result_of(said: Json) -> Json:
    """The result of an answer. Raises Failed for an error, and for a tool's error result."""
    result = said.get("result")
    if not isinstance(result, dict) or result.get("isError"):
        raise Failed(json.dumps(said)[:500])
    return result


class Pipe:
    """A server on stdio. ``modern``: every request carries its era; else ``greet`` opens a session."""

    def __init__(self, child: Child, *, modern: bool = False) -> None:
        self.child, self.modern, self._id = child, modern, 0

    def send(self, method: str, params: Json) -> None:
        self._id += 1
        params = {**params, "_meta": META} if self.modern else params
        self._write({"id": self._id, "method": method, "params": params})

    def _write(self, message: Json) -> None:
        self.child.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    def receive(self) -> Json:
        """The next answer; what is no answer is passed over."""
        while "id" not in (said := json.loads(self.child.line())):
            pass
        return result_of(said)

    def ask(self, method: str, params: Json) -> Json:
        self.send(method, params)
        return self.receive()

    def greet(self) -> None:
        """The first exchange of the era."""
        if self.modern:
            self.ask("server/discover", {})
        else:
            self.ask("initialize", {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": CLIENT})
            self._write({"method": "notifications/initialized"})


class Web:
    """A server over Streamable HTTP, modern era, on one connection that stays open. ``token``: what it is let in by."""

    def __init__(self, child: Child, port: int, token: str = "") -> None:
        self.child, self.port = child, port
        self.own = {"Authorization": f"Bearer {token}"} if token else {}
        self.connection = HTTPConnection("127.0.0.1", port, timeout=60)

    def ask(self, method: str, params: Json) -> Json:
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": META}}
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": MODERN,
            "Mcp-Method": method,
            **self.own,
        }
        if "name" in params:
            headers["Mcp-Name"] = params["name"]
        self.connection.request("POST", "/mcp", json.dumps(message), headers)
        response = self.connection.getresponse()
        body = response.read()
        if response.headers.get_content_type() == "text/event-stream":
            events = [line[5:] for line in body.splitlines() if line.startswith(b"data:")]
            return result_of(next(said for said in map(json.loads, events) if "id" in said))
        return result_of(json.loads(body))
