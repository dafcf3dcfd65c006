"""The rows of a batch: what each means to do, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lead_mcp.engine.connection import Connection
from lead_mcp.errors import LeadMcpError
from lead_mcp.journal.entries import Write
from lead_mcp.writing.duplicate_check import DuplicateCheck
from lead_mcp.writing.inserts import InsertIntent
from lead_mcp.writing.looking import with_source
from lead_mcp.writing.outcome import Outcome, OutcomeKind, WriteWarning, warning_of, warning_record
from lead_mcp.writing.updates import UpdateIntent


@dataclass(frozen=True)
class BatchRow:
    """One write of several. ``arguments``: its own ones, as the journal keeps them."""

    intent: InsertIntent | UpdateIntent
    arguments: Mapping[str, Any]

    @property
    def connection(self) -> Connection:
        return self.intent.connection


def insert_rows(arguments: Mapping[str, Any], connection: Connection, *, looks: bool = True) -> list[BatchRow]:
    """The rows of an ``insert_leads`` with these arguments. ``looks``: as in ``InsertIntent``.

    A row's own ``vendor_fields`` stand in it under that name, and win over those for all.
    """
    rows, on_duplicate, source = list[BatchRow](), arguments["on_duplicate"], arguments.get("source", "live")
    where = with_source(source)
    for given in arguments["leads"]:
        lead = {name: value for name, value in given.items() if name != "vendor_fields"}
        own = {**(arguments.get("vendor_fields") or {}), **(given.get("vendor_fields") or {})}
        kept = {"lead": lead, "on_duplicate": on_duplicate, **({"vendor_fields": own} if own else {}), **where}
        rows.append(BatchRow(InsertIntent(connection, lead, own, on_duplicate, looks, source), kept))
    return rows


def update_rows(arguments: Mapping[str, Any], connection: Callable[[str], Connection]) -> list[BatchRow]:
    """The rows of an ``update_leads`` with these arguments; ``connection`` gives an account by its name."""
    rows = list[BatchRow]()
    for given in arguments["updates"]:
        account, lead_id = given["lead"]
        intent = UpdateIntent(connection(account), lead_id, given["changes"], {}, given["expect"])
        rows.append(BatchRow(intent, dict(given)))
    return rows


@dataclass(frozen=True)
class RowResult:
    """What became of one row; ``number`` counts from 1, ``code`` is an error's, ``notes`` its message or warnings."""

    number: int
    kind: OutcomeKind
    uri: str | None = None
    code: str | None = None
    notes: tuple[WriteWarning, ...] = ()
    checked: DuplicateCheck | None = None
    approved_by: str | None = None

    @staticmethod
    def of(number: int, became: Outcome | LeadMcpError) -> RowResult:
        if isinstance(became, LeadMcpError):
            kind = OutcomeKind.UNKNOWN if became.code == "unknown_outcome" else OutcomeKind.FAILED
            return RowResult(number, kind, code=became.code, notes=(became.message,))
        return RowResult(number, became.kind, became.uri, None, became.warnings, became.checked, became.approved_by)

    @property
    def failed(self) -> bool:
        return self.kind in (OutcomeKind.FAILED, OutcomeKind.UNKNOWN)

    def record(self) -> dict[str, Any]:
        """As the journal keeps it."""
        notes = [warning_record(note) for note in self.notes]
        found = {"row": self.number, "outcome": str(self.kind), "uri": self.uri, "code": self.code, "notes": notes}
        more = {"checked": self.checked and self.checked.record(), "approved_by": self.approved_by}
        return {**found, **{name: value for name, value in more.items() if value}}

    @staticmethod
    def of_record(record: Any) -> RowResult:
        """Out of the journal; version 1 kept a row as a list, its notes as one text."""
        checked = approved_by = None
        if isinstance(record, Mapping):
            checked, approved_by = record.get("checked"), record.get("approved_by")
            number, kind, uri, code, notes = (record[name] for name in ("row", "outcome", "uri", "code", "notes"))
        else:
            number, kind, uri, code, text = record
            notes = [text] if text else []
        look = DuplicateCheck.of_record(checked) if checked else None
        return RowResult(number, OutcomeKind(kind), uri, code, tuple(map(warning_of, notes)), look, approved_by)


def results_record(results: Sequence[RowResult]) -> dict[str, Any]:
    """What the journal keeps of an approved batch."""
    return {"results": [result.record() for result in results], "warnings": []}


def results_of(write: Write) -> list[RowResult] | None:
    """The rows that an approved batch ended with; None where it was none, or where they are purged."""
    found = (write.outcome or {}).get("results")
    if found is None:
        return None
    return [RowResult.of_record(row) for row in (found["rows"] if isinstance(found, Mapping) else found)]
