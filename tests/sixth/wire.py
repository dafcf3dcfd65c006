"""Sixth's dialect: ``GET /leads?filter[created][gte]=1794225600000&sort=-created&page_size=100&page_token=...``.

Replies: ``{"data": [...], "next_page": token or null}``. Errors: ``{"error": {"type", "detail"}}``. Source: the invented
document in ``emulator/app.py``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, Final
from urllib.parse import quote

from lead_mcp.errors import BadArgument, MalformedReply, NotFound, Rejected
from lead_mcp.filters import Op, Where
from lead_mcp.vendors.replies import Failure, as_count, as_object, as_rows, body_or_none, error_of, failure, ok
from lead_mcp.vendors.spec.account import Account
from lead_mcp.vendors.spec.fields import Field, FieldMap, Paths
from lead_mcp.vendors.spec.http import RateHint, Raw, Reply, Request, Signature
from lead_mcp.vendors.spec.reading import Page, PageRequest, Push, Recording, RecordingPage, by_table
from tests.sixth.fields import LEAD, MILLIS, MILLISECOND

ID: Final = re.compile(r"LD-[0-9A-F]{6,12}", re.ASCII)
E164: Final = re.compile(r"\+[0-9]{7,15}", re.ASCII)
LARGEST: Final = 10**15
SHORTEST_TEXT: Final = 2
BRACKET: Final[Mapping[Op, str]] = {
    Op.EQ: "eq",
    Op.IN: "in",
    Op.GTE: "gte",
    Op.GT: "gt",
    Op.LTE: "lte",
    Op.LT: "lt",
    Op.EXISTS: "null",
}
UPWARD: Final = frozenset({Op.GTE, Op.LT})
"""Bounds that mean the same rounded up to the whole unit that records have; the others are rounded down."""
TYPES: Final[Mapping[str, Failure]] = {
    "invalid_filter": Rejected,
    "invalid_request": Rejected,
    "invalid_page_token": Rejected,
    "unprocessable": Rejected,
}


def sign(request: Request, secrets: Mapping[str, str]) -> Signature:
    """``Authorization: Bearer TOKEN`` on every call."""
    return Signature(headers={"Authorization": f"Bearer {secrets['token']}"})


def rate_hint(reply: Reply) -> RateHint | None:
    """What is left of the organisation's budget; None where the reply does not say it in whole numbers."""
    calls, seconds = (as_count(reply.headers.get(f"x-ratelimit-{name}")) for name in ("remaining", "reset"))
    return RateHint(calls, float(seconds)) if calls is not None and seconds is not None else None


# --- asking -------------------------------------------------------------------------------------------------------


def takes(where: Where, fields: FieldMap) -> Push | None:
    """As the field's table says, where the value can be spelled in whole units, as E.164, as no empty text."""
    push = by_table(where, fields)
    return push if push and parameter(where) is not None else None


def takes_one(name: str, where: Where, fields: FieldMap) -> Push | None:
    """The one clause that ``GET /people`` answers."""
    return takes(where, fields) if where.field == name and where.op is Op.EQ else None


def takes_when(where: Where, fields: FieldMap) -> Push | None:
    """The bounds that ``GET /leads/find`` takes."""
    return takes(where, fields) if where.field == "created_at" and where.op in (Op.GTE, Op.LT) else None


def parameter(where: Where) -> tuple[str, str] | None:
    """``filter[status][in]=new,sold``, ``filter[amount][null]=false``; None where the value has no spelling."""
    field = LEAD.ours.get(where.field) or LEAD.own.get(where.field)
    if field is None:
        return None
    name = f"filter[{field.paths[0]}][{BRACKET[where.op]}]"
    if where.op is Op.EXISTS:
        return name, str(not where.value).lower()
    values = where.value if where.op is Op.IN else (where.value,)
    spelt = [spelled(field, value, where.op) for value in values]
    return None if None in spelt else (name, ",".join(map(str, spelt)))


def spelled(field: Field, value: Any, op: Op) -> str | None:
    """One value as the vendor writes it, or None where it cannot."""
    path = field.paths[0]
    if isinstance(value, datetime):
        return whole(rounded(value, op))
    if path == "amount":
        return cents(Decimal(value), op)
    text = str(value)
    return text if text.strip() and (path != "person.phone" or E164.fullmatch(text)) else None


def rounded(moment: datetime, op: Op) -> int:
    """A bound in whole milliseconds that means the same, as records have whole ones."""
    up = MILLISECOND - timedelta(microseconds=1) if op in UPWARD else timedelta(0)
    return int(MILLIS.encode(moment + up))


def cents(value: Decimal, op: Op) -> str | None:
    """A value, or a bound that means the same, in whole cents; a part of a cent equals nothing and is not asked for."""
    exact = value * 100
    near = exact.to_integral_value(ROUND_CEILING if op in UPWARD else ROUND_FLOOR)
    return None if op is Op.EQ and near != exact else whole(int(near))


def whole(number: int) -> str | None:
    return str(number) if abs(number) < LARGEST else None


