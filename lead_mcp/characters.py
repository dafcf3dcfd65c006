"""Characters that deceive a reader, a terminal or a comparison, and the few invisible ones that scripts and emoji need.

Taken out: control characters (whole ANSI sequences), zero-width and bidirectional marks, tag characters and every other format
character, letters and marks that show as nothing (fillers, variation selectors: text can be hidden in them), private and
unassigned ones, lone surrogates. Kept where they mean something: a single U+200C or U+200D between letters that join or after
a virama (Persian, Urdu, Hindi, Sinhala ...), U+200D between emoji, U+FE0F after a character that has an emoji form.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any, Final

ANSI: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)?")
ZWNJ: Final = "\u200c"
ZWJ: Final = "\u200d"
VS16: Final = "\ufe0f"
UNSEEN: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0e\uffa0\U000e0100-\U000e01ef]"
)
"""Letters and marks that show as nothing."""
PIECE: Final = 1 << 16
"""Characters that are worked on in one call."""
PIECE_MARGIN: Final = 64
MOST_KNOWN: Final = 20_000
DECEIVING: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
JOINING: Final = (
    "\u0620-\u064a\u066e-\u06d3\u06d5\u06fa-\u06ff\u0710-\u072f\u074d-\u077f\u07ca-\u07ea\u0840-\u0858\u0860-\u086a"
    "\u0870-\u0887\u08a0-\u08c9\u1820-\u1878\u1887-\u18aa\ua840-\ua872\ufb50-\ufdfb\ufe70-\ufefc\U0001e900-\U0001e943"
)
"""Letters of the scripts whose letters join: Arabic, Syriac, N'Ko, Mandaic, Mongolian, Phags-pa, Adlam."""
VIRAMA: Final = (
    "\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d3b\u0d3c\u0d4d\u0dca\u0eba\u0f84\u1039\u103a\u1714\u1734\u17d2"
    "\u1a60\u1b44\u1baa\u1bab\ua806\ua8c4\ua953\ua9c0\uaaf6\uabed"
)
MARK: Final = "\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u0711\u0730-\u074a"
"""Vowel signs that stand between a letter and what joins it to the next."""
EMOJI: Final = (
    "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u2199\u21a9\u21aa\u231a\u231b\u2328\u23cf\u23e9-\u23fa\u24c2\u25aa\u25ab"
    "\u25b6\u25c0\u25fb-\u25fe\u2600-\u27bf\u2934\u2935\u2b05-\u2b07\u2b1b\u2b1c\u2b50\u2b55\u3030\u303d\u3297\u3299"
    "\U0001f000-\U0001faff"
)
SELECTORS: Final = re.compile(f"(?P<kept>(?<=[{EMOJI}]){VS16}|(?<=[0-9#*]){VS16}(?=\u20e3))|{VS16}")
RUN: Final = re.compile(f"([{ZWNJ}{ZWJ}])[{ZWNJ}{ZWJ}]+")
JOINERS: Final = re.compile(
    f"(?P<kept>(?<=[{JOINING}])[{MARK}]*[{ZWNJ}{ZWJ}](?=[{JOINING}])"
    f"|(?<=[{VIRAMA}])[{ZWNJ}{ZWJ}]"
    f"|(?<=[{EMOJI}{VS16}]){ZWJ}(?=[{EMOJI}]))"
    f"|[{ZWNJ}{ZWJ}]"
)
INVISIBLE: Final = re.compile(f"[{ZWNJ}{ZWJ}{VS16}]")
IN_ONE_LINE: Final[Mapping[str, str]] = dict.fromkeys("\n\t\r\u2028\u2029\x85", " ")
SPACES: Final = "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
IN_COMPARISON: Final[Mapping[str, str]] = {**IN_ONE_LINE, **dict.fromkeys(SPACES, " "), "\u00a6": "|", "\u2215": "/"}
"""Beside white space the two characters that stand in answers for one that would end a cell, or pass for a URI of ours."""
SEVERAL: Final = re.compile(" {2,}")
IN_LINES: Final[Mapping[str, str]] = {"\n": "\n", "\t": "\t", "\r": "\n", "\u2028": "\n", "\u2029": "\n", "\x85": "\n"}


