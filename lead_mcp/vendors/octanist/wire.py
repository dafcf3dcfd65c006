"""Octanist's dialect: ``GET /leads?value[gte]=100&createdAt[lt]=...&sort=createdAt:desc&limit=100&page=2``.

Replies: ``{"success": true, "data": [...], "meta": {"pagination": {"limit", "page", "totalPages", "total", "hasMore"}}}``;
the first generation answered a bare array. Errors: ``{"success": false, "error": {"code", "message"}}``, once
``{"error": text}``. Source: seed; production docs (introduction, get-leads, get-lead, check), 2026; old docs, 2025.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from urllib.parse import quote

from lead_mcp.dates import MILLISECOND, rounded_down, rounded_up
from lead_mcp.errors import Conflict, MalformedReply, NotFound, Rejected, Unauthorized, Unavailable
from lead_mcp.filters import Op, Where
from lead_mcp.vendors.octanist.fields import LEAD
from lead_mcp.vendors.replies import (
    Failure,
    as_count,
    as_object,
    as_rows,
    body_or_none,
    counted_rows,
    error_of,
    object_at,
    ok,
)
from lead_mcp.vendors.spec.account import Account
from lead_mcp.vendors.spec.fields import Paths
from lead_mcp.vendors.spec.http import Raw, Reply, Request, Signature
from lead_mcp.vendors.spec.reading import Page, PageRequest

LEAST: Final = Decimal(-(10**12))
"""No lead is worth less: as a bound it leaves out those without a value."""
BRACKET: Final[Mapping[Op, str]] = {
    Op.EQ: "",
    Op.IN: "",
    Op.GTE: "[gte]",
    Op.GT: "[gt]",
    Op.LTE: "[lte]",
    Op.LT: "[lt]",
    Op.EXISTS: "[exists]",
}
ROUNDED: Final[Mapping[Op, Callable[[datetime, timedelta], datetime]]] = {
    # records carry whole milliseconds, so each of these says exactly what was asked
    Op.GTE: rounded_up,
    Op.LT: rounded_up,
    Op.GT: rounded_down,
    Op.LTE: rounded_down,
}
CODES: Final[Mapping[str, Failure]] = {
    "UNAUTHORIZED": Unauthorized,
    "FORBIDDEN": Unauthorized,
    "NOT_FOUND": NotFound,
    "CONFLICT": Conflict,
    "VALIDATION_ERROR": Rejected,
    "INVALID_FILTER": Rejected,
    "INVALID_DATE": Rejected,
    "INTERNAL_ERROR": Unavailable,
}

KEY_REFUSED: Final = re.compile(r"\bapi key\b|unauthori[sz]ed", re.IGNORECASE)
"""The first generation's ``Invalid or missing API key``, which comes without a code; its HTTP status is not documented."""


def sign(request: Request, secrets: Mapping[str, str]) -> Signature:
    """``X-API-KEY`` on every call."""
    return Signature(headers={"X-API-KEY": secrets["api_key"]})


def search_leads(account: Account, ask: PageRequest) -> Request:
    """``GET /leads``, one parameter a clause."""
    query = {"limit": str(ask.limit), "page": str(ask.page)}
    if ask.order:
        query["sort"] = f"{LEAD.ours[ask.order.field].paths[0]}:{'desc' if ask.order.descending else 'asc'}"
    if ask.text:
        query["search"] = ask.text
    if ask.columns is not None:
        query["fields"] = ",".join(sorted({"id", *(path.partition(".")[0] for path in ask.columns)}))
    return Request("GET", "/leads", query=query | dict(map(parameter, ask.where)))


def parameter(where: Where) -> tuple[str, str]:
    """``createdAt[gte]=2026-11-01T00:00:00.000Z``, ``status=won,lost``, ``gclid[exists]=true``."""
    field = LEAD.ours.get(where.field) or LEAD.own[where.field]
    name = f"{field.paths[0]}{BRACKET[where.op]}"
    if where.op is Op.EXISTS:
        return name, str(where.value).lower()
    values = where.value if where.op is Op.IN else (where.value,)
    return name, ",".join(str(field.codec.encode(rounded(value, where.op))) for value in values)


def rounded(value: Any, op: Op) -> Any:
    """A bound finer than the records' milliseconds as the millisecond that means the same; other values as they are."""
    return ROUNDED[op](value, MILLISECOND) if isinstance(value, datetime) and op in ROUNDED else value


def read_leads(account: Account, ask: PageRequest, reply: Reply) -> Page:
    """The page; NOT_FOUND behind the first is one past the end. Raises VendorError for every documented failure."""
    try:
        body = opened(reply)
    except NotFound as none:
        if ask.page == 1 or none.vendor_code is None:
            raise
        return Page((), more=False)
    if isinstance(body, list):  # the first generation's form
        return Page(as_rows(body))
    whole = as_object(body)
    pagination = object_at(object_at(whole, "meta"), "pagination")
    more = pagination.get("hasMore")
    rows, total = counted_rows(whole.get("data"), pagination.get("total")), as_count(pagination.get("total"))
    return Page(rows, total, more if isinstance(more, bool) else None)


def get_lead(account: Account, ids: Sequence[str], columns: Paths | None) -> Request:
    """``GET /leads/{id}``: one full lead."""
    return Request("GET", f"/leads/{quote(ids[0], safe='')}")


def read_lead(account: Account, ids: Sequence[str], reply: Reply) -> Sequence[Raw]:
    """The lead in a list of one; none where Octanist has no such id."""
    try:
        body = as_object(opened(reply))
    except NotFound:
        return []
    found = body.get("data", body)
    return as_rows(found if isinstance(found, list) else [found])


def check(account: Account) -> Request:
    """``POST /check``: validates the key and changes nothing."""
    return Request("POST", "/check")


def checked(reply: Reply) -> None:
    opened(reply)


def opened(reply: Reply) -> Any:
    """The body of a success. A failure is raised by its code, by its status where it has none."""
    body = body_or_none(reply)
    error = body.get("error") if isinstance(body, Mapping) else None
    if ok(reply) and not error and not (isinstance(body, Mapping) and body.get("success") is False):
        return reply.json()
    detail: Mapping[str, Any] = error if isinstance(error, Mapping) else {"message": error or ""}
    code, message = detail.get("code"), detail.get("message", "")
    unnamed = Unauthorized if KEY_REFUSED.search(str(message)) else MalformedReply
    kind = CODES.get(str(code)) or (unnamed if ok(reply) else None)
    raise error_of(reply, message, code=code, kind=kind)
