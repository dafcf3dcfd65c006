"""What strangers typed: what is taken out, what stays, how long it may be."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_mcp.characters import cleaned
from lead_mcp.outgoing.cleaning import CELL_LIMIT, DEPTH, MARK, STRING_LIMIT, cell, cleaned_tree, text_cell
from lead_mcp.uris import SCHEMES

SPECIAL = [
    "\n",
    "\r\n",
    "|",
    "://",
    "\x1b[31m",
    "\x9b",
    "\u200b",
    "\u202e",
    "\U000e0041",
    "\ud800",
    "\u2028",
    *SCHEMES,
    "LEAD",
    "l\u0131nk",
]
HOSTILE = st.lists(
    st.sampled_from(SPECIAL) | st.text(st.characters(exclude_categories=()), max_size=6), max_size=60
).map("".join)
GONE = ("Cc", "Cf", "Cs", "Co", "Cn")
MEANT = "\u200c\u200d"
"""Joiners, which stay where a script or an emoji needs them (``tests/test_characters.py``)."""
NEEDED = ["رضا\u200cزاده", "☎\ufe0f", "👩\u200d⚕\ufe0f", "क्\u200dष"]


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        pytest.param("Zoë Müller-O’Neill 李 🙂", "Zoë Müller-O’Neill 李 🙂", id="names stay as they are"),
        pytest.param("a\x00b\x07c\x7f\x85d", "abc d", id="control characters"),
        pytest.param("pay\u200bpal\u200d\ufeff\u2060", "paypal", id="zero-width"),
        pytest.param("\u202eevil\u202c \u2066x\u2069\u200f", "evil x", id="bidirectional"),
        pytest.param("hi\U000e0001\U000e0069\U000e0067\U000e007f", "hi", id="tags"),
        pytest.param("a\ufe0f\U000e0100\U000e01efb", "ab", id="variation selectors hold hidden text"),
        pytest.param("\u3164\u115fx\u034f\uffa0", "x", id="fillers show as nothing"),
        pytest.param("\x1b[31;1mred\x1b[0m \x1b]8;;http://x\x07link\x1b]8;;\x1b\\", "red link", id="ANSI"),
        pytest.param("\x1b", "", id="a lone escape"),
        pytest.param("a\ud83d\ude42b\udfff", "ab", id="lone surrogates"),
        pytest.param("a\ue000\U0010ffffb", "ab", id="private and unassigned"),
        pytest.param("a\tb\nc\u2028d", "a b c d", id="white space is a space"),
    ],
)
def test_characters_that_deceive_are_taken_out(typed: str, shown: str) -> None:
    assert cleaned(typed) == shown


def test_newline_and_tab_stay_in_full_records_and_nothing_else_does() -> None:
    assert cleaned("a\n\tb\r\n\u2028c\x0b\x0c\x1c", lines=True) == "a\n\tb\n\nc"


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("a | b", "a ¦ b"),
        ("x\n| lead://acme/1 | fake |", "x ¦ lead:∕∕acme/1 ¦ fake ¦"),
        ("see LEAD://acme/1", "see LEAD:∕∕acme/1"),
        ("xlead://acme/1", "xlead:∕∕acme/1"),
        ("le\u200bad://acme/1", "lead:∕∕acme/1"),
        ("lead:\x1b[0m//acme/1", "lead:∕∕acme/1"),
        ("recording://a ping://b account://c", "recording:∕∕a ping:∕∕b account:∕∕c"),
        ("https://example.com", "https://example.com"),
        ("  padded\t", "padded"),
    ],
)
def test_a_text_cell_forges_no_column_row_or_uri(typed: str, shown: str) -> None:
    assert text_cell(typed) == shown


@given(HOSTILE)
def test_no_text_cell_ever_holds_a_line_break_a_pipe_or_a_uri_of_ours(typed: str) -> None:
    shown = text_cell(typed)
    assert len(shown.splitlines()) <= 1
    assert "|" not in shown
    assert not any(f"{scheme}://" in shown.casefold() for scheme in SCHEMES)
    assert len(shown) <= CELL_LIMIT
    assert not any(unicodedata.category(character) in GONE for character in shown if character not in MEANT)
    shown.encode()


@pytest.mark.parametrize("text", NEEDED)
def test_what_a_script_or_an_emoji_needs_is_in_cells_records_and_text_alike(text: str) -> None:
    assert text_cell(text) == cell(text) == cleaned(text) == text
    assert cleaned_tree({text: [text]}) == {text: [text]}


@given(HOSTILE, st.booleans())
def test_cleaning_twice_changes_nothing_more(typed: str, lines: bool) -> None:
    once = cleaned(typed, lines=lines)
    assert cleaned(once, lines=lines) == once
    assert {character for character in once if unicodedata.category(character) in GONE} <= {"\n", "\t", *MEANT}


def test_a_cell_is_bounded_and_says_that_it_was_cut() -> None:
    assert cell("x" * CELL_LIMIT) == "x" * CELL_LIMIT
    assert cell("x" * (CELL_LIMIT + 1)) == "x" * (CELL_LIMIT - 1) + MARK
    assert cell("x" * 50, limit=10) == "x" * 9 + MARK


def test_a_record_is_cleaned_whole_keys_too_and_keeps_its_other_values() -> None:
    record = {"na\u200bme": "A\x1b[1mnn", "tags": ["x\u202e", ("y\x00",)], "n": 1.5, "ok": True, "none": None}
    assert cleaned_tree(record) == {"name": "Ann", "tags": ["x", ["y"]], "n": 1.5, "ok": True, "none": None}


@pytest.mark.parametrize(
    ("text", "shown"),
    [("x" * STRING_LIMIT, "x" * STRING_LIMIT), ("x" * 1234, "x" * STRING_LIMIT + "…[1,234 characters]")],
)
def test_a_long_string_of_a_record_is_cut_with_a_mark_or_left_whole(text: str, shown: str) -> None:
    assert cleaned_tree({"note": [text]}) == {"note": [shown]}
    assert cleaned_tree({"note": [text]}, limit=None) == {"note": [text]}


def test_a_record_too_deep_or_a_key_too_long_is_cut() -> None:
    deep: Any = "end"
    for _ in range(5000):
        deep = [deep]
    shown = cleaned_tree(deep)
    assert str(shown) == "[" * DEPTH + repr(MARK) + "]" * DEPTH
    assert cleaned_tree({"k" * 1000: 1}) == {"k" * 200: 1}
