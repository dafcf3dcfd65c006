"""A cage for the tests of a module, if DuckDB is here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lead_mcp.sql.cage import is_installed
from tests.sql.asking import Asked, asked


@pytest.fixture(scope="module")
def engine() -> Iterator[Asked]:
    if not is_installed():
        pytest.skip("DuckDB is the extra `sql`")
    with asked() as found:
        yield found
