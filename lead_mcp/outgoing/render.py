"""What every answer is made of: tables in structure and in text, records as lines, windows and errors in words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from lead_mcp.characters import cleaned
from lead_mcp.errors import LeadMcpError
from lead_mcp.outgoing.cleaning import CELL_LIMIT, cell, plain_cell, plain_cells
from lead_mcp.outgoing.masking import masked_text
from lead_mcp.outgoing.times import ShownTime
from lead_mcp.outgoing.words import is_empty, words_of

URIS: Final = frozenset({"uri", "lead_uri"})
SENTENCES: Final = frozenset({"message", "note"})
SENTENCE: Final = 600
"""Characters that our own words, and a full record's value, may have in text: structure holds them whole."""

PLAIN_ID: Final = re.compile(r"[\w.{}\-]+", re.ASCII)

Table = dict[str, Any]


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Table:
    return {"columns": list(columns), "rows": [list(row) for row in rows]}


def text_table(found: Table) -> str:
    """The table, whose values are masked already, as lines of cells; an absent value is an empty cell."""
    columns = found["columns"]
    limits = [0 if name in URIS else SENTENCE if name in SENTENCES else CELL_LIMIT for name in columns]
    lines = ["|".join(plain_cells(list(map(str, columns))))]
    cells = map(_texts, zip(*found["rows"], strict=True), limits)
    lines.extend(map("|".join, zip(*cells, strict=True)))
    return "\n".join(lines)


def _texts(values: Sequence[Any], limit: int) -> Sequence[str]:
    """The cells of a column; with ``limit`` 0 of our URIs, which stay whole."""
    kinds = set(map(type, values)) - {type(None)}
    if kinds == {ShownTime}:
        return ["" if value is None else value.text for value in values]
    texts = [value or "" for value in values] if kinds <= {str} else list(map(words_of, values))
    return plain_cells(texts, limit) if limit else texts


def record_lines(found: Mapping[str, Any], prefix: str = "") -> list[str]:
    """A record, masked already, as ``name: value`` lines, nested ones dotted; empty values are left out."""
    lines: list[str] = []
    for key, value in found.items():
        if isinstance(value, Mapping):
            lines.extend(record_lines(value, f"{prefix}{key}."))
        elif not is_empty(value):
            lines.append(f"{prefix}{plain_cell(str(key))}: {_line(words_of(value))}")
    return lines


def _line(text: str) -> str:
    """A full record's value on one line of text, as long as the structure has it."""
    return " ".join(plain_cell(part, SENTENCE) for part in text.split("\n"))


def error_to_dict(error: LeadMcpError) -> dict[str, Any]:
    """``{"code", "message", "account"?, "vendor_code"?, "retry_after"?}``, cleaned and masked."""
    code = None if error.vendor_code is None else cell(str(error.vendor_code))
    optional = {"account": error.account, "vendor_code": code, "retry_after": error.retry_after}
    return {
        "code": error.code,
        "message": masked_text(cleaned(error.message)),
        **{key: value for key, value in optional.items() if value is not None},
    }


def error_text(error: LeadMcpError) -> str:
    """``code: message``, cleaned and masked."""
    return f"{error.code}: {masked_text(cleaned(error.message))}"


def id_cell(text: str) -> str:
    """An id as it may leave: whatever is no plain id may be an e-mail, and is masked as one."""
    return text if PLAIN_ID.fullmatch(text) else cell(text)


def text_of(*parts: str) -> str:
    return "\n".join(part for part in parts if part)
