"""What is to be known of a reading, as values: what it left out and why, what a vendor compares its own way.

A class is a kind of note, its annotations are the facts. Notes are compared and joined as values; they are put into words in
``outgoing/notes.py`` alone, where somebody reads them. None holds a value of a record but ``ReadBackTo`` (a sort's key).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, dataclass_transform
from zoneinfo import ZoneInfo

from lead_mcp.engine.limits import Limit
from lead_mcp.filters import Value


@dataclass_transform(frozen_default=True)
class Note:
    """One thing to know. Made as a frozen dataclass is, which it is to the type checker.

    It is none when it runs: as dataclasses all kinds together take 15 ms more to load.
    """

    def __init__(self, *facts: Any, **named: Any) -> None:
        self.__dict__.update(zip(type(self).__annotations__, facts, strict=False), **named)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((type(self), *(fact for fact in vars(self).values() if isinstance(fact, str))))  # some are lists

    def __repr__(self) -> str:
        facts = ", ".join(f"{name}={fact!r}" for name, fact in vars(self).items())
        return f"{type(self).__name__}({facts})"


class Cut(Note):
    """The deadline, or the most that may be read, ended the reading."""


class LimitReached(Cut):
    """``most``: the records that the limit allows to the whole answer."""

    limit: Limit
    most: int


class DeadlinePassed(Cut):
    seconds: float


class StoppedAt(Note):
    """A bound of ours that nobody sets. ``what``: ``records`` or ``recordings``."""

    most: int
    what: str


class InNoOrder(Note):
    """What was read before the end is no first part of anything."""


class ReadBackTo(Note):
    value: Value
    zone: ZoneInfo


class SortedInBatch(Note):
    """The order holds among the records that were read for this page."""


class SortedAmong(Note):
    """The order holds among the first ``ids`` of ``all_ids`` that were asked for."""

    ids: int
    all_ids: int


class LeftOutEarlier(Note):
    """The account failed on an earlier page."""


class FinishedEarlier(Note):
    """Every match of the account stands on an earlier page."""


class MayHaveMoved(Note):
    """Sorted by fields that change: a lead that changed ``since`` the first page may stand elsewhere now."""

    fields: tuple[str, ...]
    since: datetime
    zone: ZoneInfo


class FewerThanCounted(Note):
    """Which of the two is right nobody knows. ``in_a_second``: counted in one second alone."""

    counted: int
    given: int
    in_a_second: bool


class CameTwice(Note):
    """So many records came twice though the vendor tells no total: its list changed meanwhile."""

    records: int


class GivenTwice(Note):
    records: int


class SamePageAgain(Note):
    """The vendor does not heed which page it is asked for."""


class CountsNotBelieved(Note):
    """The vendor counts records in stretches of time in which it gives none."""


class TieCut(Note):
    records: int
    field: str


class SecondCut(Note):
    """Of the records of one second so many were read, and no more may be. ``counted``: None where the vendor tells none."""

    records: int
    counted: int | None


class UnreadableTimes(Note):
    records: int
    field: str


class SpellingCut(Note):
    records: int


class CouldNotRead(Note):
    """``what`` (``recordings``, ``pings``) of one lead, and the error's message."""

    what: str
    id: str
    message: str


class DefaultWindow(Note):
    """The vendor insists on a window and none was asked: ``back`` from now, or (``from_end``) from the end that was asked."""

    back: timedelta
    from_end: bool


class VendorCompares(Note):
    """Filters on these fields mean what the vendor takes them to mean."""

    fields: tuple[str, ...]


class VendorSearches(Note):
    """The text is searched by the vendor; ``how``: what is known of that, or ""."""

    how: str


class VendorSays(Note):
    text: str


class AskedAsOne(Note):
    """The text was asked as one ``e-mail`` or one ``full name``: as a part of something it is not found."""

    what: str


class FilterRefused(Note):
    """The vendor takes no filter on these fields: they are checked here."""

    fields: tuple[str, ...]


class FilterIgnored(Note):
    """The vendor takes a filter on this field and does not heed it: it is checked here."""

    field: str


class PersonSearchRefused(Note):
    """The vendor refuses its searches for one person: its listing is read."""


class JoinedNobody(Note):
    """Telephone numbers and e-mails beside more than ``names`` different names."""

    phones: int
    emails: int
    names: int


class ListedValues(Note):
    """The vendor's closed list, where a filter names something else."""

    field: str
    values: tuple[str, ...]


class NothingMatches(Note):
    """No such ``values`` of the field are there: nothing was asked."""

    field: str
    values: tuple[str, ...]
