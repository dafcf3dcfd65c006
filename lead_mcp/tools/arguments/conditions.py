"""Conditions and sorts as models write them: operators by their usual spellings, shorthands, JSON in a string."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from lead_mcp.errors import did_you_mean
from lead_mcp.filters import LIST_OPS, Filter, Op
from lead_mcp.tools.arguments.readers import refuse, unwrapped

SPELLINGS: Final[Mapping[str, tuple[str, ...]]] = {
    Op.EQ: ("=", "==", "===", "equals", "equal", "is"),
    Op.NE: ("!=", "<>", "not_equals", "not_equal", "neq", "is_not"),
    Op.LT: ("<", "less_than", "before"),
    Op.LTE: ("<=", "le", "less_than_or_equal", "at_most"),
    Op.GT: (">", "greater_than", "after"),
    Op.GTE: (">=", "ge", "greater_than_or_equal", "at_least"),
    Op.IN: ("any_of", "one_of", "is_one_of"),
    Op.NOT_IN: ("nin", "none_of", "notin"),
    Op.EXISTS: ("is_set", "present", "not_null", "is_not_null"),
    Op.CONTAINS: ("includes",),
    Op.STARTS_WITH: ("startswith", "begins_with", "prefix"),
}
LIKE: Final = ("like", "ilike")
WILDCARD: Final = re.compile(r"[%_]")
ABSENT: Final = ("not_exists", "is_null", "null", "is_empty", "missing", "absent", "not_set")
"""Spellings of ``exists: false``."""
OPS: Final = {spelling: Op(op) for op, spellings in SPELLINGS.items() for spelling in (op, *spellings)}
KEYS: Final = {
    **dict.fromkeys(("field", "name", "column", "key"), "field"),
    **dict.fromkeys(("op", "operator", "comparator", "comparison", "operation"), "op"),
    **dict.fromkeys(("value", "values"), "value"),
}
FILTER: Final = '{"field": "status", "op": "eq", "value": "won"}'


def as_filters(value: Any) -> Any:
    """Conditions: a list, one of them, either as JSON in a string; ``{"status": "won"}`` is ``status eq won``."""
    found = unwrapped(value, "[{")
    found = [found] if isinstance(found, dict) else found
    if not isinstance(found, list):
        raise refuse(value, "a list of conditions", f"[{FILTER}]")
    return [condition for one in found for condition in _conditions(unwrapped(one, "{"))]


def _conditions(one: Any) -> list[Filter]:
    if isinstance(one, Filter):
        return [one]
    if not isinstance(one, dict):
        raise refuse(one, "a condition", FILTER)
    if not set(one) & set(KEYS):
        return [_condition(name, *_short(wanted)) for name, wanted in one.items()]
    named: dict[str, Any] = {}
    for key, item in one.items():
        if key not in KEYS:
            raise refuse(key, "the keys field, op and value", FILTER, did_you_mean(key, ("field", "op", "value")))
        if KEYS[key] in named:
            raise refuse(one, f"one {KEYS[key]} a condition", FILTER)
        named[KEYS[key]] = item
    if not isinstance(named.get("field"), str):
        raise refuse(one, "a condition with a field", FILTER)
    return [_condition(named["field"], named.get("op", "eq"), named.get("value"))]


def _short(wanted: Any) -> tuple[Any, Any]:
    """``"won"`` as ``eq``, a list as ``in``, ``{"gte": 5}`` as its own operator."""
    if isinstance(wanted, dict):
        if len(wanted) != 1:
            raise refuse(wanted, "one operator and its value a condition", FILTER)
        return next(iter(wanted.items()))
    return ("in" if isinstance(wanted, list) else "eq"), wanted


def _condition(field: str, word: Any, value: Any) -> Filter:
    op, value = _operator(field, word, value)
    if op is Op.EXISTS and value is None:
        value = True
    if op in (Op.EQ, Op.NE) and isinstance(value, list):
        op = Op.IN if op is Op.EQ else Op.NOT_IN
    if op in LIST_OPS:
        value = _values(value)
    return Filter(field.strip(), op, value)


def _operator(field: str, word: Any, value: Any) -> tuple[Op, Any]:
    plain = re.sub(r"[\s\-]+", "_", str(word).strip().casefold()).lstrip("$")
    if plain in ABSENT:
        return Op.EXISTS, False
    if plain in LIKE:
        return _like(value)
    if plain in OPS:
        return OPS[plain], value
    from difflib import get_close_matches

    near = get_close_matches(plain, OPS, n=1)
    hint = f" Did you mean {str(OPS[near[0]])!r}?" if near else ""
    raise refuse(word, f"for {field} one of the operators {', '.join(Op)}", hint=hint)


def _like(value: Any) -> tuple[Op, Any]:
    """SQL's ``like``: ``Mei%`` and ``%Mei%`` have operators of their own, and a text without wildcards is one; no more."""
    text = str(value)
    bare = text.removeprefix("%").removesuffix("%")
    if not bare or WILDCARD.search(bare) or (text.startswith("%") and not text.endswith("%")):
        raise refuse(value, "with like a text such as 'Mei%' (it begins so) or '%Mei%' (it holds that)")
    if text.startswith("%"):
        return Op.CONTAINS, bare
    return (Op.STARTS_WITH if text.endswith("%") else Op.EQ), bare


def _values(value: Any) -> Any:
    """Several values: a list, or a comma list in a text."""
    found = unwrapped(value, "[")
    if isinstance(found, str):
        return [part for part in (part.strip() for part in found.split(",")) if part]
    return found if isinstance(found, list) or found is None else [found]


DIRECTIONS: Final = {
    **dict.fromkeys(("asc", "ascending", "up", ""), "asc"),
    **dict.fromkeys(("desc", "descending", "down"), "desc"),
}
SORT: Final = '"value:desc,created_at:asc"'


def as_sort(value: Any) -> Any:
    """``field:asc|desc``, several by commas; ``-field``, ``field desc``, lists and objects with a direction too."""
    found = unwrapped(value, "[{")
    found = [found] if isinstance(found, dict) else found
    keys = [part.strip() for part in found.split(",")] if isinstance(found, str) else found
    if not isinstance(keys, list) or not keys:
        raise refuse(value, "field:asc or field:desc, a comma between several", SORT)
    return ",".join(_sort_key(one, value) for one in keys)


def _sort_key(one: Any, value: Any) -> str:
    if isinstance(one, dict):
        names = [one[key] for key in ("field", "name", "by", "column") if key in one]
        directions = [one[key] for key in ("direction", "order", "dir", "sort") if key in one]
        one = f"{names[0] if names else ''}:{directions[0] if directions else 'asc'}"
    text = str(one).strip()
    if text[:1] in ("-", "+"):
        text = f"{text[1:]}:{'desc' if text[0] == '-' else 'asc'}"
    name, _, direction = re.sub(r"\s*[:\s]\s*", ":", text, count=1).partition(":")
    if not name or direction.casefold() not in DIRECTIONS:
        raise refuse(value, "field:asc or field:desc, a comma between several", SORT)
    return f"{name}:{DIRECTIONS[direction.casefold()]}"
