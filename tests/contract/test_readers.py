"""Whatever a vendor replies, its readers give rows or an error of ours: no mutated reply brings another exception out."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import pytest
from hypothesis import settings

from lead_mcp.errors import LeadMcpError
from lead_mcp.vendors.spec.reading import Page, Recording
from lead_mcp.vendors.spec.vendor import Vendor, account_of
from lead_mcp.vendors.spec.writing import WriteResult
from tests.contract.replies import Sample, mutants, readers_of, recorded
from tests.driving import Bench, bench
from tests.facts import TRIED, settled, vendor_of

EVERYTHING = {"LEAD_MCP_WRITES": "allow", "LEAD_MCP_DELETES": "allow"}
FEW = 11
"""In the quick profile, one mutation in so many is tried."""


@pytest.fixture(scope="module")
def driven(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    own = {**EVERYTHING, "LEAD_MCP_STATE_DIR": str(tmp_path_factory.mktemp("state"))}
    with bench(40, only=TRIED, options=settled(), environment=own) as found:
        yield found


@pytest.fixture(scope="module")
def samples(driven: Bench) -> dict[str, list[Sample]]:
    return {name: recorded(driven, name) for name in TRIED}


@pytest.mark.parametrize("vendor", TRIED)
def test_every_reader_of_a_vendor_was_given_a_good_reply(samples: dict[str, list[Sample]], vendor: str) -> None:
    found = {sample.reader for sample in samples[vendor]}
    assert found == {*readers_of(vendor_of(vendor), vendor)}


@pytest.mark.parametrize("vendor", TRIED)
def test_a_mutated_reply_is_read_or_refused(samples: dict[str, list[Sample]], vendor: str) -> None:
    step = 1 if settings.get_current_profile_name() == "thorough" else FEW
    odd: dict[str, str] = {}
    for sample in samples[vendor]:
        for word, reply in [*mutants(sample)][::step]:
            try:
                check(vendor_of(vendor), sample.read(reply))
            except LeadMcpError as error:
                if error.retry_after is not None and not (0 <= error.retry_after < math.inf):
                    odd[f"{sample.reader}: {word}"] = f"wait {error.retry_after}"
            except Exception as error:  # noqa: BLE001 - that is what is looked for
                odd[f"{sample.reader}: {word}"] = repr(error)[:200]
    assert not odd, "\n".join(f"{where} -> {what}" for where, what in list(odd.items())[:40])


def check(vendor: Vendor, found: Any) -> None:
    """What a reader gave is of the types it promises, and can be read on."""
    account = account_of(vendor, "north")
    rows = found.rows if isinstance(found, Page) else found if isinstance(found, list | tuple) else []
    for row in rows:
        if isinstance(row, Mapping):
            json.dumps(row, allow_nan=False)
            assert isinstance(vendor.leads.identify(account, row, None), str | None)
            assert all(isinstance(event.at, datetime) for event in vendor.events(account, row))
        if isinstance(row, Recording):
            assert isinstance(row.url, str | None)
            assert row.seconds is None or row.seconds >= 0
    if isinstance(found, Page):
        assert found.total is None or found.total >= 0
        assert found.more in (None, True, False)
    if isinstance(found, WriteResult):
        assert isinstance(found.id, str | None)
        assert all(isinstance(one, str) for one in found.warnings)
