"""Questions put to a person in the era that asks by a round trip: each is answered once, for the call it was asked for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from secrets import token_hex

from sqlalchemy import Connection, delete, insert, select, update

from lead_mcp.journal.tables import questions


def put(tx: Connection, arguments: str, agreed: Sequence[str | None], at: str) -> str:
    """Remember a question; its id. ``agreed``: the digests that a yes to it is bound to."""
    name = f"a-{token_hex(8)}"
    tx.execute(insert(questions).values(id=name, at=at, arguments=arguments, agreed=json.dumps(list(agreed)), used=0))
    return name


def take(tx: Connection, name: str, arguments: str) -> list[str | None] | None:
    """What a yes is bound to; None where the question is unknown, was another call's, or has been answered before."""
    mine = (questions.c.id == name) & (questions.c.arguments == arguments) & (questions.c.used == 0)
    if not tx.execute(update(questions).where(mine).values(used=1)).rowcount:
        return None
    found: list[str | None] = json.loads(
        tx.execute(select(questions.c.agreed).where(questions.c.id == name)).scalar_one()
    )
    return found


def forget(tx: Connection, before: str) -> None:
    tx.execute(delete(questions).where(questions.c.at < before))
