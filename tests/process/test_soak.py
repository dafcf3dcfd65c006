"""The short form of ``make soak``: everything at once for three quarters of a minute, and nothing at fault."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest

from soak.growth import ALLOWED, growth
from tests.process.processes import PATIENCE, ROOT, clean

SHORT = ("--minutes", "0.75", "--leads", "60", "--pace", "1")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="sizes are read from /proc")
def test_under_mixed_load_nothing_is_wrong_lost_or_left() -> None:
    command = [sys.executable, "-m", "soak", *SHORT]
    ended = subprocess.run(
        command, env=clean(), cwd=ROOT, capture_output=True, text=True, timeout=6 * PATIENCE, check=False
    )
    assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}"


@pytest.mark.parametrize(("a_minute", "grows"), [(0.0, False), (0.05, False), (1.0, True)])
def test_growth_is_told_from_noise(a_minute: float, grows: bool) -> None:
    """An hour's samples of 120 MiB, give or take 20, with a lot more while everything loads."""
    dice = random.Random(1)
    values = [120 + 60 * (nth < 200) + a_minute * nth / 20 + dice.uniform(-20, 20) for nth in range(1200)]
    found = growth(values, ALLOWED["memory MiB"])
    assert found is not None
    assert found.is_too_much is grows
