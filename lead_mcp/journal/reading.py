"""Rows of the journal as values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select

from lead_mcp.journal.chain import read_values
from lead_mcp.journal.entries import REPLAYED, JournalEvent, State, Write
from lead_mcp.journal.failures import damaged
from lead_mcp.journal.tables import events, payloads


def whole(tx: Connection, row: Mapping[Any, Any]) -> Write:
    """The write of that row, with what it was meant to do and how it ended. Raises NotAllowed where that is damaged."""
    found = events_of(tx, row["id"])
    ended = [event.values for event in found if event.state in REPLAYED]
    outcome, intent = ended[-1] if ended else None, found[0].values if found else None
    return Write(**{**row, "state": _state(row["state"], row["id"])}, outcome=outcome, intent=intent)


def events_of(tx: Connection, name: str) -> list[JournalEvent]:
    """Every event of one write, in order. Raises NotAllowed where one is damaged."""
    query = select(events, payloads.c.body).join(payloads, isouter=True).where(events.c.write_id == name)
    rows = tx.execute(query.order_by(events.c.seq)).mappings().all()
    return [
        JournalEvent(
            row["seq"],
            row["write_id"],
            row["at"],
            _state(row["state"], name),
            row["digest"],
            row["hash"],
            read_values(row["body"], row["seq"]),
        )
        for row in rows
    ]


def _state(text: str, name: str) -> State:
    try:
        return State(text)
    except ValueError:
        raise damaged(f"{name} is in a state {text[:20]!r}") from None
