"""What every test stands on."""

from __future__ import annotations

import os
import tempfile

import pytest

from tests import profiles

profiles.register()

# a server that was told no state folder keeps none of the developer's: this process has one of its own
STATE = tempfile.TemporaryDirectory(prefix="lead-mcp-tests-")
os.environ["XDG_STATE_HOME"] = STATE.name

EARLY = ("tests/process/", "tests/writing/", "tests/contract/")
"""Modules that take longest start first, so that no worker is left alone with one at the end."""
DEAR = (
    "tests/answers/test_mask_maps.py",
    "tests/answers/test_poison.py",
    "tests/contract/test_dialects.py",
    "tests/contract/test_readers.py",
    "tests/process/test_typescript.py",
    "tests/writing/test_kills.py",
    "tests/writing/test_settling.py",
)
"""Modules that are marked slow as a whole: left to ``make check``."""
MOST_WORKERS = 6


def pytest_xdist_auto_num_workers() -> int:
    """One worker more than there are processors, since some tests wait for processes of their own."""
    return min(MOST_WORKERS, len(os.sched_getaffinity(0)) + 1) if hasattr(os, "sched_getaffinity") else 3


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.nodeid.startswith(DEAR):
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: not item.nodeid.startswith(EARLY))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
