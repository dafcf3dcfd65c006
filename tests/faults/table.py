"""The faults, one a line: what happens, which requests it strikes, what a read and a write may then answer.

Words of an outcome: ``right`` is the answer of a quiet vendor; ``part`` lacks something and says so; ``other`` differs and
could not be known to (the vendor itself said so); any other word is the code of an error. A write's words are the outcome of
the call under the fault.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Final

from tests.faults import changes
from tests.faults.host import Play, answer
from tests.faults.plays import (
    FAR,
    HUGE,
    before_body,
    bomb,
    broken_at,
    bytes_of,
    changed,
    chunked,
    close_at_once,
    dripping,
    each_list,
    echo,
    encoded,
    endless,
    hang,
    hinted,
    in_body,
    in_headers,
    in_turn,
    of_length,
    redirect_to_itself,
    reset_at_once,
    saying,
    typed,
    without_length,
)

Words = frozenset[str]


class Where(Enum):
    """Which of a vendor's requests a fault strikes, its login's aside unless it strikes every one."""

    EVERY = "every request"
    ONCE = "the first request"
    TWICE = "the first two requests"
    SECOND = "the second request"
    LATER = "every request but the first"


STRIKES: Final[dict[Where, Callable[[int], bool]]] = {
    Where.EVERY: lambda nth: True,
    Where.ONCE: lambda nth: nth == 1,
    Where.TWICE: lambda nth: nth <= 2,
    Where.SECOND: lambda nth: nth == 2,
    Where.LATER: lambda nth: nth > 1,
}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One fault. ``make``: what it does, made anew for each cell; None: connections are refused.

    ``spoils``: it needs the emulator's own reply, so the work is always done.
    """

    group: str
    name: str
    make: Callable[[], Play] | None
    where: Where
    reads: Words
    writes: Words
    spoils: bool

    def __str__(self) -> str:
        return self.name


def words(text: str) -> Words:
    return frozenset(text.split())


SETTLED: Final = "created updated unchanged deleted pending"
LOST: Final = "unknown_outcome"
ANY: Final = f"{SETTLED} {LOST}"
"""A write whose answer may come too late to be read: a connection that was kept is gone when it is used."""


def fault(
    group: str,
    name: str,
    play: Play | None,
    reads: str,
    writes: str = LOST,
    *,
    where: Where = Where.EVERY,
    spoils: bool = False,
    make: Callable[[], Play] | None = None,
) -> Fault:
    made = make or (None if play is None else lambda: play)
    return Fault(
        group=group, name=name, make=made, where=where, reads=words(reads), writes=words(writes), spoils=spoils
    )


spoilt = partial(fault, spoils=True)

