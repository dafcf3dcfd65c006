"""Replies as vendors never documented them: every reader of a vendor with what its emulator replied, and mutations of that.

``recorded`` drives an account through everything it offers and keeps, for each reader, the reply it was given and the rest of
its arguments. ``mutants`` changes one thing at a time, at every place of the reply that differs in kind.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import partial
from typing import Any, Final

from lead_mcp.errors import LeadMcpError
from lead_mcp.filters import Op, Where
from lead_mcp.vendors.spec.fields import FieldMap
from lead_mcp.vendors.spec.http import Reply, Request
from lead_mcp.vendors.spec.reading import PageRequest, Route, Search
from lead_mcp.vendors.spec.vendor import Vendor
from tests.driving import NOW, Bench
from tests.facts import facts_of

READERS: Final = ("read", "checked")
"""Attributes of a vendor, and of what it offers, that read a reply: their last argument."""
SMALL: Final = 3
SOMEBODY: Final = {"first_name": "Zed", "last_name": "Zap", "email": "zed.zap@example.com", "phone": "+12135550101"}


@dataclass(frozen=True)
class Sample:
    """A reader, with every argument but the reply, and a good reply."""

    reader: str
    read: Callable[[Reply], Any]
    reply: Reply

    @property
    def body(self) -> Any:
        return json.loads(self.reply.body or b"null")


# --- recording ----------------------------------------------------------------------------------------------------


def readers_of(thing: Any, name: str) -> Iterator[str]:
    """The readers in a vendor, by dotted name."""
    if isinstance(thing, Mapping):
        for key, value in thing.items():
            yield from readers_of(value, f"{name}.{key}")
    elif isinstance(thing, list | tuple):
        for nth, value in enumerate(thing):
            yield from readers_of(value, f"{name}.{nth}")
    elif is_dataclass(thing):
        for one in fields(thing):
            if one.name in READERS and callable(getattr(thing, one.name)):
                yield f"{name}.{one.name}"
            else:
                yield from readers_of(getattr(thing, one.name), f"{name}.{one.name}")


def spied(thing: Any, name: str, heard: Callable[[Sample], None]) -> Any:
    """The same vendor, each of whose readers first tells what it was given."""
    if isinstance(thing, Mapping):
        return {key: spied(value, f"{name}.{key}", heard) for key, value in thing.items()}
    if isinstance(thing, list | tuple):
        return tuple(spied(value, f"{name}.{nth}", heard) for nth, value in enumerate(thing))
    if not is_dataclass(thing) or isinstance(thing, FieldMap | type):
        return thing
    changed: dict[str, Any] = {}
    for one in fields(thing):
        value, path = getattr(thing, one.name), f"{name}.{one.name}"
        changed[one.name] = _spy(value, path, heard) if one.name in READERS and callable(value) else None
        if changed[one.name] is None:
            changed[one.name] = spied(value, path, heard)
    return replace(thing, **{key: value for key, value in changed.items() if value is not getattr(thing, key)})


def _spy(read: Callable[..., Any], name: str, heard: Callable[[Sample], None]) -> Callable[..., Any]:
    def spy(*arguments: Any) -> Any:
        *rest, reply = arguments
        heard(Sample(name, lambda other: read(*rest, other), reply))
        return read(*arguments)

    return spy


def recorded(driven: Bench, account: str) -> list[Sample]:
    """The first good reply to each of the account's readers."""
    outbound, found = driven.runtime.connection(account).outbound, dict[str, Sample]()

    def heard(sample: Sample) -> None:
        if sample.reply.status < 300:
            found.setdefault(sample.reader, sample)

    vendor = outbound.vendor
    outbound.vendor = spied(vendor, vendor.name, heard)
    try:
        _use(driven, account)
    finally:
        outbound.vendor = vendor
    return list(found.values())


def _use(driven: Bench, account: str) -> None:
    """Everything that the account offers, once."""
    connection = driven.runtime.connection(account)
    vendor = connection.vendor
    outbound = connection.outbound
    outbound.token.text = ""
    _fetch(driven, account, vendor.check(connection.account), vendor.checked)
    for search in (vendor.leads, *vendor.pings.values()):
        for route in search.routes:
            _ask(driven, account, search, route)
    driven.call("list_accounts", account=account)
    for direction in vendor.pings:
        driven.portal.call(partial(connection.discovered, kind=direction))
    rows = driven.call("search_leads", account=account, limit=20, since="2000-01-01")["leads"]["rows"]
    driven.call("get_lead", uri=rows[0][0])
    if vendor.recordings is not None:
        for row in rows:
            driven.call("get_recordings", uri=row[0])
    if vendor.insert is not None:
        _write(driven, account, vendor)


def _write(driven: Bench, account: str, vendor: Vendor) -> None:
    """A lead is created (which looks for duplicates first), changed and deleted, where the vendor does that."""
    facts = facts_of(account)
    lead = {**SOMEBODY, **facts.needed}
    made = driven.call("insert_lead", account=account, lead=lead, vendor_fields=dict(facts.own))
    uri = made.get("uri") or driven.everything(account)[0].uri  # a vendor that queues a lead has none to show yet
    if vendor.update is not None and facts.change is not None:
        driven.call("update_lead", uri=uri, changes={facts.change.field: facts.change.wanted})
    if vendor.delete is not None:
        driven.call("delete_lead", uri=uri)


def _fetch(driven: Bench, account: str, request: Request, read: Callable[[Reply], Any]) -> Any:
    outbound = driven.runtime.connection(account).outbound
    return driven.portal.call(outbound.fetch, request, read, lambda: None)


