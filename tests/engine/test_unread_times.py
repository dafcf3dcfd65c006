"""A time that stands there and cannot be read is told from what vendors write where there is none."""

from __future__ import annotations

import pytest

from lead_mcp.vendors.spec.fields import Field, moment

CREATED = Field("created", codec=moment())


@pytest.mark.parametrize("none", [None, "", "0000-00-00 00:00:00", "0001-01-01T00:00:00", "1753-01-01", "1900-01-01"])
def test_what_means_no_time_is_read(none: str | None) -> None:
    assert CREATED.read({"created": none}) is None
    assert not CREATED.is_unreadable({"created": none})


@pytest.mark.parametrize("odd", ["27/11/2026 10:00", "Nov 27", "2026-13-45T00:00:00", 1764236400, "1901-40-01"])
def test_what_may_be_any_time_is_not(odd: object) -> None:
    assert CREATED.read({"created": odd}) is None
    assert CREATED.is_unreadable({"created": odd})


@pytest.mark.parametrize("time", ["2026-11-27T10:00:00Z", "1901-01-01", "2026-11-27 10:00:00"])
def test_a_time_is_read(time: str) -> None:
    assert CREATED.read({"created": time}) is not None
    assert not CREATED.is_unreadable({"created": time})
