"""What is to be known of a reading, in words: one sentence for every kind of note."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from lead_mcp.dates import stamp
from lead_mcp.engine import notes
from lead_mcp.engine.limits import Limit
from lead_mcp.engine.notes import Note
from lead_mcp.engine.persons import notes as person_notes
from lead_mcp.engine.summaries import notes as summary_notes
from lead_mcp.filters import spelled
from lead_mcp.mirror import notes as mirror_notes
from lead_mcp.outgoing.times import counted
from lead_mcp.sql import notes as sql_notes

DAYS: Final = 2880
"""Minutes from which on an age is told in days."""
HOURS: Final = 120
LIMITS: Final = {Limit.SCAN: "scan limit", Limit.SUMMARY: "summary limit"}
REAL: Final = (
    "the statement holds a real value: with LEAD_MCP_PII=masked the tables hold pseudonyms, which no real value equals; "
    "trace_lead and search_leads take real ones"
)
OWN_SEARCH: Final = "the vendor's own search"


def sentence_of(note: Note) -> str:
    """A note in words, without a full stop: several are joined by semicolons."""
    words = SENTENCES[type(note)]
    return words.format_map(vars(note)) if isinstance(words, str) else words(note)


def sentences_of(some: Iterable[Note]) -> list[str]:
    """Each of the notes once, in words."""
    return list(map(sentence_of, dict.fromkeys(some)))


def _read_back(note: notes.ReadBackTo) -> str:
    back = stamp(note.value, note.zone) if isinstance(note.value, datetime) else spelled(note.value)
    return f"read back to {back}; its older matches come on later pages, behind newer ones"


def _may_have_moved(note: notes.MayHaveMoved) -> str:
    since = stamp(note.since, note.zone)
    return f"sorted by {', '.join(note.fields)}: a lead that changed since {since} may be missing or come twice"


def _fewer(note: notes.FewerThanCounted) -> str:
    alone = " in a second" if note.in_a_second else ""
    return f"the vendor counts {note.counted:,} but gave {note.given:,} different records{alone}"


def _second_cut(note: notes.SecondCut) -> str:
    there = "more" if note.counted is None else f"{note.counted:,}"
    return f"{note.records:,} of {there} records in one second were read, the rest of them are left out"


def _default_window(note: notes.DefaultWindow) -> str:
    which = f"{_length(note.back)} up to its end" if note.from_end else f"the last {_length(note.back)}"
    return f"insists on a window; {which} were asked"


def _length(back: timedelta) -> str:
    """``30 days``, ``24 hours``."""
    return f"{back.days} days" if back.days > 1 else f"{back.total_seconds() / 3600:g} hours"


def _people(note: person_notes.PeopleLookedFor) -> str:
    read = "" if note.read is None else f"{note.read:,} leads read to compare; "
    return f"{read}people looked for: {note.people:,}, found: {note.found:,}"


def _by_vendor(note: summary_notes.CountedByVendor) -> str:
    return f"{note.account}: the vendor's total" + (f" for each {note.field}" if note.field else "")


def _by_reading(note: summary_notes.CountedByReading) -> str:
    return f"{note.account}: {counted(note.records, 'record')} read"


def _again(note: summary_notes.CountedAgain) -> str:
    anew = f"counted again for this page, as of {note.frozen.isoformat(timespec='seconds')}"
    changed = "; records have changed since the first page: a group may be missing or come twice"
    return anew + (changed if note.changed else "")


def _from_mirror(note: mirror_notes.FromMirror) -> str:
    return f"from the mirror, {_age(note.age)} old"


def _age(age: timedelta) -> str:
    """``90 s``, ``30 min``, ``20 h``, ``3 days``."""
    seconds = max(0, int(age.total_seconds()))
    if seconds < 120:
        return f"{seconds} s"
    minutes = seconds // 60
    return (
        f"{minutes} min" if minutes < HOURS else f"{minutes // 60} h" if minutes < DAYS else f"{minutes // 1440} days"
    )


def _accounts_not_read(note: sql_notes.AccountsNotRead) -> str:
    return f"{', '.join(note.accounts)} could not be read whole: no row of it is in the tables"


def _joined_nobody(note: notes.JoinedNobody) -> str:
    counts = [counted(many, noun) for many, noun in ((note.phones, "phone"), (note.emails, "e-mail")) if many]
    return f"{' and '.join(counts)} with more than {note.names} different names joined nobody"


SENTENCES: Final[Mapping[type[Note], str | Callable[[Any], str]]] = {
    notes.LimitReached: lambda note: f"stopped at the {LIMITS[note.limit]} of {note.most:,} records",
    notes.DeadlinePassed: "stopped at the deadline of {seconds:g} s",
    notes.StoppedAt: "stopped at {most:,} {what}",
    notes.InNoOrder: "in no known order",
    notes.ReadBackTo: _read_back,
    notes.SortedInBatch: "sorted here, within the newest records up to the scan limit",
    notes.SortedAmong: "sorted among {ids:,} of {all_ids:,} ids: as many as could be read at once",
    notes.LeftOutEarlier: "left out since an earlier page",
    notes.FinishedEarlier: "every match stands on an earlier page",
    notes.MayHaveMoved: _may_have_moved,
    notes.FewerThanCounted: _fewer,
    notes.CameTwice: "{records:,} records came twice: the vendor's list changed while it was read",
    notes.GivenTwice: "the vendor gave {records:,} records twice and may have left out as many",
    notes.SamePageAgain: "the vendor gives the same page again and again",
    notes.CountsNotBelieved: "the vendor counts records of a time and gives none of it: its counts are not believed",
    notes.TieCut: "{records:,} of the records with one {field} were read, the rest of them are left out",
    notes.SecondCut: _second_cut,
    notes.UnreadableTimes: "{records:,} records hold a {field} that cannot be read, and are left out",
    notes.SpellingCut: "the vendor gives the first {records:,} records of a spelling and no more",
    notes.CouldNotRead: "{what} of {id} could not be read: {message}",
    notes.DefaultWindow: _default_window,
    summary_notes.SameWindow: lambda note: f"the last {_length(note.back)} were asked",
    notes.VendorCompares: lambda note: f"{', '.join(note.fields)}: compared by the vendor's own rules",
    notes.VendorSearches: lambda note: f"text: {note.how or OWN_SEARCH}",
    notes.VendorSays: "{text}",
    notes.AskedAsOne: "text: asked as one {what}; a record that only holds it as a part is not found",
    notes.FilterIgnored: lambda note: f"the vendor does not heed the filter by {note.field}: checked here",
    notes.FilterRefused: lambda note: f"the vendor refused to filter by {', '.join(note.fields)}: checked here",
    notes.PersonSearchRefused: "the vendor refused its searches for one person: asked of its listing",
    notes.ListedValues: lambda note: f"{note.field} is one of {', '.join(note.values)} here",
    notes.NothingMatches: lambda note: f"not asked: no {note.field} {', '.join(note.values)!r} can match",
    person_notes.PeopleLookedFor: _people,
    person_notes.LookingStopped: "stopped when {people:,} people had been looked for; next_cursor goes on behind them",
    person_notes.PeopleUnknown: "of {leads:,} leads it could not be told whether their person is there: left out",
    person_notes.PeopleNameless: "{leads:,} leads have neither e-mail nor telephone number: left out",
    summary_notes.CountedByVendor: _by_vendor,
    summary_notes.CountedByReading: _by_reading,
    summary_notes.CountedAgain: _again,
    summary_notes.PingsNotAllRead: "the summary wants every ping, and not every one was read",
    mirror_notes.FromMirror: _from_mirror,
    mirror_notes.NotToppedUp: "it could not be topped up: {message}",
    mirror_notes.MirrorBegins: lambda note: f"leads from before {stamp(note.since)} are not in the mirror",
    sql_notes.NoBeginning: lambda note: (
        f"no beginning was given: {note.what} of the last {_length(note.back)} were read"
    ),
    notes.JoinedNobody: _joined_nobody,
    sql_notes.AmountsBeyond: lambda note: f"amounts beyond 14 digits are NULL ({', '.join(note.columns)})",
    sql_notes.AccountsNotRead: _accounts_not_read,
    sql_notes.RealValueCompared: REAL,
    mirror_notes.MirrorTooOld: "the mirror is older than LEAD_MCP_MIRROR_MAX_AGE",
}
