"""The masker itself: what it finds in text, what it leaves alone, and that a field map decides wherever a value stands."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_mcp.engine.ledger import LedgerEntry
from lead_mcp.engine.records import Record
from lead_mcp.engine.summaries.groups import Rest
from lead_mcp.filters import Kind, Op, Where
from lead_mcp.outgoing import names
from lead_mcp.outgoing.groups import OTHER, displayed_by
from lead_mcp.outgoing.kinds import kind_of, kinds_of, of_maps
from lead_mcp.outgoing.ledger import entry_to_dict
from lead_mcp.outgoing.masking import Masker, masked_by, masker_of
from lead_mcp.outgoing.names import personal_by_name
from lead_mcp.outgoing.records import full_record, record_rows
from lead_mcp.vendors.spec.account import named_fields
from lead_mcp.vendors.spec.fields import CANONICAL, PERSONAL, Codec, Field, FieldMap
from lead_mcp.vendors.spec.vendor import account_of
from tests.answers.marked import leaks, strings
from tests.facts import TRIED, vendor_of


@pytest.fixture(scope="module")
def masker() -> Masker:
    return Masker(b"k" * 32)


@pytest.mark.parametrize(
    "text",
    [
        "call 213-555-0101 now",
        "call +1 (213) 555-0101.",
        "tel:+12135550101",
        "phone:2135550101",
        "213-555-0101x12",
        "213-555-0101 ext 4",
        "2135550101,2135550102",
        '{"p":"2135550101"}',
        "mail=a.b%40example.com&x=1",
        "<ana@example.com>",
        "ANA@EXAMPLE.COM;zoë@exämple.de",
        "from 203.0.113.9, twice",
        '{"first_name": "Example", "home": {"street": "0101 Elm"}}',
        '{"address": {"line1": "0101 Elm", "more": ["example"]}}',
        '["0101 Elm", ["example"], 1]',
        "a=1&first_name=Ex%C3%A4mple+B&zip=0101;lname=x",
        "<Lead><FirstName>Example</FirstName><Zip>10101</Zip></Lead>",
        "from 2001:db8:85a3::8a2e:370:7334",
        "call 213/555/0101",
        "call 213\u2013555\u20130101 or 213\u00b7555\u00b70101",
        "on 2026-10-31 2135550101",
        "on 10/31/2026 213-555-0101",
        "example@localhost",
        "example@[203.0.113.9]",
        "example@@example.com",
        "example\uff20example.com",
        "mail=example%2540example.com",
        "%65xample%40example.com",
        "example&#64;example.com",
        "example&#x40;example&period;com",
        "example&commat;example.com",
        "example\\u0040example.com",
        "example\\x40example.com",
        "tel%3A%2B12135550101",
        base64.b64encode(b"example@example.com").decode(),
        base64.urlsafe_b64encode(b'{"tel": "213-555-0101"}').decode(),
        "id=" + base64.b64encode(b"write to example@example.com").decode(),
        b"example@example.com".hex(),
        'sent {"first_name": "Example", "last_name":"example"} to them',
        r"log: \"first_name\": \"Example\", \"zip\":\"0101\"",
        "{'first_name': 'Example'}",
        "payload=first_name%3DExample%26zip%3D0101",
        '{"payload": "{\\"first_name\\": \\"Example\\"}"}',
        '<lead first="no"><first_name lang="en">Example</first_name></lead>',
    ],
)
def test_text_is_masked_wherever_a_value_stands_in_it(masker: Masker, text: str) -> None:
    found = masker.text(text)
    assert not re.search(r"555.?.?010|0101|0102|ex(a|ä|%C3%A4)mple|203\.0|85a3", found, re.IGNORECASE), found
    assert masker.text(found) == found, "a mask is not masked again"


@pytest.mark.parametrize(
    "text",
    [
        "created_at gte 2026-11-21T12:00:00Z",
        "2026-10-31 14:00:00 .. 2026-11-01 14:00:00",
        "lead://leadexec/3471-31000030",
        "recording://convoso/4000030/2135550101",
        "7ff94259-2566-4e3e-a088-ae088f23fbbd",
        "12345678-1234-1234-1234-123456789012",
        "GA1.1.472949803.1794485699",
        "10,000 records read in 12 requests",
        "price 1234.50 of 99.95",
        "version 1.2.3",
        "at 12:30:45",
        "status=won&x=y",
        '{"status":"reject"',
        "std::cout",
        "10/31/2026 and 2026/11/01",
        "10/31/2026 5 leads",
        "from 2026-10-31 to 2026-11-02",
        "50% off, A&amp;B, a&b",
        "meet @ five",
        "QipCSoSf20ze4VoXPaCU_Go_LbvLdU0GwuuEdcaiQ70gtzvwwgbmvkAJ8688CK59bIMVfJ6zuK",
        "fb.1.1554763741205.AbCdEfGhIjKlMnOpQrStUvWxYz1234567890",
        "5f9a1c2b3d4e5f6a7b8c9d0e",
        "Appointments and Characteristics",
        "C:\\users\\xavier",
        "https://example.com/a%20b?q=c%2Fd",
    ],
)
def test_times_uris_and_amounts_are_not_taken_for_telephone_numbers(masker: Masker, text: str) -> None:
    assert masker.text(text) == text


def test_a_pseudonym_is_the_same_for_every_spelling(masker: Masker) -> None:
    phones = ["+12135550101", "2135550101", "(213) 555-0101", "1-213-555-0101", "0012135550101"]
    assert len({masker.pseudonym("phone", phone) for phone in phones}) == 1
    assert len({masker.pseudonym("email", mail) for mail in ("Zoe@Example.com", " zoe@example.COM ")}) == 1
    assert masker.pseudonym("email", "a@example.com") != masker.pseudonym("email", "b@example.com")
    assert masker.pseudonym("name", "a@example.com") != masker.pseudonym("email", "a@example.com")


# --- what a field map says ----------------------------------------------------------------------------------------

WHOLE = {
    "email": "qmail7@example.com",
    "phone": "+12135550107",
    "name": "Qfirst7",
    "address": "7 Qstreet7 Road",
    "birth": "1961-02-03",
}
WORDS = (
    st.text(st.characters(categories=["L", "N"], include_characters="_- "), min_size=1, max_size=12)
    .map(str.strip)
    .filter(bool)
)
OURS = ("first_name", "last_name", "name", "email", "phone", "address", "postal_code")


@st.composite
def accounts(draw: st.DrawFn) -> tuple[FieldMap, dict[str, str]]:
    """A vendor's map with an account's own names in it, under any prefix, and the place of each of our fields."""
    prefix = draw(st.sampled_from(["", "Fields.", "a.b."]))
    mapped = draw(st.lists(st.sampled_from(OURS), min_size=1, max_size=5, unique=True))
    words = draw(st.lists(WORDS, min_size=len(mapped), max_size=len(mapped), unique_by=str.casefold))
    names = dict(zip(mapped, words, strict=True))
    vendor = FieldMap(ours={}, free=(prefix.rstrip("."),))
    return named_fields(vendor, names, {}), {ours: f"{prefix}{word}" for ours, word in names.items()}


def planted(places: dict[str, str], wrap: str) -> dict[str, Any]:
    """A record with a marked value at each place and again, by the same names, inside something."""
    raw: dict[str, Any] = {"status": "open", "n": 3}
    last: dict[str, Any] = {}
    for ours, place in places.items():
        *above, key = place.split(".")
        spot = raw
        for one in above:
            spot = spot.setdefault(one, {})
        spot[key] = last[key] = WHOLE[PERSONAL[ours]]
    pairs = [{"Attribute": key, "Value": value} for key, value in last.items()]
    shapes: dict[str, Any] = {
        "pairs": pairs,
        "small": [{"key": one["Attribute"], "value": one["Value"]} for one in pairs],
        "objects": [[last], {"deep": {"er": last}}],
        "json": json.dumps([last]),
        "twice": json.dumps({"body": json.dumps(last)}),
        "note": f"write to {' or '.join(last.values())}",
    }
    return {**raw, "zz": shapes[wrap]}


@given(accounts(), st.sampled_from(["pairs", "small", "objects", "json", "twice", "note"]))
def test_a_value_is_masked_by_its_place_and_its_name_wherever_it_is_rendered(
    account: tuple[FieldMap, dict[str, str]], wrap: str
) -> None:
    fields, places = account
    raw = planted(places, wrap)
    kinds = of_maps({"lead": fields})
    reads = {**fields.ours, "zz": Field("zz", codec=Codec(Kind.ANY, lambda value: value), personal=None)}
    reads |= {place: Field(place, personal=None) for place in places.values()}
    record = Record("acme", "1", "lead://acme/1", raw, reads.get)
    entry = LedgerEntry(
        "acme", pushed=[Where(name, Op.EQ, WHOLE[PERSONAL[name]]) for name in places], field_of=reads.get
    )

    def everything() -> list[Any]:
        columns = [*reads]
        grouped = [name for name in columns if wrap != "note" or name != "zz"]  # whose note it was no group knows
        groups = displayed_by(grouped, [entry])([record.get(name) for name in grouped])
        return [
            record_rows([record], columns)[0],
            full_record(record, [*fields.ours], None),
            entry_to_dict(entry),
            groups,
        ]

    shown = json.dumps(everything(), ensure_ascii=False, default=str)
    assert leaks(shown)
    with masked_by(masker_of(b"k" * 32, "US", {"acme": kinds})):
        for text in strings(everything()):
            assert not leaks(text), (places, wrap, text)


@pytest.mark.parametrize("vendor", [vendor_of(name) for name in TRIED], ids=TRIED)
def test_no_vendor_says_less_of_a_person_than_our_fields_do(vendor: Any) -> None:
    account = account_of(vendor, "acme")
    for name, field in account.fields.ours.items():
        assert kind_of(name, field) == field.personal or name not in PERSONAL, name
        assert field.personal == PERSONAL.get(name, field.personal), name


HARMLESS = re.compile(r"carrier|phone_code|IsMobile|CallVerified|EmailReads|DoNot|Emailed")
"""Names with a personal word in them whose values say nothing."""


@pytest.mark.parametrize("vendor", [vendor_of(name) for name in TRIED], ids=TRIED)
def test_a_field_whose_name_speaks_of_a_person_says_so(vendor: Any) -> None:
    """Nobody forgets a line: the words that are a net for unknown names are a check of the known ones."""
    account = account_of(vendor, "acme")
    maps = [account.fields, *(search.fields(account) for search in vendor.pings.values())]
    for fields in maps:
        for path, field in {**fields.own, **fields.ours}.items():
            silent = field.personal == "" and not HARMLESS.search(path)
            assert not (silent and personal_by_name(path)), path


@pytest.mark.parametrize("vendor", [vendor_of(name) for name in TRIED], ids=TRIED)
def test_an_accounts_own_name_for_a_field_is_as_personal_as_the_field(vendor: Any) -> None:
    for ours in CANONICAL:
        account = account_of(vendor, "acme", names={ours: "Zzyx"})
        path = account.fields.ours[ours].paths[0]
        wanted = account_of(vendor, "acme").fields.ours.get(ours)
        kind = (wanted and wanted.personal) or PERSONAL.get(ours, "")
        assert account.fields.ours[ours].personal == kind
        assert kinds_of(account, vendor)["lead"].places[path] == kind


def test_no_pattern_over_names_holds_a_word_of_a_vendor() -> None:
    """Whatever a vendor calls its own is said in its own map."""
    text = Path(names.__file__).read_text(encoding="utf-8")
    for word in (
        "dialed",
        "postdata",
        "formdata",
        "userdata",
        "carrier",
        "conversion",
        "googleads",
        "mx_",
        "prospect",
    ):
        assert word not in text.casefold()


def test_the_rest_of_groups_is_named_and_a_value_of_that_name_is_masked_like_any(masker: Masker) -> None:
    email = Field("email", personal="email")
    entry = LedgerEntry("acme", field_of={"email": email}.get)
    with masked_by(masker):
        rest, own = (displayed_by(["email"], [entry])([part]) for part in (Rest.GROUPS, OTHER))
    assert rest == (OTHER,) != own
