"""What may be seen of a text: characters that deceive a reader, a terminal or a comparison are taken out.

Taken out: control characters (ANSI escapes as a whole), zero-width and bidirectional marks, tag characters and every other
format character, letters and marks that show as nothing (fillers, variation selectors: text can be hidden in them), private
and unassigned characters, lone surrogates. Kept are three that some writing needs, and only where it needs them: a
zero-width joiner or non-joiner between letters of a script that joins them or behind a virama, a joiner between emoji, and
the selector that makes an emoji of the sign before it (U+200D, U+200C, U+FE0F).
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

NON_JOINER: Final = "\u200c"
JOINER: Final = "\u200d"
SELECTOR: Final = "\ufe0f"
NEEDED: Final = re.compile(f"[{NON_JOINER}{JOINER}{SELECTOR}]+")
ANSI: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)?")
UNSEEN: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0e\uffa0\U000e0100-\U000e01ef]"
)
JOINING: Final = re.compile(
    "[\u0600-\u08ff\u0900-\u0dff\u1000-\u109f\u1780-\u17ff\u1800-\u18af\ufb50-\ufdff\ufe70-\ufefc]"
)
"""Arabic and its like, the scripts of India, Myanmar, Khmer, Mongolian."""
EMOJI: Final = re.compile(
    "[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u24c2\u25a0-\u27bf\u2934\u2935\u2b00-\u2bff\u3030\u303d"
    "\u3297\u3299\U0001f000-\U0001faff]"
)
KEYCAP: Final = "\u20e3"
VIRAMA: Final = 9
"""Its combining class: it takes a consonant's vowel away, and a joiner behind it says how the rest is drawn."""
IN_LINE: Final = {"\n": " ", "\t": " ", "\r": " ", "\u2028": " ", "\u2029": " ", "\x85": " "}
IN_LINES: Final = {"\n": "\n", "\t": "\t", "\u2028": "\n", "\u2029": "\n", "\x85": "\n"}
HIDDEN: Final = frozenset(("Cc", "Cf", "Cs", "Co", "Cn"))


def visible(text: str, *, lines: bool = False) -> str:
    """``text`` without what deceives. Line breaks and tabs become a space; with ``lines`` they stay."""
    if text.isprintable() and (text.isascii() or not (UNSEEN.search(text) or NEEDED.search(text))):
        return text
    spaces = IN_LINES if lines else IN_LINE
    seen = "".join(spaces.get(one) or ("" if _is_hidden(one) else one) for one in UNSEEN.sub("", ANSI.sub("", text)))
    return NEEDED.sub(_needed, seen)


def _is_hidden(character: str) -> bool:
    return unicodedata.category(character) in HIDDEN and character not in (NON_JOINER, JOINER)


def _needed(run: re.Match[str]) -> str:
    """What of a run of the three its neighbours need: a selector first, then one joiner."""
    before, after = run.string[max(0, run.start() - 1) : run.start()], run.string[run.end() : run.end() + 1]
    kept = SELECTOR if SELECTOR in run[0] and _takes_selector(before, after) else ""
    joiner = next((one for one in run[0] if one != SELECTOR), "")
    return kept + (joiner if joiner and _joins(before, joiner, after) else "")


def _takes_selector(before: str, after: str) -> bool:
    return bool(EMOJI.match(before)) or (after == KEYCAP and before in "0123456789#*" and before != "")


def _joins(before: str, joiner: str, after: str) -> bool:
    if not before:
        return False
    if unicodedata.combining(before) == VIRAMA:
        return True
    if JOINING.match(before) and JOINING.match(after):
        return True
    return joiner == JOINER and bool(EMOJI.match(before) and EMOJI.match(after))
