"""The emulated Convoso's other reads: recordings, the call log, callbacks, and the account's closed sets."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Final

from lead_mcp.vendors.convoso.emulator.params import (
    FIELDS_MISSED,
    MISSING_USERS,
    UNKNOWN_CAMPAIGN,
    UNKNOWN_LIST,
    UNKNOWN_QUEUE,
    UNKNOWN_USER,
    Given,
    Refusal,
    RefusedError,
    bare,
    choice,
    day,
    ids,
    limit,
    offset,
    present,
    second,
    whole,
)
from lead_mcp.vendors.convoso.emulator.search import Ask, Json, Shape, user_name
from lead_mcp.vendors.convoso.emulator.store import (
    API_USER,
    CAMPAIGNS,
    LISTS,
    STATUSES,
    USERS,
    Call,
    Lead,
    LeadList,
    Store,
    local,
)

# ------------------------------------------------------------------------------------------------ calls and recordings

RECORDING_NAMES: Final = frozenset(("lead_id", "start_time", "end_time", "offset", "limit"))
LOG_NAMES: Final = frozenset(
    "id lead_id campaign_id queue_id list_id user_id status phone_number number_dialed first_name last_name start_time "
    "end_time limit offset order call_type called_count include_recordings".split()
)
CALL_TYPES: Final = ("OUTBOUND", "INBOUND", "MANUAL", "3WAY")
CALL_FILTERS: Final[dict[str, Callable[[Call], str]]] = {
    "id": lambda call: str(call.id),
    "lead_id": lambda call: str(call.lead.id),
    "campaign_id": lambda call: call.lead.campaign_id,
    "list_id": lambda call: call.lead.list_id,
    "user_id": lambda call: call.user_id,
    "status": lambda call: call.status,
    "phone_number": lambda call: bare(call.lead.phone_number),
    "number_dialed": lambda call: call.number_dialed,
    "first_name": lambda call: call.lead.first_name or "",
    "last_name": lambda call: call.lead.last_name or "",
    "call_type": lambda call: call.call_type,
    "called_count": lambda call: str(call.nth + 1),
}
# The account has no queues. Source: S2 for the codes
CALL_REFUSALS: Final[tuple[tuple[str, Iterable[str], Refusal], ...]] = (
    ("list_id", LISTS, UNKNOWN_LIST),
    ("campaign_id", CAMPAIGNS, UNKNOWN_CAMPAIGN),
    ("user_id", USERS, UNKNOWN_USER),
    ("queue_id", (), UNKNOWN_QUEUE),
)


def get_recordings(ask: Ask) -> Json:
    """``/leads/get-recordings``: the recordings of one lead, oldest first, 10 a page, 100 at most. Source: seed, H2.

    *Unverified*: 6005 ("Missing users", the one documented refusal) where ``lead_id`` is missing, no entries for an
    unknown lead, both ends of the window included.
    """
    given = present(ask.given)
    if "lead_id" not in given:
        raise RefusedError(MISSING_USERS)
    start, size = offset(given, ask.shape.offset_limit), limit(given, 10, 100)
    since, until = second(given, "start_time") or "", second(given, "end_time") or "~"
    found = [call for call in _calls_of(ask.store, given["lead_id"]) if call.recorded and since <= call.at <= until]
    rows = [recording_row(ask, call) for call in found[start : start + size]]
    if ask.shape.dialect == "seed":
        return {"entries": rows}
    return {"success": True, "data": {"offset": start, "limit": size, "total": len(found), "entries": rows}}


def recording_row(ask: Ask, call: Call) -> Json:
    """One recording; ``end_time`` may be empty (H2), ``url`` is a whole address (seed) or a bare file name (H2)."""
    name = f"{call.recording_id}.wav"
    return {
        "recording_id": ask.shape.id(call.recording_id),
        "lead_id": ask.shape.id(call.lead.id),
        "start_time": call.at,
        "end_time": "" if call.id % 7 == 0 else _later(call.at, call.seconds),
        "seconds": call.seconds,
        "url": f"{ask.here}/recordings/{name}" if ask.shape.urls == "full" else name,
    }


def retrieve_log(ask: Ask) -> Json:
    """``/log/retrieve``: calls, newest first, of today unless a window is given; 500 a page and at most. Source: H7, S2.

    ``total_found`` is text, ``entries`` a number and ``call_length`` seconds as text.
    """
    given = present(ask.given)
    start, size = offset(given, 40_000), limit(given, 500, 500)
    descending = choice(given, "order", ("asc", "desc")) != "asc"
    found = _log(ask, given)
    page = (found[::-1] if descending else found)[start : start + size]
    rows = [call_row(ask, call, given.get("include_recordings") == "1") for call in page]
    counts = {"offset": start, "limit": size, "total_found": str(len(found)), "entries": len(rows)}
    return {"success": True, "data": {**counts, "results": rows}}


def _log(ask: Ask, given: Given) -> list[Call]:
    for name, allowed, refusal in CALL_REFUSALS:
        if name in given and given[name] not in allowed:
            raise RefusedError(refusal)
    choice(given, "include_recordings", ("0", "1"))
    choice(given, "call_type", CALL_TYPES)
    whole(given, "called_count", None, 0, 999_999)
    today = local(ask.now, ask.store.zone)[:10]
    since = second(given, "start_time") or f"{today} 00:00:00"
    until = second(given, "end_time") or f"{today} 23:59:59"
    if "lead_id" in given:
        calls = [call for call in _calls_of(ask.store, given["lead_id"]) if since <= call.at <= until]
    else:
        calls = ask.store.calls_between(since, until)
    wanted = {name: given[name] for name in CALL_FILTERS.keys() & given.keys()}
    return [call for call in calls if all(CALL_FILTERS[name](call) == text for name, text in wanted.items())]


def call_row(ask: Ask, call: Call, recordings: bool) -> Json:
    """One row of the call log. Source: S2, C1, C5; ``recording`` from S1."""
    lead, known_as = call.lead, ask.shape.id
    row: Json = {
        "id": known_as(call.id),
        "lead_id": known_as(lead.id),
        "list_id": known_as(lead.list_id),
        "campaign_id": known_as(lead.campaign_id),
        "campaign": CAMPAIGNS[lead.campaign_id][0],
        "user": user_name(call.user_id),
        "user_id": known_as(call.user_id),
        "phone_number": bare(lead.phone_number),
        "number_dialed": call.number_dialed,
        "first_name": lead.first_name or None,
        "last_name": lead.last_name or None,
        "status": call.status,
        "status_name": STATUSES[call.status][0],
        "call_length": str(call.seconds),
        "call_date": call.at,
        "agent_comment": "said to call back" if call.status == "CALLBK" else None,
        "queue_id": known_as("0"),
        "queue": None,
        "called_count": str(call.nth + 1),
        "caller_id_displayed": "8005550199",
        "inbound_number": "",
        "term_reason": "AGENT" if call.recorded else "CALLER",
        "call_type": call.call_type,
        "queue_position": "0",
        "queue_seconds": "0",
        "originating_agent_id": "",
        "session_id": f"s{call.id}",
    }
    return row | ({"recording": _log_recordings(ask, call)} if recordings else {})


def _log_recordings(ask: Ask, call: Call) -> list[Json]:
    if not call.recorded:
        return []
    name = f"{call.recording_id}.wav"
    address = f"{ask.here}/recordings/{name}"
    shown = ask.shape.id(call.recording_id)
    return [{"src": address, "type": "audio/wav", "recording_id": shown, "filename": name, "public_url": address}]


def _calls_of(store: Store, lead_id: str) -> list[Call]:
    lead = store.get(lead_id)
    return [] if lead is None else [Call(lead, nth, at) for nth, at in enumerate(lead.calls)]


def _later(text: str, seconds: int) -> str:
    return (datetime.fromisoformat(text) + timedelta(seconds=seconds)).isoformat(" ", "seconds")


# ------------------------------------------------------------------------------------------------ callbacks

CALLBACK_NAMES: Final = frozenset(
    "start_date end_date offset limit campaign_id comments account_id id lead_id list_id recipient user_id stage".split()
)
STAGES: Final = ("PENDING", "DISMISSED", "COMPLETED", "PAST_DUE", "PASTDUE", "MISSED")
COMMENTS: Final = ("asked for a quote", "after work", "spouse decides", "")
CALLBACK_FILTERS: Final = ("campaign_id", "id", "lead_id", "list_id", "user_id", "stage")


def search_callbacks(ask: Ask) -> Json:
    """``/callbacks/search``: promised calls, 20 a page, 5000 at most; all counters are text. Source: H8, S2.

    Here every lead whose status is CALLBK has one. ``start_date`` and ``end_date`` are days of ``callback_time``
    (*unverified*: of which time).
    """
    given = present(ask.given)
    start, size = offset(given, 50_000), limit(given, 20, 5000)
    since, until = day(given, "start_date") or "", day(given, "end_date") or "~"
    choice(given, "recipient", ("System", "Personal"))
    choice(given, "stage", STAGES)
    rows = [callback_row(ask, lead) for lead in ask.store.leads.values() if _calls_back(lead)]
    found = [row for row in rows if since <= row["callback_time"][:10] <= until and _wanted(row, given)]
    counts = {"offset": str(start), "limit": str(size), "total": str(len(found))}
    return {"success": True, "data": {**counts, "results": found[start : start + size]}}


def callback_row(ask: Ask, lead: Lead) -> Json:
    """One callback: a day after the last call, assigned to the lead's user or to none."""
    last = lead.last_called or lead.created_at
    at = _later(last, 86_400)
    shown = ask.shape.id
    return {
        "id": shown(lead.id % 1_000_000),
        "lead_id": shown(lead.id),
        "list_id": shown(lead.list_id),
        "campaign_id": shown(lead.campaign_id),
        "status": lead.status,
        "created_at": last,
        "callback_time": at,
        "modified_at": last,
        "user": shown(lead.user_id),
        "recipient": "USERONLY" if lead.user_id else "ANYONE",
        "comments": COMMENTS[lead.id % len(COMMENTS)],
        "context": "",
        "callback_seen": "0",
        "phone_number": bare(lead.phone_number),
        "stage": "PENDING" if at > local(ask.now, ask.store.zone) else "PAST_DUE",
        "class": "",
        "user_name": user_name(lead.user_id),
        "directory_name": LISTS[lead.list_id].name,
        "campaign_name": CAMPAIGNS[lead.campaign_id][0],
        "campaign_type": "OUTBOUND",
        "status_name": STATUSES[lead.status][0],
    }


