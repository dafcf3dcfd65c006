"""Reading what a lead is to become: ``{"lead": {...}}``, every name known, every value of its kind."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from tests.sixth.emulator.asking import E164
from tests.sixth.emulator.store import ATTRIBUTES, CHANNELS, STATUSES, Lead, RefusedError

EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+")


def text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 2000


def word(*allowed: str) -> Callable[[Any], bool]:
    return lambda value: value in allowed


def shaped(pattern: re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def cents(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**12


Shape = Mapping[str, Any]
CREATING: Final[Shape] = {
    "person": {"first": text, "last": text, "email": shaped(EMAIL), "phone": shaped(E164)},
    "company": text,
    "address": {"street": text, "city": text, "state": text, "zip": text},
    "channel": word(*CHANNELS),
    "campaign": text,
    "amount": cents,
    "note": text,
    "external_ref": text,
    "attributes": dict.fromkeys(ATTRIBUTES, text),
}
CHANGING: Final[Shape] = {**CREATING, "status": word(*STATUSES)}


def lead_of(body: Any, shape: Shape) -> Lead:
    """The lead in a body, or RefusedError. Null is taken for every single value: it empties it."""
    if not isinstance(body, dict) or set(body) != {"lead"} or not isinstance(body["lead"], dict):
        raise RefusedError(422, "unprocessable", 'the body is {"lead": {...}}')
    check(body["lead"], shape, "")
    found: Lead = body["lead"]
    return found


def check(values: Mapping[str, Any], shape: Shape, path: str) -> None:
    for name, value in values.items():
        known, place = shape.get(name), f"{path}{name}"
        if known is None:
            raise RefusedError(422, "unprocessable", f"{place}: no such field")
        if isinstance(known, Mapping):
            if not isinstance(value, dict):
                raise RefusedError(422, "unprocessable", f"{place}: an object")
            check(value, known, f"{place}.")
        elif (value is None and name == "status") or (value is not None and not known(value)):
            raise RefusedError(422, "unprocessable", f"{place}: not such a value")
