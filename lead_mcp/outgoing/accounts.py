"""What is configured, what each account offers, and one account's fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from lead_mcp.engine.connection import Connection
from lead_mcp.filters import Op, folded
from lead_mcp.outgoing.cleaning import cell
from lead_mcp.outgoing.masking import masked_text
from lead_mcp.outgoing.render import table, text_of, text_table
from lead_mcp.outgoing.token_budget import Rendered, rows_that_fit
from lead_mcp.vendors.spec.account import Account
from lead_mcp.vendors.spec.fields import Field
from lead_mcp.vendors.spec.vendor import Vendor

COLUMNS: Final = ("account", "vendor", "offers", "zone", "status")
FIELD_COLUMNS: Final = ("name", "type", "pushed_operators", "values", "note")
FIELD_TOKENS: Final = 1_500
"""Of one account's description in a tool's answer; the resource has all of it."""


def accounts_answer(connections: Sequence[Connection], hint: str) -> Rendered:
    """Every account; ``hint`` is what to do where there is none."""
    found = table(COLUMNS, [_row(one) for one in connections])
    text = text_of(f"{len(connections)} accounts", text_table(found), hint)
    return {"accounts": found, **({"quirks": [hint]} if hint else {})}, text


def account_answer(described: dict[str, Any], find: str | None = None) -> Rendered:
    """One account with as many of its fields as there is room for; with ``find`` those whose name or note holds it."""
    if find is not None:
        described = {**described, "fields": table(FIELD_COLUMNS, _holding(find, described["fields"]["rows"]))}
    rows = described["fields"]["rows"]
    fit = rows_that_fit(rows, lambda some: _rendered(described, some), FIELD_TOKENS)
    return _rendered(described, rows[:fit])


def _holding(find: str, rows: Sequence[list[Any]]) -> list[list[Any]]:
    wanted = folded(find.strip())
    return [row for row in rows if wanted in folded(f"{row[0]} {row[-1]}")]


def _rendered(described: dict[str, Any], rows: Sequence[list[Any]]) -> Rendered:
    """Structure and text with some of the fields; the rest are counted, and found in the resource."""
    left = len(described["fields"]["rows"]) - len(rows)
    found = {**described, "fields": table(FIELD_COLUMNS, rows)}
    if left:
        found["omitted"] = f"{left} more fields; account://{described['accounts']['rows'][0][0]} lists them all"
    text = text_of(
        text_table(found["accounts"]),
        text_table(found["fields"]),
        found.get("omitted", ""),
        f"limits: {found['limits']}",
        *found["quirks"],
    )
    return found, text


def described(connection: Connection, discovered: Mapping[str, Field], notes: Sequence[str]) -> dict[str, Any]:
    """One account in detail, whole. ``discovered``: its own fields; ``notes``: what could not be asked."""
    return {
        "accounts": table(COLUMNS, [_row(connection)]),
        "fields": table(FIELD_COLUMNS, field_rows(connection.account, discovered)),
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


def field_rows(account: Account, discovered: Mapping[str, Field]) -> list[list[Any]]:
    """Ours first, then the vendor's documented ones, then the account's own."""
    fields = account.fields
    own = {path: field for path, field in {**fields.own, **discovered}.items() if path not in fields.ours}
    shadowed = [
        path for path in fields.own if path in fields.ours and fields.own[path].paths != fields.ours[path].paths
    ]
    rows = [_field_row(name, field) for name, field in {**fields.ours, **own}.items()]
    return rows + [_field_row(f"raw.{path}", fields.own[path]) for path in shadowed]


def _field_row(name: str, field: Field) -> list[Any]:
    pushed = [op for op in Op if op in field.exact | field.edge | field.coarse]
    note = "; ".join(part for part in (field.note, "filter only" if field.filter_only else "") if part)
    values = ", ".join(map(cell, field.values))
    return [cell(name), str(field.kind), " ".join(pushed), values, masked_text(note)]
