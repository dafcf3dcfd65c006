"""How much memory a process has had at most, as Linux counts it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

BOUND: Final = 64_000_000
"""Bytes by which one call may make a process grow; what the worst replies unfold into is more."""


def peak(process: int | str = "self") -> int:
    """Bytes of the most resident memory since it was last forgotten; 0 where nobody counts it."""
    status = Path(f"/proc/{process}/status")
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return int(found[1]) * 1024 if found else 0


def forget_peak(process: int | str = "self") -> int:
    """The peak from now on; the resident memory as it is."""
    place = Path(f"/proc/{process}/clear_refs")
    if place.exists():
        place.write_text("5")
    return peak(process)
