"""Which arguments a tool has, each with what a model must know of it: unit, default, form, an example."""

from __future__ import annotations

from typing import Final

from pydantic import Field

from lead_mcp.tools.arguments.base import Arguments
from lead_mcp.tools.arguments.types import (
    Accounts,
    Changes,
    Detail,
    Direction,
    Filters,
    Flag,
    Key,
    Lead,
    Leads,
    Limit,
    OnDuplicate,
    RequiredText,
    Sort,
    Text,
    Tokens,
    VendorFields,
    Words,
)

NAMES: Final = "account or vendor names, comma list; all if left out"
PERIOD: Final = (
    "whole window, instead of since/until: today, last_week, last_7_days, 2026-10, 2026-Q3, 2026-10-05..2026-10-12"
)
SINCE: Final = "start: 2026-10-01, 2026-10-01T09:00, yesterday, -7d, -12h; alone it runs to now"
UNTIL: Final = "end; a day or word is included whole"
FILTERS: Final = (
    "all must hold. Fields: status stage source name email phone city state value created_at updated_at utm_source ... or a "
    "vendor's own (list_accounts). exists takes true/false, in a list"
)
GROUPS: Final = "up to 2 of: a field, account, hour, day, week, month, quarter, year, hour_of_day, weekday"
MEASURES: Final = (
    "count, share, sum:F, avg:F, min:F, max:F, median:F, distinct:F, minutes_between:F:F; F a field, e.g. sum:value"
)
MAX_TOKENS: Final = "most tokens of the answer"
CURSOR: Final = "next_cursor of the page before; other arguments unchanged"
LEAD_URI: Final = "lead://..., or account and id"
SAME_KEY: Final = "a repeated call with it writes once"


class Windowed(Arguments):
    """Tools over a window of time."""

    period: Text = Field(None, description=PERIOD)
    since: Text = Field(None, description=SINCE)
    until: Text = Field(None, description=UNTIL)


class ListAccounts(Arguments):
    account: Text = Field(None, description="one account: its fields, limits, quirks")
    find: Text = Field(None, description="fields whose name or note holds this")


class SearchLeads(Windowed):
    account: Accounts = Field(None, description=NAMES)
    text: Text = Field(None, max_length=200, description="in name, e-mail, phone, company")
    ids: Words = Field(None, description="ids of one account, or lead URIs")
    filters: Filters = Field(None, description=FILTERS)
    sort: Sort = Field(None, description="field:asc|desc, comma list; default created_at:desc")
    fields: Words = Field(None, max_length=40, description="columns to add")
    detail: Detail = "concise"
    limit: Limit = 20
    max_tokens: Tokens = Field(None, description=MAX_TOKENS)
    cursor: Text = Field(None, description=CURSOR)


class GetLead(Arguments):
    uri: Text = Field(None, description=LEAD_URI)
    account: Text = None
    id: Text = None


class SummarizeLeads(Windowed):
    account: Accounts = Field(None, description=NAMES)
    text: Text = Field(None, max_length=200, description="as in search_leads")
    filters: Filters = Field(None, description="as in search_leads")
    group_by: Words = Field(None, max_length=2, description=GROUPS)
    measures: Words = Field(None, max_length=8, description=MEASURES)
    cursor: Text = Field(None, description="further groups")


class TraceLead(Windowed):
    uri: Text = Field(None, description="a lead of the person")
    phone: Text = None
    email: Text = None


class QueryPings(Windowed):
    direction: Direction = Field(description="inbound: offered to us; outbound: offered to buyers")
    account: Accounts = Field(None, description=NAMES)
    filters: Filters = Field(
        None,
        description="fields: accepted result source campaign client price revenue potential_revenue received lead_id ...",
    )
    group_by: Words = Field(None, max_length=2, description="one of these fields or a time, as in summarize_leads")
    measures: Words = Field(None, max_length=8, description="as in summarize_leads, e.g. sum:potential_revenue")
    fields: Words = Field(None, max_length=40, description="columns to add")
    sort: Sort = Field(None, description="default at:desc")
    limit: Limit = Field(20, description="rows; with group_by none unless given")
    max_tokens: Tokens = Field(None, description=MAX_TOKENS)
    cursor: Text = Field(None, description=CURSOR)


class GetRecordings(Windowed):
    uri: Text = Field(None, description="lead://..., or account and lead_id")
    account: Text = None
    lead_id: Text = None
    limit: Limit = 20
    cursor: Text = Field(None, description=CURSOR)


class InsertLead(Arguments):
    account: RequiredText
    lead: Lead = Field(description="our field names, others too; phone +1 512 555 0100, value in whole currency units")
    vendor_fields: VendorFields = Field(None, description="the vendor's own names and values")
    on_duplicate: OnDuplicate = Field(
        "fail", description="same e-mail or phone there: refuse, change it, or add anyway"
    )
    idempotency_key: Key = Field(None, description=SAME_KEY)
    dry_run: Flag = Field(False, description="show the request, send nothing")


class InsertLeads(Arguments):
    account: RequiredText
    leads: Leads = Field(description="each as in insert_lead")
    vendor_fields: VendorFields = Field(None, description="for every row; a row may have its own")
    on_duplicate: OnDuplicate = "fail"
    idempotency_key: Key = Field(None, description=SAME_KEY)
    dry_run: Flag = False


class UpdateLead(Arguments):
    uri: Text = Field(None, description=LEAD_URI)
    account: Text = None
    id: Text = None
    changes: Changes = Field(None, description="our field names and new values; a note replaces the old one")
    vendor_fields: VendorFields = Field(None, description="the vendor's own names and values")
    expect: Changes = Field(None, description="refuse unless the lead still has these values")
    idempotency_key: Key = Field(None, description=SAME_KEY)
    dry_run: Flag = Field(False, description="show the request, send nothing")


class DeleteLead(Arguments):
    uri: Text = Field(None, description=LEAD_URI)
    account: Text = None
    id: Text = None
    dry_run: Flag = False


MODELS: Final[dict[str, type[Arguments]]] = {
    "list_accounts": ListAccounts,
    "search_leads": SearchLeads,
    "get_lead": GetLead,
    "summarize_leads": SummarizeLeads,
    "trace_lead": TraceLead,
    "query_pings": QueryPings,
    "get_recordings": GetRecordings,
    "insert_lead": InsertLead,
    "insert_leads": InsertLeads,
    "update_lead": UpdateLead,
    "delete_lead": DeleteLead,
}
