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
# nor does it read the developer's configuration
os.environ["XDG_CONFIG_HOME"] = f"{STATE.name}/config"

EARLY = ("tests/process/", "tests/writing/", "tests/contract/")
"""Modules that take longest start first, so that no worker is left alone with one at the end."""
DEAR = (
    "tests/answers/test_budgets.py::test_pages_cut_by_their_budget_give_every_row_exactly_once",
    "tests/answers/test_mask_maps.py",
    "tests/answers/test_masks.py::test_no_column_of_any_name_shows_a_personal_value",
    "tests/answers/test_masks.py::test_no_reading_tool_shows_a_personal_value",
    "tests/answers/test_poison.py",
    "tests/answers/test_stories.py::test_a_lead_that_went_to_two_buyers_is_pointed_out",
    "tests/answers/test_stories.py::test_by_whatever_name_every_lead_at_every_vendor_is_found",
    "tests/answers/test_stories.py::test_duplicates_at_one_account_are_pointed_out_by_their_uris",
    "tests/answers/test_summaries.py::test_every_figure_of_one_account_is_that_of_a_count_over_everything",
    "tests/answers/test_summary_dialects.py",
    "tests/answers/test_turns.py",
    "tests/approvals/",
    "tests/contract/test_capabilities.py",
    "tests/contract/test_dialects.py",
    "tests/contract/test_readers.py",
    "tests/engine/test_failures.py",
    "tests/engine/test_finding.py",
    "tests/engine/test_finding.py::test_a_story_takes_few_requests_too",
    "tests/engine/test_first_of_many.py",
    "tests/engine/test_found_at_once.py",
    "tests/engine/test_names.py::test_raw_and_a_vendors_name_find_what_the_name_finds",
    "tests/engine/test_numbers.py",
    "tests/engine/test_odd_replies.py",
    "tests/engine/test_other_vendors.py",
    "tests/engine/test_pages.py::test_all_accounts_in_batches_give_every_match_exactly_once",
    "tests/engine/test_pages.py::test_sorted_over_batches_every_match_comes_exactly_once",
    "tests/engine/test_presence.py",
    "tests/engine/test_projection.py",
    "tests/exports/",
    "tests/identity/test_issuer.py",
    "tests/identity/test_matrix.py",
    "tests/installing/test_doctor.py",
    "tests/installing/test_init.py",
    "tests/mirror/",
    "tests/process/test_cli.py",
    "tests/process/test_cli_writes.py",
    "tests/process/test_connections.py",
    "tests/process/test_doors.py",
    "tests/process/test_ends.py",
    "tests/process/test_http.py",
    "tests/process/test_resource_links.py",
    "tests/process/test_typescript.py",
    "tests/sql/test_cage.py",
    "tests/sql/test_hostile.py",
    "tests/sql/test_live.py",
    "tests/test_evals.py",
    "tests/test_evals_model.py",
    "tests/test_promised_shape.py",
    "tests/test_secrets.py",
    "tests/test_secrets.py::test_a_wrong_setting_is_named_without_its_value",
    "tests/test_secrets.py::test_no_repr_shows_a_secret",
    "tests/writing/test_damage.py",
    "tests/writing/test_duplicates.py::test_a_crowd_of_newer_leads_hides_nobody",
    "tests/writing/test_kills.py",
    "tests/writing/test_once.py::test_a_lost_answer_is_settled_by_the_same_key",
    "tests/writing/test_once.py::test_what_cannot_be_settled_stays_unknown_and_is_never_sent_again",
    "tests/writing/test_ownership.py",
    "tests/writing/test_process.py",
    "tests/writing/test_settling.py",
    "tests/writing/test_stuck_journal.py",
)
"""Modules, and single tests, that are marked slow: left to ``make check``."""
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
