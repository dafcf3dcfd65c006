"""A lead's recordings: a table, and a link to each one's audio."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from lead_mcp.dates import Window
from lead_mcp.engine.ledger import LedgerEntry
from lead_mcp.outgoing.cleaning import cell
from lead_mcp.outgoing.ledger import entry_to_dict, ledger_lines
from lead_mcp.outgoing.masking import masker_in_use
from lead_mcp.outgoing.render import id_cell, table, text_of, text_table
from lead_mcp.outgoing.times import counted_of, heading, shown_time, window_to_dict
from lead_mcp.outgoing.token_budget import Rendered
from lead_mcp.uris import uri
from lead_mcp.vendors.spec.reading import Recording

COLUMNS: Final = ("uri", "started_at", "ended_at", "duration_s", "url")
URL_LIMIT: Final = 500


@dataclass(frozen=True)
class Lengths:
    """How long recordings are together, in seconds, and of how many of them nobody knows."""

    seconds: int
    unknown: int = 0

    def __str__(self) -> str:
        hours, rest = divmod(self.seconds, 3600)
        clock = f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"
        return f"{clock} long together" + (f" ({self.unknown} of unknown length)" if self.unknown else "")


def lengths_of(recordings: Sequence[Recording]) -> Lengths:
    known = [one.seconds for one in recordings if one.seconds is not None]
    return Lengths(sum(known), len(recordings) - len(known))


def recordings_answer(
    page: Sequence[Recording], entry: LedgerEntry, cursor: str | None, window: Window | None, lengths: Lengths
) -> Rendered:
    """A page of recordings of the lead's account (``entry.account``); ``lengths`` of all that were read, on every page."""
    found = table(COLUMNS, [_row(entry.account, one) for one in page])
    structured = {
        "recordings": found,
        "total": entry.total,
        "total_duration_s": lengths.seconds,
        "next_cursor": cursor,
        "window": window_to_dict(window),
        "accounts": [entry_to_dict(entry)],
    }
    after = f"next_cursor: {cursor}" if cursor else ""
    what = f"{counted_of(len(page), entry.total, 'recording')}, {lengths}"
    return structured, text_of(heading(what, window), text_table(found), *ledger_lines([entry]), after)


def recording_uri(account: str, one: Recording) -> str:
    return uri("recording", account, one.lead_id, one.id)


def recording_name(one: Recording) -> str:
    return f"recording {id_cell(one.id)}"


def _row(account: str, one: Recording) -> list[Any]:
    """An address of audio is nobody's to open where masks are on: names and numbers stand in such addresses."""
    url = cell(one.url, URL_LIMIT) if one.url and masker_in_use() is None else None
    return [recording_uri(account, one), shown_time(one.started_at), shown_time(one.ended_at), one.seconds, url]
