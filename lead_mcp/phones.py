"""Telephone numbers: one spelling to compare by, and what is plainly impossible. The rules are libphonenumber's."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from lead_mcp.errors import BadArgument


class Phone(NamedTuple):
    """A telephone number taken apart: ``+12135550101``, ``2135550101``, ``1``."""

    e164: str
    national: str
    country_code: str


@lru_cache(maxsize=100_000)
def e164(text: str, region: str) -> str | None:
    """The number in E.164 (``+12135550101``), read as dialled in ``region``; None where it is no possible number."""
    import phonenumbers

    dialled = text.strip()
    dialled = f"+{dialled[2:]}" if dialled.startswith("00") else dialled  # how most of the world writes a +
    try:
        number = phonenumbers.parse(dialled, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def parse_phone(text: str, region: str, name: str = "phone") -> tuple[Phone, str]:
    """The number taken apart, and a warning ("" if none) where it is possible but not assigned. Raises BadArgument."""
    import phonenumbers

    spelled = e164(text, region)
    if spelled is None:
        message = (
            f"{name}: {text[:40]!r} is no possible telephone number (read in {region}; +COUNTRY... is always clear)."
        )
        raise BadArgument(message)
    number = phonenumbers.parse(spelled, None)
    national = phonenumbers.national_significant_number(number)
    assigned = phonenumbers.is_valid_number(number)
    warning = "" if assigned else f"{name}: {spelled} is a possible number, but not an assigned one"
    return Phone(spelled, national, str(number.country_code)), warning
