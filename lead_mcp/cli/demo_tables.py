"""An answer for somebody who watches the demo: its first line, its tables on a screen 80 columns wide, its notes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from mcp.types import CallToolResult
from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from lead_mcp.cli.tour import Stop
from lead_mcp.outgoing.words import words_of

URI: Final = re.compile(r"((?:lead|ping|recording)://[^/]+/(?:inbound/|outbound/)?)(\S{17,})")
ENDS: Final = 6
"""Characters that are kept of either end of a long id."""
TIME: Final = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(:\d\d)?\S*")
MOST_LINES: Final = 16
"""Lines of an answer without tables."""


def answer_parts(result: CallToolResult, stop: Stop) -> Iterator[RenderableType]:
    """What is printed of an answer."""
    lines = "\n".join(block.text for block in result.content if block.type == "text").splitlines()
    found = result.structured_content or {}
    tables = {name: one for name, one in found.items() if isinstance(one, dict) and set(one) == {"columns", "rows"}}
    if result.is_error or not tables:
        shown_lines = [*map(short_uris, lines[:MOST_LINES]), *(["..."] if len(lines) > MOST_LINES else [])]
        yield Text("\n".join(shown_lines), style="red" if result.is_error else "")
        return
    if "|" not in lines[0]:
        yield Text(lines[0])
    for name, one in tables.items():
        if one["rows"] and (columns := stop.columns.get(name, one["columns"])):
            yield table_of(one, columns, stop.rows)
    notes = [line for line in lines[1:] if "|" not in line and not line.startswith("next_cursor: ")]
    yield Text("\n".join(notes), style="dim")


def table_of(found: Mapping[str, Any], columns: Sequence[str], most: int) -> Table:
    """Some columns of the first rows."""
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, padding=(0, 1))
    for column in columns:
        table.add_column(column, no_wrap=column in ("uri", "at", "created_at"), overflow="fold")
    places = [found["columns"].index(column) for column in columns]
    for row in found["rows"][:most]:
        table.add_row(*(Text(shown(row[place])) for place in places))
    if (left := len(found["rows"]) - most) > 0:
        table.add_row(Text(f"and {left} more", style="dim"))
    return table


def shown(value: Any) -> str:
    """A cell: a time to the minute, a URI without the middle of a long id."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = "" if value is None else words_of(value)
    time = TIME.fullmatch(text)
    return f"{time[1]} {time[2]}" if time else short_uris(text)


def short_uris(text: str) -> str:
    """``lead://leadsquared/af8db0…cd55dd``."""
    return URI.sub(lambda uri: f"{uri[1]}{uri[2][:ENDS]}…{uri[2][-ENDS:]}", text)
