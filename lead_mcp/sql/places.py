"""Where in a statement something stands, in words."""

from __future__ import annotations

from typing import Any, Final

from lead_mcp.errors import quoted

NEAR: Final = 30
"""Characters of the statement shown from the place on."""


def place(sql: str, position: Any) -> str:
    """`` (line 2, column 7: “from leds”)``; the engine counts bytes."""
    try:
        before = sql.encode()[: int(position)].decode(errors="ignore")
    except (TypeError, ValueError):
        return ""
    line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
    near = sql[len(before) : len(before) + NEAR]
    return f" (line {line}, column {column}{f': {quoted(near)}' if near.strip() else ''})"