def _calls_back(lead: Lead) -> bool:
    return lead.status == "CALLBK" and lead.deleted_at is None


def _wanted(row: Json, given: Given) -> bool:
    shown = {**row, "user_id": row["user"]}
    if given.get("recipient") and (given["recipient"] == "Personal") != (row["recipient"] == "USERONLY"):
        return False
    if given.get("comments", "") not in row["comments"]:  # partial match. Source: S2
        return False
    return all(str(shown[name]) == given[name] for name in CALLBACK_FILTERS if name in given)


# ------------------------------------------------------------------------------------------------ the account's closed sets

LIST_NAMES: Final = frozenset(("status", "id", "campaign_id"))
STATUS_NAMES: Final = frozenset(("query",))
USER_NAMES: Final = frozenset(("user", "limit", "offset"))
STATUS_FLAGS: Final = ("final", "reached", "success", "dnc", "callback", "contact", "voicemail")


def search_lists(ask: Ask) -> Json:
    """``/lists/search``: lists; ``status`` 1 (active) or 0 is required by the document (H10), and here too.

    Ids are numbers whatever leads do (H10, S2, C4). Refused: 6023 without ``status`` (*unverified*), 6004.
    """
    given = present(ask.given)
    status = choice(given, "status", ("0", "1"))
    if status is None:
        raise RefusedError(FIELDS_MISSED)
    if given.get("campaign_id", "401") not in CAMPAIGNS:
        raise RefusedError(UNKNOWN_CAMPAIGN)
    found = [
        _list_row(ask, number, one)
        for number, one in LISTS.items()
        if one.active == (status == "1")
        and given.get("id", number) == number
        and given.get("campaign_id", one.campaign) == one.campaign
    ]
    return {"success": True, "data": found}