def _ask(driven: Bench, account: str, search: Search, route: Route) -> None:
    """A question that the route answers."""
    found = driven.runtime.connection(account).account
    partition = next(iter(search.partitions(found)), None)
    for where, text in _questions(driven, account, search, route):
        ask = PageRequest(where=where, text=text, limit=SMALL, partition=partition)
        with suppress(LeadMcpError):
            _fetch(driven, account, route.build(found, ask), partial(route.read, found, ask))
            return
    raise AssertionError(f"{account}: no question for {route.name}")


def _questions(
    driven: Bench, account: str, search: Search, route: Route
) -> Iterator[tuple[Sequence[Where], str | None]]:
    """Questions from the narrowest: a needed field's value, a window of changes, a text, everything."""
    connection = driven.runtime.connection(account)
    fields_ = search.fields(connection.account)
    for name in route.needs & {*fields_.ours}:
        yield [Where(name, Op.EQ, _value_of(driven, account, name))], None
    changes = [Where("updated_at", Op.GTE, NOW.replace(year=2000)), Where("updated_at", Op.LT, NOW.replace(year=2100))]
    asked = [changes] if "updated_at" in fields_.ours else []
    for where in (*asked, []):
        if not route.needs and len(where) <= route.most and route.serves(where) and _takes(route, where, fields_):
            yield where, None
    if route.text:
        yield [], "example.com"


def _takes(route: Route, where: Sequence[Where], known: FieldMap) -> bool:
    return all(route.takes(one, known) for one in where)


def _value_of(driven: Bench, account: str, name: str) -> Any:
    """The value of that field in some lead."""
    found = driven.call("search_leads", account=account, limit=50, since="2000-01-01", fields=[name])["leads"]
    return next(row[-1] for row in found["rows"] if row[-1] is not None)


# --- mutations ----------------------------------------------------------------------------------------------------


def _deep(levels: int) -> Any:
    found: Any = "x"
    for nth in range(levels):
        found = [found] if nth % 2 else {"x": found}
    return found


GONE: Final = object()
VALUES: Final[Sequence[Any]] = (
    GONE,
    None,
    "",
    "x",
    "null",
    "9" * 5_000,
    "1e999999999",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59-12:00",
    "2026-13-45T99:99:99Z",
    "\ud800",
    0,
    -1,
    10**400,
    1.5,
    1e308,
    True,
    False,
    [],
    {},
    ["x"],
    [["x"]],
    [None],
    {"x": {"y": []}},
    _deep(60),
)
"""What stands where something else was expected; a list and an object cannot be a key either."""
NUMBERS: Final = ("NaN", "Infinity", "-Infinity", "1e999", "-0", "9" * 5_000)
"""What Python reads as numbers although JSON has no such word, or no machine such a number."""
STATUSES: Final = (200, 201, 202, 204, 400, 401, 403, 404, 409, 418, 429, 500, 503)
SAID: Final[Sequence[Any]] = (
    None,
    "x",
    [],
    {},
    ["x"],
    {"error": ["x"]},
    {"message": {"x": []}},
    {"Status": []},
    {"success": False, "code": [], "text": {}},
)
MARK: Final = "a place for a number"


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a reply that differs in kind: of a list, the first item alone."""
    yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places(inner, (*path, key))
    elif isinstance(value, list) and value:
        yield from places(value[0], (*path, 0))


def put(body: Any, path: tuple[Any, ...], value: Any) -> Any:
    """The body with another value at that place, or without the place."""
    if not path:
        return None if value is GONE else value
    found = deepcopy(body)
    holder = found
    for step in path[:-1]:
        holder = holder[step]
    if value is GONE:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return found


def mutants(sample: Sample) -> Iterator[tuple[str, Reply]]:
    """Changed replies, each with a word on what was changed."""
    body, reply = sample.body, sample.reply
    for path in places(body):
        for value in VALUES:
            yield f"{path}: {str(value)[:40]}", replace(reply, body=json.dumps(put(body, path, value)).encode())
        text = json.dumps(put(body, path, MARK))
        for number in NUMBERS:
            yield f"{path}: {number[:20]}", replace(reply, body=text.replace(f'"{MARK}"', number).encode())
    yield from _broken(reply)
    for status in STATUSES:
        for said in (*SAID, body):
            yield f"status {status}: {str(said)[:40]}", replace(reply, status=status, body=json.dumps(said).encode())


def _broken(reply: Reply) -> Iterator[tuple[str, Reply]]:
    """The bytes themselves: cut, in another encoding, in none."""
    body = reply.body
    bodies = {
        "nothing": b"",
        "half": body[: len(body) // 2],
        "not UTF-8": body.replace(b"a", b"\xff\xfe"),
        "UTF-16": body.decode().encode("utf-16"),
        "a byte order mark": b"\xef\xbb\xbf" + body,
        "too deep": b"[" * 100_000,
        "deep": b'{"data":' * 400 + b"1" + b"}" * 400,
        "HTML": b"<!doctype html><title>Sign in</title>",
        "twice": body + body,
        "NUL": b"\x00",
    }
    for word, changed in bodies.items():
        yield word, replace(reply, body=changed)
    for wait in ("x", "-1", "nan", "inf", "1e999", "Thu, 99 Foo 2026 99:99:99 GMT"):
        yield f"Retry-After: {wait}", replace(reply, status=429, headers={**reply.headers, "retry-after": wait})
