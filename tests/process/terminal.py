"""A person at a terminal: a command in a process, with answers typed as its questions come."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence

from tests.process.processes import PATIENCE, PROGRAM, PROMPT, clean


def typed(environment: Mapping[str, str], answers: Sequence[tuple[str, str]], *words: str) -> tuple[int, str]:
    """The exit code and all that was shown. ``answers``: what is typed once a question holds the first text, in order."""
    person, terminal = pty.openpty()
    process = subprocess.Popen(
        [*PROGRAM, *words],
        env=clean(environment),
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
        # passwords are read from the process's own terminal
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - takes no lock
    )
    os.close(terminal)
    said, seen, left, until = "", 0, list(answers), time.monotonic() + PATIENCE
    try:
        while time.monotonic() < until:
            if not select.select([person], [], [], 0.1)[0]:
                continue
            try:
                said += os.read(person, 4096).decode()
            except OSError:  # the terminal is closed: the process has ended
                break
            if left and left[0][0] in said[seen:] and said.endswith((": ", "] ")):
                seen = len(said)
                os.write(person, f"{left.pop(0)[1]}\n".encode())
        assert not left, f"never asked for {left}: {said}"
        return process.wait(PROMPT), said
    finally:
        process.kill()
        process.wait(PROMPT)
        os.close(person)
