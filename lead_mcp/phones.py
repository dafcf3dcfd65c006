"""Telephone numbers: one spelling to compare by, and what is plainly impossible. The rules are libphonenumber's."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

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


@lru_cache(maxsize=100_000)
def _parsed(text: str, region: str) -> Phone | None:
    """The number as dialled in ``region``; None where it is no possible one."""
    import phonenumbers

    dialled = text.strip()
    dialled = f"+{dialled[2:]}" if dialled.startswith("00") else dialled  # how most of the world writes a +
    try:
        number = phonenumbers.parse(dialled, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
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


def parse_phone(text: str, region: str, name: str = "phone") -> tuple[Phone, str]:
    """The number taken apart, and a warning ("" if none) where it is possible but not assigned. Raises BadArgument."""
    import phonenumbers

    found = _parsed(text, region)
    if found is None:
        message = (
            f"{name}: {text[:40]!r} is no possible telephone number (read in {region}; +COUNTRY... is always clear)."
        )
        raise BadArgument(message)
    assigned = phonenumbers.is_valid_number(phonenumbers.parse(found.e164, None))
    warning = "" if assigned else f"{name}: {found.e164} is a possible number, but not an assigned one"
    return found, warning
