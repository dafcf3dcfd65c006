"""Convoso's dialect: ``POST /leads/search``, a flat form; the reply a page of flat records.

Forms: ``lead_id=1,2``, ``created_at_start_date=2026-11-01 00:00:00`` in the account's zone, ``offset`` and ``limit``.
Reads are POST as well. Source: seed; help centre H1, H2, H6; S2; clients C1-C6 (docs/sources.md).

Replies: ``{"success": true, "data": {"offset", "limit", "total", "entries" or "results": [...]}}`` with counters as numbers
or text, ``data`` a bare array, or absent or empty for no rows (S2); or the seed's bare ``{"results" or "entries": [...]}``.
Failures, mostly with HTTP 200: ``{"success": false, "code", "text"}`` (S2) or ``{"success": false, "error"}`` (seed). Numbers
are used again with other meanings on other endpoints, so words come first. A refusal without a known meaning (7231, 7230,
7258, 6000, 6005) is Rejected.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from lead_mcp.dates import SECOND, TICK, rounded_down, rounded_up
from lead_mcp.errors import LeadMcpError, MalformedReply, NotFound, RateLimited, Rejected, Unauthorized, Unavailable
from lead_mcp.filters import LOWER, Op, Where, as_flag
from lead_mcp.vendors.convoso.fields import ID, OPEN, WORD
from lead_mcp.vendors.replies import (
    NO_PATH,
    Failure,
    as_count,
    as_object,
    as_rows,
    body_or_none,
    counted_rows,
    error_of,
    failure,
    ok,
)
from lead_mcp.vendors.spec.account import Account
from lead_mcp.vendors.spec.fields import Field, FieldMap, Paths, read_moment
from lead_mcp.vendors.spec.http import Raw, Reply, Request, Signature
from lead_mcp.vendors.spec.reading import Page, PageRequest, Push, Recording, RecordingPage, by_table, follows
from lead_mcp.vendors.spec.shapes import personal_of

NEAR: Final = timedelta(hours=2)
INCLUSIVE: Final = frozenset({Op.GTE, Op.LTE})
BOUNDS: Final[Mapping[str, tuple[str, str]]] = {
    "created_at": ("created_at_start_date", "created_at_end_date"),
    "updated_at": ("updated_at_start_date", "updated_at_end_date"),
    "changed_at": ("changed_at_start_date", "changed_at_end_date"),
    "last_call": ("last_call_start_date", "last_call_end_date"),
    "deleted_at": ("deleted_at_start", "deleted_at_end"),
    "archived_at": ("archived_at_start", "archived_at_end"),
}
ROWS: Final = ("entries", "results")
WORDS: Final = ("text", "error", "message")
MEANINGS: Final[Sequence[tuple[re.Pattern[str], Failure]]] = tuple(
    (re.compile(pattern, re.IGNORECASE), kind)
    for pattern, kind in (
        (
            r"\bauth\w*[ _-]?token|\b(invalid|missing|expired)\b.*\btoken\b|\btoken\b.*\b(invalid|missing|expired)\b",
            Unauthorized,
        ),
        (r"forbidden|unauthori[sz]ed|permission|access denied", Unauthorized),
        (r"too many|rate.?limit|throttl", RateLimited),
        (r"no such lead\b|lead not found", NotFound),
        (r"internal.*error|processing fail|unavailable|maintenance|try again", Unavailable),
    )
)
CODES: Final[Mapping[str, Failure]] = {
    "401": Unauthorized,
    "403": Unauthorized,
    "5001": Unauthorized,
    "429": RateLimited,
    "500": Unavailable,
    "503": Unavailable,
}


def sign(request: Request, secrets: Mapping[str, str]) -> Signature:
    """``auth_token`` in the form of every call. No document supports a header."""
    return Signature(form={"auth_token": secrets["auth_token"]})


# --- asking -------------------------------------------------------------------------------------------------------


def takes(where: Where, fields: FieldMap) -> Push | None:
    """As the field's table says, where the value can be sent: empty would mean not given, a comma several values."""
    values = where.value if where.op is Op.IN else (where.value,)
    return by_table(where, fields) if all(map(sendable, values)) else None


def sendable(value: Any) -> bool:
    if isinstance(value, datetime):
        return 1900 < value.year < 9999
    return bool(str(value).strip()) and "," not in str(value)


def search_leads(account: Account, ask: PageRequest) -> Request:
    """``POST /leads/search``, one parameter a clause. There is no sort and no choice of columns."""
    return search(parameters(account, ask.where), ask.offset, ask.limit)


def search(form: Mapping[str, str], offset: int, limit: int) -> Request:
    return Request("POST", "/leads/search", form={**form, "offset": str(offset), "limit": str(limit)})


