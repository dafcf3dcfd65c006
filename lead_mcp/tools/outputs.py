"""What the structured content of each tool holds, as JSON schemas. Every key is optional: an error result has one alone."""

from __future__ import annotations

from typing import Any, Final

Schema = dict[str, Any]
TEXT: Final[Schema] = {"type": "string"}
WHOLE: Final[Schema] = {"type": "integer"}
FLAG: Final[Schema] = {"type": "boolean"}
TEXTS: Final[Schema] = {"type": "array", "items": TEXT}
RECORD: Final[Schema] = {"type": "object", "additionalProperties": True}

RECORDS: Final[Schema] = {"type": "array", "items": RECORD}


def or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def table(columns: str) -> Schema:
    """A table: the names of its columns, and rows of as many values. Times are ISO 8601 with offset; absent is null."""
    return {
        "type": "object",
        "properties": {
            "columns": {"type": "array", "items": TEXT, "description": columns},
            "rows": {"type": "array", "items": {"type": "array"}},
        },
    }


WINDOW: Final[Schema] = {
    "type": "object",
    "properties": {"since": or_null(TEXT), "until": or_null(TEXT), "zone": TEXT, "note": TEXT},
}
ERROR: Final[Schema] = {"type": "object", "properties": {"code": TEXT, "message": TEXT}}
LEDGER: Final[Schema] = {
    "type": "array",
    "items": {"type": "object", "properties": {"account": TEXT, "complete": FLAG, "note": TEXT}},
}
TOTAL: Final = or_null(WHOLE)
CURSOR: Final = or_null(TEXT)

LIST_ACCOUNTS: Final[Schema] = {
    "accounts": table("account vendor offers zone status"),
    "fields": table("name type pushed_operators values note kind written"),
    "writes": TEXTS,
    "limits": TEXT,
    "quirks": TEXTS,
    "omitted": TEXT,
}
SEARCH_LEADS: Final[Schema] = {
    "leads": table("uri name email phone status created_at, then the fields asked for"),
    "total": TOTAL,
    "next_cursor": CURSOR,
    "window": or_null(WINDOW),
    "missing": TEXTS,
    "omitted": TEXT,
    "accounts": LEDGER,
}
GET_LEAD: Final[Schema] = {"uri": TEXT, "account": TEXT, "lead": RECORD, "raw": RECORD}
SUMMARIZE_LEADS: Final[Schema] = {
    "groups": table("group_by, then measures, named as asked, values:F behind avg:F"),
    "group_count": WHOLE,
    "total": TOTAL,
    "next_cursor": CURSOR,
    "window": or_null(WINDOW),
    "how": TEXT,
    "omitted": TEXT,
    "accounts": LEDGER,
}
TRACE_LEAD: Final[Schema] = {
    "person": {"type": "object", "properties": {"names": TEXTS, "phones": TEXTS, "emails": TEXTS}},
    "leads": table("uri name email phone status created_at"),
    "events": table("at account kind what uri"),
    "omitted": TEXT,
    "window": or_null(WINDOW),
    "warnings": TEXTS,
    "accounts": LEDGER,
}
QUERY_PINGS: Final[Schema] = {
    "pings": table("uri at accepted result source campaign client price revenue lead_uri, then further fields"),
    "summary": or_null(RECORD),
    "groups": table("group_by, count accepted acceptance_rate revenue, then measures"),
    "group_count": WHOLE,
    "next_cursor": CURSOR,
    "window": or_null(WINDOW),
    "omitted": TEXT,
    "accounts": LEDGER,
}
QUERY_SQL: Final[Schema] = {
    "result": table("as the statement names them"),
    "row_count": TOTAL,
    "complete": FLAG,
    "source": TEXT,
    "window": or_null(WINDOW),
    "omitted": TEXT,
    "notes": TEXTS,
    "accounts": LEDGER,
}
GET_RECORDINGS: Final[Schema] = {
    "recordings": table("uri started_at ended_at duration_s url"),
    "total": TOTAL,
    "total_duration_s": WHOLE,
    "next_cursor": CURSOR,
    "window": or_null(WINDOW),
    "accounts": LEDGER,
}
WRITE: Final[Schema] = {
    "outcome": TEXT,
    "uri": TEXT,
    "id": TEXT,
    "before": RECORD,
    "after": RECORD,
    "sent": RECORD,
    "request": RECORD,
    "checked": RECORD,
    "approved_by": TEXT,
    "journal_id": TEXT,
    "warnings": TEXTS,
}
WRITES: Final[Schema] = {
    "results": table("row outcome uri code message"),
    "checked": RECORDS,
    "approved_by": TEXT,
    "warnings": TEXTS,
}
EXPORT: Final[Schema] = {
    "uri": TEXT,
    "url": TEXT,
    "url_expires": TEXT,
    "file": TEXT,
    "path": TEXT,
    "format": TEXT,
    "bytes": WHOLE,
    "rows": WHOLE,
    "columns": TEXTS,
    "complete": FLAG,
    "why": TEXTS,
    "total": TOTAL,
    "next_cursor": CURSOR,
    "window": or_null(WINDOW),
    "missing": TEXTS,
    "defused_cells": WHOLE,
    "accounts": LEDGER,
}
