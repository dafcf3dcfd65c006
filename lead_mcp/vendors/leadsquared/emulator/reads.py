"""The emulated LeadSquared's reads: leads, activities, fields, the keys' own user.

Source tags: docs/sources.md.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, Final

from lead_mcp.vendors.leadsquared.emulator.http import (
    INVALID,
    Call,
    Json,
    RefusedError,
    Shape,
    columns,
    every_column,
    guid,
    moment,
    needed,
    page,
    sorting,
    window,
)
from lead_mcp.vendors.leadsquared.emulator.store import (
    CALLS,
    EVENT_NAMES,
    FIELDS,
    INBOUND,
    KEY_OWNER,
    QUICK,
    Activity,
    Field,
    Lead,
    guid_of,
    sort_key,
    value_of,
)

MOST_IDS: Final = 10_000  # S
LEADS_PAGE: Final = 1000  # C: larger sizes are quietly cut
MODIFIED_PAGE: Final = 5000  # D leads-by-date-range: at most 5,000 a call
EVENTS_PAGE: Final = 1000  # C
ROWS_UNPAGED: Final = 25  # D activities-of-a-lead
QUICK_ROWS: Final = 50  # unverified: the row cap is unknown, so a low one

_COLUMNS: Final[Shape] = {"Include_CSV": (str,)}
_SORTING: Final[Shape] = {"ColumnName": (str,), "Direction": (str, int)}
_PAGING: Final[Shape] = {"PageIndex": (int,), "PageSize": (int,)}
_TYPED: Final[dict[str, Shape]] = {"Attribute": (str,), "Value": (str,)}
BY_IDS: Final[Shape] = {"SearchParameters": {"LeadIds": (list,)}, "Columns": _COLUMNS, "Paging": _PAGING}
CRITERIA: Final[Shape] = {
    "Parameter": {"LookupName": (str,), "LookupValue": (str,), "SqlOperator": (str,)},
    "Columns": _COLUMNS,
    "Sorting": _SORTING,
    "Paging": _PAGING,
    **_TYPED,
}
MODIFIED: Final[Shape] = {
    "Parameter": {"FromDate": (str,), "ToDate": (str,)},
    "Columns": _COLUMNS,
    "Sorting": _SORTING,
    "Paging": _PAGING,
    **_TYPED,
}
OF_LEAD: Final[Shape] = {
    "Parameter": {"ActivityEvent": (int,)},
    "Paging": {"Offset": (str,), "RowCount": (str,)},
}
OF_EVENT: Final[Shape] = {
    "Parameter": {"FromDate": (str,), "ToDate": (str,), "ActivityEvent": (int,), "RemoveEmptyValue": (bool,)},
    "Sorting": _SORTING,
    "Paging": _PAGING,
}


# --- leads ---


def _row(lead: Lead, names: Iterable[str]) -> Lead:
    return {name: value_of(lead, name) for name in names}


def _full(call: Call, leads: Iterable[Lead]) -> list[Lead]:
    names = every_column(call.dialect)
    return [_row(lead, names) for lead in leads]


def _asked(call: Call) -> list[str]:
    """The columns of a search; all of them when none are named (D criteria: presumably)."""
    csv = call.body.get("Columns", {}).get("Include_CSV")
    return every_column(call.dialect) if csv is None else columns(csv, call.dialect)


def _count(call: Call, total: int, rows: list[Any]) -> int:
    return total if call.dialect.record_count == "total" else len(rows)


def by_ids(call: Call) -> Json:
    """``{RecordCount, Leads: [row]}``, newest CreatedOn first, unknown ids absent, an id asked twice answered once.

    Unverified and strict: no ids, a malformed id and over 10,000 ids are refused. Source: S, D bulk-by-ids, C.
    """
    asked = needed(call.body.get("SearchParameters", {}), "LeadIds")
    if len(asked) > MOST_IDS or not all(isinstance(one, str) for one in asked):
        raise RefusedError(INVALID, f"LeadIds takes up to {MOST_IDS} ids")
    csv = needed(call.body.get("Columns", {}), "Include_CSV")
    found = [lead for one in dict.fromkeys(map(guid, asked)) if (lead := call.store.get(one))]
    found.sort(key=lambda lead: (lead["CreatedOn"] or "", int(lead["ProspectAutoId"] or 0)), reverse=True)
    names = columns(csv, call.dialect)
    rows = [_row(lead, names) for lead in found[page(call.body, LEADS_PAGE)]]
    return {"RecordCount": _count(call, len(found), rows), "Leads": rows}


def by_id(call: Call) -> Any:
    """An array with one full lead, ``[]`` when absent; in one client's mock a bare object. Source: C."""
    lead = call.store.get(call.id("id"))
    rows = _full(call, [lead] if lead else [])
    return rows[0] if rows and call.dialect.by_id == "object" else rows


