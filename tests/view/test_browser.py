"""The view in a headless browser, inside the official host side of MCP Apps (AppBridge): what a person sees and does.

``python -m tests.view.picture`` takes the picture in docs/view.md the same way.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.driving import bench
from tests.view.browsing import Seen, answers_of, browsed

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def answers() -> Iterator[Mapping[str, Any]]:
    with bench(leads=60) as driven:
        yield answers_of(driven)


@pytest.fixture(scope="module")
def seen(answers: Mapping[str, Any]) -> Seen:
    return browsed(answers)


def test_an_answer_is_a_table_and_nothing_is_loaded(seen: Seen, answers: Mapping[str, Any]) -> None:
    table = answers["search"]["result"]["structuredContent"]["leads"]
    found = seen["rows"]
    assert found["uris"] == [row[0] for row in table["rows"]]
    assert found["heads"] == table["columns"]
    assert found["rows"] == str(len(table["rows"]) + 1)
    assert {name: found["log"][name] for name in ("calls", "error", "console", "requests")} == {
        "calls": [], "error": [], "console": [], "requests": []
    }  # fmt: skip
    assert found["log"]["size"][-1]["height"] > 100


def test_numbers_sort_as_numbers_and_absent_ones_stay_last(seen: Seen) -> None:
    assert seen["sorting"] == {
        "up": [["-2.5", "9", "10", ""], "ascending"],
        "down": [["10", "9", "-2.5", ""], "descending"],
        "none": [["10", "", "9", "-2.5"], "none"],
    }


def test_rows_are_filtered_in_all_columns_or_one(seen: Seen) -> None:
    found = seen["filtering"]
    assert found["everywhere"].startswith("11 of 40 rows")
    assert found["inEmail"].startswith("0 of 40 rows")
    assert found["found"] == ["Person 39"]


def test_the_next_page_calls_the_same_tool_with_its_cursor(seen: Seen) -> None:
    found, same = seen["next_page"], {"account": "octanist", "limit": 3}
    calls = [(call["name"], call["arguments"]) for call in found["calls"]]
    assert calls == [("search_leads", {**same, "cursor": "further"}), ("search_leads", {**same, "cursor": "last"})]
    assert found["first"].startswith("5 of 5 rows here; there are more")
    assert found["hidden"]
    assert seen["failing_page"] == {"alert": "The vendor was busy.", "rows": 3, "enabled": True}


def test_the_next_page_and_the_whole_lead_are_read_from_real_answers(seen: Seen, answers: Mapping[str, Any]) -> None:
    pages = [answers["search"]["result"], answers["next"]]
    rows = [row for page in pages for row in page["structuredContent"]["leads"]["rows"]]
    assert seen["real_answers"]["names"] == [row[1] for row in rows]
    lead = answers["lead"]["structuredContent"]
    shown = [lead["uri"], *(str(value) for value in lead["lead"].values() if isinstance(value, str) and value)]
    assert [one for one in shown if one not in seen["real_answers"]["facts"]] == []


def test_a_row_opens_the_whole_record_and_can_be_asked_about(seen: Seen) -> None:
    found = seen["details"]
    assert found["calls"] == [{"name": "get_lead", "arguments": {"uri": "lead://octanist/1"}}]
    assert "The whole person" in found["facts"]
    assert "their word" in found["facts"]
    assert found["focus"] == "one"
    assert found["back"] == "lead://octanist/1"
    (message,) = found["message"]
    assert message == {"role": "user", "content": [{"type": "text", "text": "About lead://octanist/1: Is it new?"}]}


def test_five_thousand_rows_are_few_elements_and_quick(seen: Seen) -> None:
    """Bounds a busy machine keeps: milliseconds from the host's call to the rows, of a sort, of a step of scrolling."""
    found = seen["many_rows"]
    assert found["before"] < 60
    assert found["after"] < 60
    assert found["last"] == "5001"
    assert found["found"] == ["Person 4999"]
    assert (found["took"] < 10_000, found["sort"] < 2_000, found["scroll"] < 500) == (True, True, True)


def test_what_strangers_typed_stays_text(seen: Seen) -> None:
    found = seen["poison"]
    assert found["names"] == found["evil"]
    assert found["elements"] == 0
    assert all(one in found["facts"] for one in found["evil"][:3])
    assert found["title"] == "Leads"
    assert found["log"]["console"] == found["log"]["requests"] == []


def test_everything_is_done_by_keyboard(seen: Seen) -> None:
    found = seen["keyboard"]
    order = [
        *"tab-0 filter column copy".split(),
        "Leads, rows",
        *"uri name email phone status created_at value".split(),
    ]
    assert found["order"] == [*order, "lead://octanist/0", "question"]
    assert found["stops"] == 1
    assert found["end"] == found["back"] == "lead://octanist/299"
    assert int(found["walked"].rpartition("/")[2]) > 5
    assert (found["opened"], found["sort"]) == ("one", "ascending")
    assert found["right"] == ["Leads: bars", "true"]


def test_no_rule_of_accessibility_is_broken_in_either_theme(seen: Seen) -> None:
    found = seen["accessible"]
    assert {name.split()[0] for name in found} == {"light", "dark"}
    assert len(found) > 30
    assert {name: one["violations"] for name, one in found.items() if one["violations"] or one["passes"] < 20} == {}


def test_the_hosts_theme_and_colours_are_taken(seen: Seen) -> None:
    found = seen["theme"]
    assert (found["light"], found["dark"]) == ("rgb(255, 255, 255)", "rgb(22, 24, 28)")
    assert found["ink"] == "rgb(18, 52, 86)"
    assert (found["kept"], found["errors"]) == ("", [])


def test_a_host_that_listens_late_or_can_little_is_served(seen: Seen) -> None:
    assert seen["slow_host"]["names"] == ["Person 0", "Person 1", "Person 2"]
    small = seen["small_host"]
    assert (small["more"], small["ask"]) == (True, True)
    assert "p0@example.com" in small["facts"]


def test_copied_rows_are_no_formulas(seen: Seen) -> None:
    rows = seen["csv"]["csv"].split("\n")
    assert '"\'=HYPERLINK(1)"' in rows[1]
    assert rows[1].endswith('"-3"')
    assert not re.search(r'(^|,)"[=+@]', seen["csv"]["csv"], re.MULTILINE)
    assert seen["csv"]["marked"] == "csv"


def test_each_tools_answer_has_its_figures(seen: Seen) -> None:
    found = seen["figures"]
    tabs = {name: one["tabs"] for name, one in found.items()}
    assert tabs["groups"] == ["Groups", "Groups: bars", "Groups: over time"]
    assert tabs["story"][:2] == ["Story", "Events"]
    assert tabs["sql"] == ["Result", "Result: bars"]
    assert tabs["pings"][:3] == ["Pings", "Pings: bars", "Pings: over time"]
    assert found["story"]["story"] > 2
    assert all(label and bars for one in found.values() for label, bars in one["figures"]), json.dumps(found)


def test_a_failure_is_said(seen: Seen) -> None:
    assert seen["failures"] == {"alert": "No account.", "status": ""}
