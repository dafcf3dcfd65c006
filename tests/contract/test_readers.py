"""Whatever a vendor replies, its readers give rows or an error of ours: no mutated reply brings another exception out."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
from hypothesis import settings

from lead_mcp import vendors
from lead_mcp.errors import LeadMcpError
from tests.contract.replies import Sample, mutants, readers_of, recorded
from tests.profiles import PROFILES
from tests.writing.desk import Desk, desk, emulators

EVERYTHING = {"LEAD_MCP_WRITES": "allow", "LEAD_MCP_DELETES": "allow"}
FEW = 11
"""In the quick profile, one mutation in so many is tried."""


@pytest.fixture(scope="module")
def hands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk(tmp_path_factory.mktemp("state"), emulators(40), environment=EVERYTHING) as found:
        yield found


@pytest.fixture(scope="module")
def samples(hands: Desk) -> dict[str, list[Sample]]:
    return {name: recorded(hands, name) for name in vendors.NAMES}


@pytest.mark.parametrize("vendor", vendors.NAMES)
def test_every_reader_of_a_vendor_was_given_a_good_reply(samples: dict[str, list[Sample]], vendor: str) -> None:
    found = {sample.reader for sample in samples[vendor]}
    assert found == {*readers_of(vendors.vendor(vendor), vendor)}


@pytest.mark.parametrize("vendor", vendors.NAMES)
def test_a_mutated_reply_is_read_or_refused(samples: dict[str, list[Sample]], vendor: str) -> None:
    step = 1 if settings.get_current_profile_name() == "thorough" else FEW
    odd: dict[str, str] = {}
    for sample in samples[vendor]:
        for nth, (word, reply) in enumerate(mutants(sample)):
            if nth % step:
                continue
            try:
                sample.read(reply)
            except LeadMcpError as error:
                if error.retry_after is not None and not (0 <= error.retry_after < math.inf):
                    odd[f"{sample.reader}: {word}"] = f"wait {error.retry_after}"
            except Exception as error:  # noqa: BLE001 - that is what is looked for
                odd[f"{sample.reader}: {word}"] = repr(error)[:200]
    assert PROFILES
    assert not odd, "\n".join(f"{where} -> {what}" for where, what in list(odd.items())[:40])
