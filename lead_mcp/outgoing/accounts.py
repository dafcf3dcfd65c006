"""What is configured, what each account offers, and one account's fields."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from lead_mcp.engine.connection import Connection
from lead_mcp.errors import did_you_mean
from lead_mcp.filters import folded
from lead_mcp.outgoing import account_fields
from lead_mcp.outgoing.account_fields import KindOfRecord
from lead_mcp.outgoing.account_writes import write_lines
from lead_mcp.outgoing.masking import masked_text
from lead_mcp.outgoing.render import table, text_of, text_table
from lead_mcp.outgoing.times import counted
from lead_mcp.outgoing.token_budget import Rendered, rows_that_fit
from lead_mcp.vendors.spec.vendor import Vendor

COLUMNS: Final = ("account", "vendor", "offers", "zone", "status")
FIELD_TOKENS: Final = 2_500
"""Of one account's description in a tool's answer; the resource has all of it."""
HEADS: Final = {"lead": "leads", "inbound": "inbound pings", "outbound": "outbound pings"}
NAME, NOTE, KIND = (account_fields.COLUMNS.index(name) for name in ("name", "note", "kind"))


def accounts_answer(connections: Sequence[Connection], hint: str) -> Rendered:
    """Every account; ``hint`` is what to do where there is none."""
    found = table(COLUMNS, [_row(one) for one in connections])
    text = text_of(counted(len(connections), "account"), text_table(found), hint)
    return {"accounts": found, **({"quirks": [hint]} if hint else {})}, text


def account_answer(described: dict[str, Any], find: str | None = None) -> Rendered:
    """One account with as many of its fields as there is room for; with ``find`` those whose name or note holds it."""
    rows = described["fields"]["rows"]
    if find is not None:
        described = {**described, "limits": "", "quirks": [], "writes": []}
        rows = _holding(find, rows) or _none(find, rows, described)
    fit = rows_that_fit(rows, lambda some: _rendered(described, some, len(rows)), FIELD_TOKENS)
    return _rendered(described, rows[:fit], len(rows))


def _holding(find: str, rows: Sequence[list[Any]]) -> list[list[Any]]:
    wanted = folded(find.strip())
    return [row for row in rows if wanted in folded(f"{row[NAME]} {row[NOTE]}")]


def _none(find: str, rows: Sequence[list[Any]], described: dict[str, Any]) -> list[list[Any]]:
    hint = did_you_mean(find, [row[NAME] for row in rows])
    described["omitted"] = f"no field's name or note holds {find[:60]!r}.{hint}"
    return []


def _rendered(described: dict[str, Any], rows: Sequence[list[Any]], of: int) -> Rendered:
    """Structure and text with some of the fields; the rest are counted, and found in the resource."""
    found = {**described, "fields": table(account_fields.COLUMNS, by_kind(rows))}
    if len(rows) < of:
        name = described["accounts"]["rows"][0][0]
        found["omitted"] = f"{of - len(rows)} more fields; find narrows, account://{name} lists them all"
    text = text_of(
        text_table(found["accounts"]),
        *_field_tables(found["fields"]["rows"]),
        found.get("omitted", ""),
        *found["writes"],
        f"limits: {found['limits']}" if found["limits"] else "",
        *found["quirks"],
    )
    return {key: value for key, value in found.items() if value not in ("", [])}, text


def by_kind(rows: Sequence[list[Any]]) -> list[list[Any]]:
    """The rows of each kind of record together, in the order they have."""
    return [row for kind in HEADS for row in rows if row[KIND] == kind]


def _field_tables(rows: Sequence[list[Any]]) -> Iterator[str]:
    """For a reader: a table a kind, a line a field."""
    columns = [name for name in account_fields.COLUMNS if name != "kind"]
    for kind, head in HEADS.items():
        listed = [[cell for nth, cell in enumerate(row) if nth != KIND] for row in rows if row[KIND] == kind]
        if listed:
            yield f"fields of {head}:"
            yield text_table(table(columns, listed))


def described(
    connection: Connection, kinds: Sequence[KindOfRecord], modes: tuple[str, str], notes: Sequence[str]
) -> dict[str, Any]:
    """One account in detail, whole. ``modes``: ``LEAD_MCP_WRITES`` and ``LEAD_MCP_DELETES``; ``notes``: what could not be
    asked.
    """
    status = next((one.status for one in kinds if one.kind == "lead"), None)
    return {
        "accounts": table(COLUMNS, [_row(connection)]),
        "fields": table(account_fields.COLUMNS, account_fields.field_rows(connection, kinds)),
        "writes": write_lines(connection, status, modes),
        "limits": connection.vendor.limits,
        "quirks": [*connection.vendor.quirks, *map(masked_text, notes)],
    }


def _row(connection: Connection) -> list[str]:
    account = connection.account
    return [account.name, account.vendor, " ".join(offers(connection.vendor)), zone_of(connection), "configured"]


def offers(vendor: Vendor) -> list[str]:
    """What a vendor's adapter can do, in the words of the tools."""
    found = {
        "search": True,
        "pings": bool(vendor.pings),
        "recordings": vendor.recordings is not None,
        "fields": vendor.discovery is not None,
        "insert": vendor.insert is not None,
        "update": vendor.update is not None,
        "delete": vendor.delete is not None,
    }
    return [word for word, there in found.items() if there]


def zone_of(connection: Connection) -> str:
    """The zone the vendor's own times are in."""
    zones = [setting.key for setting in connection.vendor.settings if setting.kind == "zone"]
    return connection.account.option(zones[0]) if zones else connection.vendor.zone
