"""A client's own command for adding and removing servers, run without a terminal."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from typing import Final

PATIENCE: Final = 60.0
"""Seconds such a command may take."""


def ran(program: str, words: Sequence[str]) -> bool:
    """Whether it ended well. What it did is looked up in the client's file, whatever it says."""
    try:
        ended = subprocess.run(  # noqa: S603 - the client's own program, as found on the PATH
            [program, *words], stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return ended.returncode == 0
