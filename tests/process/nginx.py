"""A real nginx with the configuration that we hand out: only ports and folders are a test's own."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from tests.ports import free_port
from tests.process.processes import PATIENCE, PROMPT, ROOT
from tests.writing.cluster import plainly, somebody

NGINX: Final = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@contextmanager
def nginx(replicas: Sequence[str]) -> Iterator[str]:
    """nginx before servers at these origins; its own origin."""
    with tempfile.TemporaryDirectory(prefix="nginx") as folder:
        if become := plainly():
            os.chown(folder, somebody().pw_uid, somebody().pw_gid)
        port = free_port()
        (Path(folder) / "nginx.conf").write_text(_configuration(replicas, port, folder), "utf-8")
        words = [*become, str(NGINX), "-p", folder, "-c", "nginx.conf", "-e", "stderr", "-g", "daemon off;"]
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            _wait(process, port)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.communicate(timeout=PROMPT)


def _configuration(replicas: Sequence[str], port: int, folder: str) -> str:
    """Ours. One worker, so that it goes round the replicas in order."""
    text = (ROOT / "deploy/nginx.conf").read_text("utf-8")
    places = iter(one.removeprefix("http://") for one in replicas)
    text = re.sub(r"replica-\d:\d+", lambda found: next(places), text)
    for ours, own in (
        ("listen 8080", f"listen 127.0.0.1:{port}"),
        ("/tmp/", f"{folder}/"),  # noqa: S108 - the configuration's own
        ("processes auto", "processes 1"),
    ):
        assert ours in text
        text = text.replace(ours, own)
    assert next(places, None) is None
    return text


def _wait(process: subprocess.Popen[str], port: int) -> None:
    until = time.monotonic() + PATIENCE
    while True:
        with closing(socket.socket()) as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < until, "nginx does not listen"
        time.sleep(0.02)
