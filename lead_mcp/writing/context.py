"""What preparing a write needs beside the intent itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from lead_mcp.engine.notes import Note
from lead_mcp.engine.people import LookupScope
from lead_mcp.writing.looking import CopyOf, no_copy


@dataclass(frozen=True)
class WriteContext:
    """``looking`` bounds the look for the same person, ``zone`` reads dates; ``deadline``: seconds of vendor work.

    ``words``: a note on a look as a sentence, which the journal keeps. ``copy_of``: where an account's copy is, for looks
    that take one.
    """

    looking: LookupScope
    zone: ZoneInfo
    deadline: float
    words: Callable[[Note], str]
    copy_of: CopyOf = no_copy

    @property
    def region(self) -> str:
        """Whose telephone numbers those without a country code are."""
        return self.looking.region