def _list_row(ask: Ask, number: str, one: LeadList) -> Json:
    last = f"{local(ask.store.world.until, ask.store.zone)[:10]} 08:00:00"
    called = {"null": None, "object": ask.shape.last_call(last), "text": last}[one.called]
    row = {"id": int(number), "name": one.name, "status": _yes(one.active), "last_called_at": called}
    return row | {"campaign_id": int(one.campaign)}


def search_campaigns(ask: Ask) -> Json:
    """``/campaigns/search``: every campaign. Source: S1, S2."""
    last = ask.shape.last_call(f"{local(ask.store.world.until, ask.store.zone)[:10]} 08:00:00")
    rows = [
        {"id": ask.shape.id(number), "name": name, "status": _yes(on), "last_call_date": last if on else None}
        for number, (name, on) in CAMPAIGNS.items()
    ]
    return {"success": True, "data": rows}


def search_statuses(ask: Ask) -> Json:
    """``/status/search``: statuses whose code is ``query`` or whose description holds it. Source: S1, S2.

    *Unverified*: the comparison (case aside), and 6023 where the required ``query`` is missing.
    """
    query = present(ask.given).get("query", "").casefold()
    if not query:
        raise RefusedError(FIELDS_MISSED)
    rows = [
        _status_row(ask.shape, code, name, flags.split())
        for code, (name, flags) in STATUSES.items()
        if query == code.casefold() or query in name.casefold()
    ]
    return {"success": True, "data": rows}