def search_leads(account: Account, ask: PageRequest) -> Request:
    """``GET /leads``, one parameter a clause."""
    query = paged(ask)
    if ask.order:
        query["sort"] = f"{'-' if ask.order.descending else ''}{LEAD.ours[ask.order.field].paths[0]}"
    return Request("GET", "/leads", query=query | filters(ask.where))


def find_leads(account: Account, ask: PageRequest) -> Request:
    """``GET /leads/find``. Raises BadArgument for a search text of fewer than two characters."""
    text = ask.text or ""
    if len(text) < SHORTEST_TEXT:
        message = f"text: Sixth searches for at least {SHORTEST_TEXT} characters, {text[:9]!r} has too few."
        raise BadArgument(message)
    return Request("GET", "/leads/find", query=paged(ask) | {"q": text} | filters(ask.where))


def people(account: Account, ask: PageRequest) -> Request:
    """``GET /people`` for the e-mail or the phone that the clause names."""
    (where,) = ask.where
    return one_person(where.field, str(where.value), ask)


def one_person(name: str, value: str, ask: PageRequest) -> Request:
    return Request("GET", "/people", query=paged(ask) | {name: value})


def filters(where: Sequence[Where]) -> dict[str, str]:
    return dict(found for one in where if (found := parameter(one)) is not None)


def paged(ask: PageRequest) -> dict[str, str]:
    return {"page_size": str(ask.limit), **({"page_token": ask.token} if ask.token is not None else {})}


# --- reading ------------------------------------------------------------------------------------------------------


def read_leads(account: Account, ask: PageRequest, reply: Reply) -> Page:
    """The page and the token of the next one. Raises VendorError."""
    return read_page(account, reply)


def read_page(account: Account, reply: Reply) -> Page:
    body = opened(reply)
    token = token_of(body)
    return Page(as_rows(body.get("data")), as_count(body.get("total")), token is not None, token)


def token_of(body: Raw) -> str | None:
    """The next page's token. Raises MalformedReply where it is neither a text nor null: pages would be lost."""
    found = body.get("next_page")
    if found is None or (isinstance(found, str) and found):
        return found
    raise failure(MalformedReply, "next_page is no token")


def get_lead(account: Account, ids: Sequence[str], columns: Paths | None) -> Request:
    """``GET /leads/ID``: one lead."""
    return Request("GET", f"/leads/{quote(ids[0], safe='')}")


def read_lead(account: Account, ids: Sequence[str], reply: Reply) -> Sequence[Raw]:
    """The lead in a list of one; none where Sixth has no such id."""
    try:
        return [as_object(opened(reply).get("data"))]
    except NotFound:
        return []


def is_id(text: str) -> bool:
    return ID.fullmatch(text) is not None


def identify(account: Account, raw: Raw, part: str | None) -> str | None:
    return str(raw["id"]) if raw.get("id") else None


def attributes(account: Account, part: str | None) -> Request:
    """``GET /attributes``: the organisation's own fields."""
    return Request("GET", "/attributes")


def read_attributes(account: Account, part: str | None, reply: Reply) -> Mapping[str, Field]:
    names = [row.get("name") for row in as_rows(opened(reply).get("data"))]
    return {f"attributes.{name}": Field(f"attributes.{name}") for name in names if isinstance(name, str) and name}


def list_calls(
    account: Account, lead_id: str, since: datetime | None, until: datetime | None, ask: PageRequest
) -> Request:
    """``GET /leads/ID/calls``."""
    ends = (("started[gte]", since, Op.GTE), ("started[lt]", until, Op.LT))
    bounds = {name: found for name, end, op in ends if end and (found := whole(rounded(end, op)))}
    return Request("GET", f"/leads/{quote(lead_id, safe='')}/calls", query=paged(ask) | bounds)


def read_calls(account: Account, lead_id: str, reply: Reply) -> RecordingPage:
    """The calls, each with its audio. Raises VendorError."""
    body = opened(reply)
    token = token_of(body)
    return RecordingPage([call(lead_id, row) for row in as_rows(body.get("data"))], None, token is not None, token)


def call(lead_id: str, row: Raw) -> Recording:
    if not row.get("id"):
        raise failure(MalformedReply, "a call without an id")
    started, ended = MILLIS.decode(row.get("started")), MILLIS.decode(row.get("ended"))
    return Recording(
        id=str(row["id"]),
        lead_id=lead_id,
        started_at=started if isinstance(started, datetime) else None,
        ended_at=ended if isinstance(ended, datetime) else None,
        seconds=as_count(row.get("seconds")),
        url=row.get("audio"),
        raw=row,
    )


def check(account: Account) -> Request:
    """``GET /me``: whose token this is."""
    return Request("GET", "/me")


def checked(reply: Reply) -> None:
    opened(reply)


def opened(reply: Reply) -> Raw:
    """The body of a success. A failure is raised by its type, by its HTTP status where the type says no more."""
    body = body_or_none(reply)
    error = body.get("error") if isinstance(body, Mapping) else None
    if ok(reply) and error is None:
        return as_object(reply.json())
    detail = error if isinstance(error, Mapping) else {}
    kind = TYPES.get(str(detail.get("type"))) or (MalformedReply if ok(reply) else None)
    raise error_of(reply, detail.get("detail") or "", code=detail.get("type"), kind=kind)
