"""What a name says of the values under it, where no field map knows the name: words of some languages, of no vendor."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

from lead_mcp.vendors.spec.fields import Personal

WORDS: Final[tuple[tuple[Personal, re.Pattern[str]], ...]] = (
    ("email", re.compile(r"e_?mail|courriel|correo|(^|_)mail(_|$)")),
    ("phone", re.compile(r"phone|mobile|fax|telef|handynummer|(^|_)(cell|tel|handy|movil|msisdn|gsm)(_|$)")),
    ("ip", re.compile(r"(^|_)ip(v[46])?(_|$)|ip_?add?ress")),
    (
        "address",
        re.compile(r"addr|adress|street|strasse|postal|zip|direccion|indirizzo|(^|_)(calle|plz|postcode)(_|$)"),
    ),
    ("address", re.compile(r"latitude|longitude|(^|_)(lat|lng|long)$")),
    ("birth", re.compile(r"birth|geburt|naissance|nacimiento|nascita|(^|_)dob(_|$)")),
    ("name", re.compile(r"^(first|last|full|middle|f|l)?_?names?$|^(first|last)$")),
    ("name", re.compile(r"(first|last|sur|fore|given|family|maiden|full)_?name|(contact|customer|person)_name")),
    (
        "name",
        re.compile(r"vorname|nachname|familienname|voornaam|achternaam|cognome|apellido|(^|_)(prenom|nombre)s?(_|$)"),
    ),
    ("other", re.compile(r"social_security|credit_?card|card_?number|(^|_)(ssn|iban|passport)(_|$)")),
)
PARTS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
"""Where one word of ``camelCaseIPAddress`` ends and the next begins."""


@lru_cache(maxsize=10_000)
def personal_by_name(name: str) -> Personal:
    """The kind of personal value that a key of that name speaks of, by its last dotted part; ``""`` where it does not."""
    last = PARTS.sub("_", name.rpartition(".")[2])
    plain = unicodedata.normalize("NFKD", last.casefold())
    words = re.sub(r"[^a-z0-9]+", "_", "".join(one for one in plain if not unicodedata.combining(one))).strip("_")
    return next((kind for kind, pattern in WORDS if pattern.search(words)), "")
