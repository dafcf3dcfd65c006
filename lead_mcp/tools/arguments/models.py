"""What a tool does, in its class's first words, and which arguments it has, each with what a model must know of it: unit,
default, form, an example."""

from __future__ import annotations

from typing import Final

from pydantic import Field

from lead_mcp.tools.arguments.base import Arguments
from lead_mcp.tools.arguments.types import (
    Account,
    Accounts,
    AnyLimit,
    Changes,
    Columns,
    Detail,
    Direction,
    Expected,
    FileFormat,
    Filters,
    Flag,
    Key,
    Lead,
    Leads,
    Limit,
    MaxRows,
    OnDuplicate,
    PlainFilters,
    RequiredAccount,
    Rows,
    Sort,
    Source,
    Statement,
    Text,
    Tokens,
    Updates,
    Uris,
    VendorFields,
    Words,
)

ACCOUNTS: Final = "names, comma list; default all"
ACCOUNT: Final = "account name"
LEAD_ID: Final = "the vendor's id"
ALIKE: Final = "as in search_leads"
AS_SUMMED: Final = "as in summarize_leads"
LEAD_URI: Final = "lead://..., or account and id"
MAX_TOKENS: Final = "of the answer"
CURSOR: Final = "next_cursor; same arguments"
FILTERS: Final = "all must hold; fields: list_accounts"
GROUPS: Final = "up to 2: a field, account, hour, day, week, month, quarter, year, weekday, hour_of_day"
MEASURES: Final = "count, share, sum:value, avg|min|max|median|distinct:F, minutes_between:F:F"
KEY: Final = "repeated calls with it write once"
DRY: Final = "only show the request"
SOURCE: Final = "the vendors now, or their mirrored copy"
OWN: Final = "the vendor's own names"


class Windowed(Arguments):
    """Tools over a window of time."""

    period: Text = Field(None, description=ALIKE)
    since: Text = Field(None, description=ALIKE)
    until: Text = Field(None, description=ALIKE)


class ListAccounts(Arguments):
    """The configured accounts and what each offers; with an account, its fields, operators, limits and quirks."""

    account: Account = Field(None, description="one account in detail: fields, limits, quirks")
    find: Text = Field(None, description="fields whose name or note holds this")


class SearchLeads(Windowed):
    """Find leads, newest first."""

    account: Accounts = Field(None, description=ACCOUNTS)
    text: Text = Field(None, max_length=200, description="name, e-mail, phone, company")
    in_account: Text = Field(None, description="also there; 'not NAME'")
    ids: Words = Field(None, description="or URIs")
    filters: Filters = Field(None, description=FILTERS)
    period: Text = Field(None, description="today, last_7_days, 2026-10, 2026-10-05..2026-10-12")
    since: Text = Field(None, description="yesterday, -12h, ISO")
    until: Text = Field(None, description="inclusive day; default now")
    sort: Sort = Field(None, description="default created_at:desc")
    fields: Columns = Field(None, max_length=40, description="columns added")
    detail: Detail = Field("concise", description="columns")
    source: Source = Field("live", description="query_sql")
    limit: Limit = Field(20, description="rows")
    max_tokens: Tokens = Field(None, description=MAX_TOKENS)
    cursor: Text = Field(None, description=CURSOR)


class GetLead(Arguments):
    """One lead in full. Long strings are cut; the resource at its URI has them whole."""

    uri: Text = Field(None, description=LEAD_URI)
    account: Account = Field(None, description=ACCOUNT)
    id: Text = Field(None, description=LEAD_ID)


class SummarizeLeads(Windowed):
    """Count leads and add them up, in groups, over any filter."""

    account: Accounts = Field(None, description=ACCOUNTS)
    text: Text = Field(None, max_length=200, description=ALIKE)
    filters: Filters = Field(None, description=ALIKE)
    group_by: Words = Field(None, max_length=2, description=GROUPS)
    measures: Words = Field(None, max_length=8, description=MEASURES)
    source: Source = Field("auto", description="as in query_sql")
    cursor: Text = Field(None, description="next_cursor: further groups")


class TraceLead(Windowed):
    """One person's story over every account, oldest first: same phone or e-mail; pings, sales, calls, duplicates."""

    uri: Text = Field(None, description="a lead of the person, or:")
    phone: Text = Field(None, description="any spelling")
    email: Text = Field(None, description="any case")
    source: Source = Field("auto", description="as in query_sql")


class QueryPings(Windowed):
    """PING attempts (LeadExec), newest first, of 24 hours unless said, with a summary of all that match."""

    direction: Direction = Field(description="inbound: offered to us")
    account: Accounts = Field(None, description=ACCOUNTS)
    filters: Filters = Field(
        None, description="field: accepted result source campaign client price revenue potential_revenue lead_id ..."
    )
    group_by: Words = Field(None, max_length=2, description=AS_SUMMED)
    measures: Words = Field(None, max_length=8, description=AS_SUMMED)
    fields: Columns = Field(None, max_length=40, description="columns added")
    sort: Sort = Field(None, description="default at:desc")
    limit: AnyLimit = Field(None, description="rows: 20, with group_by 0")
    max_tokens: Tokens = Field(None, description=MAX_TOKENS)
    cursor: Text = Field(None, description=CURSOR)