def by_email(call: Call) -> list[Lead]:
    """Full leads with that address, ``[]`` when unknown. Source: D by-email."""
    return _full(call, call.store.with_email(call.need("emailaddress")))


def by_phone(call: Call) -> list[Lead]:
    """The one full lead with that Phone or Mobile and the latest activity; ``[]`` for none. Source: D by-phone.

    Digits only, with or without the country code; other marks are refused (unverified how the vendor takes them).
    """
    digits = call.need("phone")
    if not re.fullmatch(r"[0-9]+", digits):
        raise RefusedError(INVALID, "phone takes digits only")
    found = call.store.with_phone(digits)
    latest = max(found, key=lambda lead: lead.get("ProspectActivityDate_Max") or lead["CreatedOn"] or "", default=None)
    return _full(call, [latest] if latest else [])


def by_quick_search(call: Call) -> list[Lead]:
    """Full leads, newest first, holding the text in one of the ShowInQuickSearch fields. Rules unverified. Source: C."""
    text = call.need("key").casefold()
    newest = call.store.ordered("CreatedOn", descending=True)
    hits = (lead for lead in newest if any(text in (lead.get(name) or "").casefold() for name in QUICK))
    return _full(call, islice(hits, QUICK_ROWS))


def by_criteria(call: Call) -> list[Lead]:
    """A bare array of flat leads, no total: one condition, at most 1000 rows a page. Source: D criteria, C."""
    fits = _condition(call.body.get("Parameter", {}))
    name = call.body["Parameter"]["LookupName"]
    typed = _of_type(call)
    column, descending = sorting(call.body, FIELDS, "CreatedOn")
    part, names = page(call.body, LEADS_PAGE), _asked(call)
    every = call.store.ordered(column, descending=descending)
    hits = (lead for lead in every if (value := value_of(lead, name)) is not None and fits(value) and typed(lead))
    return [_row(lead, names) for lead in islice(hits, part.start, part.stop)]


def recently_modified(call: Call) -> Json:
    """``{RecordCount, Leads: [{LeadPropertyList: [{Attribute, Value}]}]}``, by ModifiedOn, both ends included.

    ``CanUpdate`` comes along unasked. Inclusive ends and the order are unverified. Source: D leads-by-date-range.
    """
    start, end = window(call.body.get("Parameter", {}))
    typed = _of_type(call)
    column, descending = sorting(call.body, FIELDS, "ModifiedOn")
    part, names = page(call.body, MODIFIED_PAGE), _asked(call)
    every = call.store.ordered(column, descending=descending)
    hits = [lead for lead in every if start <= (lead["ModifiedOn"] or "")[:19] <= end and typed(lead)]
    rows = [_properties(_row(lead, names)) for lead in hits[part]]
    return {"RecordCount": _count(call, len(hits), rows), "Leads": rows}


def _properties(row: Lead) -> Json:
    pairs = [{"Attribute": name, "Value": value} for name, value in row.items()]
    return {"LeadPropertyList": [*pairs, {"Attribute": "CanUpdate", "Value": "true"}]}


def _of_type(call: Call) -> Callable[[Lead], bool]:
    """The top-level ``Attribute: LeadType, Value: OT_n``, only where Object Types are on. Source: D criteria."""
    attribute, value = call.body.get("Attribute"), call.body.get("Value")
    if attribute is None and value is None:
        return lambda lead: True
    if not call.dialect.object_types or attribute != "LeadType" or value is None:
        raise RefusedError(INVALID, "Attribute and Value take LeadType and OT_n where Object Types are on")
    return lambda lead: value_of(lead, "LeadType") == value


COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "=": operator.eq,
    "<>": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}


