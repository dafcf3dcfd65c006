"""What strangers typed is data: cleaned of what deceives (``characters.py``), masked where masks are on, cut, in this order.

Half an e-mail would not be known as one, so whatever is cut is masked before. Newline and tab stay in full records and
become a space in tables.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from lead_mcp.characters import cleaned, cleaned_start, is_clean
from lead_mcp.errors import disarmed
from lead_mcp.filters import Value
from lead_mcp.outgoing.masking import masked_text
from lead_mcp.outgoing.times import ShownTime, shown_times
from lead_mcp.outgoing.words import words_of

CELL_LIMIT: Final = 120
STRING_LIMIT: Final = 300
KEY_LIMIT: Final = 200
LONG: Final = 20_000
"""Characters from which on a text is counted as it came, before it is cleaned."""
MARK: Final = "…"
DEPTH: Final = 12
PLAIN: Final = re.compile(r"[\w.@+,:()-](?:[\w.@+,:() -]*[\w.@+,:()-])?", re.ASCII)
"""Text that is a cell of a text table as it is."""


def cell(text: str, limit: int = CELL_LIMIT) -> str:
    """Text as a table cell of structured content holds it: one line, bounded."""
    return cut(masked_text(cleaned(text)), limit)


def text_cell(text: str, limit: int = CELL_LIMIT) -> str:
    """Text as a text table holds it: it cannot end a cell or a row, nor pass for one of our URIs."""
    return plain_cell(cell(text, limit), limit)


def plain_cell(text: str, limit: int = CELL_LIMIT) -> str:
    """The same for text that is masked already."""
    if len(text) <= limit and PLAIN.fullmatch(text):
        return text
    line = cut(cleaned(text), limit)
    return (disarmed(line) if "://" in line else line).replace("|", "¦").strip()


def plain_cells(texts: Sequence[str], limit: int = CELL_LIMIT) -> list[str]:
    """``plain_cell`` of each text of a column."""
    whole = " ".join(texts)
    bare = "|" not in whole and "://" not in whole and is_clean(whole)
    if bare and len(max(texts, key=len, default="")) <= limit:
        return [text.strip() for text in texts]
    return [plain_cell(text, limit) for text in texts]


def cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + MARK


def shortened(text: str, limit: int) -> str:
    """``text``, or its beginning with a mark that says how much there is."""
    return text if len(text) <= limit else f"{text[:limit]}{MARK}[{len(text):,} characters]"


def beginning(text: str, limit: int) -> str:
    """Text of a full record, cleaned; of a long one the beginning. Of a very long one no more than that is looked at."""
    if len(text) <= LONG:
        return shortened(cleaned(text, lines=True), limit)
    return f"{cleaned_start(text, limit, lines=True)[:limit]}{MARK}[{len(text):,} characters]"


def cleaned_tree(value: Any, limit: int | None = STRING_LIMIT, depth: int = DEPTH) -> Any:
    """A vendor's record for reading: every string and key cleaned, long strings cut with a mark unless ``limit`` is None."""
    if isinstance(value, str):
        return cleaned(value, lines=True) if limit is None else beginning(value, limit)
    if depth == 0:
        return MARK
    if isinstance(value, Mapping):
        return {cleaned(str(key))[:KEY_LIMIT]: cleaned_tree(item, limit, depth - 1) for key, item in value.items()}
    return [cleaned_tree(item, limit, depth - 1) for item in value] if isinstance(value, list | tuple) else value


def plain_values(values: Sequence[Value]) -> list[Any]:
    """``plain_value`` of each value of a column, which is looked at as a whole where its values are of one usual kind."""
    kinds = set(map(type, values)) - {type(None)}
    if kinds == {str}:
        texts = [value for value in values if type(value) is str]
        if len(max(texts, key=len)) <= CELL_LIMIT and is_clean("".join(texts)):
            return list(values)
    if kinds == {datetime}:
        return shown_times([value if isinstance(value, datetime) else None for value in values])
    return [plain_value(value) for value in values]


def plain_value(value: Value, *, full: bool = False) -> Any:
    """A value as JSON holds it in a table (``full``: in a record, where times keep their fraction); text is not masked."""
    if value is None or (type(value) is str and len(value) <= CELL_LIMIT and value.isascii() and value.isprintable()):
        return value  # as nearly always
    match value:
        case ShownTime():
            return value
        case str():
            return beginning(value, STRING_LIMIT) if full else cut(cleaned_start(value, CELL_LIMIT), CELL_LIMIT)
        case datetime():
            return ShownTime.of(value, full=full)
        case Decimal():
            return int(value) if value == value.to_integral_value() and abs(value) < 2**53 else float(value)
        case list() if not full and not any(isinstance(one, list | dict) for one in value):
            return cut(", ".join(str(plain_value(one)) for one in value), CELL_LIMIT)
        case list() | dict():
            return cleaned_tree(value) if full else cut(cleaned(words_of(cleaned_tree(value))), CELL_LIMIT)
        case _:
            return value


def readable(value: Value, *, full: bool = False) -> Any:
    """A value as JSON, cleaned and not yet cut: what masks look at."""
    return cleaned_tree(value, None) if isinstance(value, str | list | dict) else plain_value(value, full=full)
