"""The ledger in the contract's words and for a reader: what was asked of each vendor, checked here, or not read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lead_mcp.characters import cleaned
from lead_mcp.engine.ledger import LedgerEntry
from lead_mcp.filters import Clause, Op, TextSearch, spelled
from lead_mcp.outgoing.cleaning import text_cell
from lead_mcp.outgoing.masking import masked_text, masker_in_use
from lead_mcp.outgoing.notes import sentences_of
from lead_mcp.outgoing.pseudonyms import WHOLE
from lead_mcp.outgoing.render import SENTENCE, error_to_dict
from lead_mcp.outgoing.times import counted, window_to_dict


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
        found["window"] = window_to_dict(entry.window)
    if entry.notes:
        found["note"] = masked_text(cleaned("; ".join(sentences_of(entry.notes))))
    if entry.error:
        found["error"] = error_to_dict(entry.error)
    return found


def clause_texts(clauses: Sequence[Clause], entry: LedgerEntry) -> list[str]:
    """``field op value``; where masks are on and the field is personal, or may hold what is, the value is masked whole."""
    return list(dict.fromkeys(_clause_text(clause, entry) for clause in clauses))  # one clause may be two bounds


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
    """The ledger for a reader: how much of it is whole, then what else there is to say, with whom it is true of."""
    told: dict[str, list[str]] = {}
    for entry in entries:
        told.setdefault(_entry_text(entry), []).append(entry.account)
    return [_head(entries), *(f"{', '.join(accounts)}: {text}" for text, accounts in told.items() if text)]


def _head(entries: Sequence[LedgerEntry]) -> str:
    """``complete: 5 accounts, 9 requests``, ``complete: 3 of 5 accounts, 9 requests``, ``not complete: 1 account, ...``."""
    whole, requests = sum(entry.whole for entry in entries), sum(entry.requests for entry in entries)
    accounts = counted(len(entries), "account")
    which = f"{whole} of {accounts}" if 0 < whole < len(entries) else accounts
    return f"{'complete' if whole else 'not complete'}: {which}, {counted(requests, 'request')}"


def _entry_text(entry: LedgerEntry) -> str:
    """What is missing of one account or is not as asked; nothing where all is well."""
    parts = [text_cell(note, SENTENCE) for note in sentences_of(entry.notes)]
    if entry.error:
        message = entry.error.message.removeprefix(f"{entry.account} ")
        parts.insert(0, f"{entry.error.code}: {text_cell(cleaned(message), SENTENCE)}")
    elif not entry.complete:
        parts.insert(0, f"not complete, {_reach(entry)}")
    return "; ".join(parts)


def _reach(entry: LedgerEntry) -> str:
    """``12 of 669 matches, 400 read``."""
    total = "" if entry.total is None else f" of {entry.total:,}"
    return f"{entry.returned:,}{total} shown, {entry.scanned:,} read"
