"""The quick way for the usual spellings says what libphonenumber says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_mcp.errors import BadArgument
from lead_mcp.phones import PLAIN_US, _looked_up, _parsed, e164, parse_phone

AREA = st.from_regex(r"[2-9][0-9]{2}", fullmatch=True)
REST = st.from_regex(r"[0-9]{3}", fullmatch=True)
LAST = st.from_regex(r"[0-9]{4}", fullmatch=True)
BEFORE = st.sampled_from(["", "+1", "+1 ", "+1-", "+1.", "1 ", "1-", "1.", "1"])
GAP = st.sampled_from(["", " ", "-", ".", "--", "/"])


@given(BEFORE, AREA, REST, LAST, GAP, GAP, st.booleans(), st.sampled_from(["US", "DE", "GB", "CA"]))
def test_a_usual_spelling_is_read_as_libphonenumber_reads_it(
    before: str, area: str, rest: str, last: str, gap: str, other: str, brackets: bool, region: str
) -> None:
    text = f"{before}{f'({area})' if brackets else area}{gap}{rest}{other}{last}"
    assert _parsed(text, region) == _looked_up(text, region)


@pytest.mark.parametrize("text", ["555-0109", "5550109", "911", "12345"])
def test_a_number_without_its_area_code_is_none_as_it_is_many_peoples(text: str) -> None:
    assert e164(text, "US") is None
    with pytest.raises(BadArgument, match="no possible telephone number"):
        parse_phone(text, "US")


@pytest.mark.parametrize(
    ("text", "is_plain"),
    [
        ("2125550101", True),
        ("(212) 555-0101", True),
        ("+1-2125550101", True),
        ("1-212-555-0101", True),
        ("1125550101", False),
        ("212 555 0101 x5", False),
        ("0212 5550101", False),
        ("٢١٢٥٥٥٠١٠١", False),
        ("2125550101\n", False),
    ],
)
def test_what_is_usual(text: str, is_plain: bool) -> None:
    assert (PLAIN_US.fullmatch(text) is not None) is is_plain
    assert _parsed(text, "US") == _looked_up(text, "US")
