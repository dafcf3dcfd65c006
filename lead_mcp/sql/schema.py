"""The tables as a reader sees them: the resource ``sql://schema``, the tables of ``docs/sql.md``, an example for each."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from lead_mcp.sql.tables import MONEY, TABLES

EXAMPLE: Final = (
    "SELECT account, utm_source, count(*) AS leads, median(value) AS median_value FROM leads "
    "WHERE created_at >= '2026-10-01' GROUP BY ALL ORDER BY leads DESC LIMIT 20"
)
EXAMPLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "leads": EXAMPLE,
        "sends": "SELECT buyer, count(*) AS sends, sum(revenue) AS owed FROM sends WHERE accepted GROUP BY buyer",
        "events": (
            "SELECT median(date_diff('minute', l.created_at, e.occurred_at)) AS minutes FROM leads l "
            "JOIN events e ON e.lead_uri = l.uri WHERE e.kind = 'call'"
        ),
        "pings": (
            "SELECT date_trunc('hour', occurred_at) AS hour, count(*) FILTER (NOT accepted) AS rejected FROM pings "
            "WHERE direction = 'inbound' GROUP BY hour ORDER BY rejected DESC LIMIT 5"
        ),
        "recordings": "SELECT sum(duration_s) AS seconds FROM recordings r JOIN leads l ON r.lead_uri = l.uri",
        "people": "SELECT count(*) AS people FROM people WHERE accounts >= 2",
        "accounts": "SELECT account, vendor, as_of, complete FROM accounts",
    }
)
"""One worked statement a table; an error names the one that is nearest."""


def schema_text() -> str:
    """The resource ``sql://schema``: every table with its columns, one a line."""
    parts = [
        "One SELECT in DuckDB's dialect over these tables. Times are TIMESTAMPTZ in the asked zone; money is "
        f"{MONEY} in major units of each account's own currency; absent is NULL.",
    ]
    for table in TABLES.values():
        lines = [f"  {c.name} {c.type} - {c.meaning}" for c in table.columns]
        parts.append("\n".join([f"{table.name}: {table.meaning}", *lines, f"  Example: {EXAMPLES[table.name]}"]))
    return "\n\n".join(parts)


def schema_markdown() -> str:
    """The same as Markdown, for ``docs/sql.md``."""
    words = {"vendor": "the vendor's field", "ours": "computed here", "record": "the vendor's record"}
    parts = []
    for table in TABLES.values():
        rows = [f"| `{c.name}` | {c.type} | {c.meaning} | {words[c.source]} |" for c in table.columns]
        head = ["| column | type | meaning | from |", "| --- | --- | --- | --- |"]
        parts.append(
            "\n".join([f"### `{table.name}`", "", f"{table.meaning[:1].upper()}{table.meaning[1:]}.", "", *head, *rows])
        )
    return "\n\n".join(parts) + "\n"
