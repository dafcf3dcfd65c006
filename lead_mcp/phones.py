"""Telephone numbers: one spelling to compare by, and what is plainly impossible. The rules are libphonenumber's."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

from lead_mcp.errors import BadArgument


class Phone(NamedTuple):
    """A telephone number taken apart: ``+12135550101``, ``2135550101``, ``1``, and the extension behind it, if any."""

    e164: str
    national: str
    country_code: str
    extension: str = ""

    @property
    def spelled(self) -> str:
        """In E.164, with the extension: ``+12135550101 x101``."""
        return f"{self.e164} x{self.extension}" if self.extension else self.e164


TOGETHER = 4
"""Digits at the end of a number that nobody sets apart, however it is spelled (``(512) 555-0105``, ``512.555.0105``)."""


class PhoneText(str):
    """A telephone number as somebody wrote it, that means every spelling of it; read as dialled in ``region``."""

    region: str

    def __new__(cls, text: str, region: str) -> PhoneText:
        made = super().__new__(cls, text)
        made.region = region
        return made


PLAIN_US: Final = re.compile(
    r"(?:(?P<country>\+1)[ .-]?|1[ .-])?(?:\((?P<a>[2-9][0-9]{2})\) ?|(?P<b>[2-9][0-9]{2})[ .-]?)([0-9]{3})[ .-]?([0-9]{4})"
)
"""Ten digits in the usual spellings of North America, of which libphonenumber says the same a hundred times slower."""


@lru_cache(maxsize=100_000)
def _parsed(text: str, region: str) -> Phone | None:
    """The number as dialled in ``region``; None where it is no possible one."""
    plain = PLAIN_US.fullmatch(text)
    if plain is not None and (region == "US" or plain["country"]):
        national = f"{plain['a'] or plain['b']}{plain[4]}{plain[5]}"
        return Phone(f"+1{national}", national, "1")
    return _looked_up(text, region)


def _looked_up(text: str, region: str) -> Phone | None:
    """What libphonenumber says of it."""
    import phonenumbers

    dialled = text.strip()
    dialled = f"+{dialled[2:]}" if dialled.startswith("00") else dialled  # how most of the world writes a +
    try:
        number = phonenumbers.parse(dialled, region)
    except phonenumbers.NumberParseException:
        return None
    possible = phonenumbers.is_possible_number_with_reason(number)
    if possible != phonenumbers.ValidationResult.IS_POSSIBLE:  # nor one without its area code: that is many people's
        return None
    spelled = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    national = phonenumbers.national_significant_number(number)
    return Phone(spelled, national, str(number.country_code), number.extension or "")


def e164(text: str, region: str) -> str | None:
    """The number in E.164 (``+12135550101``), read as dialled in ``region``; None where it is no possible number."""
    found = _parsed(text, region)
    return None if found is None else found.e164


def extension_of(text: str, region: str) -> str:
    """The extension behind a number (``x101``, ``ext 204``, ``#99``); "" where there is none."""
    found = _parsed(text, region)
    return "" if found is None else found.extension


def by_number(text: str, region: str) -> str:
    """The text as one that means every spelling of its number; itself where it is no possible number."""
    return text if _parsed(text, region) is None else PhoneText(text, region)


def same_number(text: str, wanted: PhoneText) -> bool:
    """Whether both are one number. Two extensions tell two people apart; a number without one may be either's."""
    one, other = _parsed(text, wanted.region), _parsed(wanted, wanted.region)
    if one is None or other is None or one.e164 != other.e164:
        return False
    return one.extension == other.extension or "" in (one.extension, other.extension)


def parse_phone(text: str, region: str) -> tuple[Phone, str]:
    """The number taken apart, and a warning ("" if none) where it is possible but not assigned. Raises BadArgument."""
    import phonenumbers

    found = _parsed(text, region)
    if found is None:
        raise BadArgument(
            f"phone: {text[:40]!r} is no possible telephone number (read in {region}; +COUNTRY... is always clear)."
        )
    assigned = phonenumbers.is_valid_number(phonenumbers.parse(found.e164, None))
    warning = "" if assigned else f"phone: {found.e164} is a possible number, but not an assigned one"
    return found, warning
