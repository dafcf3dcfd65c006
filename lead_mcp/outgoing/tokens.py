"""How many tokens a text is, estimated without a tokenizer.

Byte-pair tokenizers split text first (words with the sign before them, digits by threes, signs, spaces) and merge within
each piece alone. So it is split the same way here, and each piece costs what pieces of its kind cost on average in answers
(o200k_base): by the length of a word, more for what is no word of any language. Beyond ASCII a piece costs half its bytes,
which is rather too many. Compared with a real tokenizer in ``benchmarks/tokens.md`` and ``tests/answers/test_tokens.py``.
"""

from __future__ import annotations

import re
from functools import lru_cache
from math import ceil
from typing import Final

SIGN: Final = r"[!-/:-@\[-`{-~]"
PIECES: Final = re.compile(
    rf"(?:{SIGN}|[ \t])?[A-Z]*[a-z]+|(?:{SIGN}|[ \t])?[A-Z]+|[0-9]{{1,3}}| ?{SIGN}+[\r\n/]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+|[^\x00-\x7f]+|.",
    re.ASCII | re.DOTALL,
)
WORD: Final = re.compile(rf"({SIGN}|[ \t])?([A-Z]*)([a-z]*)")
ODD: Final = re.compile(
    r"[aeiou]{4}|[bcdfghjklmnpqrstvwxz]{4}|q[^u]|[jvxz][bcdfghjklmnpqrstvwxz]|[bcdfgkmpqtw][jqxz]|[hjqvy][bcdfghjkqvwxz]"
)
"""What words of few languages hold: ids and digests are cut into smaller tokens than words are."""
MIXED: Final = re.compile(r"(?<=[a-z0-9])[A-Z][a-z]{0,2}(?=[A-Z0-9])")
"""Case that changes in the middle, as in base64."""
JSON_SIGNS: Final = re.compile(r'[\[\]{}",:\s]+|(.)\1*', re.DOTALL)
OURS: Final = {
    **dict.fromkeys(
        "_at _here _cursor _rate _result _uri .com accepted account accounts campaign checked client columns complete count "
        "created email groups how net org phone price requests result returned since source status summary the total until "
        "uri warnings window www".split(),
        1.0,
    ),
    **dict.fromkeys("leads pings pushed revenue scanned |at |campaign |company |updated".split(), 2.0),
    **dict.fromkeys("|accepted |client |created |result |source |status".split(), 2.1),
}
"""Pieces that answers have whatever the records hold, as they are counted."""
PLAIN: Final = (0, 1.03, 1.05, 1.25, 1.2, 1.3, 1.3, 1.35, 1.9, 1.6, 2, 2.6)
"""By length: words behind nothing or a space."""
BEHIND_SIGN: Final = (0, 1.1, 1.55, 1.5, 1.95, 2.2, 2.35, 1.75, 2.4, 2.6, 2.8, 3.2)
CAPITALS: Final = (0, 1, 1, 1.1, 1.5)
LETTERS, ODD_LETTERS, SIGNS, ODD_SIGNS = 4.3, 1.7, 2.5, 1.5
"""Letters, or signs, a token in longer pieces."""


def estimate(text: str) -> int:
    """Tokens of ``text``: within a few hundredths for answers, rather too many than too few."""
    return ceil(sum(map(_cost, PIECES.findall(text))) + 0.4 * len(MIXED.findall(text)))


@lru_cache(maxsize=20_000)
def _cost(piece: str) -> float:
    if piece in OURS:
        return OURS[piece]
    if piece.isspace():
        return 1 if len(piece) < 4 else 1 + len(piece) / 8
    if not piece.isascii():
        return len(piece.encode("utf-8", "replace")) / 2
    if piece.isdigit():
        return 1
    word = WORD.fullmatch(piece)
    if word and (word[2] or word[3]):
        return _word(word[2], word[3], behind_sign=bool(word[1]) and not word[1].isspace())
    length = len(piece)
    if length < 5:
        return 1 if length < 4 else 1.5
    return length / (SIGNS if JSON_SIGNS.fullmatch(piece) else ODD_SIGNS)


def _word(capitals: str, small: str, *, behind_sign: bool) -> float:
    length, more = len(capitals) + len(small), 0.5 if behind_sign else 0.0
    if not small:
        return (CAPITALS[length] if length < len(CAPITALS) else length / ODD_LETTERS) + more
    if len(capitals) > 1 or (length > 2 and ODD.search(small)):
        return length / ODD_LETTERS + more
    table = BEHIND_SIGN if behind_sign else PLAIN
    return table[length] if length < len(table) else length / LETTERS + more
