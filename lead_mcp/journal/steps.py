"""The steps of a write inside their transactions: each is a compare-and-set, and one more event of the chain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, insert, select, true, update
from sqlalchemy.exc import IntegrityError

from lead_mcp.journal import chain
from lead_mcp.journal.chain import Anchor
from lead_mcp.journal.entries import OPEN, ClaimLost, Write
from lead_mcp.journal.tables import writes

Seconds = ColumnElement[float]
"""Epoch seconds by the database's clock, or a sum with it."""


def begin(tx: Connection, write: Write, values: Mapping[str, Any], lease: Seconds) -> Anchor | None:
    """A new write on record; None where another has its key."""
    row = _row(write)
    try:
        tx.execute(insert(writes).values({**row, "lease": lease}))
    except IntegrityError:
        tx.rollback()
        return None
    return chain.append(tx, row, write.state, values, write.at)


def move(
    tx: Connection,
    write: Write,
    after: Write,
    values: Mapping[str, Any],
    *,
    at: str,
    lease: Seconds,
    free: ColumnElement[bool] | None = None,
) -> Anchor:
    """The write as ``after`` has it, if it still is as ``write`` has it, and ``free``. Raises ClaimLost."""
    row, same = _row(after), _is_ours(write) & (writes.c.state == str(write.state))
    moved = update(writes).where(same, true() if free is None else free).values({**row, "lease": lease})
    if not tx.execute(moved).rowcount:
        raise ClaimLost
    return chain.append(tx, row, after.state, values, at)


def renew(tx: Connection, write: Write, lease: Seconds) -> bool:
    """Hold the lease longer; False where the write is not ours any more, or has ended."""
    longer = update(writes).where(_is_ours(write), writes.c.state.in_(OPEN)).values(lease=lease)
    return bool(tx.execute(longer).rowcount)


def is_held(tx: Connection, write: Write, now: Seconds) -> bool:
    """Whether the write's lease lasts."""
    held = select(writes.c.id).where(writes.c.id == write.id, writes.c.lease > now)
    return tx.execute(held).first() is not None


def _is_ours(write: Write) -> ColumnElement[bool]:
    return (writes.c.id == write.id) & (writes.c.owner == write.owner) & (writes.c.fence == write.fence)


def _row(write: Write) -> dict[str, Any]:
    """The write as the table holds it, but for its lease."""
    return {**{name: getattr(write, name) for name in chain.ROW}, "state": str(write.state)}
