"""The fuzzer's targets over their seeds, over what they stumbled over once, and over a little chance."""

from __future__ import annotations

import random

import pytest

from tests.fuzz.__main__ import TARGET_NAMES
from tests.fuzz.kept import seeds
from tests.fuzz.targets import TARGETS

pytestmark = pytest.mark.slow
TRIES = 20


def test_every_target_can_be_named() -> None:
    assert tuple(TARGETS) == TARGET_NAMES


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_takes_its_samples_and_any_bytes(name: str) -> None:
    for seed in seeds(name):
        TARGETS[name](seed)
    chance = random.Random(name)
    for _ in range(TRIES):
        TARGETS[name](chance.randbytes(chance.randrange(80)))
