"""Who is the same person: any chain of numbers and e-mails, guards, ids that do not hang on the order."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_mcp.engine.notes import JoinedNobody
from lead_mcp.engine.persons.shared import MOST_NAMES
from lead_mcp.sql.people import People, is_fake_phone, is_test

Lead = tuple[str, str | None, str | None, str | None]
PHONES = ("+12125550101", "+12125550102", "+12125550103", None)
EMAILS = ("ada@example.com", "bea@example.com", "cyd@example.com", None)


def ids(leads: Sequence[Lead]) -> list[str]:
    people = People()
    for lead in leads:
        people.add(*lead)
    return people.ids(lambda column, value: value)


def test_a_chain_of_numbers_and_emails_is_one_person() -> None:
    one, two, three, other = ids(
        [
            ("a", "Ada", "+12125550101", "ada@example.com"),
            ("b", "Ada L", "+12125550102", "ada@example.com"),
            ("c", "A L", "+12125550102", None),
            ("d", "Bea", "+12125550103", "bea@example.com"),
        ]
    )
    assert one == two == three != other


def test_a_lead_without_number_and_email_is_a_person_of_its_own() -> None:
    assert len(set(ids([("a", "Ada", None, None), ("b", "Ada", None, None)]))) == 2


def test_a_number_beside_too_many_names_joins_nobody_and_that_is_said() -> None:
    people = People()
    for nth in range(MOST_NAMES + 1):
        people.add(f"u{nth}", f"Name {nth}", "+12125550101", f"p{nth}@example.com")
    assert len(set(people.ids(lambda column, value: value))) == MOST_NAMES + 1
    assert people.note() == JoinedNobody(phones=1, emails=0, names=5)


def test_the_same_name_in_other_letters_is_one_name() -> None:
    people = People()
    for nth in range(20):
        people.add(f"u{nth}", ("Ada Lovelace", "ADA LOVELACE ", "ada lovelace")[nth % 3], "+12125550101", None)
    assert len(set(people.ids(lambda column, value: value))) == 1
    assert people.note() is None


@pytest.mark.parametrize("phone", ["+10000000000", "+15555555555", "+11234567890", "+19876543210", "+49123456789"])
def test_a_number_that_is_plainly_none_joins_nobody(phone: str) -> None:
    assert is_fake_phone(phone)
    assert len(set(ids([("a", "Ada", phone, None), ("b", "Bea", phone, None)]))) == 2


@pytest.mark.parametrize("phone", ["+12125550101", "+19999550100", "+442079460123", "+12345550199", "+4915155501234"])
def test_a_number_for_stories_is_a_number(phone: str) -> None:
    assert not is_fake_phone(phone)


@pytest.mark.parametrize(
    ("name", "email", "phone", "test"),
    [
        ("Test", None, None, True),
        ("Test Lead", None, None, True),
        ("TEST-TEST", None, None, True),
        ("Ada Tester", None, None, True),
        (None, "test@example.com", None, True),
        (None, "ada+test@example.com", None, True),
        (None, "ada@test.com", None, True),
        ("Ada", "ada@example.com", "+15555555555", True),
        ("Ada Testa", "ada.testa@example.com", "+12125550101", False),
        ("Contessa Protestant", "contest@example.com", None, False),
        ("Ada", "ada@example.com", "+12125550101", False),
        (None, None, None, False),
    ],
)
def test_what_is_plainly_a_test(name: str | None, email: str | None, phone: str | None, *, test: bool) -> None:
    assert is_test(name, email, phone) is test


@given(
    st.lists(st.tuples(st.sampled_from(PHONES), st.sampled_from(EMAILS)), max_size=12),
    st.randoms(use_true_random=False),
)
def test_joined_means_connected_whatever_the_order(keys: list[tuple[str | None, str | None]], chance: object) -> None:
    leads = [(f"u{nth}", "Ada", phone, email) for nth, (phone, email) in enumerate(keys)]
    shuffled = list(leads)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    found = dict(zip((one[0] for one in leads), ids(leads), strict=True))
    assert found == dict(zip((one[0] for one in shuffled), ids(shuffled), strict=True))
    for one in leads:
        for other in leads:
            assert (found[one[0]] == found[other[0]]) == (one == other or connected(one, other, leads))


def connected(one: Lead, other: Lead, leads: Sequence[Lead]) -> bool:
    """By walking from lead to lead."""
    seen, waiting = {one[0]}, [one]
    while waiting:
        at = waiting.pop()
        for near in leads:
            if near[0] not in seen and ((at[2] and at[2] == near[2]) or (at[3] and at[3] == near[3])):
                seen.add(near[0])
                waiting.append(near)
    return other[0] in seen


def test_an_id_is_made_of_what_may_be_seen() -> None:
    people = People()
    people.add("a", "Ada", "+12125550101", None)
    assert people.ids(lambda column, value: "masked") != people.ids(lambda column, value: value)