JSON: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
BROKEN: Final = (
    fault("connection", "refused", None, "unavailable", "unavailable"),
    fault("connection", "reset before the headers", reset_at_once, "unavailable"),
    fault("connection", "closed before the headers", close_at_once, "unavailable"),
    spoilt("connection", "reset in the headers", broken_at(in_headers, reset=True), "unavailable"),
    spoilt("connection", "reset after the headers", broken_at(before_body, reset=True), "unavailable"),
    spoilt("connection", "reset in the body", broken_at(in_body, reset=True), "unavailable"),
    spoilt("connection", "reset after the body", broken_at(len, reset=True), "right", ANY),
    spoilt("connection", "truncated", broken_at(in_body, reset=False), "unavailable"),
    fault("connection", "reset once", reset_at_once, "right", where=Where.ONCE),
    fault("time", "hangs", hang, "timeout"),
    spoilt("time", "a byte a second", dripping(1.0, 1), "timeout"),
    spoilt("time", "slow, and in time", dripping(0.001, 4096), "right", SETTLED),
    spoilt("framing", "length too small", of_length(-9), "garbled"),
    spoilt("framing", "length too great, closes", of_length(9), "unavailable"),
    spoilt("framing", "length too great, waits", of_length(9, closes=False), "timeout"),
    spoilt("framing", "no length", without_length, "right", SETTLED),
    spoilt("framing", "chunks without an end", chunked(b""), "unavailable"),
    spoilt("framing", "a chunk that is none", chunked(b"xyz\r\n"), "unavailable"),
    spoilt("framing", "chunked", chunked(b"0\r\n\r\n"), "right", SETTLED),
    spoilt("framing", "early hints first", hinted, "right", SETTLED),
    fault("framing", "no HTTP", bytes_of(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n"), "unavailable"),
    fault("framing", "endless headers", endless(JSON, b"X-Filler: " + b"x" * 4000 + b"\r\n"), "unavailable"),
)
STATUS: Final = (
    fault("status", "401 always", saying(401), "unauthorized", "unauthorized"),
    fault("status", "401 in mid-paging", saying(401), "right part unauthorized", "unauthorized", where=Where.SECOND),
    fault("status", "403", saying(403), "unauthorized", "unauthorized rejected"),
    fault("status", "404", saying(404), "not_found rejected", "not_found rejected"),
    fault("status", "409", saying(409), "conflict", "conflict"),
    fault("status", "418", saying(418), "rejected", "rejected"),
    fault("status", "429", saying(429), "rate_limited", "rate_limited"),
    fault("status", "429 once", saying(429), "right", "rate_limited", where=Where.ONCE),
    fault("status", "429 once, 1 s", saying(429, retry_after="1"), "right", "rate_limited", where=Where.ONCE),
    fault("status", "429, an hour", saying(429, retry_after="3600"), "rate_limited", "rate_limited"),
    fault("status", "429, a date", saying(429, retry_after=FAR), "rate_limited", "rate_limited"),
    fault(
        "status",
        "429 once, a date gone by",
        saying(429, retry_after="Tue, 01 Jan 2019 00:00:00 GMT"),
        "right",
        "rate_limited",
        where=Where.ONCE,
    ),
    fault("status", "429, no date", saying(429, retry_after="soon"), "rate_limited", "rate_limited"),
    fault("status", "500", saying(500), "unavailable"),
    fault("status", "503", saying(503), "unavailable"),
    fault("status", "503 twice", saying(503), "right", where=Where.TWICE),
    fault("status", "502, then 504", None, "right", where=Where.TWICE, make=in_turn(saying(502), saying(504))),
    fault("status", "504 from the second on", saying(504), "right part unavailable", where=Where.LATER),
    fault("status", "a redirect to itself", redirect_to_itself, "garbled"),
    fault("status", "a redirect elsewhere", saying(301, b"", location="http://127.0.0.1:9/"), "garbled"),
    fault("status", "500 with our request", echo(500), "unavailable"),
    fault("status", "200 with our request", echo(200), "garbled rejected unauthorized unavailable not_found"),
)
BODY: Final = (
    fault("body", "nothing", saying(200, b""), "garbled"),
    fault("body", "204", saying(204, b""), "garbled"),
    fault("body", "HTML", saying(200, b"<!doctype html><title>Sign in</title>", content_type="text/html"), "garbled"),
    spoilt("body", "called text/plain", typed("text/plain; charset=latin-1"), "right", SETTLED),
    spoilt("body", "called text/html", typed("text/html"), "right", SETTLED),
    spoilt("body", "half a JSON", encoded(lambda body: body[: len(body) // 2]), "garbled"),
    spoilt("body", "JSON and more", encoded(lambda body: body + body), "garbled"),
    spoilt("body", "not UTF-8", encoded(lambda body: body.replace(b"a", b"\xff\xfe")), "garbled rejected", ANY),
    spoilt("body", "a byte order mark", encoded(lambda body: b"\xef\xbb\xbf" + body), "right", ANY),
    fault("body", "deep JSON", saying(200, b"[" * 200_000), "garbled"),
    fault("body", "deep objects", saying(200, b'{"data":' * 30_000 + b"1" + b"}" * 30_000), "garbled"),
    fault("body", "NaN", saying(200, b'{"data": NaN, "Leads": NaN}'), "garbled"),
    fault("body", "huge", saying(200, b'"' + b"x" * HUGE + b'"'), "too_large"),
    fault("body", "endless", endless(JSON + b"\r\n[", b"1," * 8000), "too_large"),
    fault("body", "a gzip bomb", bomb, "too_large"),
    spoilt("body", "called gzip, and is not", encoded(lambda body: body, "gzip"), "garbled"),
    spoilt("body", "of an unknown coding", encoded(lambda body: body, "x-rot13"), "right", SETTLED),
)
"""What a write is answered with holds no rows, so below it is what a quiet vendor says; or it is refused with ``conflict``
where the look for the same person was spoilt."""
content = partial(fault, writes=f"{SETTLED} conflict", spoils=True)
LISTS: Final = "right part garbled"
MEMBERS: Final = "right part other garbled not_found"
CONTENT: Final = (
    content("rows", "rows move between pages", None, "right part", make=each_list(changes.shifted)),
    content("rows", "the first page again and again", None, "right part garbled", make=each_list(changes.frozen)),
    content("rows", "in no order", changed(changes.rows(changes.shuffled)), "right part"),
    content("rows", "each row twice", changed(changes.rows(changes.twice)), "right part"),
    content("rows", "a row missing", changed(changes.rows(changes.without_last)), "right part other"),
    content("rows", "a row that is null", changed(changes.rows(changes.first_is(None))), "garbled right"),
    content(
        "rows",
        "a row without anything",
        changed(changes.rows(changes.first_is({}))),
        "garbled part right not_found other",
    ),
    content("rows", "total of 1", changed(changes.counters(changes.TOTALS, lambda _: 1)), LISTS),
    content("rows", "total of 0", changed(changes.counters(changes.TOTALS, lambda _: 0)), LISTS),
    content(
        "rows", "total 1,000 too great", changed(changes.counters(changes.TOTALS, lambda n: int(n or 0) + 1000)), LISTS
    ),
    content("rows", "total below zero", changed(changes.counters(changes.TOTALS, lambda _: -1)), "right part"),
    content("rows", "total that is a word", changed(changes.counters(changes.TOTALS, lambda _: "many")), "right part"),
    content("rows", "total that is null", changed(changes.counters(changes.TOTALS, lambda _: None)), "right part"),
    content("rows", "always more to come", changed(changes.counters(changes.MORE, lambda _: True)), "right part"),
    content("rows", "never more to come", changed(changes.counters(changes.MORE, lambda _: False)), "right part"),
    content("values", "null for numbers", changed(changes.leaves(changes.no_number)), MEMBERS),
    content("values", "numbers as text", changed(changes.leaves(changes.as_text)), "right"),
    content("values", "flags as text", changed(changes.leaves(changes.as_words)), MEMBERS),
    content("values", "null for everything", changed(changes.leaves(lambda _: None)), MEMBERS),
    content("values", "times with the other separator", changed(changes.times(changes.other_separator)), "right"),
    content("values", "times with more digits", changed(changes.times(changes.more_digits)), "right"),
    content("values", "times with another zero", changed(changes.times(changes.other_zero)), "right"),
    content("values", "times that are none", changed(changes.times(lambda _: "2026-13-45T99:99:99Z")), MEMBERS),
    content("values", "times of no day", changed(changes.times(lambda _: "0000-00-00 00:00:00")), MEMBERS),
    content("values", "times as numbers", changed(changes.times(lambda _: 1_760_000_000)), MEMBERS),
    content("values", "times in another order", changed(changes.times(lambda _: "11/20/2026 10:00")), MEMBERS),
    content("values", "no times", changed(changes.times(lambda _: "")), MEMBERS),
)
QUIET: Final = content("none", "none", answer, "right")
FAULTS: Final = (*BROKEN, *STATUS, *BODY, *CONTENT)
