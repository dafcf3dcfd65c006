"""A lead in full, as text: complete alone, each fact once, lists as small tables, payloads last, nothing of Python's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from lead_mcp.engine.records import Record
from lead_mcp.outgoing.words import words_of
from tests.driving import Bench, bench

REPR = re.compile(r"[:|] ?(True|False|None)\b|Decimal\(|datetime\(|[\[{(]'|': ")


@pytest.fixture(scope="module")
def driven() -> Iterator[Bench]:
    with bench(60, environment={"LEAD_MCP_TIMEZONE": "America/New_York"}) as found:
        yield found


def text_of(driven: Bench, tool: str, **asked: Any) -> str:
    return str(getattr(driven.raw_call(tool, **asked).content[0], "text", ""))


def sold(driven: Bench) -> Record:
    """A lead that was sent to several buyers."""
    return max(
        driven.everything("leadexec"), key=lambda one: len(one.raw.get("SendInformation", {}).get("Sends") or ())
    )


def test_a_send_is_a_row_of_when_to_whom_what_became_of_it_and_for_how_much(driven: Bench) -> None:
    record = sold(driven)
    sends = record.raw["SendInformation"]["Sends"]
    lines = text_of(driven, "get_lead", uri=record.uri).split("\n")
    begin = lines.index("sends:")
    assert lines[begin + 1] == "at|buyer|outcome|price"
    for send, line in zip(sends, lines[begin + 2 :], strict=False):
        at, buyer, outcome, price = line.split("|")
        assert (buyer, Decimal(price)) == (send["Client"], Decimal(str(send["Price"])))
        assert re.fullmatch(r"2026-\d\d-\d\d \d\d:\d\d", at)
        assert outcome.split(" ")[0] in ("accepted", "refused", "returned")


def test_each_fact_stands_there_once_and_payloads_are_last(driven: Bench) -> None:
    record = sold(driven)
    text = text_of(driven, "get_lead", uri=record.uri)
    ours, raw = text.split("\nraw:\n")
    for value in (record.get("email"), record.get("last_name")):
        assert str(value) in ours
        assert not [line for line in raw.split("\n") if line.endswith(f": {value}")]
    columns = next(line for line in raw.split("\n") if line.startswith("SendUID|")).split("|")
    assert not {"Client", "DateSent", "Price", "PostData", "Response"} & {*columns}
    assert raw.index("SendUID|") < raw.index("PostData: ") < len(raw)
    first = next(nth for nth, line in enumerate(raw.split("\n")) if "<" in line)
    assert all(":" in line or "|" in line for line in raw.split("\n")[first:])


@pytest.mark.parametrize("account", ["leadexec", "convoso", "leadsquared", "octanist", "leadtrackr"])
def test_text_holds_every_fact_of_the_record_and_nothing_of_pythons(driven: Bench, account: str) -> None:
    for record in driven.everything(account)[:12]:
        found, text = driven.call("get_lead", uri=record.uri), text_of(driven, "get_lead", uri=record.uri)
        assert not REPR.search(re.sub("IsMobile: (True|False)", "", text)), "LeadExec writes that one as text"
        lines = text.split("\n")
        assert lines[0] == f"{record.uri}, times in America/New_York"
        for name, value in found["lead"].items():
            assert any(line.startswith(f"{name}: ") for line in lines), (name, value)
        for key, value in found["raw"].items():
            if isinstance(value, str) and "\n" not in value and "|" not in value and "://" not in value:
                shown = value in text or any(
                    line.startswith(f"{name}: ")
                    for name in ("created_at", "updated_at", "qualified_at")
                    for line in lines
                )
                assert shown, (key, value)


def test_lists_and_objects_are_words_in_columns_too(driven: Bench) -> None:
    for account, name in (("leadexec", "SendInformation.Sends"), ("octanist", "custom")):
        asked = {"account": account, "fields": [name], "limit": 5, "since": "2026-01-01"}
        found = driven.page(**asked)["leads"]
        assert not REPR.search(text_of(driven, "search_leads", **asked))
        assert not [row[-1] for row in found["rows"] if row[-1] and REPR.search(str(row[-1]))]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, ""),
        (True, "true"),
        (12.300000000000001, "12.3"),
        (37 / 3, "12.33"),
        (Decimal(37) / 3, "12.33"),
        (0.32467532467, "0.3247"),
        (100.0, "100"),
        (12.375, "12.375"),
        (-74.00597, "-74.00597"),
        (1_000_000, "1000000"),
        (2.0**53, "9007199254740992"),
        (["a", 1.50, None], "a, 1.5, "),
        ({"city": "Austin", "zip": "", "flags": [True]}, "city: Austin, flags: true"),
        ([{"a": 1}, {"a": 2}], "a: 1; a: 2"),
    ],
)
def test_a_value_in_words(value: Any, words: str) -> None:
    assert words_of(value) == words