def parameters(account: Account, where: Sequence[Where]) -> Mapping[str, str]:
    """The clauses as a form. Two on one parameter: the tighter bound; of two texts either, as both are checked here."""
    form: dict[str, str] = {}
    for clause in where:
        name, value = parameter(account, clause)
        keep = max if clause.op in LOWER else min
        form[name] = keep(form.get(name, value), value)
    return form


def parameter(account: Account, where: Where) -> tuple[str, str]:
    """``created_at_start_date=2026-11-01 00:00:00``, ``list_id=1,2``, ``lead_id=12`` (in records it is ``id``)."""
    field = account.fields.ours.get(where.field) or account.fields.own[where.field]
    name = field.paths[0]
    if name in BOUNDS:
        return BOUNDS[name][where.op not in LOWER], bound(account, field, where)
    values = where.value if where.op is Op.IN else (where.value,)
    return "lead_id" if name == "id" else name, ",".join(map(str, values))


def bound(account: Account, field: Field, where: Where) -> str:
    """A time bound that loses nothing, or, where nothing can be checked here afterwards, the nearest that says it."""
    zone = zone_of(account)
    if field.filter_only:
        return wall(where.value, zone, where.op)
    return wall(widened(where.value, zone, where.op), zone, where.op)


def widened(moment: datetime, zone: ZoneInfo, op: Op) -> datetime:
    """``moment`` moved outwards: past itself where it belongs (the vendor's bound may be exclusive), and away from a
    change of clocks, around which a time without a zone does not say which instant it is."""
    way = -1 if op in LOWER else 1
    offsets = {(moment + step).astimezone(zone).utcoffset() for step in (-NEAR, NEAR)}
    far = way * 2 * NEAR if len(offsets) > 1 else timedelta()
    return moment + far + (way * TICK if op in INCLUSIVE else timedelta())


def wall(moment: datetime, zone: ZoneInfo, op: Op) -> str:
    """``YYYY-MM-DD HH:MM:SS`` (S2) on the clocks of ``zone``: the whole second before a lower, after an upper bound."""
    whole = rounded_down(moment, SECOND) if op in LOWER else rounded_up(moment, SECOND)
    return whole.astimezone(zone).replace(tzinfo=None).isoformat(sep=" ")


def zone_of(account: Account) -> ZoneInfo:
    return ZoneInfo(account.option("timezone"))


# --- reading ------------------------------------------------------------------------------------------------------


def read_leads(account: Account, ask: PageRequest, reply: Reply) -> Page:
    """The page; more follow as ``total`` says, where it is sent. Raises VendorError.

    Without it (the seed's envelope), or where it is less than came, a page is the last where it is short of the ``limit``
    it says it was cut at.
    """
    rows, counters = listing(reply)
    total, limit = as_count(counters.get("total")), as_count(counters.get("limit"))
    more = follows(total, ask.offset, len(rows)) if rows or total is None else False
    if more is None and limit and len(rows) >= limit:
        more = True
    return Page(rows, total, more)


def get_leads(account: Account, ids: Sequence[str], columns: Paths | None) -> Request:
    """A search by ids: no route gets one lead (C1, C3). Several by comma list: S2 in general, unverified for this one."""
    return search({"lead_id": ",".join(ids)}, 0, 2000)


def read_found(account: Account, ids: Sequence[str], reply: Reply) -> Sequence[Raw]:
    """The leads found, in any order; none where Convoso says that there is no such lead (an HTTP 404 is no such path)."""
    try:
        return listing(reply)[0]
    except NotFound:
        if not ok(reply):
            raise
        return []


def is_id(text: str) -> bool:
    """Whether ``text`` can be a lead's id; a comma would make two of it."""
    return re.fullmatch(r"[A-Za-z0-9_-]{1,64}", text) is not None


def identify(account: Account, raw: Raw, partition: str | None) -> str | None:
    """``id``, else ``lead_id``, as text: both numbers and text occur."""
    found = ID.read(raw)
    return None if found is None else str(found)


def list_recordings(
    account: Account, lead_id: str, since: datetime | None, until: datetime | None, ask: PageRequest
) -> Request:
    """``POST /leads/get-recordings``. Only the plural path works (C7). Times as in ``bound``, so check them again."""
    zone, ends = zone_of(account), (("start_time", since, Op.GTE), ("end_time", until, Op.LT))
    times = {name: wall(widened(end, zone, op), zone, op) for name, end, op in ends if end and sendable(end)}
    form = {"lead_id": lead_id, **times, "offset": str(ask.offset), "limit": str(ask.limit)}
    return Request("POST", "/leads/get-recordings", form=form)


