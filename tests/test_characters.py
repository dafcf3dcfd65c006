"""Invisible characters: which are taken out, which mean something where they stand, and that comparing sees neither."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_mcp.characters import EMOJI, ZWJ, ZWNJ, cleaned, comparable, is_text, strings_in
from lead_mcp.filters import Op, Where, folded, matches
from lead_mcp.outgoing.cleaning import text_cell

MEANT = [
    pytest.param("می\u200cخواهم", id="Persian"),
    pytest.param("خانه\u200cها", id="Persian plural"),
    pytest.param("رضا\u200cزاده", id="a Persian name"),
    pytest.param("क्\u200dष", id="Hindi, joined"),
    pytest.param("क्\u200cष", id="Hindi, apart"),
    pytest.param("ශ්\u200dරී", id="Sinhala"),
    pytest.param("ന്\u200d", id="Malayalam, at the end"),
    pytest.param("☎\ufe0f", id="a telephone"),
    pytest.param("1\ufe0f\u20e3", id="a key"),
    pytest.param("👩\u200d⚕\ufe0f", id="a doctor"),
    pytest.param("👨🏽\u200d👩🏽\u200d👧", id="a family"),
    pytest.param("❤\ufe0f\u200d🔥", id="a heart on fire"),
    pytest.param("©\ufe0f", id="copyright"),
]
IDLE = [
    pytest.param("An\u200cn", "Ann", id="between Latin letters"),
    pytest.param("\u200cسلام\u200c", "سلام", id="at the ends of a word"),
    pytest.param("سلام\u200c دنیا", "سلام دنیا", id="before a space"),
    pytest.param("a\ufe0fb", "ab", id="a selector after a letter"),
    pytest.param("1\ufe0f2", "12", id="a selector after a digit that is no key"),
    pytest.param("☎\ufe0f\ufe0f\ufe0f", "☎\ufe0f", id="one selector is enough"),
    pytest.param("می\u200c\u200c\u200cخواهم", "می\u200cخواهم", id="one joiner is enough"),
    pytest.param("می\u200b\u200cخواهم", "می\u200cخواهم", id="what hides beside a joiner"),
    pytest.param("👩\u200d", "👩", id="joined to nothing"),
    pytest.param("🏴\U000e0067\U000e0062\U000e007f", "🏴", id="tags"),
]
NASTY = st.lists(
    st.sampled_from(
        [
            ZWNJ,
            ZWJ,
            "\t",
            "\r",
            "\u00a0",
            "|",
            "\ufe0f",
            "\u200b",
            "\u094d",
            "ا",
            "ب",
            "\u064b",
            "☎",
            "👩",
            "🏽",
            "1",
            "\u20e3",
            "a",
            " ",
        ]
    )
    | st.text(st.characters(exclude_categories=()), max_size=3),
    max_size=30,
).map("".join)


@pytest.mark.parametrize("text", MEANT)
def test_what_a_script_or_an_emoji_needs_stays(text: str) -> None:
    assert cleaned(text) == cleaned(text, lines=True) == text


@pytest.mark.parametrize(("text", "left"), IDLE)
def test_what_means_nothing_where_it_stands_goes(text: str, left: str) -> None:
    assert cleaned(text) == left


@given(NASTY, st.booleans())
def test_cleaning_twice_changes_nothing_more(text: str, lines: bool) -> None:
    once = cleaned(text, lines=lines)
    assert cleaned(once, lines=lines) == once


@given(NASTY)
def test_a_joiner_never_stands_alone(text: str) -> None:
    """Nothing can be written in them: no two in a row, none at the beginning, none between letters that do not join."""
    left = cleaned(text)
    for at, one in enumerate(left):
        if one in (ZWNJ, ZWJ):
            assert at > 0
            assert left[at - 1] not in (ZWNJ, ZWJ)
            assert unicodedata.category(left[at - 1])[0] in "LMS"


@given(NASTY)
def test_text_compares_as_it_is_displayed(text: str) -> None:
    text = text.strip()
    assert comparable(text) == comparable(text_cell(text)) == comparable(cleaned(text, lines=True)).strip()
    assert comparable(text) == comparable(cleaned(text)) == comparable(unicodedata.normalize("NFD", comparable(text)))
    assert folded(text) == folded(cleaned(text))
    assert matches(Where("name", Op.EQ, cleaned(text)), text)


@pytest.mark.parametrize("text", MEANT)
def test_a_value_as_displayed_can_be_given_back(text: str) -> None:
    assert matches(Where("name", Op.EQ, cleaned(text)), text)
    assert not matches(Where("name", Op.EQ, f"{text}x"), text)


def test_every_text_of_a_value_is_found_with_its_place() -> None:
    value = {"email": "a", "tags": ["b", {"c": "d"}], "n": 1}
    found = dict(strings_in(value, "lead"))
    assert {"lead.email": "a", "lead.tags.1": "b", "lead.tags.2.c": "d"}.items() <= found.items()
    assert is_text("é🙂")
    assert not is_text("a\ud800")
    assert EMOJI
