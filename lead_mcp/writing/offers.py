"""What an account can write at all."""

from __future__ import annotations

from collections.abc import Callable

from lead_mcp.engine.connection import Connection
from lead_mcp.errors import NotConfigured, NotOffered
from lead_mcp.vendors import titles
from lead_mcp.vendors.spec.vendor import Vendor
from lead_mcp.vendors.spec.writing import Delete, Insert, Update


def offered_insert(connection: Connection) -> Insert:
    """How this account inserts. Raises NotOffered, or NotConfigured naming the missing setting."""
    found = connection.vendor.insert
    if found is None:
        raise _not_offered(connection, "take new leads", lambda vendor: vendor.insert)
    missing = found.ready(connection.account)
    if missing:
        raise NotConfigured(f"{connection.name} cannot insert yet: {missing}", account=connection.name)
    return found


def offered_update(connection: Connection) -> Update:
    """How this account changes leads. Raises NotOffered."""
    found = connection.vendor.update
    if found is None:
        raise _not_offered(connection, "change leads", lambda vendor: vendor.update)
    return found


def offered_delete(connection: Connection) -> Delete:
    """How this account deletes leads. Raises NotOffered."""
    found = connection.vendor.delete
    if found is None:
        raise _not_offered(connection, "delete leads", lambda vendor: vendor.delete)
    return found


def _not_offered(connection: Connection, what: str, has: Callable[[Vendor], object]) -> NotOffered:
    able = ", ".join(titles(has))
    title = connection.vendor.title
    return NotOffered(f"{title} has no documented way to {what}; {able} have.", account=connection.name)