def read_recordings(account: Account, lead_id: str, reply: Reply) -> RecordingPage:
    """The recordings, their total where sent, and whether more may follow. Raises VendorError.

    Without counters (the seed's envelope) every page that holds rows may be followed by another.
    """
    rows, counters = listing(reply)
    total, offset = as_count(counters.get("total")), as_count(counters.get("offset"))
    last = not rows or (total is not None and offset is not None and offset + len(rows) >= total)
    return RecordingPage([recording(zone_of(account), lead_id, row) for row in rows], total, not last)


def recording(zone: ZoneInfo, lead_id: str, row: Raw) -> Recording:
    """One recording. Its ``url`` may be a bare file name (H2), which is no address and stays in ``raw``."""
    found = WORD.decode(row.get("recording_id"))
    if found is None:
        raise failure(MalformedReply, "a recording without recording_id")
    url = row.get("url")
    return Recording(
        id=str(found),
        lead_id=str(WORD.decode(row.get("lead_id")) or lead_id),
        started_at=read_moment(row.get("start_time"), zone),
        ended_at=read_moment(row.get("end_time"), zone),
        seconds=as_count(row.get("seconds")),
        url=url if isinstance(url, str) and re.match("https?://", url, re.IGNORECASE) else None,
        raw=row,
    )


def check(account: Account) -> Request:
    """A search for one lead: there is no route that only validates the token."""
    return search({}, 0, 1)


def checked(reply: Reply) -> None:
    listing(reply)


def sample(account: Account, partition: str | None) -> Request:
    """A search for 50 leads, whose keys are the only account of the fields there are."""
    return search({}, 0, 50)


def read_fields(account: Account, partition: str | None, reply: Reply) -> Mapping[str, Field]:
    """Every key of the sampled leads; one no document lists is of any type, and says of a person what its values say."""
    own, rows = account.fields.own, listing(reply)[0]
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: own.get(name) or _sampled(name, [row.get(name) for row in rows]) for name in names}


def _sampled(name: str, values: Sequence[Any]) -> Field:
    return Field(name, codec=OPEN, personal=personal_of(values))


# --- envelopes ----------------------------------------------------------------------------------------------------


def listing(reply: Reply) -> tuple[Sequence[Raw], Mapping[str, Any]]:
    """The rows of a success, and the object that holds its counters. Raises VendorError."""
    body = opened(reply)
    data = body.get("data")
    if isinstance(data, list):
        return as_rows(data), body
    holder = body if data in (None, "", {}) else as_object(data)
    found = [holder[name] for name in ROWS if name in holder]
    if not found and holder is body and as_flag(body.get("success")):
        return [], body  # S2: data may be absent or empty in a success
    if not found:
        raise failure(MalformedReply, "a reply without entries or results")
    # the call log's envelope counts in ``entries`` and lists in ``results``
    rows = next((rows for rows in found if isinstance(rows, list)), found[0])
    return counted_rows(rows, holder.get("total")), holder


def opened(reply: Reply) -> Mapping[str, Any]:
    """The body of a success. A failure is raised by its words, its code, its status."""
    body = body_or_none(reply)
    if not ok(reply) or (isinstance(body, Mapping) and failed(body)):
        raise refusal(reply, body)
    return as_object(reply.json())


def failed(body: Mapping[str, Any]) -> bool:
    """Whether a body is a failure: it says so, or it holds words or a code where rows are expected."""
    if as_flag(body.get("success")) is False or body.get("error"):
        return True
    return not any(name in body for name in ("data", *ROWS)) and any(body.get(name) for name in (*WORDS, "code"))


def refusal(reply: Reply, body: Any) -> LeadMcpError:
    """The error a failed reply means. A path unknown to Convoso answers an HTML page (C4), which is no missing lead."""
    if not isinstance(body, Mapping) and reply.status == 404:
        return MalformedReply(NO_PATH, status=reply.status)
    words, code = message_of(body) if isinstance(body, Mapping) else ("", None)
    plain = reply.status in (401, 403, 429) or reply.status >= 500
    return error_of(reply, words, code=code, kind=None if plain else meaning(words, code, reply))


def meaning(words: str, code: object, reply: Reply) -> Failure | None:
    """What a refusal means by its words, then its code; None leaves it to the status."""
    by_words = next((kind for pattern, kind in MEANINGS if pattern.search(words)), None)
    return by_words or CODES.get(str(code)) or (Rejected if ok(reply) else None)


def message_of(body: Mapping[str, Any]) -> tuple[str, object]:
    """The words and the code of a failure: ``text``, ``error`` or ``message``, one of which may hold the others."""
    inner: Mapping[str, Any] = next((found for name in WORDS if isinstance(found := body.get(name), Mapping)), {})
    whole = {**body, **inner}
    words = next((found for name in WORDS if isinstance(found := whole.get(name), str) and found.strip()), "")
    return words, whole.get("code")
