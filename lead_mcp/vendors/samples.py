"""Names of fields that only records tell: what a sample of them holds below some dotted prefixes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from lead_mcp.vendors.spec.fields import ANY, FLAG, NUMBER, Codec, Field, FieldMap, at
from lead_mcp.vendors.spec.http import Raw
from lead_mcp.vendors.spec.shapes import personal_of

DEPTH: Final = 4
"""Objects inside objects that are looked into."""


def sampled_fields(rows: Iterable[Raw], known: FieldMap, unknown: Codec = ANY) -> Mapping[str, Field]:
    """Every name below the map's ``free`` prefixes: the field we know, else one of the type that all values seen have."""
    seen: dict[str, list[Any]] = {}
    for row in rows:
        for path, value in _named(row, known.free):
            seen.setdefault(path, []).append(value)
    return {
        path: known.own.get(path) or Field(path, codec=guessed(values, unknown), personal=personal_of(values))
        for path, values in seen.items()
    }


def guessed(values: Sequence[Any], unknown: Codec = ANY) -> Codec:
    """The codec of values that are all flags or all numbers, else ``unknown``."""
    kinds = {type(value) for value in values if value is not None}
    return FLAG if kinds == {bool} else NUMBER if kinds and kinds <= {int, float} else unknown


def _named(row: Raw, prefixes: Sequence[str]) -> Iterator[tuple[str, Any]]:
    for prefix in prefixes:
        below = at(row, prefix) if prefix else row
        if isinstance(below, Mapping):
            yield from _below(f"{prefix}." if prefix else "", below, DEPTH)


def _below(prefix: str, found: Mapping[str, Any], depth: int) -> Iterator[tuple[str, Any]]:
    for name, value in found.items():
        yield f"{prefix}{name}", value
        if isinstance(value, Mapping) and depth:
            yield from _below(f"{prefix}{name}.", value, depth - 1)
