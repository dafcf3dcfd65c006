"""A vendor's rows as records: what makes one of each, and what names it."""

from __future__ import annotations

from collections.abc import Callable

from lead_mcp.engine.query import AccountQuery
from lead_mcp.engine.records import Record, ping_record, without_id
from lead_mcp.uris import escaped, lead_uri
from lead_mcp.vendors.spec.http import Raw


def record_maker(account_query: AccountQuery, kind: str, partition: str | None) -> Callable[[Raw], Record]:
    """What makes records of rows. It raises MalformedReply where a row has no id."""
    account, search = account_query.connection.account, account_query.search
    name, identify, reads, leads = account.name, search.identify, account_query.names.field, lead_uri(account.name, "")

    def record(raw: Raw) -> Record:
        found = identify(account, raw, partition)
        if found is None:
            raise without_id(name)
        if kind == "lead":  # ``lead_record``, without making the same beginning of a URI for every row
            return Record(name, found, leads + escaped(found), raw, reads, partition)
        return ping_record(name, kind, found, raw, reads, search.when, partition)

    return record


def identifier(account_query: AccountQuery, partition: str | None) -> Callable[[Raw], str | None]:
    """What finds a row's id."""
    account, identify = account_query.connection.account, account_query.search.identify
    return lambda raw: identify(account, raw, partition)
