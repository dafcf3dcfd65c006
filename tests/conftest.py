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
MOST_WORKERS = 6


def pytest_xdist_auto_num_workers() -> int:
    """One worker more than there are processors, since some tests wait for processes of their own."""
    return min(MOST_WORKERS, len(os.sched_getaffinity(0)) + 1) if hasattr(os, "sched_getaffinity") else 3


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(EARLY))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
