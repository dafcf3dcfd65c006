"""What strangers typed is data: characters that deceive a reader or a terminal are taken out, lengths are bounded.

Removed: control characters (so ANSI escapes fall apart), zero-width and bidirectional marks, tag characters and every other
format character, letters and marks that show as nothing (fillers, variation selectors: text can be hidden in them), lone
surrogates. Newline and tab stay in full records and become a space in tables.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from lead_mcp.dates import full_stamp, stamp
from lead_mcp.errors import disarmed
from lead_mcp.filters import Value
from lead_mcp.outgoing.masking import shown_text, shown_tree

CELL_LIMIT: Final = 120
STRING_LIMIT: Final = 300
MARK: Final = "…"
DEPTH: Final = 12
ANSI: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)?")
UNSEEN: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
BLANK: Final = {"\n": " ", "\t": " ", "\r": " ", "\u2028": " ", "\u2029": " ", "\x85": " "}
KEPT: Final = {"\n": "\n", "\t": "\t", "\u2028": "\n", "\u2029": "\n", "\x85": "\n"}


def cleaned(text: str, *, lines: bool = False) -> str:
    """``text`` without deceiving characters; with ``lines``, newlines and tabs stay."""
    if text.isascii() and text.isprintable():
        return text
    spaces = KEPT if lines else BLANK
    return "".join(spaces.get(c) or ("" if _deceives(c) else c) for c in UNSEEN.sub("", ANSI.sub("", text)))


def _deceives(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn")


def shortened(text: str, limit: int) -> str:
    """``text``, or its beginning with a mark that says how much there is."""
    return text if len(text) <= limit else f"{_masked(text)[:limit]}{MARK}[{len(text):,} characters]"


def _masked(text: str) -> str:
    """Text about to be cut: half an e-mail would not be known as one afterwards."""
    return shown_text(text)


def cell(text: str, limit: int = CELL_LIMIT) -> str:
    """Text as a table cell of structured content holds it: one line, bounded."""
    line = cleaned(text)
    return line if len(line) <= limit else _masked(line)[: limit - 1] + MARK


def text_cell(text: str, limit: int = CELL_LIMIT) -> str:
    """Text as a text table holds it: it cannot end a cell or a row, nor pass for one of our URIs."""
    return disarmed(cell(text, limit)).replace("|", "¦").strip()


def cleaned_tree(value: Any, limit: int | None = STRING_LIMIT, depth: int = DEPTH) -> Any:
    """A vendor's record for showing: every string and key cleaned, long strings cut with a mark unless ``limit`` is None."""
    if isinstance(value, str):
        text = cleaned(value, lines=True)
        return text if limit is None else shortened(text, limit)
    if depth == 0:
        return MARK
    if isinstance(value, Mapping):
        return {cleaned(str(key))[:200]: cleaned_tree(item, limit, depth - 1) for key, item in value.items()}
    return [cleaned_tree(item, limit, depth - 1) for item in value] if isinstance(value, list | tuple) else value


def plain_value(value: Value, *, full: bool = False) -> Any:
    """A value as JSON holds it in a table (``full``: in a record, where times keep their fraction)."""
    match value:
        case datetime():
            return full_stamp(value) if full else stamp(value)
        case Decimal():
            return int(value) if value == value.to_integral_value() and abs(value) < 2**53 else float(value)
        case str():
            return cleaned_tree(value, STRING_LIMIT) if full else cell(value)
        case list() | dict():
            whole = shown_tree(value)  # by its keys, which are text no more when it stands in a cell
            return cleaned_tree(whole) if full else cell(str(cleaned_tree(whole)))
        case _:
            return value
