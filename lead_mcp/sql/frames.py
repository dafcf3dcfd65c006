"""What the server and its caged child say to each other: a JSON header, then blobs, all with their lengths.

``8 bytes length of the header | header | blobs``; the header's ``sizes`` gives the blobs' lengths in order. JSON, never
pickle: nothing that comes out of the cage is code. Values of a result that JSON has no word for are objects of one key:
``{"n": "12.5"}`` a decimal, ``{"t": ISO}`` an instant, ``{"f": "nan"}`` a float, ``{"o": [[key, value], ...]}`` a struct.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final

LENGTH: Final = 8
LINES: Final = b"\n"
"""What a blob begins with whose further lines are texts."""


def packed(header: Mapping[str, Any], blobs: Sequence[bytes] = ()) -> bytes:
    """One message."""
    head = json.dumps({**header, "sizes": [len(blob) for blob in blobs]}).encode()
    return b"".join((len(head).to_bytes(LENGTH, "big"), head, *blobs))


def to_wire(value: Any) -> Any:
    """A value of the engine as JSON holds it, types kept."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else {"f": str(value)}
        case Decimal():
            return {"n": str(value)}
        case Mapping():
            return {"o": [[to_wire(key), to_wire(item)] for key, item in value.items()]}
        case list() | tuple():
            return [to_wire(item) for item in value]
        case _:
            return _as_text(value)


def _as_text(value: Any) -> Any:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return {"t": value.isoformat()}
    if isinstance(value, date | time):
        return value.isoformat()
    return bytes(value).hex() if isinstance(value, bytes | bytearray) else str(value)


def from_wire(value: Any) -> Any:
    """What ``to_wire`` was given: decimals, instants, lists, dictionaries with text keys."""
    if isinstance(value, list):
        return [from_wire(item) for item in value]
    if not isinstance(value, dict):
        return value
    ((kind, held),) = value.items()
    match kind:
        case "n":
            return Decimal(held)
        case "t":
            return datetime.fromisoformat(held)
        case "o":
            return {str(from_wire(key)): from_wire(item) for key, item in held}
        case _:
            return held
