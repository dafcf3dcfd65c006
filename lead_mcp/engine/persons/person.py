"""One person, as e-mails and telephone numbers, and whether a record is theirs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from lead_mcp.engine.records import Record
from lead_mcp.filters import Value, folded
from lead_mcp.phones import e164, extension_of
from lead_mcp.vendors.spec.http import Raw

PHONE_WORDS = ("phone", "mobile")


@dataclass(frozen=True)
class Person:
    """Whom to look for: case-folded e-mails and E.164 numbers."""

    emails: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()
    spelled: tuple[str, ...] = ()
    """The e-mails as given: a vendor may tell upper case from lower."""
    extension: str = ""
    """Behind the number; a record with another extension is somebody else's."""

    @classmethod
    def of(cls, values: Mapping[str, object], region: str) -> Person:
        """The person a lead's values name."""
        email, phone = values.get("email"), values.get("phone")
        number = e164(str(phone), region) if phone else None
        emails = (str(email),) if email else ()
        extension = extension_of(str(phone), region) if number else ""
        return cls(frozenset(map(folded, emails)), frozenset({number} if number else ()), emails, extension)

    def is_in(self, record: Record, region: str) -> bool:
        """Whether a record is of this person: its e-mail, or any of its telephone numbers."""
        email = record.get("email")
        if email is not None and folded(str(email)) in self.emails:
            return True
        return any(
            number in self.phones and (extension == self.extension or "" in (extension, self.extension))
            for number, extension in _lines_of(record, region)
        )

    def meets(self, other: Person) -> bool:
        """Whether both may be one: an e-mail in common, or a number behind which they have no two extensions."""
        apart = self.extension and other.extension and self.extension != other.extension
        return bool(self.emails & other.emails or (self.phones & other.phones and not apart))

    def joined(self, other: Person) -> Person:
        """Whoever is one of both."""
        emails, phones = self.emails | other.emails, self.phones | other.phones
        return Person(emails, phones, (*self.spelled, *other.spelled), self.extension)

    def __bool__(self) -> bool:
        return bool(self.emails or self.phones)


def numbers_of(record: Record, region: str) -> Iterable[str]:
    """Every telephone number of a record in E.164: ours, and the vendor's own phone fields."""
    return numbers_in(record.get("phone"), record.raw, region)


def numbers_in(phone: Value, raw: Raw, region: str) -> Iterator[str]:
    """The same of a record whose ``phone`` has been read."""
    return (number for text in _dialled(phone, raw) if (number := e164(text, region)))


def _lines_of(record: Record, region: str) -> Iterator[tuple[str, str]]:
    """The same, each with its extension."""
    for text in _dialled(record.get("phone"), record.raw):
        if number := e164(text, region):
            yield number, extension_of(text, region)


def _dialled(phone: Value, raw: Raw) -> Iterator[str]:
    for value in (phone, *map(raw.get, _numbered(tuple(raw)))):
        if value and not isinstance(value, dict | list):
            yield str(value)


@lru_cache(maxsize=1_000)
def _numbered(names: tuple[str, ...]) -> tuple[str, ...]:
    """Those of a record's names under which a telephone number is likely to stand; records have the same again and again."""
    return tuple(name for name in names if any(word in name.casefold() for word in PHONE_WORDS))
