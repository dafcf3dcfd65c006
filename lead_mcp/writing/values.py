"""Values of leads in a write: without characters that nobody sees, as JSON for the journal, and whether two are the same."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from lead_mcp.characters import cleaned, comparable, is_text, strings_in
from lead_mcp.dates import full_stamp, parse_stretch
from lead_mcp.engine.records import Record
from lead_mcp.errors import BadArgument
from lead_mcp.filters import Value, as_number, as_time
from lead_mcp.phones import e164, extension_of

EXACT: Final = 2**53
"""Whole numbers below it are the same in every JSON reader."""
DEPTH: Final = 20
"""How deep lists and objects may stand in each other."""
TOO_DEEP: Final = f"lists or objects stand in each other more than {DEPTH} deep."
HALF_CHARACTER: Final = "holds half a character (a lone surrogate), which is no text."


def stored(value: Value) -> Any:
    """A value as JSON, whole: times in UTC with their fraction."""
    match value:
        case datetime():
            return full_stamp(value)
        case Decimal():
            return int(value) if value == value.to_integral_value() and abs(value) < EXACT else float(value)
        case _:
            return value


def one_newline(value: Any) -> Any:
    """The value with every end of a line spelled alike, in texts inside it too."""
    return _mapped(value, lambda text: text.replace("\r\n", "\n"))


def cleaned_value(name: str, value: Any) -> Any:
    """A value about to be written, without deceiving characters. Raises BadArgument where nothing would be left of it."""
    return _mapped(one_newline(value), lambda text: _cleaned_text(name, text))


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    match value:
        case str():
            return change(value)
        case Mapping():
            return {change(str(key)): _mapped(item, change) for key, item in value.items()}
        case list() | tuple():
            return [_mapped(item, change) for item in value]
        case _:
            return value


def _cleaned_text(name: str, text: str) -> str:
    if not is_text(text):
        raise BadArgument(f"{name}: {HALF_CHARACTER}")
    found = cleaned(text, lines=True)
    if text.strip() and not found.strip():
        raise BadArgument(f"{name}: holds nothing but invisible characters.")
    return found


def check_arguments(arguments: Mapping[str, Any]) -> None:
    """Raises BadArgument where an argument holds what is no text, named by its place, or is nested without reason."""
    for argument, value in arguments.items():
        if is_deeper(value, DEPTH):
            raise BadArgument(f"{argument}: {TOO_DEEP}")
        for place, text in strings_in(value, argument):
            if not is_text(text):
                named = place.encode("utf-8", "backslashreplace").decode()
                raise BadArgument(f"{named}: {HALF_CHARACTER}")


def is_deeper(value: Any, most: int) -> bool:
    """Whether lists and objects stand in each other more than ``most`` deep."""
    level: Iterable[Any] = [value] if isinstance(value, Mapping | list) else []
    for _ in range(most + 1):
        level = [item for one in level for item in _items(one)]
        if not level:
            return False
    return True


def _items(value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return [one for one in value.values() if isinstance(one, Mapping | list)]
    return [one for one in value if isinstance(one, Mapping | list)]


def same(value: Value, wanted: Any, name: str, region: str, text: Callable[[str], str] = comparable) -> bool:
    """Whether a record's value is what somebody expects; texts that look alike, and spellings of one number, are the same.

    ``text``: how texts compare.
    """
    if wanted is None or value is None:
        return value is None and wanted in (None, "")
    if name == "phone":
        return _line(str(value), region, text) == _line(str(wanted), region, text)
    for read, spelled in READERS:
        found = read(value)
        if found is not None and not isinstance(value, str):
            return bool(found == read(spelled(wanted)))
    return text(str(value)) == text(str(wanted).lower() if isinstance(wanted, bool) else str(wanted))


def is_shown_time(value: Value, wanted: Any, zone: ZoneInfo) -> bool:
    """Whether ``wanted`` is a time as an answer shows it, which leaves out fractions or seconds, and means ``value``."""
    if not isinstance(value, datetime) or not isinstance(wanted, str) or not wanted[:1].isdigit():
        return False
    try:
        span = parse_stretch(wanted, zone, value)
    except BadArgument:
        return False
    return span.start <= value < span.end


def _line(phone: str, region: str, text: Callable[[str], str]) -> tuple[str, str]:
    """A telephone number as it compares; behind one number there may be several people, each with an extension."""
    return e164(phone, region) or text(phone), extension_of(phone, region)


def unchanged(value: Value, wanted: Any, name: str, region: str) -> bool:
    """Whether a record has a value already, to the last character: what only looks like it has to be written."""
    return same(value, wanted, name, region, _composed)


READERS: Final[tuple[tuple[Callable[[Any], Any], Callable[[Any], Any]], ...]] = (
    (as_time, lambda wanted: wanted),
    (as_number, str),
)


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def unchanged_own(record: Record, name: str, value: Any) -> bool:
    """Whether the vendor's own field has that value already; one that the record does not show has to be sent."""
    return name in record.raw and _composed(str(record.raw[name])) == _composed(str(value))


def of_record(record: Record, ours: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """What the record has now in the fields that a write speaks of, as JSON."""
    return {name: stored(record.get(name)) for name in ours} | {name: record.raw.get(name) for name in own}
