"""A vendor's rows as records: what makes one of each, and what names it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from lead_mcp.engine.connection import Names
from lead_mcp.engine.query import AccountQuery
from lead_mcp.engine.records import Record, lead_record
from lead_mcp.errors import MalformedReply
from lead_mcp.uris import escaped, lead_uri, ping_uri
from lead_mcp.vendors.spec.http import Raw


def record_maker(account_query: AccountQuery, kind: str, partition: str | None) -> Callable[[Raw], Record]:
    """What makes records of rows. It raises MalformedReply where a row has no id."""
    account, names, search = account_query.connection.account, account_query.names, account_query.search
    name, identify, reads, leads = account.name, search.identify, names.field, lead_uri(account.name, "")

    def record(raw: Raw) -> Record:
        found = identify(account, raw, partition)
        if found is None:
            raise MalformedReply(f"{name} sent a record without an id.", account=name)
        if kind == "lead":
            return Record(name, found, leads + escaped(found), raw, reads, partition)
        return record_of(name, kind, found, raw, names, search.when, partition)

    return record


def identifier(account_query: AccountQuery, partition: str | None) -> Callable[[Raw], str | None]:
    """What finds a row's id."""
    account, identify = account_query.connection.account, account_query.search.identify
    return lambda raw: identify(account, raw, partition)


def record_of(
    account: str, kind: str, record_id: str, raw: Raw, names: Names, when: str, partition: str | None
) -> Record:
    """A record with its URI: a ping's names what it takes to read it again. ``when``: its field of time."""
    if kind == "lead":
        return lead_record(account, record_id, raw, names.field, partition)
    at = names.field(when)
    moment = at.read(raw) if at else None
    where = ping_uri(account, kind, record_id, moment if isinstance(moment, datetime) else None)
    return Record(account, record_id, where, raw, names.field, partition, {when: moment})
