"""What is changed in a reply that a vendor means well: its rows, its counters, the words for numbers and times.

Rows are the outermost arrays of objects of a reply, whoever sent it; what stands beside them are its counters.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

Change = Callable[[Any], Any]
TOTALS: Final = frozenset({"total", "Total", "QueryTotal", "RecordCount", "totalPages"})
MORE: Final = frozenset({"hasMore"})
TIME: Final = re.compile(r"(\d{4}-\d\d-\d\d)([T ])(\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:?\d\d)?")
NUMERAL: Final = re.compile(r"-?\d+(\.\d+)?")


def rows(change: Callable[[list[Any]], list[Any]]) -> Change:
    """Every array of records, changed."""

    def walk(value: Any) -> Any:
        if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
            return change(value)
        return {key: walk(inner) for key, inner in value.items()} if isinstance(value, dict) else value

    return walk


def leaves(change: Callable[[Any], Any]) -> Change:
    """Every text, number and flag in the records, changed; their names and what is round them stay."""

    def walk(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: walk(inner) for key, inner in value.items()}
        return [walk(one) for one in value] if isinstance(value, list) else change(value)

    return rows(lambda found: [walk(one) for one in found])


def counters(names: frozenset[str], value: Callable[[Any], Any]) -> Change:
    """Every counter of these names, outside the records, with another value."""

    def walk(found: Any) -> Any:
        if not isinstance(found, dict):
            return found
        return {key: value(inner) if key in names else walk(inner) for key, inner in found.items()}

    return walk


def shifted() -> Change:
    """From the second page on, what a new lead at the top does to pages: each begins with the last row of the one before."""
    before: list[Any] = []

    def change(found: list[Any]) -> list[Any]:
        pushed = [*before, *found[:-1]] if before else found
        before[:] = found[-1:]
        return pushed

    return rows(change)


def frozen() -> Change:
    """The first page again and again: paging is ignored."""
    first: list[Any] = []

    def change(found: list[Any]) -> list[Any]:
        first[:] = first or found
        return list(first)

    return rows(change)


def shuffled(found: list[Any]) -> list[Any]:
    return random.Random(len(found)).sample(found, len(found))


def twice(found: list[Any]) -> list[Any]:
    return [one for one in found for _ in range(2)]


def without_last(found: list[Any]) -> list[Any]:
    return found[:-1] if len(found) > 1 else found


def first_is(value: Any) -> Callable[[list[Any]], list[Any]]:
    return lambda found: [value, *found[1:]]


def no_number(value: Any) -> Any:
    return None if isinstance(value, int | float) and not isinstance(value, bool) else value


def as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def as_words(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def times(spell: Callable[[re.Match[str]], Any]) -> Change:
    """Every moment in the records, spelled in another way."""

    def change(value: Any) -> Any:
        found = TIME.fullmatch(value) if isinstance(value, str) else None
        return spell(found) if found else value

    return leaves(change)


def parts(found: re.Match[str]) -> Sequence[str]:
    """Day, separator, time of day, fraction, zone; "" where there is none."""
    return [part or "" for part in found.groups()]


def other_separator(found: re.Match[str]) -> str:
    day, mark, clock, fraction, zone = parts(found)
    return f"{day}{' ' if mark == 'T' else 'T'}{clock}{fraction}{zone}"


def more_digits(found: re.Match[str]) -> str:
    day, mark, clock, fraction, zone = parts(found)
    return f"{day}{mark}{clock}{fraction or '.'}000{zone}"


def other_zero(found: re.Match[str]) -> str:
    day, mark, clock, fraction, zone = parts(found)
    return f"{day}{mark}{clock}{fraction}{'+00:00' if zone == 'Z' else zone}"
