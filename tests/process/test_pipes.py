"""stdin and stdout of a real server in every form that a client may give them: pipes, sockets, one socket for both, a file, a
terminal; full, slow, closed on one side.
"""

from __future__ import annotations

import json
import os
import pty
import socket
import subprocess
import sys
import threading
import tty
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from tests.process.processes import PATIENCE, clean, request

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the SDK's own way is taken there")
PING: Final = request(1, "ping", {}, "legacy")
LONG: Final = 3_000_000


@contextmanager
def served(folder: Path, stdin: Any, stdout: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A server, whose stderr is ``err`` in the folder."""
    command = (sys.executable, "-m", "lead_mcp", "serve", "--sandbox")
    environment = clean({"LEAD_MCP_STATE_DIR": str(folder)})
    with (
        (folder / "err").open("wb") as stderr,
        subprocess.Popen(command, stdin=stdin, stdout=stdout, stderr=stderr, env=environment) as process,
    ):
        watchdog = threading.Timer(PATIENCE, process.kill)
        watchdog.start()
        try:
            yield process
        finally:
            watchdog.cancel()
            process.kill()


def line_of(message: Any) -> bytes:
    return json.dumps(message).encode() + b"\n"


def greeting() -> bytes:
    client = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    return line_of(request(0, "initialize", client, "legacy")) + line_of(
        {"jsonrpc": "2.0", "method": "notifications/initialized"}
    )


def ids_in(file: Any, many: int) -> list[int]:
    return [json.loads(file.readline())["id"] for _ in range(many)]


def test_over_sockets(tmp_path: Path) -> None:
    """As Node.js starts its children."""
    with ExitStack() as stack:
        pairs = [[stack.enter_context(one) for one in socket.socketpair()] for _ in range(2)]
        with served(tmp_path, pairs[0][1], pairs[1][1]) as process:
            for ours in (pairs[0][1], pairs[1][1]):
                ours.close()
            pairs[0][0].sendall(greeting() + line_of(PING))
            assert ids_in(pairs[1][0].makefile("rb"), 2) == [0, 1]
            pairs[0][0].shutdown(socket.SHUT_WR)
            assert process.wait(PATIENCE) == 0


def test_over_one_socket_for_both(tmp_path: Path) -> None:
    """As sshd and inetd start theirs."""
    ours, theirs = socket.socketpair()
    with ours, theirs, served(tmp_path, theirs, theirs) as process:
        theirs.close()
        ours.sendall(greeting() + line_of(PING))
        answers = ours.makefile("rb")
        assert ids_in(answers, 2) == [0, 1]
        ours.sendall(line_of({**PING, "id": 2}))
        assert ids_in(answers, 1) == [2]
        ours.shutdown(socket.SHUT_WR)
        assert process.wait(PATIENCE) == 0


def test_from_a_file_to_a_file(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(greeting() + line_of(PING))
    with (
        (tmp_path / "in").open("rb") as stdin,
        (tmp_path / "out").open("wb") as stdout,
        served(tmp_path, stdin, stdout) as process,
    ):
        assert process.wait(PATIENCE) == 0
    assert json.loads((tmp_path / "out").read_bytes().splitlines()[0])["id"] == 0


def test_at_a_terminal(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    with served(tmp_path, theirs, theirs) as process, os.fdopen(ours, "r+b", buffering=0) as terminal:
        os.close(theirs)
        terminal.write(greeting())
        assert json.loads(terminal.readline())["id"] == 0
        process.terminate()
        assert process.wait(PATIENCE) in (0, 143)


def test_a_client_that_reads_late_gets_every_answer_whole(tmp_path: Path) -> None:
    """More answers than a pipe holds, and a line longer than it takes at once."""
    with served(tmp_path, subprocess.PIPE, subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(greeting())
        for nth in range(1, 41):
            process.stdin.write(line_of(request(nth, "tools/list", {}, "legacy")))
        process.stdin.write(line_of(request(41, "ping", {"_meta": {"long": "x" * LONG}}, "legacy")))
        process.stdin.flush()
        assert sorted(ids_in(process.stdout, 42)) == list(range(42))
        process.stdin.close()
        assert process.wait(PATIENCE) == 0


def test_a_client_that_no_longer_reads_ends_the_server(tmp_path: Path) -> None:
    with served(tmp_path, subprocess.PIPE, subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(greeting())
        process.stdin.flush()
        assert ids_in(process.stdout, 1) == [0]
        process.stdout.close()
        process.stdin.write(line_of(PING))
        process.stdin.flush()
        assert process.wait(PATIENCE) == 0
    assert (tmp_path / "err").read_bytes() == b""


def test_pipes_block_again_behind_the_server(tmp_path: Path) -> None:
    """Whoever else has them, a shell above all, goes on as before."""
    read, write = os.pipe()
    back, out = os.pipe()
    with served(tmp_path, read, out) as process:
        os.write(write, greeting())
        assert ids_in(os.fdopen(back, "rb", closefd=False), 1) == [0]
        assert (os.get_blocking(read), os.get_blocking(out)) == (False, False)
        os.close(write)
        assert process.wait(PATIENCE) == 0
        assert (os.get_blocking(read), os.get_blocking(out)) == (True, True)
    for one in (read, back, out):
        os.close(one)


STRAY: Final = """
import subprocess, sys, anyio
from mcp.shared.message import SessionMessage
from mcp.types import JSONRPCNotification
from lead_mcp.serving.pipes import are_pipes, opened_pipes

async def main():
    assert are_pipes()
    async with opened_pipes() as (reading, writing):
        print("stray", flush=True)
        subprocess.run(["sh", "-c", "echo child; cat"], check=True)
        await writing.send(SessionMessage(JSONRPCNotification(jsonrpc="2.0", method="notifications/hello")))
        print("late")

anyio.run(main)
"""


def test_what_is_printed_by_others_is_no_message() -> None:
    ended = subprocess.run(
        (sys.executable, "-c", STRAY),
        input=line_of(PING),
        capture_output=True,
        env=clean(),
        timeout=PATIENCE,
        check=True,
    )
    assert [json.loads(line)["method"] for line in ended.stdout.splitlines()] == ["notifications/hello"]
    assert ended.stderr.split() == [b"stray", b"child", b"late"]
