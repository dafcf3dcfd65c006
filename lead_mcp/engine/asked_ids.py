"""Which leads a call means by ids and URIs: each with its account, once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from lead_mcp.engine.connection import Connection
from lead_mcp.engine.lookup import check_ids
from lead_mcp.engine.query import AskedId
from lead_mcp.errors import BadArgument
from lead_mcp.uris import parse_uri


class Directory(Protocol):
    """Whoever knows the accounts by their names."""

    def chosen(self, account: str | None) -> list[Connection]: ...
    def connection(self, name: str) -> Connection: ...


def asked_ids(directory: Directory, account: str | None, ids: Sequence[str]) -> tuple[AskedId, ...]:
    """The ids and URIs with their accounts, each lead once. Raises BadArgument or NotConfigured."""
    check_ids(ids)
    once: dict[tuple[str, str], AskedId] = {}
    for spelled in ids:
        connection, lead_id = _named(directory, account, spelled)
        # look-ups of many tell ids apart case-folded: every spelling of one is the same lead
        key = lead_id.casefold() if connection.vendor.lookup.many > 1 else lead_id
        once.setdefault((connection.name, key), AskedId(connection.name, lead_id, spelled))
    return tuple(once.values())


def _named(directory: Directory, account: str | None, spelled: str) -> tuple[Connection, str]:
    if spelled.startswith("lead://"):
        found = parse_uri(spelled, "lead")
        if account is not None and found.account not in {one.name for one in directory.chosen(account)}:
            raise BadArgument(f"ids: {spelled[:120]!r} is not of account {account!r}.")
        return directory.connection(found.account), found.id
    chosen = directory.chosen(account)
    if len(chosen) != 1:
        names = ", ".join(connection.name for connection in chosen)
        raise BadArgument(f"ids: bare ids belong to one account; name it, or give lead URIs. Chosen now: {names}.")
    return chosen[0], spelled
