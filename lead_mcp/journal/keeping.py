"""How long the journal keeps what: values for ``LEAD_MCP_JOURNAL_DAYS``, the steps and their hashes for good."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select

from lead_mcp.journal import questions
from lead_mcp.journal.entries import GOING_ON, State
from lead_mcp.journal.tables import events, payloads, writes


def long_ago(now: datetime, days: int) -> str:
    return (now - timedelta(days=days)).isoformat()


def waiting_since(tx: Connection, before: str) -> list[str]:
    """The ids of writes that have waited for approval since ``before``."""
    old = (writes.c.state == str(State.PENDING)) & (writes.c.at < before)
    return list(tx.execute(select(writes.c.id).where(old)).scalars())


def forgotten(tx: Connection, before: str) -> int:
    """Drop the values that are older than ``before``, of writes that have ended; how many events lost theirs."""
    questions.forget(tx, before)
    going_on = [str(state) for state in GOING_ON]
    ended = select(writes.c.id).where(writes.c.state.not_in(going_on))
    old = select(events.c.seq).where((events.c.at < before) & events.c.write_id.in_(ended))
    return int(tx.execute(delete(payloads).where(payloads.c.seq.in_(old))).rowcount)
