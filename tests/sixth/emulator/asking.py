"""Reading what a list is asked: filters, order and page, as the document in ``app`` has them. Strict about all else."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tests.sixth.emulator.store import CHANNELS, STATUSES, Cut, Lead, RefusedError, Test, folded, value_at

Params = Sequence[tuple[str, str]]

FILTER: Final = re.compile(r"filter\[([a-z.]+)\]\[([a-z]+)\]")
WHOLE: Final = re.compile(r"-?\d{1,15}", re.ASCII)
E164: Final = re.compile(r"\+\d{7,15}", re.ASCII)
COMPARE: Final[Mapping[str, Callable[[int, int], bool]]] = {
    "eq": operator.eq,
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
RANGE: Final = frozenset({"gt", "gte", "lt", "lte"})
TEXTS: Final = ("person.email", "person.phone", "address.city", "campaign")
WORDS: Final[Mapping[str, Sequence[str]]] = {"status": STATUSES, "channel": CHANNELS}
NUMBERS: Final = {"amount": RANGE | {"eq"}, "created": RANGE, "updated": RANGE}
NULLABLE: Final = ("amount",)
SORTS: Final = ("created", "-created", "updated", "-updated")
SEARCHED: Final = ("person.first", "person.last", "person.email", "person.phone", "company")
PAGES: Final = {"leads": 100, "find": 50, "people": 5, "calls": 10}


@dataclass(frozen=True)
class Asked:
    """One question to a list."""

    test: Test
    sort: str
    size: int
    token: str | None
    sealed: str

    def cut(self, *, short: bool) -> Cut:
        return Cut(self.size, self.token, self.sealed, short)


def leads_asked(params: Params) -> Asked:
    given = single(params)
    sort = given.get("sort", "-created")
    if sort not in SORTS:
        raise RefusedError(400, "invalid_request", f"sort: one of {', '.join(SORTS)}")
    return asked("leads", given, [test_of(key, text) for key, text in filters(given)], {"sort"}, sort)


def found_asked(params: Params) -> Asked:
    given = single(params)
    if len(given.get("q", "")) < 2:
        raise RefusedError(400, "invalid_request", "q: at least two characters")
    if bad := [key for key, _ in filters(given) if key not in ("filter[created][gte]", "filter[created][lt]")]:
        raise RefusedError(400, "invalid_filter", f"{bad[0]}: not here")
    needle = folded(given["q"])

    def holds(lead: Lead) -> bool:
        return any(needle in folded(str(value_at(lead, path) or "")) for path in SEARCHED)

    return asked("find", given, [holds, *(test_of(key, text) for key, text in filters(given))], {"q"})


def person_asked(params: Params) -> Asked:
    given = single(params)
    named = [name for name in ("email", "phone") if name in given]
    if len(named) != 1:
        raise RefusedError(400, "invalid_request", "either email or phone")
    test = text_test(f"person.{named[0]}", given[named[0]])
    return asked("people", given, [test], {"email", "phone"})


def calls_asked(params: Params) -> Asked:
    given = single(params)
    ends = {"started[gte]": operator.ge, "started[lt]": operator.lt}
    tests = [number_test("started", compare, whole(key, given[key])) for key, compare in ends.items() if key in given]
    return asked("calls", given, tests, set(ends))


def asked(what: str, given: Mapping[str, str], tests: Sequence[Test], known: set[str], sort: str = "") -> Asked:
    strange = [key for key in given if key not in {*known, "page_size", "page_token"} and not FILTER.fullmatch(key)]
    if strange or (what in ("people", "calls") and filters(given)):
        raise RefusedError(400, "invalid_request", f"unknown parameters: {', '.join(strange)}")
    size = whole("page_size", given.get("page_size", "25" if PAGES[what] >= 25 else str(PAGES[what])))
    if not 1 <= size <= PAGES[what]:
        raise RefusedError(400, "invalid_request", f"page_size: 1 to {PAGES[what]}")
    rest = sorted((key, text) for key, text in given.items() if key not in ("page_size", "page_token"))
    return Asked(lambda lead: all(test(lead) for test in tests), sort, size, given.get("page_token"), f"{what}{rest}")


def single(params: Params) -> dict[str, str]:
    found = dict(params)
    if len(found) < len(params):
        raise RefusedError(400, "invalid_request", "a parameter was given twice")
    return found


def filters(given: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(key, text) for key, text in given.items() if FILTER.fullmatch(key)]


# --- one filter ---------------------------------------------------------------------------------------------------


def test_of(key: str, text: str) -> Test:
    parts = FILTER.fullmatch(key)
    name, op = (parts[1], parts[2]) if parts else ("", "")
    if op == "null" and name in NULLABLE:
        return null_test(name, text)
    if name in WORDS and op in ("eq", "in"):
        return words_test(name, text.split(",") if op == "in" else [text])
    if name in TEXTS and op == "eq":
        return text_test(name, text)
    if name in NUMBERS and op in NUMBERS[name]:
        return number_test(name, COMPARE[op], whole(key, text))
    raise RefusedError(400, "invalid_filter", f"{key}: no such filter")


def null_test(name: str, text: str) -> Test:
    if text not in ("true", "false"):
        raise RefusedError(400, "invalid_filter", f"{name}: true or false")
    return lambda lead: (value_at(lead, name) is None) is (text == "true")


def words_test(name: str, words: Sequence[str]) -> Test:
    if bad := [word for word in words if word not in WORDS[name]]:
        raise RefusedError(400, "invalid_filter", f"{name}: no such word {bad[0]!r}")
    return lambda lead: lead[name] in words


def text_test(path: str, text: str) -> Test:
    if not text or (path == "person.phone" and not E164.fullmatch(text)):
        raise RefusedError(400, "invalid_filter", f"{path}: no such value can be")
    wanted = folded(text)

    def holds(lead: Lead) -> bool:
        value = value_at(lead, path)
        return value is not None and folded(value) == wanted

    return holds


def number_test(path: str, compare: Callable[[int, int], bool], wanted: int) -> Test:
    def holds(row: Lead) -> bool:
        value: Any = value_at(row, path)
        return value is not None and compare(value, wanted)

    return holds


def whole(key: str, text: str) -> int:
    if not WHOLE.fullmatch(text):
        raise RefusedError(400, "invalid_request", f"{key}: a whole number")
    return int(text)
