"""What is to be known of a summary, as values (see ``engine/notes.py``): how it was counted, and over which window."""

from __future__ import annotations

from datetime import datetime, timedelta

from lead_mcp.engine.notes import Note


class SameWindow(Note):
    """A summary has the window that one of its vendors insists on: so long back."""

    back: timedelta


class CountedByVendor(Note):
    """``field``: for each word of it; "" for all together."""

    account: str
    field: str


class CountedByReading(Note):
    account: str
    records: int


class CountedAgain(Note):
    """A later page of groups counts everything anew; ``changed``: other records than the first page counted."""

    frozen: datetime
    changed: bool


class PingsNotAllRead(Note):
    """Why there is no summary of pings."""
