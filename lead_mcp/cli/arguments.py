"""A tool's arguments from the command line: ``name=value`` words, or one JSON object."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from lead_mcp.errors import BadArgument


def from_json(text: str | None) -> dict[str, Any]:
    """The object of ``--json``. Raises BadArgument."""
    if text is None:
        return {}
    try:
        found = json.loads(text)
    except ValueError as error:
        raise BadArgument(f"--json: not JSON ({error}).") from None
    if not isinstance(found, dict):
        raise BadArgument("--json: must be one JSON object.")
    return found


def from_words(words: Sequence[str], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Each word as the type that the tool's schema names. Raises BadArgument, for what is given twice too."""
    arguments: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals or not name:
            raise BadArgument(f"{word!r} is not name=value.")
        if name in arguments:
            raise BadArgument(f"{name} is given twice; several values are one list: {name}=A,B or JSON.")
        arguments[name] = _typed(text, schema.get("properties", {}).get(name, {}))
    return arguments


def _typed(text: str, schema: Mapping[str, Any]) -> Any:
    """The text as the argument's type; where the type is text it stays as typed. A list may come as JSON or with commas."""
    kind = schema.get("type")
    if kind == "string":
        return text
    try:
        found = json.loads(text)
    except ValueError:
        found = text
    if kind == "array" and not isinstance(found, list | dict):
        return [part.strip() for part in text.split(",")]
    return found
