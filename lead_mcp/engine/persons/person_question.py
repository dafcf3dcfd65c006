"""Questions that name one person: by an e-mail or a telephone number in a filter, or as the text of a search.

Where the vendor has searches for a person, such a question is asked of these and not of a listing: what they find is few,
and every clause is checked here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final, NoReturn

from lead_mcp.engine.notes import AskedAsOne, Note, VendorSays
from lead_mcp.engine.persons.person import Person
from lead_mcp.filters import Clause, Op, TextSearch, Where, folded
from lead_mcp.phones import PhoneText, e164, extension_of
from lead_mcp.vendors.spec.account import Account
from lead_mcp.vendors.spec.fields import Field, FieldMap
from lead_mcp.vendors.spec.http import Reply
from lead_mcp.vendors.spec.reading import PageRequest, PersonLookup, Route, Search

MOST_VALUES: Final = 3
"""Values of one ``in`` that are looked for one by one; each may take several requests."""
EMAIL: Final = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>]+")
FULL_NAME: Final = re.compile(r"[^\W\d_][\w.'’-]*( [^\W\d_][\w.'’-]*){1,2}")
LIKE_A_NUMBER: Final = re.compile(r"[+(]?[\d\s().x/-]{7,40}", re.IGNORECASE)
FEWEST_DIGITS: Final = 10
NAME: Final = "the vendor's searches for one person"
OWN_REQUESTS: Final = "a look-up builds and reads its own requests"


@dataclass(frozen=True)
class PersonQuestion:
    """Whom to look for, by which searches, and the clause that says so."""

    lookup: PersonLookup
    clause: Clause
    person: Person
    region: str = "US"
    words: tuple[str, ...] = ()
    """A full name."""
    own_notes: tuple[Note, ...] = ()
    """How the text was understood."""

    @property
    def notes(self) -> tuple[Note, ...]:
        """Whom the searches may miss."""
        return (*self.own_notes, *notes_of(self.lookup, self.person))


def notes_of(lookup: PersonLookup, person: Person) -> tuple[Note, ...]:
    """Whom the searches for this person may miss, as their vendor says it."""
    numbers = lookup.numbers_note if person.phones else ""
    return tuple(VendorSays(text) for text in (lookup.note, numbers) if text)


def named_text(text: str, region: str) -> str:
    """A text to search for; where it is all one telephone number, it means every spelling of that."""
    digits = sum(one.isdigit() for one in text)
    whole = LIKE_A_NUMBER.fullmatch(text.strip()) is not None and digits >= FEWEST_DIGITS
    return PhoneText(text, region) if whole and e164(text, region) else text


def question_of(
    search: Search, fields: FieldMap, clauses: tuple[Where, ...], text: str | None
) -> PersonQuestion | None:
    """The person whom the question names, where the vendor has searches for one; None for any other question."""
    if search.person is None:
        return None
    found = (_by_clause(search.person, fields, where) for where in clauses)
    return next((one for one in found if one), None) or (_by_text(search, search.person, text) if text else None)


def _by_clause(lookup: PersonLookup, fields: FieldMap, where: Where) -> PersonQuestion | None:
    known = fields.get(where.field)
    values = where.value if where.op is Op.IN else (where.value,)
    if known is None or where.op not in (Op.EQ, Op.IN) or len(values) > MOST_VALUES:
        return None
    if not _covered(lookup, where.field, known):
        return None
    if known.personal == "phone" and all(isinstance(one, PhoneText) for one in values):
        numbers = frozenset(e164(one, one.region) or "" for one in values)
        wanted = _for_main_phone(lookup) if where.field == "phone" else lookup
        return PersonQuestion(wanted, where, Person(phones=numbers), values[0].region)
    if known.personal == "email" and all(EMAIL.fullmatch(str(one)) for one in values):
        spelled = tuple(map(str, values))
        return PersonQuestion(lookup, where, Person(frozenset(map(folded, spelled)), spelled=spelled))
    return None


def _covered(lookup: PersonLookup, name: str, known: Field) -> bool:
    """Whether the searches look into this field."""
    return set(known.paths) <= lookup.paths or (lookup.renamed and name in ("email", "phone"))


def _for_main_phone(lookup: PersonLookup) -> PersonLookup:
    """The look-up where only leads with the number in ``phone`` are asked for."""
    return replace(lookup, phone=lookup.main_phone or lookup.phone)


def _by_text(search: Search, lookup: PersonLookup, text: str) -> PersonQuestion | None:
    """Whom a text names. Where the vendor's own text search serves as well, that is asked."""
    if isinstance(text, PhoneText):
        number, extension = e164(text, text.region) or "", extension_of(text, text.region)
        person = Person(phones=frozenset({number}), extension=extension)
        return PersonQuestion(_for_main_phone(lookup), TextSearch(text), person, text.region)
    own = any(route.text for route in search.routes)
    if EMAIL.fullmatch(text):
        person = Person(frozenset({folded(text)}), spelled=(text,))
        return None if own else PersonQuestion(lookup, TextSearch(text), person, own_notes=(AskedAsOne("e-mail"),))
    words = tuple(text.split())
    if lookup.name is None or not FULL_NAME.fullmatch(" ".join(words)):
        return None
    return PersonQuestion(lookup, TextSearch(text), Person(), words=words, own_notes=(AskedAsOne("full name"),))


def route_of(question: PersonQuestion) -> Route:
    """The look-up as a route of a plan: it takes no clause, sorts by nothing and is read whole, by its own requests."""
    page = question.lookup.page
    return Route(name=NAME, build=_no_request, read=_no_page, takes=lambda where, fields: None, page=page)


def _no_request(account: Account, ask: PageRequest) -> NoReturn:
    raise AssertionError(OWN_REQUESTS)


def _no_page(account: Account, ask: PageRequest, reply: Reply) -> NoReturn:
    raise AssertionError(OWN_REQUESTS)