def _condition(parameter: Json) -> Callable[[str], bool]:
    """Whether a value meets the condition; null meets none. ``IN`` is refused (one older edition alone lists it)."""
    name, wanted, sign = (needed(parameter, key) for key in ("LookupName", "LookupValue", "SqlOperator"))
    if name not in FIELDS:
        raise RefusedError(INVALID, f"LookupName {name[:60]!r} does not exist")
    if sign == "LIKE":
        return _like(wanted)
    if sign not in COMPARE:
        raise RefusedError(INVALID, f"SqlOperator {sign[:20]!r} is not supported")
    key, compare, value = sort_key(name), COMPARE[sign], _comparable(FIELDS[name], wanted)
    return lambda text: compare(key(text), value)


def _comparable(field: Field, wanted: str) -> str | float:
    if field.kind == "Date":
        return moment(wanted) + ".000"
    try:
        return sort_key(field.name)(wanted)
    except ValueError as err:
        raise RefusedError(INVALID, f"{wanted[:60]!r} is not a number") from err


def _like(pattern: str) -> Callable[[str], bool]:
    """SQL's LIKE, without regard to case: ``%`` any text, ``_`` one character (unverified: not stated)."""
    wild = {"%": ".*", "_": "."}
    text = "".join(wild.get(char) or re.escape(char) for char in pattern)
    match = re.compile(text, re.IGNORECASE | re.DOTALL).fullmatch
    return lambda value: match(value) is not None


# --- activities ---


def activities_of_lead(call: Call) -> Json:
    """``{RecordCount (all of them), ProspectActivities: [row]}``, newest first; none for an unknown lead (unverified).

    Unpaged 25 rows; ``Offset`` is a page number, from 0 or from 1 by the dialect. Source: D activities-of-a-lead.
    """
    lead_id, event = call.id("leadId"), call.body.get("Parameter", {}).get("ActivityEvent")
    some = [activity for activity in call.store.activities(lead_id) if event in (None, activity.event)]
    paging = call.body.get("Paging", {})
    size = min(_digits(paging, "RowCount", ROWS_UNPAGED), EVENTS_PAGE)
    first = max(_digits(paging, "Offset", call.dialect.first_offset) - call.dialect.first_offset, 0) * size
    rows = [_lead_activity(call, activity) for activity in some[::-1][first : first + size]]
    return {"RecordCount": len(some), "ProspectActivities": rows}


def _digits(paging: Json, name: str, usual: int) -> int:
    text = paging.get(name, str(usual))
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise RefusedError(INVALID, f"{name} is a whole number in a string")
    return int(text)


def activities_of_event(call: Call) -> Json:
    """``{RecordCount (over all pages), List: [row]}`` of one event, CreatedOn in the window, both ends included.

    That the window is on CreatedOn is unverified; ModifiedOn is the usual sort. Source: D by-activity-event, C.
    """
    parameter = call.body.get("Parameter", {})
    start, end = window(parameter)
    column, descending = sorting(call.body, {"ModifiedOn": 1, "CreatedOn": 1}, "ModifiedOn")
    when = operator.attrgetter("modified_on" if column == "ModifiedOn" else "created_on")
    some = [one for one in call.store.of_event(needed(parameter, "ActivityEvent")) if start <= one.created_on <= end]
    some.sort(key=lambda one: (when(one), one.id), reverse=descending)
    rows = [_event_activity(call, activity) for activity in some[page(call.body, EVENTS_PAGE, ROWS_UNPAGED)]]
    if parameter.get("RemoveEmptyValue"):
        rows = [{name: value for name, value in row.items() if value not in (None, "")} for row in rows]
    return {"RecordCount": len(some), "List": rows}


def _lead_activity(call: Call, activity: Activity) -> Json:
    data = {"ActivityEvent_Note": _note(activity)} | _custom(call, activity)
    return {
        "Id": activity.id,
        "EventCode": activity.event,
        "EventName": EVENT_NAMES[activity.event],
        "ActivityScore": 0,
        "CreatedOn": activity.created_on,
        "ActivityType": 2 if activity.event in CALLS else 1,
        "IsEmailType": False,
        "Type": "",
        "SessionId": None,
        "TrackLocation": None,
        "Latitude": None,
        "Longitude": None,
        "Data": [{"Key": key, "Value": value} for key, value in data.items()],
    }