def _status_row(shape: Shape, code: str, name: str, flags: list[str]) -> Json:
    row = {"status": code, "name": name} | {flag: _yes(flag in flags) for flag in STATUS_FLAGS}
    row |= {"workflow_dispositon_event_option": "", "custom_status": _yes(code.startswith("C0"))}
    return row | ({"hex_color": "2f80ed"} if shape.dialect == "seed" else {})  # Source: S1 alone


def search_users(ask: Ask) -> Json:
    """``/users/search``: people, 20 a page, in an object keyed by id (S2, C6) or, by S1, in a bare array.

    ``user`` is a comma list of e-mails, first or last names. *Unverified*: whole names, case aside; system users left
    out; 500 a page at most.
    """
    given = present(ask.given)
    start, size = offset(given, ask.shape.offset_limit), limit(given, 20, 500)
    wanted = {name.casefold() for name in ids(given.get("user", ""))} - {""}
    people = [(number, name) for number, name in USERS.items() if number != API_USER]
    found = [_user_row(ask.shape, number, *name) for number, name in people if not wanted or wanted & _known_as(*name)]
    page = found[start : start + size]
    if ask.shape.dialect == "seed":
        return {"success": True, "data": page}
    counts = {"offset": start, "limit": size, "total": len(found)}
    return {"success": True, "data": {**counts, "results": {str(row["id"]): row for row in page}}}


def _known_as(first: str, last: str) -> set[str]:
    return {first.casefold(), last.casefold(), _address(first, last)}


def _address(first: str, last: str) -> str:
    return f"{first}.{last}@agents.example.com".lower()


def _user_row(shape: Shape, number: str, first: str, last: str) -> Json:
    return {
        "id": shape.id(number),
        "email": _address(first, last),
        "first_name": first,
        "last_name": last,
        "user_level": "1",
        "acl_access_profile": "Agent",
        "queue_override": "N",
        "status": "Y",
        "local_gmt": "-8.00",
        "connection_type": "WEBRTC",
        "extension": [int(number)],
        "created_at": "2024-02-01 09:00:00",
        "last_login": "2026-01-15 08:55:12",
    }


def _yes(on: bool) -> str:
    return "Y" if on else "N"
