"""Forgetting a person or a lead for good, and removing everything."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Final

from anyio import to_thread

from lead_mcp.filters import folded
from lead_mcp.mirror import saving
from lead_mcp.mirror.generation import NAME as POINTER
from lead_mcp.mirror.generation import sweep
from lead_mcp.mirror.mirror import Mirror
from lead_mcp.mirror.store import NAME as RECORDS
from lead_mcp.mirror.store import Database, Store, in_pieces
from lead_mcp.phones import parse_phone
from lead_mcp.uris import lead_uri, parse_uri

WAIT: Final = 30.0
"""Seconds that an erasure waits for a sync to end."""


async def forget_person(
    mirror: Mirror, *, email: str | None = None, phone: str | None = None, uri: str | None = None
) -> int:
    """Erase every record with that e-mail or number, or that lead and its pings; how many. No sync brings them back.

    Raises BadArgument, and Conflict where another process goes on writing.
    """
    name = _name(mirror, email, phone, uri)
    async with mirror.writing(WAIT) as turn:
        many = await to_thread.run_sync(_erased, mirror.store, name)
        if turn is not None:
            turn.erases = True
        if many or turn is not None:
            found = await mirror.publish(whole=True)
            sweep(mirror.folder, set(found.files.values()) if found else set(), grace=0)
        await to_thread.run_sync(mirror.store.settle)
    return many


def _name(mirror: Mirror, email: str | None, phone: str | None, uri: str | None) -> str:
    """What the records are found by: ``e:``, ``t:`` or ``u:`` and the value. Raises BadArgument."""
    if email is not None:
        return f"e:{folded(email).strip()}"
    if phone is not None:
        return f"t:{parse_phone(phone, mirror.terms.region)[0].e164}"
    found = parse_uri(uri or "", "lead")
    return f"u:{lead_uri(found.account, found.id)}"


def _erased(store: Store, name: str) -> int:
    with store.writing() as database:
        leads = _found(database, name)
        uris = {f"u:{lead_uri(account, lead)}" for account, lead in _leads(database, leads)}
        beside = {no for one in uris for no in _found(database, one)}
        return saving.forget(database, {name, *uris}, leads | beside)


def _found(database: Database, name: str) -> set[int]:
    found = {no for (no,) in database.execute("SELECT no FROM keys WHERE key = ?", (database.vault.word(name),))}
    if name.startswith("u:"):
        lead = parse_uri(name[2:], "lead")
        own = "SELECT no FROM records WHERE account = ? AND kind = 'lead' AND id = ?"
        found |= {no for (no,) in database.execute(own, (lead.account, lead.id))}
    return found


def _leads(database: sqlite3.Connection, numbers: set[int]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for marks, piece in in_pieces(sorted(numbers)):
        rows = database.execute(f"SELECT account, id FROM records WHERE kind = 'lead' AND no IN ({marks})", piece)
        found += rows.fetchall()
    return found


async def drop_all(mirror: Mirror) -> int:
    """Remove the mirror's files, and the lake if it is in one; how many of this machine's. Raises Conflict, Unavailable."""
    if mirror.lake is None and not mirror.folder.is_dir():
        return 0
    async with mirror.taking_turns():
        if mirror.lake is not None:
            await mirror.lake.drop()
        files = [path for path in mirror.folder.iterdir() if _is_ours(path)]
        for path in files:
            with suppress(FileNotFoundError):
                path.unlink()
    return len(files)


def _is_ours(path: Path) -> bool:
    return path.is_file() and (path.name.startswith((RECORDS, POINTER)) or ".duckdb" in path.name)
