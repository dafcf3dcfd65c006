"""What the coverage-guided fuzzer feeds bytes to. Each target takes any bytes, and raises where a promise is broken."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from lead_mcp.characters import cleaned
from lead_mcp.dates import parse
from lead_mcp.engine.cursor import Seal
from lead_mcp.engine.packing import packed
from lead_mcp.errors import BadArgument, LeadMcpError
from lead_mcp.outgoing.cleaning import CELL_LIMIT, text_cell
from lead_mcp.periods import period_window
from lead_mcp.phones import parse_phone
from lead_mcp.transport.decoding import parsed
from lead_mcp.transport.redaction import redactor
from lead_mcp.uris import SCHEMES, parse_uri, uri
from lead_mcp.vendors.spec.http import StrictDecoder
from tests.contract.replies import NUMBERS, STATUSES, VALUES, Sample, places, put, recorded
from tests.contract.test_readers import check
from tests.driving import bench
from tests.facts import TRIED, settled, vendor_of

NOW: Final = datetime(2026, 11, 21, 12, 1, tzinfo=UTC)
ZONE: Final = ZoneInfo("America/New_York")
SECRET: Final = "k3y/+of=an account"
MOST_CHANGES: Final = 4


class Draw:
    """Decisions out of bytes; where they end, every further one is 0."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def number(self, below: int) -> int:
        taken = self.data[self.at : self.at + 2]
        self.at += 2
        return int.from_bytes(taken, "big") % max(1, below)

    def rest(self) -> bytes:
        return self.data[self.at :]


@cache
def samples() -> Sequence[tuple[str, Sample]]:
    """A good reply to every reader of every vendor."""
    allowed = {"LEAD_MCP_WRITES": "allow", "LEAD_MCP_DELETES": "allow"}
    with bench(12, only=TRIED, options=settled(), environment=allowed) as driven:
        return [(name, sample) for name in TRIED for sample in recorded(driven, name)]


def replies(data: bytes) -> None:
    """A reader's reply with several changes, or whatever the bytes are: it is read or refused."""
    draw = Draw(data)
    vendor, sample = samples()[draw.number(len(samples()))]
    changes, status = draw.number(MOST_CHANGES + 1), STATUSES[draw.number(len(STATUSES))]
    body: Any = sample.body
    for _ in range(changes):
        path = [*places(body)]
        body = put(body, path[draw.number(len(path))], _value(draw))
    said = json.dumps(body).encode() if changes else draw.rest()
    with suppress(LeadMcpError):
        check(vendor_of(vendor), sample.read(replace(sample.reply, status=status, body=said)))


def _value(draw: Draw) -> Any:
    """An odd value, a number beyond machines, or a text of the bytes."""
    nth = draw.number(len(VALUES) + len(NUMBERS) + 8)
    if nth < len(VALUES):
        return VALUES[nth]
    if nth < len(VALUES) + len(NUMBERS):
        return NUMBERS[nth - len(VALUES)]
    length = draw.number(24)
    text = draw.rest()[:length].decode("utf-8", "replace")
    draw.at += length
    return text


def decoding(data: bytes) -> None:
    """JSON in steps is JSON, or neither is."""
    text = data.decode("utf-8", "replace")
    here, there = _outcome(parsed, text), _outcome(StrictDecoder().decode, text)
    assert here == there or "RecursionError" in (here, there), (here, there)


def _outcome(read: Callable[[str], Any], text: str) -> str:
    try:
        return json.dumps(read(text))
    except (ValueError, RecursionError) as error:
        return "RecursionError" if isinstance(error, RecursionError) else "none"


def redaction(data: bytes) -> None:
    """A secret among anything is not left in clear, and nothing else is lost with it."""
    text = data.decode("utf-8", "replace")
    shown = redactor([SECRET]).text(text[: len(text) // 2] + SECRET + text[len(text) // 2 :])
    assert SECRET not in shown


def cursors(data: bytes) -> None:
    """Nobody's bytes are a cursor of ours; a damaged one is none either."""
    seal = Seal(bytes(32))
    with suppress(BadArgument):
        seal.open(data.decode("latin-1"), {"a": 1})
        raise AssertionError("a forged cursor was opened")
    draw = Draw(data)
    whole = bytearray(seal.close({"f": NOW, "n": [1, "x"]}, {}).encode())
    whole[draw.number(len(whole) - 1)] ^= 1 + draw.number(255)
    state = None
    with suppress(BadArgument):
        state = seal.open(whole.decode("latin-1"), {})
    assert state in (None, {"f": NOW, "n": [1, "x"]})
    packed(data.decode("latin-1"))


def uris(data: bytes) -> None:
    """A URI that is taken apart can be put together again."""
    text = data.decode("utf-8", "replace")
    for candidate in (text, f"lead://{text}", f"ping://leadexec/inbound/{text}"):
        with suppress(BadArgument):
            found = parse_uri(candidate)
            assert parse_uri(uri(found.scheme, *found.parts)).parts == found.parts


def cleaning(data: bytes) -> None:
    """What is cleaned is clean, and stays so."""
    text = data.decode("utf-8", "replace")
    shown = text_cell(text)
    assert len(shown) <= CELL_LIMIT
    assert len(shown.splitlines()) <= 1
    assert "|" not in shown
    assert not any(f"{scheme}://" in shown.casefold() for scheme in SCHEMES)
    assert text_cell(shown) == shown
    assert cleaned(cleaned(text)) == cleaned(text)


def words(data: bytes) -> None:
    """Dates, stretches of time and phone numbers are read or refused."""
    text = data.decode("utf-8", "replace")
    for read in (parse, period_window):
        with suppress(BadArgument):
            read(text, ZONE, NOW)
    with suppress(BadArgument):
        parse_phone(text, "US")


TARGETS: Final[Mapping[str, Callable[[bytes], None]]] = {
    "replies": replies,
    "decoding": decoding,
    "redaction": redaction,
    "cursors": cursors,
    "uris": uris,
    "cleaning": cleaning,
    "words": words,
}
SEEDS: Final[Mapping[str, Sequence[bytes]]] = {
    "replies": [bytes([0, nth, 0, 1, 0, 0, 0, nth, 0, nth]) for nth in range(40)],
    "decoding": [b'{"data": [{"a": 1.5}, "x"], "b": {"c": null}}', b"[[1, 2], {}]", b'"\\ud800"', b"1e999", b"[" * 50],
    "redaction": [b"", b"k3y%2F%2Bof%3Dan%20account", b"k3y\\/+of=an account", b"<k3y&#x2F;", b"\\u006b3y"],
    "cursors": [b"", b"AAAA", b"=", b"-_" * 20],
    "uris": [b"lead://acme/4%2F2", b"ping://a/inbound/x?type=1&at=99", b"%00", b"a/%ff", b"recording://a/b/c"],
    "cleaning": [b"a | b", "le\u200bad://a".encode(), b"x\n| lead://acme/1", "a\u202eb\U000e0041e\u0301".encode()],
    "words": [b"2026-10-05..2026-10-12", b"last_30_days", b"-7d", b"2026-W44", b"2026-Q3", b"+1 (213) 555-0100 ext. 5"],
}
