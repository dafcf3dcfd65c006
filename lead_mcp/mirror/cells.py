"""Columns of many records at once: the cells that ``RowMaker`` makes one by one, where no mask has to see each of them.

Most cells are plain text: printable ASCII without blanks round it, which a field of text is read as and which stands in a
row as it is. The others are decoded and spelled once for each value: a vendor's records have the same ones again and again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from lead_mcp.engine.records import Record
from lead_mcp.filters import Kind, Value
from lead_mcp.sql.rows import Spelling, json_cell
from lead_mcp.vendors.spec.fields import Field, Paths, at
from lead_mcp.vendors.spec.http import Raw

MOST: Final = 1_000
"""Values of one type and column of one account that are remembered: what comes again does so soon."""
IS_PLAIN: Final = re.compile(r"[!-~](?:[ -~]*[!-~])?").fullmatch
TEXTS: Final = frozenset({str, type(None)})
DISTINCT: Final = frozenset({str, int, type(None)})
"""Types of which no value equals one of another of them."""


class Remembered(dict[Any, Any]):
    """What is made of each value, made once; all are forgotten when they are too many."""

    def __init__(self, make: Callable[[Any], Any]) -> None:
        super().__init__()
        self.make = make

    def __missing__(self, value: Any) -> Any:
        if len(self) >= MOST:
            self.clear()
        made = self[value] = self.make(value)
        return made


class Cells:
    """One column of one account's records: a ``field`` as ``spell`` has it; None: nobody has a value.

    ``as_is``: plain text is spelled as it is.
    """

    def __init__(self, field: Field | None, spell: Spelling, *, as_is: bool = False) -> None:
        self.field, self.spell = field, spell
        self.paths: Paths = ()
        self.decoded: Callable[[Any], Value] = no_value
        if field is not None and type(field) is Field and not field.joined:
            self.paths, self.decoded = field.paths, field.codec.value
        self.together = field.paths if field is not None and field.joined else ()
        self.nothing = field.codec.nothing if as_is and self.paths and field is not None else None
        is_time = self.paths and field is not None and field.codec.kind is Kind.TIME
        self.times = field.codec.values if is_time and field is not None else None
        """Reads a column of times, of which few come again."""
        self.longest = max(map(len, self.nothing or ()), default=0)
        self.known = {kind: Remembered(self._of_value) for kind in (str, int, bool)}
        """By type, as 1 and True are one key."""
        self.numbers = Remembered(lambda text: self._of_value(float(text)))
        """By text, as 0.0 and -0.0 are one key."""
        self.several = Remembered(self._of_values)

    def of(self, raws: Sequence[Mapping[str, Any]]) -> list[Any]:
        """A cell for each record: of the first path that has a value."""
        if self.field is None:
            return [None] * len(raws)
        if not self.paths:
            return self._together(raws) if self.together else [self._cell(raw) for raw in raws]
        cells = self._at(self.paths[0], raws)
        for path in self.paths[1:]:
            if None in cells:
                further = self._at(path, raws)
                cells = [two if one is None else one for one, two in zip(cells, further, strict=True)]
        return cells

    def _at(self, path: str, raws: Sequence[Mapping[str, Any]]) -> list[Any]:
        found, texts = values_at(path, raws), self.known[str]
        if self.times is not None:
            return [None if one is None else self.spell(one, None) for one in self.times(found)]
        if self.nothing is not None and TEXTS.issuperset(map(type, found)):
            return self._texts(found)
        return [None if one is None else texts[one] if type(one) is str else self._other(one) for one in found]

    def _texts(self, found: list[Any]) -> list[Any]:
        """The cells of texts, most of which are plain: only the others are decoded."""
        distinct, texts, made = {*found}, self.known[str], dict[str, Any]()
        distinct.discard(None)
        for one in distinct:
            if IS_PLAIN(one) is None or (len(one) <= self.longest and one.casefold() in (self.nothing or ())):
                made[one] = texts[one]
        return [made.get(one, one) for one in found] if made else found

    def _other(self, value: Any) -> Any:
        if type(value) is float:
            return self.numbers[repr(value)]
        known = self.known.get(type(value))
        return self._of_value(value) if known is None else known[value]

    def _of_value(self, value: Any) -> Any:
        found = self.decoded(value)
        return None if found is None else self.spell(found, None)

    def _together(self, raws: Sequence[Mapping[str, Any]]) -> list[Any]:
        """The cells of a field that joins what stands at several places."""
        columns = [values_at(path, raws) for path in self.together]
        if not all(DISTINCT.issuperset(map(type, column)) for column in columns):
            return [self._cell(raw) for raw in raws]
        return [self.several[values] for values in zip(*columns, strict=True)]

    def _of_values(self, values: tuple[Any, ...]) -> Any:
        return self._cell(dict(zip(self.together, values, strict=True)))

    def _cell(self, raw: Raw) -> Any:
        value = None if self.field is None else self.field.read(raw)
        return None if value is None else self.spell(value, None)


def no_value(value: Any) -> Value:
    return None


def itself(value: Value, record: Record | None) -> Value:
    """A value spelled as it is."""
    return value


def values_at(path: str, raws: Sequence[Mapping[str, Any]]) -> list[Any]:
    """What stands at a dotted path of each record, or None: as ``at`` finds it."""
    head, dot, rest = path.partition(".")
    if not dot:
        return [raw.get(path) for raw in raws]
    if "." in rest:
        return [at(raw, path) for raw in raws]
    heads = [raw.get(head) for raw in raws]
    return [
        at(raw, path) if path in raw else one.get(rest) if type(one) is dict else None
        for one, raw in zip(heads, raws, strict=True)
    ]


def raw_cells(texts: Iterable[str], raws: Iterable[Mapping[str, Any]]) -> list[str]:
    """The records themselves: as they are kept, but for what a cell cannot hold."""
    found = list(texts)
    if not _is_odd("\n".join(found)):  # as nearly always: one look at all of them is three times as fast
        return found
    return [json_cell(dict(raw)) if _is_odd(text) else text for text, raw in zip(found, raws, strict=True)]


def _is_odd(text: str) -> bool:
    """Whether there may be a number that is none, or half of a character."""
    return "\\u" in text or "NaN" in text or "Infinity" in text
