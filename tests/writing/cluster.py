"""A PostgreSQL server of our own: Debian's programs, a free loopback port, a folder that goes with it."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

PATIENCE: Final = 30.0
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
    user = _somebody()
    return ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--")


def _somebody() -> pwd.struct_passwd:
    for name in PLAIN:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise Missing("PostgreSQL does not run as root, and there is no user to become")


@contextmanager
def cluster() -> Iterator[str]:
    """A running server; its URL without a database's name. Raises Missing."""
    initdb, postgres, become = program("initdb"), program("postgres"), plainly()
    with tempfile.TemporaryDirectory(prefix="pg") as folder:  # short: it holds a socket
        if become:
            user = _somebody()
            os.chown(folder, user.pw_uid, user.pw_gid)
        data, log = Path(folder) / "data", Path(folder) / "log"
        options = ("--auth=trust", f"--username={USER}", "--encoding=UTF8", "--locale=C", "--no-sync")
        subprocess.run([*become, initdb, "-D", data, *options], check=True, capture_output=True, cwd=folder)
        port = _free_port()
        settings = (f"port={port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={folder}", "fsync=off")
        with log.open("wb") as said:
            process = subprocess.Popen(
                [*become, postgres, "-D", data, *(part for one in settings for part in ("-c", one))],
                stdout=said,
                stderr=said,
                cwd=folder,
            )
        try:
            _wait(process, port, log)
            yield f"postgresql+psycopg://{USER}@127.0.0.1:{port}"
        finally:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    import psycopg

    until = time.monotonic() + PATIENCE
    while True:
        try:
            psycopg.connect(host="127.0.0.1", port=port, user=USER, dbname="postgres", connect_timeout=2).close()
        except psycopg.OperationalError:
            words = log.read_text(errors="replace")
            assert process.poll() is None, words
            assert time.monotonic() < until, words
            time.sleep(0.05)
        else:
            return


def fresh_database(url: str, name: str) -> str:
    """A new, empty database in that server; its URL."""
    import psycopg

    with psycopg.connect(f"{url.replace('+psycopg', '')}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return f"{url}/{name}"