def cleaned(text: str, *, lines: bool = False) -> str:
    """``text`` without deceiving characters; with ``lines``, newlines and tabs stay, else they are spaces.

    What then stands at the ends of one line as a space is no part of the text either.
    """
    if text.isascii() and text.isprintable():
        return text
    bare = _seen(text.replace("\r\n", "\n"), TO_LINES) if lines else _seen(text, TO_ONE_LINE)
    bare = _joined(bare) if INVISIBLE.search(bare) else bare
    return bare if lines or bare == text else bare.strip()


def is_clean(text: str) -> bool:
    """Whether ``cleaned`` leaves ``text``, and every part of it, as it is."""
    if text.isascii():
        return text.isprintable()
    return INVISIBLE.search(text) is None and _seen(text, TO_ONE_LINE) == text


def cleaned_start(text: str, length: int, *, lines: bool = False) -> str:
    """At least the first ``length`` characters of ``cleaned(text)``: all of it where it is short."""
    size = 4 * length + PIECE_MARGIN
    while size < len(text):
        found = cleaned(text[:size], lines=lines)
        if len(found) > length + PIECE_MARGIN:  # what stands at the cut may have been part of something
            return found[:-PIECE_MARGIN]
        size *= 8
    return cleaned(text, lines=lines)


class Translation(dict[int, str]):
    """What becomes of each character, found out when it first comes."""

    def __init__(self, spaces: Mapping[str, str]) -> None:
        super().__init__()
        self._spaces = spaces

    def __missing__(self, code: int) -> str:
        one = chr(code)
        found = self._spaces.get(one) or ("" if _deceives(one) else one)
        if len(self) < MOST_KNOWN:
            self[code] = found
        return found


TO_ONE_LINE: Final = Translation(IN_ONE_LINE)
TO_COMPARE: Final = Translation(IN_COMPARISON)
TO_LINES: Final = Translation(IN_LINES)


def _seen(text: str, translation: Translation) -> str:
    """The text without whatever deceives; joiners and emoji's selectors are still all there.

    Long texts go piece by piece: one call on all of it would let nobody else run meanwhile.
    """
    bare = ANSI.sub("", text) if "\x1b" in text else text
    if len(bare) <= PIECE:
        return bare.translate(translation)
    return "".join(bare[at : at + PIECE].translate(translation) for at in range(0, len(bare), PIECE))


def _deceives(character: str) -> bool:
    if character in (ZWNJ, ZWJ):
        return False
    return unicodedata.category(character) in DECEIVING or UNSEEN.match(character) is not None


def _joined(text: str) -> str:
    """The text with the invisible characters that mean something where they stand, and no others."""
    text = SELECTORS.sub(lambda found: found["kept"] or "", text)
    return JOINERS.sub(lambda found: found["kept"] or "", RUN.sub(r"\1", text))


def comparable(text: str) -> str:
    """``text`` as it compares: on one line, without any invisible character, in composed form; case as it is.

    White space of any kind and length is one space, and what answers show in a character's place is that character: so a
    value as shown is the same as the value.
    """
    if text.isascii() and text.isprintable():
        return SEVERAL.sub(" ", text) if "  " in text else text
    seen = INVISIBLE.sub("", _seen(text, TO_COMPARE))
    composed = unicodedata.normalize("NFC", seen if seen == text else seen.strip())
    return SEVERAL.sub(" ", composed) if "  " in composed else composed


def strings_in(value: Any, name: str) -> Iterator[tuple[str, str]]:
    """Every text in a JSON value, keys included, with where it stands: ``lead.email``, ``leads.3.name``."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield name, str(key)
            yield from strings_in(item, f"{name}.{key}")
    elif isinstance(value, list | tuple):
        for nth, item in enumerate(value, 1):
            yield from strings_in(item, f"{name}.{nth}")


def is_text(text: str) -> bool:
    """Whether it can be written down at all: a lone half of a surrogate pair is no character."""
    return text.isascii() or not any("\ud800" <= one <= "\udfff" for one in text)
