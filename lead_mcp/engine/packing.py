"""Plain values as few bytes: what a cursor holds, so that it stays short.

A byte says what follows, and for what is small its length or value too: ``0x80`` and up is a number below 128, ``0x20`` a
text, ``0x40`` a text of the commonest signs at six bits each, ``0x60`` a list, ``0x70`` a mapping. Ids are numbers, UUIDs or
hexadecimal digits more often than not, and times whole seconds: these have their own short forms.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

NONE, FALSE, TRUE, WHOLE, NEGATIVE, NUMBER, FRACTION, SECONDS, MILLIS, MICROS, IDENTIFIER, HEX, DIGITS = range(13)
SHORT_TEXT, SIX_BITS, LIST, MAPPING, SMALL = 0x20, 0x40, 0x60, 0x70, 0x80
SIGNS: Final = "abcdefghijklmnopqrstuvwxyz0123456789 .-_@+'/:,&()#!*?=%~|"
SINCE: Final = datetime(2020, 1, 1, tzinfo=UTC)
UNITS: Final = (
    (SECONDS, timedelta(seconds=1)),
    (MILLIS, timedelta(milliseconds=1)),
    (MICROS, timedelta(microseconds=1)),
)
UUID_TEXT: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
HEX_TEXT: Final = re.compile(r"(?:[0-9a-f]{2}){4,31}")
DIGITS_TEXT: Final = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
KEYS: Final = range(ord("a"), ord("z") + 1)
"""A key of one small letter is that byte: keys are neither lists nor mappings."""


def packed(value: Any) -> bytes:
    """JSON, times and decimals as bytes. Raises TypeError for anything else."""
    write = WRITERS.get(type(value)) or next((WRITERS[kind] for kind in WRITERS if isinstance(value, kind)), None)
    if write is None:
        raise TypeError(f"a {type(value).__name__} cannot be packed")
    return write(value)


def unpacked(data: bytes) -> Any:
    """The value. Raises ValueError, IndexError or the like where ``data`` is none."""
    rest = iter(data)
    found = _read(rest)
    if next(rest, None) is not None:
        raise ValueError("more than one value")
    return found


# --- writing ------------------------------------------------------------------------------------------------------


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])


def _whole(number: int) -> bytes:
    if 0 <= number < 128:
        return bytes([SMALL | number])
    return bytes([WHOLE]) + _varint(number) if number > 0 else bytes([NEGATIVE]) + _varint(-number)


def _is_whole(number: Decimal) -> bool:
    return number == number.to_integral_value() and abs(number) < 2**63


def _number(number: Decimal) -> bytes:
    return bytes([NUMBER]) + (_whole(int(number)) if _is_whole(number) else packed(str(number)))


def _list(items: Sequence[Any]) -> bytes:
    return _sized(LIST, len(items)) + b"".join(map(packed, items))


def _mapping(items: Mapping[Any, Any]) -> bytes:
    return _sized(MAPPING, len(items)) + b"".join([_key(key) + packed(item) for key, item in items.items()])


def _time(moment: datetime) -> bytes:
    since = moment.astimezone(UTC) - SINCE
    tag, unit = next(one for one in UNITS if not since % one[1])
    count = since // unit
    return bytes([tag]) + _varint(2 * count if count >= 0 else -2 * count - 1)


def _sized(tag: int, length: int) -> bytes:
    """Up to 14 in the tag itself."""
    return bytes([tag | length]) if length < 15 else bytes([tag | 15]) + _varint(length)


def _long(tag: int, length: int) -> bytes:
    """Up to 30 in the tag itself."""
    return bytes([tag | length]) if length < 31 else bytes([tag | 31]) + _varint(length)


def _key(key: Any) -> bytes:
    return key.encode() if isinstance(key, str) and len(key) == 1 and ord(key) in KEYS else packed(key)


def _text(text: str) -> bytes:
    """The shortest form."""
    if UUID_TEXT.fullmatch(text):
        return bytes([IDENTIFIER]) + UUID(text).bytes
    if DIGITS_TEXT.fullmatch(text):
        return bytes([DIGITS]) + _varint(int(text))
    if HEX_TEXT.fullmatch(text):
        return bytes([HEX, len(text) // 2]) + bytes.fromhex(text)
    if text and not text.strip(SIGNS):
        number = 0
        for sign in text:
            number = number << 6 | SIGNS.index(sign)
        return _long(SIX_BITS, len(text)) + number.to_bytes(-(-len(text) * 6 // 8), "big")
    data = text.encode("utf-8", "surrogatepass")
    return _long(SHORT_TEXT, len(data)) + data


WRITERS: Final[Mapping[type, Callable[[Any], bytes]]] = {
    type(None): lambda none: bytes([NONE]),
    bool: lambda flag: bytes([TRUE if flag else FALSE]),
    int: _whole,
    float: lambda number: bytes([FRACTION]) + struct.pack(">d", number),
    Decimal: _number,
    datetime: _time,
    str: _text,
    dict: _mapping,
    list: _list,
    tuple: _list,
    Mapping: _mapping,
    Sequence: _list,
}
"""By type, the first one of those that a value is."""


# --- reading ------------------------------------------------------------------------------------------------------


def _read(rest: Iterator[int]) -> Any:
    tag = _byte(rest)
    if tag >= SMALL:
        return tag - SMALL
    if tag >= MAPPING:
        return {_read_key(rest): _read(rest) for _ in range(_length(rest, tag & 15, 15))}
    if tag >= LIST:
        return [_read(rest) for _ in range(_length(rest, tag & 15, 15))]
    if tag >= SHORT_TEXT:
        return (_read_six_bits if tag >= SIX_BITS else _read_text)(rest, _length(rest, tag & 31, 31))
    return READERS[tag](rest)


def _byte(rest: Iterator[int]) -> int:
    found = next(rest, None)
    if found is None:
        raise ValueError("cut off")
    return found


def _bytes(rest: Iterator[int], count: int) -> bytes:
    return bytes(_byte(rest) for _ in range(count))


def _read_varint(rest: Iterator[int]) -> int:
    number = shift = 0
    while (byte := _byte(rest)) > 127:
        number, shift = number | (byte & 127) << shift, shift + 7
    return number | byte << shift


def _length(rest: Iterator[int], inside: int, full: int) -> int:
    return _read_varint(rest) if inside == full else inside


def _read_key(rest: Iterator[int]) -> Any:
    tag = _byte(rest)
    return chr(tag) if tag in KEYS else _read(_before(tag, rest))


def _before(first: int, rest: Iterator[int]) -> Iterator[int]:
    yield first
    yield from rest


def _read_text(rest: Iterator[int], length: int) -> str:
    return _bytes(rest, length).decode("utf-8", "surrogatepass")


def _read_six_bits(rest: Iterator[int], length: int) -> str:
    number = int.from_bytes(_bytes(rest, -(-length * 6 // 8)), "big")
    return "".join(SIGNS[number >> 6 * nth & 63] for nth in reversed(range(length)))


def _time_reader(unit: timedelta) -> Callable[[Iterator[int]], datetime]:
    def read(rest: Iterator[int]) -> datetime:
        number = _read_varint(rest)
        return SINCE + unit * (-(number + 1) // 2 if number % 2 else number // 2)

    return read


READERS: Final[Mapping[int, Callable[[Iterator[int]], Any]]] = {
    NONE: lambda rest: None,
    FALSE: lambda rest: False,
    TRUE: lambda rest: True,
    WHOLE: _read_varint,
    NEGATIVE: lambda rest: -_read_varint(rest),
    NUMBER: lambda rest: Decimal(_read(rest)),
    FRACTION: lambda rest: struct.unpack(">d", _bytes(rest, 8))[0],
    IDENTIFIER: lambda rest: str(UUID(bytes=_bytes(rest, 16))),
    HEX: lambda rest: _bytes(rest, _byte(rest)).hex(),
    DIGITS: lambda rest: str(_read_varint(rest)),
    **{tag: _time_reader(unit) for tag, unit in UNITS},
}
