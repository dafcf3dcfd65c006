"""TOML edited in place: comments, order and spelling of the rest stay.

A table of ours that is new goes to the end, and is taken out by its lines. What is written otherwise (an inline table, an
entry that a person has changed) is left to tomlkit, which loads then.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any, Final

HEADER: Final = re.compile(r"\s*\[")
BARE: Final = re.compile(r"[A-Za-z0-9_-]+")


def load(text: str) -> Any:
    """What the text holds. Raises ValueError."""
    return tomllib.loads(text)


def assign(text: str, path: Sequence[str], data: Any) -> str:
    """The text with ``data`` at ``path``. In a table that is there, values that stay the same are not touched."""
    if isinstance(data, Mapping) and not _holds(load(text), path):
        gap = "" if not text else "\n" if text.endswith("\n") else "\n\n"
        new = f"{text}{gap}{_table(path, data)}"
        if _is_toml(new):
            return new
    return _assigned(text, path, data)


def remove(text: str, path: Sequence[str]) -> str:
    """The text without what stands at ``path``."""
    lines = text.splitlines(keepends=True)
    own = re.compile(r"\s*\[\s*" + r"\s*\.\s*".join(f"[\"']?{re.escape(key)}[\"']?" for key in path) + r"\s*[].]")
    kept: list[str] = []
    inside = False
    for line in lines:
        if HEADER.match(line):
            inside = bool(own.match(line))
            if inside and kept and not kept[-1].strip():
                kept.pop()  # the empty line before a table comes with it
        if not inside or line.lstrip().startswith("#"):
            kept.append(line)
    new = "".join(kept)
    return new if _is_toml(new) and not _holds(load(new), path) else _removed(text, path)


def _holds(data: Any, path: Sequence[str]) -> bool:
    for key in path:
        if not isinstance(data, Mapping) or key not in data:
            return False
        data = data[key]
    return True


def _is_toml(text: str) -> bool:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True


def _table(path: Sequence[str], data: Mapping[str, Any]) -> str:
    """A table with its lines; tables in it follow."""
    lines = [f"[{'.'.join(map(_key, path))}]\n"]
    # JSON's texts, numbers and lists of texts are TOML's too
    values = {key: value for key, value in data.items() if not isinstance(value, Mapping)}
    lines += [f"{_key(key)} = {json.dumps(value)}\n" for key, value in values.items()]
    tables = [_table([*path, key], value) for key, value in data.items() if isinstance(value, Mapping)]
    return "\n".join(["".join(lines), *tables])


def _key(name: str) -> str:
    return name if BARE.fullmatch(name) else json.dumps(name)


# --- by tomlkit ---------------------------------------------------------------------------------------------------


def _assigned(text: str, path: Sequence[str], data: Any) -> str:
    import tomlkit

    document = tomlkit.parse(text)
    table: Any = document
    for key in path[:-1]:
        if key not in table:
            table[key] = tomlkit.table(is_super_table=True)
        table = table[key]
    _put(table, path[-1], data)
    return tomlkit.dumps(document)


def _removed(text: str, path: Sequence[str]) -> str:
    import tomlkit

    document = tomlkit.parse(text)
    table: Any = document
    for key in path[:-1]:
        table = table[key]
    del table[path[-1]]
    return tomlkit.dumps(document)


def _put(table: Any, key: str, data: Any) -> None:
    import tomlkit

    if isinstance(data, Mapping):
        if not isinstance(table.get(key), Mapping):
            inline = isinstance(table, tomlkit.items.InlineTable)
            table[key] = tomlkit.inline_table() if inline else tomlkit.table()
        for name in [name for name in table[key] if name not in data]:
            del table[key][name]
        for name, value in data.items():
            _put(table[key], name, value)
    elif key not in table or table[key] != data:
        table[key] = data
