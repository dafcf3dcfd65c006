"""A PostgreSQL server of our own: Debian's programs, a free loopback port, a folder that goes with it."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.ports import free_port

PATIENCE: Final = 60.0
TRIES: Final = 4
USER: Final = "journal"
PLAIN: Final = ("postgres", "nobody")
"""Whom root becomes: PostgreSQL does not run as root."""


class Missing(Exception):
    """What is missing, in a word for the one who reads why tests were skipped."""


def program(name: str) -> Path:
    """``/usr/lib/postgresql/*/bin/NAME``, the newest, or as PATH has it. Raises Missing."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: float(path.parts[-3]))
    if found:
        return found[-1]
    if on_path := shutil.which(name):
        return Path(on_path)
    raise Missing(f"PostgreSQL's {name} is not installed (Debian: apt install postgresql)")


def plainly() -> Sequence[str]:
    """What a command must begin with so as not to run as root. Raises Missing."""
    if os.getuid() != 0:
        return ()
    if not shutil.which("setpriv"):
        raise Missing("PostgreSQL does not run as root, and there is no setpriv to become somebody else")
    user = somebody()
    return ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--")


def somebody() -> pwd.struct_passwd:
    for name in PLAIN:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise Missing("PostgreSQL does not run as root, and there is no user to become")


@contextmanager
def cluster() -> Iterator[str]:
    """A running server; its URL without a database's name. Raises Missing where there can be none."""
    initdb, postgres, become = program("initdb"), program("postgres"), plainly()
    with tempfile.TemporaryDirectory(prefix="pg") as folder:  # short: it holds a socket
        if become:
            user = somebody()
            os.chown(folder, user.pw_uid, user.pw_gid)
        options = ("--auth=trust", f"--username={USER}", "--encoding=UTF8", "--locale=C", "--no-sync")
        made = subprocess.run(
            [*become, initdb, "-D", f"{folder}/data", *options], check=False, capture_output=True, cwd=folder
        )
        if made.returncode != 0:
            raise Missing(f"PostgreSQL's initdb failed: {_last(made.stderr)}")
        process, port = _started([*become, str(postgres)], Path(folder))
        try:
            yield f"postgresql+psycopg://{USER}@127.0.0.1:{port}"
        finally:
            _end(process)


def _started(command: Sequence[str], folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    """The server on a port that was free a moment ago; on another one, should somebody have taken it since."""
    log = folder / "log"
    for _ in range(TRIES):
        port = free_port()
        settings = (f"port={port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={folder}", "fsync=off")
        words = [*command, "-D", str(folder / "data"), *(part for one in settings for part in ("-c", one))]
        with log.open("wb") as said:
            process = subprocess.Popen(words, stdout=said, stderr=said, cwd=folder)
        if _answers(process, port):
            return process, port
        _end(process)
    raise Missing(f"PostgreSQL could not be started: {_last(log.read_bytes())}")


def _last(said: bytes) -> str:
    return said.decode(errors="replace").strip().rpartition("\n")[2]


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)  # a fast shutdown: it does not wait for whoever is still connected
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(PATIENCE)


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    """Whether the server takes connections before it ends, or time is up."""
    import psycopg

    until = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < until:
        try:
            psycopg.connect(host="127.0.0.1", port=port, user=USER, dbname="postgres", connect_timeout=5).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return True
    return False


def fresh_database(url: str, name: str) -> str:
    """A new, empty database in that server; its URL."""
    import psycopg

    with psycopg.connect(f"{url.replace('+psycopg', '')}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return f"{url}/{name}"
