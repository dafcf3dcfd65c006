"""Measures: what can be said of a group of records, and how a caller asks for it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from lead_mcp.errors import BadArgument, did_you_mean
from lead_mcp.filters import Kind

FIELDS: Final[Mapping[str, int]] = {
    "count": 0,
    "share": 0,
    **dict.fromkeys(("sum", "avg", "min", "max", "median", "distinct"), 1),
    "minutes_between": 2,
}
"""Measures, and how many fields each is of."""
SPELLINGS: Final = {
    **dict.fromkeys(("average", "mean"), "avg"),
    **dict.fromkeys(("minimum", "least"), "min"),
    **dict.fromkeys(("maximum", "most"), "max"),
    **dict.fromkeys(("count_distinct", "unique", "nunique"), "distinct"),
    "total": "sum",
}
COMPARED: Final = frozenset({"sum", "avg", "min", "max", "median"})
"""Measures that add values up or compare them: perhaps money, and a value itself where a group is of one record."""
TALLY_KINDS: Final = {"min": "figures", "max": "figures", "sum": "figures", "avg": "figures"}
"""The kind of tally that a measure is read from, where several share one."""
KINDS: Final[Mapping[str, frozenset[Kind]]] = {
    **dict.fromkeys(("sum", "avg", "median"), frozenset({Kind.NUMBER, Kind.ANY})),
    **dict.fromkeys(("min", "max"), frozenset({Kind.NUMBER, Kind.TIME, Kind.ANY})),
    "minutes_between": frozenset({Kind.TIME, Kind.ANY}),
    "distinct": frozenset(Kind),
}
"""Kinds of fields that a measure can be of."""
FORMS: Final = {how: ":".join([how, *["FIELD"] * fields]) for how, fields in FIELDS.items()}
LISTED: Final = ", ".join(FORMS.values())
EXAMPLES: Final = "sum:value, distinct:email, minutes_between:created_at:updated_at"


class TallyKey(NamedTuple):
    """What a group keeps for some of its measures: ``figures``, ``median``, ``distinct`` or ``minutes_between`` of fields."""

    kind: str
    field: str
    to: str = ""

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(filter(None, (self.field, self.to)))


@dataclass(frozen=True, slots=True)
class Measure:
    """``count``, ``share`` (of all records counted, 0 to 1), or a measure over the present values of a field.

    ``minutes_between``: the median minutes from the time in ``field`` to the one in ``to``; less than 0 where that is earlier.
    """

    how: str
    field: str = ""
    to: str = ""

    def __str__(self) -> str:
        return ":".join(filter(None, (self.how, self.field, self.to)))

    @property
    def tally_key(self) -> TallyKey | None:
        return TallyKey(TALLY_KINDS.get(self.how, self.how), self.field, self.to) if self.field else None

    @property
    def fields(self) -> tuple[str, ...]:
        return self.tally_key.fields if self.tally_key else ()


def parse_measures(words: Sequence[str]) -> tuple[Measure, ...]:
    """``count``, ``sum:value``, ``sum(value)`` ... Raises BadArgument with the nearest one and examples."""
    return tuple(dict.fromkeys(map(_measure, words)))


def _measure(word: str) -> Measure:
    called = re.fullmatch(r"(\w+)\((.*)\)", word.strip())
    how, *fields = [called[1], *called[2].split(",")] if called else word.strip().split(":", 2)
    how = SPELLINGS.get(how.casefold(), how.casefold())
    fields = [name.strip() for name in fields if name.strip() not in ("", "*")]
    if how not in FIELDS:
        message = f"measures: {word[:60]!r} is none of {LISTED}; for example {EXAMPLES}."
        raise BadArgument(message + did_you_mean(how, FIELDS))
    if FIELDS[how] != len(fields):
        raise BadArgument(f"measures: {word[:60]!r} is written {FORMS[how]}; for example {EXAMPLES}.")
    return Measure(how, *fields)


def fields_of(measures: Sequence[Measure]) -> list[str]:
    """The fields that the measures are of, each once."""
    return list(dict.fromkeys(name for measure in measures for name in measure.fields))
