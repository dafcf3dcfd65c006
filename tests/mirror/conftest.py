"""A PostgreSQL server that lives as long as the run, for catalogs of lakes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest

from tests.mirror.lakes import LakeSite, needs_the_lake
from tests.writing.cluster import Missing, cluster, fresh_database

_names = itertools.count(1)


@pytest.fixture(scope="session")
def catalogs() -> Iterator[Callable[[], str]]:
    """Gives the URL of a new database each time it is called."""
    needs_the_lake()
    try:
        with cluster() as url:
            yield lambda: fresh_database(url, f"lake{next(_names)}")
    except Missing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def site(catalogs: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> LakeSite:
    """An empty lake in a folder."""
    folder = tmp_path_factory.mktemp("lake")
    return LakeSite(catalogs(), str(folder / "data"), folder)
