"""Making the journal's tables, and bringing those of an earlier version to this one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from sqlalchemy import Connection, Engine, insert, inspect, select, text, update
from sqlalchemy.exc import IntegrityError, ProgrammingError

from lead_mcp.errors import NotAllowed
from lead_mcp.journal.failures import damaged
from lead_mcp.journal.tables import START, VERSION, chain, meta, metadata, writes


def prepare(engine: Engine, tries: int = 5) -> None:
    """Create or bring up what is missing; another process may be doing the same just now. Raises NotAllowed."""
    try:
        if inspect(engine).has_table(meta.name):  # a newer journal is left as it is
            with engine.begin() as tx:
                _version(tx)
        metadata.create_all(engine)
        with engine.begin() as tx:
            _bring_up(tx)
    except (IntegrityError, ProgrammingError):
        if tries == 1:
            raise
        prepare(engine, tries - 1)


def _version(tx: Connection) -> int | None:
    """The journal's version; None where it is new. Raises NotAllowed for a newer one than ours."""
    found = tx.execute(select(meta.c.value).where(meta.c.name == "version").with_for_update()).scalar_one_or_none()
    if found is None:
        return None
    if not (found.isascii() and found.isdigit()):
        raise damaged(f"its version is {found[:20]!r}")
    if int(found) > VERSION:
        message = f"The journal is of version {found}, newer than this lead-mcp knows ({VERSION}). Update lead-mcp."
        raise NotAllowed(message)
    return int(found)


def _bring_up(tx: Connection) -> None:
    found = _version(tx)
    if found is None:
        tx.execute(insert(meta).values(name="version", value=str(VERSION)))
        tx.execute(insert(chain).values(id=1, seq=0, head=START))
        return
    for version in range(found, VERSION):
        STEPS[version](tx)
    if found < VERSION:
        tx.execute(update(meta).where(meta.c.name == "version").values(value=str(VERSION)))


def _from_1(tx: Connection) -> None:
    """Fencing numbers, digests of rows, one name for those without a name; open questions are asked again."""
    tx.execute(text("ALTER TABLE lead_mcp_writes ADD COLUMN fence INTEGER NOT NULL DEFAULT 0"))
    tx.execute(text("ALTER TABLE lead_mcp_events ADD COLUMN row_digest VARCHAR(64)"))
    tx.execute(text("DROP TABLE IF EXISTS lead_mcp_asks"))
    local = writes.alias()
    same = (local.c.account == writes.c.account) & (local.c.tool == writes.c.tool) & (local.c.key == writes.c.key)
    taken = select(local.c.id).where(same & (local.c.principal == "local")).exists()
    old = (writes.c.principal == "http") & ~taken
    tx.execute(update(writes).where(old).values(principal="local"))


STEPS: Final[Mapping[int, Callable[[Connection], None]]] = {1: _from_1}
"""What brings each version to the next."""
