"""YAML edited in place, as lines: one table in one top-level table is set or removed. ruamel.yaml tells where they stand."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

INDENT: Final = "  "
EMPTY: Final = re.compile(r"(?P<key>[^\s:]+\s*:)\s*?(?:~|null|\{\s*\})?(?P<remark>\s+#.*)?\s*", re.IGNORECASE)
"""The line of a table that has nothing in it."""


class NoYaml(ValueError):
    """The text is not YAML, or not in a form that can be edited by lines."""


def load(text: str) -> Any:
    """What the text holds. Raises NoYaml."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return YAML(typ="safe", pure=True).load(text) or {}
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise NoYaml(f"line {mark.line + 1}, column {mark.column + 1}" if mark else "it cannot be read") from None


def assign(text: str, path: Sequence[str], data: Any) -> str:
    """The text with ``data`` at ``path``, which has two keys: the table's, and the entry's in it."""
    key, name = path
    table = _child(_composed(text), key)
    lines = text.splitlines(keepends=True)
    if table is None:
        end = "" if not text or text.endswith("\n") else "\n"
        return f"{text}{end}{key}:\n{_block(INDENT, name, data)}"
    top, value = table
    place = top.start_mark.line
    if not _is_table(value) or not value.value:
        found = EMPTY.fullmatch(lines[place])
        if not found:
            raise NoYaml(f"{key} is no table of lines")
        head = f"{found['key']}{found['remark'] or ''}\n{_block(INDENT, name, data)}"
        return "".join([*lines[:place], head, *lines[place + 1 :]])
    first = value.value[0][0].start_mark
    if value.flow_style or first.line == place:
        raise NoYaml(f"{key} is written on one line")
    start, end_ = _span(value, name) or (place + 1, place + 1)
    return "".join([*lines[:start], _block(" " * first.column, name, data), *lines[end_:]])


def remove(text: str, path: Sequence[str]) -> str:
    """The text without what stands at ``path``; a table that is then empty says so."""
    key, name = path
    table = _child(_composed(text), key)
    if table is None or not _is_table(table[1]) or table[1].flow_style:
        return text
    top, value = table
    span = _span(value, name)
    if span is None:
        return text
    lines = text.splitlines(keepends=True)
    if len(value.value) == 1:
        lines[top.start_mark.line] = f"{key}: {{}}\n"
    return "".join([*lines[: span[0]], *lines[span[1] :]])


def _composed(text: str) -> Any:
    from ruamel.yaml import YAML

    load(text)  # says where it is wrong
    return YAML(pure=True).compose(text) if text.strip() else None


def _is_table(node: Any) -> bool:
    from ruamel.yaml.nodes import MappingNode

    return isinstance(node, MappingNode)


def _child(node: Any, key: str) -> tuple[Any, Any] | None:
    """A table's key and value of that name."""
    if node is None:
        return None
    if not _is_table(node) or node.flow_style:
        raise NoYaml("it is no table of lines")
    return next(((one, value) for one, value in node.value if one.value == key), None)


def _span(table: Any, name: str) -> tuple[int, int] | None:
    """The lines of a table's member: its first, and the one after its last."""
    found = next(((one, value) for one, value in table.value if one.value == name), None)
    return (found[0].start_mark.line, _last_line(found[1]) + 1) if found else None


def _last_line(node: Any) -> int:
    """The line a value ends on, what is remarked after it left out."""
    children = node.value if isinstance(node.value, list) else []
    if not children or node.flow_style:
        first, end = node.start_mark.line, node.end_mark
        return int(max(first, end.line - (1 if end.column == 0 else 0)))
    last = children[-1]
    return _last_line(last[1] if isinstance(last, tuple) else last)


def _block(indent: str, name: str, data: Any) -> str:
    """The lines of ``name: data``; what is no table is written as JSON, which YAML can read."""
    if not isinstance(data, Mapping) or not data:
        return f"{indent}{_key(name)}: {json.dumps(data, ensure_ascii=False)}\n"
    inner = "".join(_block(indent + INDENT, key, value) for key, value in data.items())
    return f"{indent}{_key(name)}:\n{inner}"


def _key(name: str) -> str:
    return name if name.replace("-", "").replace("_", "").isalnum() else json.dumps(name)
