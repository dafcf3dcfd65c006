"""What preparing a write needs beside the intent itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from lead_mcp.engine.notes import Note
from lead_mcp.engine.persons.people import LookupScope
from lead_mcp.writing.looking import CopyOf, no_copy
from lead_mcp.writing.vendor_time import VendorTime


@dataclass(frozen=True)
class WriteContext:
    """``scope`` bounds the look for the same person, ``zone`` reads dates; ``time``: what vendors may take over the call.

    ``words``: a note on a look as a sentence, which the journal keeps. ``copy_of``: where an account's copy is, for looks
    that take one.
    """

    scope: LookupScope
    zone: ZoneInfo
    time: VendorTime
    words: Callable[[Note], str]
    copy_of: CopyOf = no_copy

    @property
    def looking(self) -> LookupScope:
        """The look for the same person, which ends in the time that is left."""
        return replace(self.scope, limits=replace(self.scope.limits, deadline=self.time.left))

    @property
    def deadline(self) -> float:
        """Seconds that a single look-up may take; the step that it belongs to may end before."""
        return self.time.deadline

    @property
    def region(self) -> str:
        """Whose telephone numbers those without a country code are."""
        return self.scope.region
