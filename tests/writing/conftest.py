"""Emulators that live as long as a module, a PostgreSQL server that lives as long as the run."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest

from lead_mcp.sandbox.app import Sandbox
from tests.writing.cluster import Missing, cluster, fresh_database
from tests.writing.desk import Desk, emulators, on_loopback

_names = itertools.count(1)


@pytest.fixture(scope="module")
def box() -> Sandbox:
    return emulators()


@pytest.fixture(scope="module")
def origin(box: Sandbox) -> Iterator[str]:
    """The module's emulators over loopback HTTP."""
    with on_loopback(box) as found:
        yield found


@pytest.fixture
def faultless(box: Sandbox) -> None:
    """Emulators that behave, whatever an earlier test planned."""
    box.mend()


@pytest.fixture
def hands(asking: Desk, faultless: None) -> Iterator[Desk]:
    """The module's client that can ask (its fixture ``asking``), and a clerk who says yes until told otherwise."""
    clerk = asking.clerk
    clerk.says, clerk.meanwhile, clerk.asked[:] = "yes", None, []
    yield asking
    assert asking.journal.verify() == []


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Callable[[], str]]:
    """Gives the URL of a new database each time it is called."""
    try:
        with cluster() as url:
            yield lambda: fresh_database(url, f"journal{next(_names)}")
    except Missing as missing:
        pytest.skip(str(missing))
