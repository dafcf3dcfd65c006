"""Values in the cells of a file. What a spreadsheet would run is made text; a constant is left as it is.

Source: https://owasp.org/www-community/attacks/CSV_Injection (read 2026-11-27): a cell that begins with one of ``= + - @``, a
tab, a carriage return or a line feed, or with the full-width form of a sign, gets a single quote before it. So does what
stands behind a semicolon: where that is a spreadsheet's separator, a cell begins there whatever the file's own one is. A
number and a telephone number of digits alone (``+13055550100``) are constants: there is nothing in them to run, and whoever
reads the file by program wants them whole.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final

from lead_mcp.outgoing.times import ShownTime

FORMULA: Final = re.compile(r'^(?=[=+\-@\t\r\n＝＋－＠])|;"*(?=[=+\-@＝＋－＠])')
CONSTANT: Final = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")
QUOTED: Final = re.compile(r'[,;\t|"\r\n]|^\s|\s$')
"""What makes a cell stand in quotes: every separator that some spreadsheet takes by default, not the comma alone."""


def is_formula(text: str) -> bool:
    """Whether a spreadsheet may take the text for something to run."""
    return FORMULA.search(text) is not None and CONSTANT.fullmatch(text) is None


def defused(text: str) -> str:
    """The text with a single quote before what may be run in it."""
    return FORMULA.sub(lambda found: f"{found[0]}'", text) if is_formula(text) else text


def flat(value: Any) -> Any:
    """A value as one cell holds it: lists and objects as JSON text."""
    match value:
        case list() | dict():
            return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        case float() if not math.isfinite(value):
            return str(value)
        case _:
            return value


def words(value: Any) -> str:
    """A flat value as text; absent is empty."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def quoted_cell(text: str) -> str:
    """The text as a field of CSV."""
    return '"' + text.replace('"', '""') + '"' if QUOTED.search(text) else text


def is_text(value: Any) -> bool:
    """Whether somebody else may have written the value: a time is ours."""
    return isinstance(value, str) and not isinstance(value, ShownTime)
