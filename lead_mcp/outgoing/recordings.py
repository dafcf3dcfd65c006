"""A lead's recordings: a table, and a link to each one's audio."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from lead_mcp.dates import stamp
from lead_mcp.engine.ledger import LedgerEntry
from lead_mcp.outgoing.cleaning import cell
from lead_mcp.outgoing.ledger import entry_to_dict, ledger_lines
from lead_mcp.outgoing.masking import masker_in_use
from lead_mcp.outgoing.render import id_cell, table, text_of, text_table
from lead_mcp.outgoing.token_budget import Rendered
from lead_mcp.uris import uri
from lead_mcp.vendors.spec.reading import Recording

COLUMNS: Final = ("uri", "started_at", "ended_at", "duration_s", "url")
URL_LIMIT: Final = 500


def recordings_answer(page: Sequence[Recording], entry: LedgerEntry, cursor: str | None) -> Rendered:
    """A page of recordings of the lead's account (``entry.account``)."""
    found = table(COLUMNS, [_row(entry.account, one) for one in page])
    structured = {
        "recordings": found,
        "total": entry.total,
        "next_cursor": cursor,
        "accounts": [entry_to_dict(entry)],
    }
    after = f"next_cursor: {cursor}" if cursor else ""
    return structured, text_of(f"{len(page)} recordings", text_table(found), *ledger_lines([entry]), after)


def recording_uri(account: str, one: Recording) -> str:
    return uri("recording", account, one.lead_id, one.id)


def recording_name(one: Recording) -> str:
    return f"recording {id_cell(one.id)}"


def _row(account: str, one: Recording) -> list[Any]:
    """An address of audio is nobody's to open where masks are on: names and numbers stand in such addresses."""
    url = cell(one.url, URL_LIMIT) if one.url and masker_in_use() is None else None
    return [recording_uri(account, one), stamp(one.started_at), stamp(one.ended_at), one.seconds, url]
