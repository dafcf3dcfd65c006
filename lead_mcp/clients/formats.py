"""The formats of clients' files, and an edit that is believed only once the result has been read again."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lead_mcp.clients import json_text, toml_text, yaml_text


class CannotKeep(Exception):
    """The file cannot be edited so that the rest stays as it is. Says why; nothing was written."""


@dataclass(frozen=True)
class ConfigFormat:
    """One format: reading raises ValueError, which says where the text is wrong."""

    title: str
    load: Callable[[str], Any]
    assign: Callable[[str, Sequence[str], Any], str]
    remove: Callable[[str, Sequence[str]], str]


FORMATS: Final[Mapping[str, ConfigFormat]] = {
    "json": ConfigFormat("JSON", json_text.load, json_text.assign, json_text.remove),
    "toml": ConfigFormat("TOML", toml_text.load, toml_text.assign, toml_text.remove),
    "yaml": ConfigFormat("YAML", yaml_text.load, yaml_text.assign, yaml_text.remove),
}


def table_of(name: str, text: str, key: str) -> Mapping[str, Any]:
    """The table of servers in a client's text. Raises CannotKeep where the text is broken, or of a form not known here."""
    data = _loaded(name, text)
    table = data.get(key, {}) if isinstance(data, Mapping) else None
    if table is None and isinstance(data, Mapping):
        return {}
    if not isinstance(table, Mapping):
        raise CannotKeep(f"its form is not known here: {key!r} is no table (a newer version of the client, perhaps)")
    return table


def edited(name: str, text: str, path: Sequence[str], data: Any) -> str:
    """The text with ``data`` at ``path``, or without it where ``data`` is None. Raises CannotKeep."""
    form, old = FORMATS[name], _loaded(name, text)
    wanted = _changed(old, path, data)
    if wanted == old:
        return text
    try:
        new = form.remove(text, path) if data is None else form.assign(text, path, data)
        same = _without_empty(form.load(new), path[0]) == _without_empty(wanted, path[0])
    except Exception as error:  # noqa: BLE001 - whatever an editor meets in a strange file, the file stays as it is
        raise CannotKeep(f"it cannot be edited without changing the rest ({error or type(error).__name__})") from None
    if not same:
        raise CannotKeep("it cannot be edited without changing the rest")
    return new


def snippet(name: str, path: Sequence[str], data: Any) -> str:
    """What a person would put into an empty file."""
    return FORMATS[name].assign("", path, data)


def _loaded(name: str, text: str) -> Any:
    try:
        return FORMATS[name].load(text)
    except ValueError as error:
        raise CannotKeep(f"it is not {FORMATS[name].title}: {error}") from None


def _without_empty(data: Any, key: str) -> Any:
    """The data without that table where nothing is in it: a table that is empty may as well be missing."""
    return data if data.get(key) else {name: value for name, value in data.items() if name != key}


def _changed(data: Any, path: Sequence[str], value: Any) -> Any:
    """A copy of ``data`` with the one change."""
    changed = copy.deepcopy(data)
    table = changed
    for key in path[:-1]:
        table[key] = table.get(key) or {}
        table = table[key]
    if value is None:
        table.pop(path[-1], None)
    else:
        table[path[-1]] = value
    return changed