class QuerySql(Windowed):
    """One DuckDB SELECT over all accounts: joins of vendors, people, medians, times between events, what a buyer owes.
    leads(uri account vendor status stage source name phone_e164 email_folded person_id value created_at utm_source
    ...), sends(lead_uri occurred_at buyer accepted revenue), events(lead_uri occurred_at kind), pings(direction
    occurred_at accepted result price), recordings(lead_uri started_at duration_s), people(person_id accounts leads
    first_seen), accounts. Every column: resource sql://schema."""

    sql: Statement = Field(description="one SELECT")
    account: Accounts = Field(None, description=ACCOUNTS)
    source: Source = Field("auto", description=SOURCE)
    max_rows: MaxRows = Field(200, description="rows")
    max_tokens: Tokens = Field(None, description=MAX_TOKENS)


class ExportLeads(SearchLeads):
    """Write all that search_leads finds to a file. Answers with a link."""

    account: Accounts = Field(None, description=ALIKE)
    text: Text = Field(None, max_length=200, description=ALIKE)
    in_account: Text = Field(None, description=ALIKE)
    ids: Words = Field(None, description=ALIKE)
    filters: PlainFilters = Field(None, description=ALIKE)
    period: Text = Field(None, description=ALIKE)
    since: Text = Field(None, description=ALIKE)
    until: Text = Field(None, description=ALIKE)
    sort: Sort = Field(None, description=ALIKE)
    fields: Words = Field(None, max_length=40, description=ALIKE)
    limit: Rows = Field(None, description="rows; default all")  # type: ignore[assignment]  # a file has room for all
    cursor: Text = Field(None, description="next_cursor: the rest")
    format: FileFormat = Field("csv", description="of the file")


class ExportPings(QueryPings):
    limit: Rows = Field(None, description="rows; default all")


class GetRecordings(Windowed):
    """A lead's call recordings, newest first (Convoso, LeadSquared); read the recording:// URI for the audio."""

    uri: Text = Field(None, description="lead://..., or account and lead_id")
    account: Account = Field(None, description=ACCOUNT)
    lead_id: Text = Field(None, description=LEAD_ID)
    limit: Limit = Field(20, description="rows")
    cursor: Text = Field(None, description=CURSOR)


class InsertLead(Arguments):
    """Create a lead; a person is asked first. Duplicate: same e-mail or phone there."""

    account: RequiredAccount = Field(description=ACCOUNT)
    lead: Lead = Field(description="our field names, more than these too; phone with its country code")
    vendor_fields: VendorFields = Field(None, description=OWN)
    on_duplicate: OnDuplicate = Field("fail", description="same e-mail or phone there: refuse, change that lead, add")
    source: Source = Field("live", description="where to look for them")
    idempotency_key: Key = Field(None, description=KEY)
    dry_run: Flag = Field(False, description=DRY)


class InsertLeads(Arguments):
    """Create up to 50 leads after one question; one result a row."""

    account: RequiredAccount = Field(description=ACCOUNT)
    leads: Leads = Field(description="as lead in insert_lead; a row may have its own vendor_fields")
    vendor_fields: VendorFields = Field(None, description="for all")
    on_duplicate: OnDuplicate = Field("fail", description="as in insert_lead")
    source: Source = Field("live", description="as in insert_lead")
    idempotency_key: Key = Field(None, description=KEY)
    dry_run: Flag = Field(False, description=DRY)


class UpdateLead(Arguments):
    """Change a lead; a person is asked first."""

    uri: Text = Field(None, description=LEAD_URI)
    account: Account = Field(None, description=ACCOUNT)
    id: Text = Field(None, description=LEAD_ID)
    changes: Changes = Field(None, description="new values by our field names; a note replaces the old one")
    vendor_fields: VendorFields = Field(None, description=OWN)
    expect: Expected = Field(None, description="refuse unless it still has these values")
    idempotency_key: Key = Field(None, description=KEY)
    dry_run: Flag = Field(False, description=DRY)


class UpdateLeads(Arguments):
    """Change up to 50 leads, at any accounts, after one question; one result a row."""

    updates: Updates = Field(None, description="1-50, or:")
    uris: Uris = Field(None, description="leads that all get changes")
    changes: Changes = Field(None, description="as in update_lead")
    idempotency_key: Key = Field(None, description=KEY)
    dry_run: Flag = Field(False, description=DRY)


class DeleteLead(Arguments):
    """Delete a lead for good; a person is asked first."""

    uri: Text = Field(None, description=LEAD_URI)
    account: Account = Field(None, description=ACCOUNT)
    id: Text = Field(None, description=LEAD_ID)
    dry_run: Flag = Field(False, description=DRY)
