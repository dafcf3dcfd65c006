"""The ledger in the contract's words and for a reader: what was asked of each vendor, checked here, or not read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lead_mcp.characters import cleaned
from lead_mcp.engine.ledger import LedgerEntry
from lead_mcp.filters import Clause, Op, TextSearch, spelled
from lead_mcp.outgoing.cleaning import text_cell
from lead_mcp.outgoing.masking import masked_text, masker_in_use
from lead_mcp.outgoing.pseudonyms import WHOLE
from lead_mcp.outgoing.render import SENTENCE, error_to_dict, window_line


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
        found["note"] = masked_text(cleaned("; ".join(dict.fromkeys(entry.notes))))
    if entry.error:
        found["error"] = error_to_dict(entry.error)
    return found


def clause_texts(clauses: Sequence[Clause], entry: LedgerEntry) -> list[str]:
    """``field op value``; where masks are on and the field is personal, or may hold what is, the value is masked whole."""
    return [_clause_text(clause, entry) for clause in clauses]


def _clause_text(clause: Clause, entry: LedgerEntry) -> str:
    masker = masker_in_use()
    if masker is None:
        return str(clause)
    if isinstance(clause, TextSearch):
        return masker.text(str(clause))
    known = entry.field_of(clause.field)
    kind = masker.kind(clause.field, known, entry.account)
    if not kind:
        return masker.text(str(clause))
    values = clause.value if isinstance(clause.value, tuple | list) else (clause.value,)
    if clause.op is Op.EXISTS:
        return str(clause)
    masked = [masker.of_kind(kind if kind in WHOLE else "other", spelled(one)) for one in values]
    return f"{clause.field} {clause.op} {','.join(masked)}"


def ledger_lines(entries: Sequence[LedgerEntry]) -> list[str]:
    """The ledger for a reader, a line an account."""
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
        parts.append(f"{entry.error.code}: {text_cell(cleaned(entry.error.message), SENTENCE)}")
    return "; ".join(parts)