def _event_activity(call: Call, activity: Activity) -> Json:
    return {
        "ProspectActivityId": activity.id,
        "RelatedProspectId": activity.lead_id,
        "ActivityType": "2" if activity.event in CALLS else "1",
        "ActivityEvent": str(activity.event),
        **_custom(call, activity),
        "CreatedOn": activity.created_on,
        "CreatedBy": activity.agent.id,
        "CreatedByEmailAddress": activity.agent.email,
        "CreatedByName": activity.agent.name,
        "ModifiedOn": activity.modified_on,
        "ActivityEvent_Note": _note(activity),
        "Latitude": None,
        "Longitude": None,
    }


def _custom(call: Call, activity: Activity) -> Json:
    """The call's own values: display number, start (UTC, no fraction), seconds, recording address. Source: C."""
    if activity.event not in CALLS:
        return {"Status": "Active", **dict.fromkeys(f"mx_Custom_{n}" for n in (1, 2, 3, 4))}
    sound = f"{call.origin}/recordings/{activity.id}.wav" if activity.recorded else ""
    return {
        "Status": "Answered" if activity.seconds else "Missed",
        "mx_Custom_1": activity.agent.phone,
        "mx_Custom_2": activity.started_on,
        "mx_Custom_3": str(activity.seconds),
        "mx_Custom_4": sound,
    }


def _note(activity: Activity) -> str:
    """Text that holds ``{"SourceData": {...}}``: inbound the source is the lead's number. Layout unverified. Source: C."""
    if activity.event not in CALLS:
        return ""
    ends = [activity.number, activity.agent.phone]
    source, destination = ends if activity.event == INBOUND else ends[::-1]
    data = {"SourceNumber": source, "DestinationNumber": destination}
    data |= {"CallNotes": activity.note or "", "CallSessionId": guid_of("session", activity.id)}
    return json.dumps({"SourceData": data}, ensure_ascii=False)


# --- the account ---


def metadata(call: Call) -> list[Json]:
    """The lead fields; ``schemaName`` narrows to one (``[]`` if unknown), ``excludeOptionSets=1`` drops the options.

    Dates are ``/Date(ms+0000)/``. Source: D meta-data, lead-field-properties.
    """
    wanted, bare = call.query.get("schemaName"), call.query.get("excludeOptionSets", "0")
    if bare not in ("0", "1"):
        raise RefusedError(INVALID, "excludeOptionSets is 0 or 1")
    names = [name for name in every_column(call.dialect) if wanted in (None, name)]
    return [_described(FIELDS[name], options=bare == "0") for name in names]


def _described(field: Field, *, options: bool) -> Json:
    custom = field.name.startswith("mx_")
    row: Json = {
        "Entity": "Lead",
        "SchemaName": field.name,
        "DisplayName": field.display,
        "DataType": field.kind,
        "IsMandatory": False,
        "MaxLength": str(field.max_length),
        "EntityAttributeId": guid_of("field", field.name),
        "Name": field.name,
        "EntityAttributeType": 1 if custom else 0,
        "RenderType": 1,
        "RenderTypeTextValue": "Dropdown" if field.options else "Textbox",
        "IsVisible": True,
        "IsSearchable": True,
        "ShowInQuickSearch": field.quick,
        "IsLeadIdentifier": field.name in ("EmailAddress", "Phone"),
        "LockAfterCreate": int(field.read_only),
        "IsSortable": True,
        "CreatedBy": KEY_OWNER.id,
        "CreatedByName": KEY_OWNER.name,
        "CreatedOn": "/Date(1751910591000+0000)/",
        "ModifiedOn": "/Date(1751910591000+0000)/",
    }
    chosen = [{"Value": option} for option in field.options]
    return row | {"Options": chosen} if options and chosen else row


def user(call: Call) -> Json:
    """Facts of the keys' user, the account's own host in LSQCommonServiceURLs (its keys unverified). Source: D auth."""
    return {
        "Id": KEY_OWNER.id,
        "Name": KEY_OWNER.name,
        "Role": "Administrator",
        "EmailAddress": KEY_OWNER.email,
        "TimeZone": "UTC",
        "OrgId": "10001",
        "OrgShortCode": "SANDBOX",
        "DefaultCountryCode": "1",
        "LSQCommonServiceURLs": {"api": f"{call.origin}/v2/", "webapp": f"{call.origin}/"},
    }
