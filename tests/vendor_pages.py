"""What docs/vendors/ shows of each vendor: as `list_accounts` says it of an account over the sandbox, without examples."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from mcp.types import TextResourceContents

from lead_mcp.outgoing.account_fields import EXAMPLES
from lead_mcp.vendors import NAMES
from lead_mcp.vendors.spec.fields import CANONICAL, PING_FIELDS
from tests.driving import Bench, bench

LEADS: Final = 60
OURS: Final = frozenset((*CANONICAL, *PING_FIELDS))
FURTHER: Final = (
    "Conditions by other operators are checked after reading; `insert!`: an insert needs it. `list_accounts` lists an "
    "account's further fields."
)
HEAD: Final = "| fields | type | asked of the vendor by | written | note |\n| --- | --- | --- | --- | --- |"
KINDS: Final = {"lead": "Leads", "inbound": "Inbound PINGs", "outbound": "Outbound PINGs"}


def facts() -> dict[str, str]:
    """By vendor: limits, quirks, what a write takes and sets off, the fields of each kind of record."""
    with bench(LEADS, environment={"LEAD_MCP_DELETES": "confirm"}) as driven:
        return {name: _facts(_account(driven, name)) for name in NAMES}


def _account(driven: Bench, name: str) -> dict[str, Any]:
    """The account's resource: ``list_accounts`` without a budget of tokens."""
    (contents,) = driven.portal.call(driven.client.read_resource, f"account://{name}").contents
    assert isinstance(contents, TextResourceContents)
    found: dict[str, Any] = json.loads(contents.text)
    return found


def _facts(account: Mapping[str, Any]) -> str:
    said = [f"- {line}" for line in (account["limits"], *account["quirks"])]
    writes = [f"- {line}" for line in account["writes"]]
    names = account["fields"]["columns"]
    rows = [dict(zip(names, row, strict=True)) for row in account["fields"]["rows"]]
    tables = [_table(title, [row for row in rows if row["kind"] == kind]) for kind, title in KINDS.items()]
    parts = ["## Limits and quirks", "", *said, "", "## Writing", "", *writes, "", "## Fields", "", FURTHER]
    return "\n".join([*parts, *filter(None, tables)])


def _table(title: str, rows: list[Mapping[str, Any]]) -> str:
    """Our fields, and those of the vendor's of which there is something to say; names that are alike share a row."""
    alike: dict[str, list[str]] = {}
    for row in rows:
        if row["name"] in OURS or row["pushed_operators"] or row["note"] or row["written"]:
            alike.setdefault(_cells(row), []).append(f"`{row['name']}`")
    if not alike:
        return ""
    return "\n".join(
        ["", f"### {title}", "", HEAD, *(f"| {' '.join(names)} | {cells} |" for cells, names in alike.items())]
    )


def _cells(row: Mapping[str, Any]) -> str:
    values = "" if row["values"].startswith(EXAMPLES) else row["values"]
    note = "; ".join(filter(None, (values, row["note"]))).replace("|", "\\|")
    asked = " ".join(f"`{op}`" for op in row["pushed_operators"].split())
    return f"{row['type']} | {asked} | {row['written']} | {note}"
