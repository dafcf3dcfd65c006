"""JSON with comments and trailing commas, edited in place: one member of one table is set or removed, the rest stays.

Reading gives each value with its place in the text; an edit is a cut and an insertion there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final, NoReturn

TRIVIA: Final = re.compile(r"(?:\s|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
STRING: Final = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
SCALAR: Final = re.compile(rf"{STRING.pattern}|true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
BLANK: Final = " \t"
UNIT: Final = "  "
"""What a level is indented by, where the text shows none."""


class NoJson(ValueError):
    """The text is not JSON, not even with comments; says where."""


@dataclass(frozen=True)
class Value:
    """A value and its place: ``text[start:end]``. ``members`` where it is an object."""

    start: int
    end: int
    data: Any
    members: Sequence[Member] | None = None


@dataclass(frozen=True)
class Member:
    """``"key": value``. ``comma``: where the comma after it stands, or None."""

    key: str
    start: int
    value: Value
    comma: int | None = field(default=None)


def load(text: str) -> Any:
    """What the text holds. Raises NoJson."""
    if not text.strip():
        return {}
    try:
        return json.loads(text)  # many times faster where nothing is remarked
    except (ValueError, RecursionError):
        return read(text).data


def read(text: str) -> Value:
    """The one value of the text. Raises NoJson."""
    try:
        value = _value(text, _skip(text, 0))
    except RecursionError:
        raise NoJson("it is nested too deeply") from None
    end = _skip(text, value.end)
    return value if end == len(text) else _fail(text, end)


def assign(text: str, path: Sequence[str], data: Any) -> str:
    """The text with ``data`` at ``path``; tables that are missing on the way are made."""
    if not text.strip():
        return json.dumps(_nested(path, data), indent=len(UNIT), ensure_ascii=False) + "\n"
    table, rest = read(text), list(path)
    while (found := _member(table, rest[0])) and len(rest) > 1:
        table, rest = found.value, rest[1:]
    if found:
        one_line = "\n" not in text[table.start : table.end]
        written = _compact(data) if one_line else _written(text, data, _indent(text, found.start), _unit(text, table))
        return text[: found.value.start] + written + text[found.value.end :]
    return _inserted(text, table, rest[0], _nested(rest[1:], data))


def remove(text: str, path: Sequence[str]) -> str:
    """The text without what stands at ``path``, with the line it leaves empty."""
    table = read(text)
    for key in path[:-1]:
        found = _member(table, key)
        if not found:
            return text
        table = found.value
    members = table.members or ()
    gone = _member(table, path[-1])
    if not gone:
        return text
    before = next((one for one, other in pairwise(members) if other is gone), None)
    end = gone.value.end if gone.comma is None else gone.comma + 1
    text = _cut(text, gone.start, end)
    if gone.comma is None and before and before.comma is not None:
        text = text[: before.comma] + text[before.comma + 1 :]
    return text


# --- reading ------------------------------------------------------------------------------------------------------


def _fail(text: str, place: int) -> NoReturn:
    line = text.count("\n", 0, place) + 1
    raise NoJson(f"line {line}, column {place - text.rfind(chr(10), 0, place)}")


def _skip(text: str, place: int) -> int:
    """Past white space and comments."""
    found = TRIVIA.match(text, place)
    return found.end() if found else place


def _value(text: str, start: int) -> Value:
    if text[start : start + 1] == "{":
        return _object(text, start)
    if text[start : start + 1] == "[":
        return _array(text, start)
    found = SCALAR.match(text, start)
    return _scalar(text, found) if found else _fail(text, start)


def _scalar(text: str, found: re.Match[str]) -> Value:
    try:
        return Value(found.start(), found.end(), json.loads(found[0]))
    except ValueError:  # an escape that there is not
        _fail(text, found.start())


def _object(text: str, start: int) -> Value:
    members: list[Member] = []
    place = _skip(text, start + 1)
    while text[place : place + 1] != "}":
        found = STRING.match(text, place)
        if not found or (members and members[-1].comma is None):
            _fail(text, place)
        key = _scalar(text, found).data
        colon = _skip(text, found.end())
        if text[colon : colon + 1] != ":":
            _fail(text, colon)
        value = _value(text, _skip(text, colon + 1))
        after = _skip(text, value.end)
        comma = after if text[after : after + 1] == "," else None
        members.append(Member(key, place, value, comma))
        place = after if comma is None else _skip(text, comma + 1)
    return Value(start, place + 1, {one.key: one.value.data for one in members}, members)


def _array(text: str, start: int) -> Value:
    items: list[Any] = []
    place, comma = _skip(text, start + 1), True
    while text[place : place + 1] != "]":
        if not comma:
            _fail(text, place)
        item = _value(text, place)
        items.append(item.data)
        place = _skip(text, item.end)
        comma = text[place : place + 1] == ","
        place = _skip(text, place + 1) if comma else place
    return Value(start, place + 1, items)


# --- editing ------------------------------------------------------------------------------------------------------


def _member(table: Value, key: str) -> Member | None:
    """The member of that key: the last, where it stands twice, which is the one that clients read."""
    return next((one for one in reversed(table.members or ()) if one.key == key), None)


def _nested(path: Sequence[str], data: Any) -> Any:
    return {path[0]: _nested(path[1:], data)} if path else data


def _inserted(text: str, table: Value, key: str, data: Any) -> str:
    """A member more at the end of the table, after whatever is remarked there."""
    members, close = table.members or (), table.end - 1
    last = members[-1] if members else None
    end = len(text[:close].rstrip())
    if last and "\n" not in text[table.start : table.end]:
        member = f"{json.dumps(key)}: {_compact(data)}"
        return f"{text[:end]}{' ' if text[end - 1] == ',' else ', '}{member}{text[end:]}"
    outer, unit = _indent(text, table.start), _unit(text, table)
    inner = _indent(text, last.start) if last else outer + unit
    line = f"{_newline(text)}{inner}{json.dumps(key)}: {_written(text, data, inner, unit)}"
    closing = text[end:] if "\n" in text[end:close] else f"{_newline(text)}{outer}{text[close:]}"
    if last and last.comma is None:
        return f"{text[: last.value.end]},{text[last.value.end : end]}{line}{closing}"
    return f"{text[:end]}{line}{',' if last else ''}{closing}"


def _compact(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False)


def _written(text: str, data: Any, indent: str, unit: str) -> str:
    """``data`` as JSON whose further lines stand at ``indent``."""
    lines = json.dumps(data, indent=unit, ensure_ascii=False).split("\n")
    return f"{_newline(text)}{indent}".join(lines)


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _indent(text: str, place: int) -> str:
    """The white space at the start of the line."""
    line = text[text.rfind("\n", 0, place) + 1 : place]
    return line[: len(line) - len(line.lstrip(BLANK))]


def _unit(text: str, table: Value) -> str:
    """What a level is indented by, as the table's members show it, or the text's first indented line."""
    outer = _indent(text, table.start)
    for member in table.members or ():
        inner = _indent(text, member.start)
        if len(inner) > len(outer) and inner.startswith(outer):
            return inner[len(outer) :]
    first = re.search(r"\n([ \t]+)\S", text)
    return first[1] if first else UNIT


def _cut(text: str, start: int, end: int) -> str:
    """The text without ``start:end``, and without its line where nothing else stands there."""
    left, right = len(text[:start].rstrip(BLANK)), end + len(text[end:]) - len(text[end:].lstrip(BLANK))
    if text[left - 1 : left] == "\n" and text[right : right + 1] in ("\n", "\r", ""):
        newline = 2 if text[right : right + 2] == "\r\n" else 1
        return text[:left] + text[right + newline :]
    return text[:start].rstrip(BLANK) + text[end:]
