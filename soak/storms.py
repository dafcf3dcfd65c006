"""Vendors that fail now and then: rounds of faults, then a longer calm."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from typing import Any, Final

import anyio
import httpx2

from lead_mcp.vendors import NAMES
from soak.calls import GRACE, Run

HUGE: Final[Mapping[str, Any]] = {"kind": "huge", "bytes": 20_000_000}
KINDS: Final[tuple[Mapping[str, Any], ...]] = (
    {"kind": "status", "status": 503},
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 429, "retry_after": 1},
    {"kind": "slow", "seconds": 1.5},
    {"kind": "hang"},
    {"kind": "hang_after"},
    {"kind": "cut"},
    {"kind": "cut_after"},
    {"kind": "truncate"},
    {"kind": "html"},
    {"kind": "garbage"},
    {"kind": "empty"},
    HUGE,
    {"kind": "redirect"},
)
STORM: Final = 25.0
"""Seconds of faults in a round."""
CALM: Final = GRACE + 40.0
"""Seconds without: answers must be whole in the last 40 of them."""


async def storms(run: Run, dice: random.Random) -> None:
    """Rounds until the end of the run, the first of which begins in a calm of half of it at most."""
    async with httpx2.AsyncClient(base_url=run.house.emulators, trust_env=False, timeout=60) as http:
        run.clock.calm_since = time.monotonic() - GRACE  # nothing has failed yet
        await anyio.sleep(min(CALM - GRACE, run.clock.seconds / 2))
        while run.clock.is_running:
            await _storm(run, http, dice, min(STORM, run.clock.seconds / 5))
            await anyio.sleep(min(CALM, max(0, run.clock.seconds - run.clock.elapsed)))


async def _storm(run: Run, http: httpx2.AsyncClient, dice: random.Random, seconds: float) -> None:
    run.clock.calm_since = None
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        fault = {"vendor": dice.choice(NAMES), "times": dice.randint(1, 4), **dice.choice(KINDS)}
        (await http.post("/_faults", json=fault)).raise_for_status()
        run.tally.count("faults")
        await anyio.sleep(dice.uniform(0.2, 1.5))
    (await http.delete("/_faults")).raise_for_status()
    run.clock.calm_since = time.monotonic()
