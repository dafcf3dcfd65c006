"""Emulators that live as long as a module, and states that do not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lead_mcp.sandbox.app import Sandbox
from tests.writing.desk import emulators, on_loopback


@pytest.fixture(scope="module")
def box() -> Sandbox:
    return emulators()


@pytest.fixture(scope="module")
def origin(box: Sandbox) -> Iterator[str]:
    """The module's emulators over loopback HTTP."""
    with on_loopback(box) as found:
        yield found


@pytest.fixture(autouse=True)
def _no_faults(box: Sandbox) -> None:
    for stage in box.stages.values():
        stage.faults.clear()
