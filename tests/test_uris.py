"""URIs of what we hand out: made, read back, refused."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_mcp.errors import BadArgument
from lead_mcp.uris import MAX_ID, PARTS, SCHEMES, Uri, lead_uri, parse_uri, ping_moment, ping_uri, uri

IDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


@pytest.mark.parametrize(
    ("scheme", "parts", "query", "made"),
    [
        ("lead", ("acme", "42"), {}, "lead://acme/42"),
        ("lead", ("acme", "4/2?x#y"), {}, "lead://acme/4%2F2%3Fx%23y"),
        ("lead", ("acme", "../../other/1"), {}, "lead://acme/..%2F..%2Fother%2F1"),
        ("lead", ("acme", "jo@example.com 🙂"), {}, "lead://acme/jo%40example.com%20%F0%9F%99%82"),
        ("ping", ("le", "inbound", "ab12"), {"type": "T 1", "at": ""}, "ping://le/inbound/ab12?type=T+1"),
        ("recording", ("co", "7", "8|9\n"), {}, "recording://co/7/8%7C9%0A"),
        ("account", ("acme",), {}, "account://acme"),
    ],
)
def test_an_id_is_percent_encoded_whole(scheme: str, parts: tuple[str, ...], query: dict[str, str], made: str) -> None:
    assert uri(scheme, *parts, **query) == made
    assert parse_uri(made) == Uri(scheme, parts, {key: text for key, text in query.items() if text})


@given(st.sampled_from(SCHEMES), st.data())
def test_whatever_is_made_can_be_read_back(scheme: str, data: st.DataObject) -> None:
    parts = data.draw(st.tuples(*[IDS] * PARTS[scheme]))
    query = data.draw(st.dictionaries(st.sampled_from(["type", "at"]), IDS))
    made = uri(scheme, *parts, **query)
    assert made.isascii()
    assert made.isprintable()
    assert " " not in made
    found = parse_uri(made, scheme)
    assert (found.parts, found.query) == (parts, query)
    assert (found.account, found.id) == (parts[0], parts[-1])


@pytest.mark.parametrize(
    ("ping_id", "at", "made"),
    [
        ("5f9a9320aaaaaaaaaaaaaaaa", "2020-10-29T10:02:08.900+00:00", "ping://le/inbound/5f9a9320aaaaaaaaaaaaaaaa"),
        (
            "5f9a9320aaaaaaaaaaaaaaaa",
            "2020-10-29T10:02:09+00:00",
            "ping://le/inbound/5f9a9320aaaaaaaaaaaaaaaa?at=1603965729",
        ),
        ("p-1", "2020-10-29T12:02:09+02:00", "ping://le/inbound/p-1?at=1603965729"),
        ("p-1", None, "ping://le/inbound/p-1"),
    ],
)
def test_a_pings_uri_tells_its_second_unless_its_id_does(ping_id: str, at: str | None, made: str) -> None:
    moment = datetime.fromisoformat(at) if at else None
    assert ping_uri("le", "inbound", ping_id, moment) == made
    second = moment.replace(microsecond=0) if moment else None
    assert ping_moment(parse_uri(made)) == second
    if at:
        older = uri("ping", "le", "inbound", ping_id, type="12", at=at)
        assert ping_moment(parse_uri(older)) == moment


def test_an_id_of_half_a_character_makes_a_uri_all_the_same() -> None:
    assert lead_uri("acme", "a\ud800b") == "lead://acme/a%3Fb"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "42",
        "lead:acme/42",
        "lead:/acme/42",
        "lead://acme",
        "lead://acme/",
        "lead:///42",
        "lead://acme/4/2",
        "lead://acme/42#part",
        "LEAD://acme/42",
        "https://example.com/42",
        "xlead://acme/42",
        "ping://acme/42",
        "account://acme/42",
        "see lead://acme/42",
        f"lead://acme/{'x' * (MAX_ID + 1)}",
    ],
)
def test_what_is_no_uri_of_ours_is_an_error_that_shows_the_form(text: str) -> None:
    with pytest.raises(BadArgument) as caught:
        parse_uri(text)
    assert "lead://ACCOUNT/ID" in caught.value.message
    assert len(caught.value.message) < 400


def test_a_uri_of_another_kind_than_wanted_is_an_error_that_names_the_kind() -> None:
    assert parse_uri(" lead://acme/42 ", "lead", "ping").id == "42"
    with pytest.raises(BadArgument, match="is not of the form lead://ACCOUNT/ID or recording://") as caught:
        parse_uri("account://acme", "lead", "recording")
    assert "account://ACCOUNT" not in caught.value.message
