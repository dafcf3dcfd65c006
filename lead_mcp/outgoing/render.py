"""How answers look: tables in structure and in text, records in full, the ledger in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from lead_mcp.dates import Window
from lead_mcp.engine.ledger import LedgerEntry
from lead_mcp.engine.records import Record
from lead_mcp.errors import LeadMcpError
from lead_mcp.filters import Clause, TextSearch, spelled
from lead_mcp.outgoing.cleaning import CELL_LIMIT, STRING_LIMIT, cleaned_tree, plain_value, text_cell
from lead_mcp.outgoing.masking import shown, shown_text, shown_tree

CONCISE: Final = ("name", "email", "phone", "status", "created_at")
DETAILED: Final = (*CONCISE, "stage", "source", "company", "city", "state", "value", "owner", "updated_at")
URIS: Final = frozenset({"uri", "lead_uri"})
SENTENCES: Final = frozenset({"message", "note"})
SENTENCE: Final = 600
"""Characters that our own words, and a full record's value, may have in text: structure holds them whole."""

Table = dict[str, Any]


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Table:
    return {"columns": list(columns), "rows": [list(row) for row in rows]}


def record_row(record: Record, columns: Sequence[str]) -> list[Any]:
    """One record as a table row: the URI, then the columns."""
    return [record.uri, *(shown(name, plain_value(record.get(name))) for name in columns)]


def text_table(found: Table) -> str:
    """The table as lines of cells; an absent value is an empty cell."""
    columns = found["columns"]
    lines = ["|".join(text_cell(str(name)) for name in columns)]
    lines.extend(
        "|".join(_text(value, name) for name, value in zip(columns, row, strict=True)) for row in found["rows"]
    )
    return "\n".join(lines)


def _text(value: Any, column: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if column in URIS else text_cell(str(value), SENTENCE if column in SENTENCES else CELL_LIMIT)


def full_record(record: Record, names: Sequence[str], limit: int | None = STRING_LIMIT) -> dict[str, Any]:
    """``{"uri", "account", "lead", "raw"}``: our fields decoded, and the vendor's record cleaned."""
    lead = {name: shown(name, plain_value(record.get(name), full=True)) for name in names}
    return {
        "uri": record.uri,
        "account": record.account,
        "lead": {name: value for name, value in lead.items() if value is not None},
        "raw": shown_tree(cleaned_tree(record.raw, limit)),
    }


def entry_to_dict(entry: LedgerEntry) -> dict[str, Any]:
    """One account's ledger entry in the contract's words."""
    found: dict[str, Any] = {
        "account": entry.account,
        "returned": entry.returned,
        "total": entry.total,
        "scanned": entry.scanned,
        "requests": entry.requests,
        "complete": entry.complete,
        "pushed": clause_texts(entry.pushed, entry),
        "checked_here": clause_texts(entry.checked_here, entry),
    }
    if entry.window:
        found["window"] = entry.window.to_dict()
    if entry.notes:
        found["note"] = shown_text("; ".join(dict.fromkeys(entry.notes)))
    if entry.error:
        found["error"] = error_to_dict(entry.error)
    return found


def clause_texts(clauses: Sequence[Clause], entry: LedgerEntry) -> list[str]:
    """``field op value``, the value masked where masks are on and the field is personal."""
    return [shown_text(_clause_text(clause, entry)) for clause in clauses]


def _clause_text(clause: Clause, entry: LedgerEntry) -> str:
    if isinstance(clause, TextSearch):
        return str(clause)
    value = spelled(clause.value)
    masked = shown(clause.field, value)
    return str(clause) if masked == value else f"{clause.field} {clause.op} {masked}"


def error_to_dict(error: LeadMcpError) -> dict[str, Any]:
    """``{"code", "message", "account"?, "vendor_code"?, "retry_after"?}``."""
    optional = {"account": error.account, "vendor_code": error.vendor_code, "retry_after": error.retry_after}
    return {
        "code": error.code,
        "message": shown_text(error.message),
        **{key: value for key, value in optional.items() if value is not None},
    }


def ledger_lines(entries: Sequence[LedgerEntry]) -> list[str]:
    """The ledger for a reader: what was asked of each vendor, what was checked here, what was not read."""
    return [_entry_line(entry) for entry in entries]


def _entry_line(entry: LedgerEntry) -> str:
    total = "" if entry.total is None else f" of {entry.total:,}"
    parts = [f"{entry.account}: {entry.returned}{total}, {entry.scanned:,} read in {entry.requests} requests"]
    if entry.pushed:
        parts.append(f"asked: {', '.join(map(text_cell, clause_texts(entry.pushed, entry)))}")
    if entry.checked_here:
        parts.append(f"checked here: {', '.join(map(text_cell, clause_texts(entry.checked_here, entry)))}")
    if entry.window:
        parts.append(window_line(entry.window))
    if not entry.complete:
        parts.append("not complete")
    parts.extend(text_cell(note, SENTENCE) for note in dict.fromkeys(entry.notes))
    if entry.error:
        parts.append(f"{entry.error.code}: {text_cell(entry.error.message, SENTENCE)}")
    return shown_text("; ".join(parts))


def window_line(window: Window | None) -> str:
    if window is None:
        return ""
    said = window.to_dict()
    return f"{said['since'] or 'the beginning'} <= t < {said['until']} ({said['zone']})"


def record_lines(found: Mapping[str, Any], prefix: str = "") -> list[str]:
    """A record as ``name: value`` lines, nested ones dotted; empty values are left out."""
    lines: list[str] = []
    for key, value in found.items():
        if isinstance(value, Mapping):
            lines.extend(record_lines(value, f"{prefix}{key}."))
        elif value not in (None, "", [], {}):
            lines.append(f"{prefix}{text_cell(str(key))}: {_line(value)}")
    return lines


def _line(value: Any) -> str:
    return text_cell_long(value if isinstance(value, str) else str(value))


def text_cell_long(text: str) -> str:
    """A full record's value on one line of text, as long as the structure has it."""
    return " ".join(text_cell(part, SENTENCE) for part in text.split("\n"))


def text_of(*parts: str) -> str:
    return "\n".join(part for part in parts if part)
