"""A telephone number is that number in every spelling: in filters of every kind, by ids, in summaries."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from lead_mcp.engine.records import Record
from lead_mcp.filters import Filter, Kind, Op, matches, numbered, typed
from lead_mcp.phones import e164, extension_of
from tests.asking import UTC_ZONE
from tests.driving import DAWN, NOW, Bench, bench, entry, uris
from tests.facts import TRIED

EVER: dict[str, Any] = {"since": DAWN.isoformat(), "limit": 200}


@pytest.fixture(scope="module")
def driven() -> Iterator[Bench]:
    with bench(120, only=TRIED) as found:
        yield found


def spellings(number: str) -> list[str]:
    area, office, line = number[2:5], number[5:8], number[8:]
    return [number, f"({area}) {office}-{line}", f"{area}.{office}.{line}", f"001 {area} {office} {line}"]


def number_of(one: Record) -> str | None:
    phone = one.get("phone")
    return None if phone is None else e164(str(phone), "US")


@pytest.mark.parametrize("account", TRIED)
def test_every_operator_of_sameness_means_the_number(driven: Bench, account: str) -> None:
    records = driven.everything(account)
    numbers = [number for one in records if (number := number_of(one))]
    wanted, other = numbers[7], numbers[40]
    for nth, spelled in enumerate(spellings(wanted)):
        everyone: set[str | None] = {*numbers}
        asked: list[tuple[str, Any, set[str | None]]] = [
            ("eq", spelled, {wanted}),
            ("in", [spelled, spellings(other)[nth]], {wanted, other}),
            ("ne", spelled, everyone - {wanted}),
            ("not_in", [spelled, spellings(other)[nth]], everyone - {wanted, other}),
        ]
        for op, value, those in asked:
            filters = [{"field": "phone", "op": op, "value": value}]
            expected = {one.uri for one in records if one.get("phone") is not None and number_of(one) in those}
            page = driven.page(account=account, filters=filters, **EVER)
            assert set(uris([page])) == expected, (op, value)
            assert any(word.startswith(f"phone {op}") for word in entry(page, account)["checked_here"])
            total = driven.call("summarize_leads", account=account, filters=filters, since=DAWN.isoformat())["total"]
            assert total == len(expected)


def test_so_it_does_among_ids(driven: Bench) -> None:
    one = next(one for one in driven.everything("octanist") if number_of(one))
    ids = [other.uri for other in driven.everything("octanist")]
    number = str(number_of(one))
    same = {other.uri for other in driven.everything("octanist") if number_of(other) == number}
    for spelled in spellings(number):
        page = driven.page(ids=ids, filters=[{"field": "phone", "op": "eq", "value": spelled}], limit=200)
        assert set(uris([page])) == same


@pytest.mark.parametrize(
    ("wanted", "held", "same"),
    [
        ("+12135550101", "213-555-0101", True),
        ("+12135550101 x101", "213-555-0101", True),
        ("+12135550101 x101", "213-555-0101 ext. 102", False),
        ("+12135550101", "213-555-0102", False),
        ("ask Ann", "ASK ANN", True),
        ("ask Ann", "+12135550101", False),
        ("+12135550101", "ask Ann", False),
    ],
)
def test_extensions_tell_people_apart_and_what_is_no_number_is_text(wanted: str, held: str, same: bool) -> None:
    for op, value in (("eq", wanted), ("in", [wanted]), ("ne", wanted), ("not_in", [wanted])):
        (clause,) = typed(Filter("phone", Op(op), value), Kind.TEXT, UTC_ZONE, NOW)
        assert matches(numbered(clause, "US"), held) is (same if op in ("eq", "in") else not same)
    assert extension_of(wanted, "US") == ("101" if "x101" in wanted else "")
