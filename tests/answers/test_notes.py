"""Every kind of note in words: a sentence for each, and facts in it as a reader wants them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import pytest

from lead_mcp.engine import notes
from lead_mcp.engine.limits import Limit
from lead_mcp.engine.notes import Note
from lead_mcp.engine.persons import notes as person_notes
from lead_mcp.engine.summaries import notes as summary_notes
from lead_mcp.mirror import notes as mirror
from lead_mcp.outgoing.notes import SENTENCES, sentence_of, sentences_of
from lead_mcp.sql import notes as sql

ZONE: Final = ZoneInfo("America/New_York")
NOON: Final = datetime(2026, 11, 20, 17, tzinfo=UTC)
MONTH, DAY = timedelta(days=30), timedelta(hours=24)
CASES: Final = [
    (notes.LimitReached(Limit.SCAN, 10_000), "stopped at the scan limit of 10,000 records"),
    (notes.LimitReached(Limit.SUMMARY, 500), "stopped at the summary limit of 500 records"),
    (notes.DeadlinePassed(7.5), "stopped at the deadline of 7.5 s"),
    (notes.StoppedAt(10_000, "recordings"), "stopped at 10,000 recordings"),
    (notes.InNoOrder(), "in no known order"),
    (
        notes.ReadBackTo(NOON, ZONE),
        "read back to 2026-11-20T12:00:00-05:00; its older matches come on later pages, behind newer ones",
    ),
    (notes.ReadBackTo("zoe", ZONE), "read back to zoe; its older matches come on later pages, behind newer ones"),
    (
        notes.ReadBackTo(["zoe"], ZONE),
        "read back to zoe; its older matches come on later pages, behind newer ones",
    ),
    (notes.SortedInBatch(), "sorted here, within the newest records up to the scan limit"),
    (notes.SortedAmong(1_000, 2_500), "sorted among 1,000 of 2,500 ids: as many as could be read at once"),
    (notes.LeftOutEarlier(), "left out since an earlier page"),
    (notes.FinishedEarlier(), "every match stands on an earlier page"),
    (
        notes.MayHaveMoved(("status", "value"), NOON, ZONE),
        "sorted by status, value: a lead that changed since 2026-11-20T12:00:00-05:00 may be missing or come twice",
    ),
    (
        notes.FewerThanCounted(1_234, 1_000, in_a_second=False),
        "the vendor counts 1,234 but gave 1,000 different records",
    ),
    (
        notes.FewerThanCounted(12, 10, in_a_second=True),
        "the vendor counts 12 but gave 10 different records in a second",
    ),
    (notes.CameTwice(2), "2 records came twice: the vendor's list changed while it was read"),
    (notes.GivenTwice(2), "the vendor gave 2 records twice and may have left out as many"),
    (notes.SamePageAgain(), "the vendor gives the same page again and again"),
    (
        notes.CountsNotBelieved(),
        "the vendor counts records of a time and gives none of it: its counts are not believed",
    ),
    (notes.TieCut(50, "at"), "50 of the records with one at were read, the rest of them are left out"),
    (notes.SecondCut(50, 1_500), "50 of 1,500 records in one second were read, the rest of them are left out"),
    (notes.SecondCut(50, None), "50 of more records in one second were read, the rest of them are left out"),
    (notes.UnreadableTimes(3, "created_at"), "3 records hold a created_at that cannot be read, and are left out"),
    (notes.SpellingCut(100), "the vendor gives the first 100 records of a spelling and no more"),
    (notes.CouldNotRead("pings", "L1", "It is {down}."), "pings of L1 could not be read: It is {down}."),
    (notes.DefaultWindow(MONTH, from_end=False), "insists on a window; the last 30 days were asked"),
    (notes.DefaultWindow(DAY, from_end=True), "insists on a window; 24 hours up to its end were asked"),
    (summary_notes.SameWindow(MONTH), "the last 30 days were asked"),
    (notes.VendorCompares(("city", "tag")), "city, tag: compared by the vendor's own rules"),
    (notes.VendorSearches(""), "text: the vendor's own search"),
    (notes.VendorSearches("its words alone"), "text: its words alone"),
    (notes.VendorSays("by {main} number"), "by {main} number"),
    (
        notes.AskedAsOne("e-mail"),
        "text: asked as one e-mail; a record that only holds it as a part is not found",
    ),
    (notes.FilterRefused(("city", "tag")), "the vendor refused to filter by city, tag: checked here"),
    (notes.FilterIgnored("status"), "the vendor does not heed the filter by status: checked here"),
    (notes.PersonSearchRefused(), "the vendor refused its searches for one person: asked of its listing"),
    (notes.ListedValues("status", ("open", "lost")), "status is one of open, lost here"),
    (notes.NothingMatches("status", ("odd", "new")), "not asked: no status 'odd, new' can match"),
    (person_notes.PeopleLookedFor(1_200, 3, None), "people looked for: 1,200, found: 3"),
    (person_notes.PeopleLookedFor(5, 3, 4_000), "4,000 leads read to compare; people looked for: 5, found: 3"),
    (
        person_notes.LookingStopped(60),
        "stopped when 60 people had been looked for; next_cursor goes on behind them",
    ),
    (person_notes.PeopleUnknown(2), "of 2 leads it could not be told whether their person is there: left out"),
    (person_notes.PeopleNameless(2), "2 leads have neither e-mail nor telephone number: left out"),
    (summary_notes.CountedByVendor("acme", ""), "acme: the vendor's total"),
    (summary_notes.CountedByVendor("acme", "status"), "acme: the vendor's total for each status"),
    (summary_notes.CountedByReading("acme", 1), "acme: 1 record read"),
    (summary_notes.CountedByReading("acme", 1_500), "acme: 1,500 records read"),
    (summary_notes.CountedAgain(NOON, changed=False), "counted again for this page, as of 2026-11-20T17:00:00+00:00"),
    (
        summary_notes.CountedAgain(NOON, changed=True),
        "counted again for this page, as of 2026-11-20T17:00:00+00:00; records have changed since the first page: "
        "a group may be missing or come twice",
    ),
    (summary_notes.PingsNotAllRead(), "the summary wants every ping, and not every one was read"),
    (sql.NoBeginning("pings", DAY), "no beginning was given: pings of the last 24 hours were read"),
    (notes.JoinedNobody(1, 0, 5), "1 phone with more than 5 different names joined nobody"),
    (notes.JoinedNobody(2, 3, 5), "2 phones and 3 e-mails with more than 5 different names joined nobody"),
    (sql.AmountsBeyond(("value", "price")), "amounts beyond 14 digits are NULL (value, price)"),
    (sql.AccountsNotRead(("acme", "bee")), "acme, bee could not be read whole: no row of it is in the tables"),
    (
        sql.RealValueCompared(),
        "the statement holds a real value: with LEAD_MCP_PII=masked the tables hold pseudonyms, which no real value equals; "
        "trace_lead and search_leads take real ones",
    ),
    (mirror.FromMirror(timedelta(seconds=-3)), "from the mirror, 0 s old"),
    (mirror.FromMirror(timedelta(minutes=2)), "from the mirror, 2 min old"),
    (mirror.FromMirror(timedelta(hours=3)), "from the mirror, 3 h old"),
    (mirror.FromMirror(timedelta(days=3)), "from the mirror, 3 days old"),
    (mirror.NotToppedUp("It is down."), "it could not be topped up: It is down."),
    (mirror.MirrorBegins(NOON), "leads from before 2026-11-20T17:00:00Z are not in the mirror"),
    (mirror.MirrorTooOld(), "the mirror is older than LEAD_MCP_MIRROR_MAX_AGE"),
]


@pytest.mark.parametrize(("note", "words"), CASES, ids=[type(note).__name__ for note, _ in CASES])
def test_a_note_in_words(note: Note, words: str) -> None:
    assert sentence_of(note) == words


def kinds(kind: type[Note]) -> Iterator[type[Note]]:
    """Those that are no kinds of kinds."""
    below = kind.__subclasses__()
    yield from [kind] if not below else [leaf for one in below for leaf in kinds(one)]


def test_every_kind_of_note_has_its_words() -> None:
    ours = {one for one in kinds(Note) if one.__module__.startswith("lead_mcp.")}
    assert set(SENTENCES) == ours == {type(note) for note, _ in CASES}
    assert all(vars(note).keys() == type(note).__annotations__.keys() for note, _ in CASES)


def test_notes_are_compared_by_kind_and_facts() -> None:
    once = [note for note, _ in CASES]
    assert sentences_of([*once, *once]) == [words for _, words in CASES]
    assert notes.CameTwice(2) == notes.CameTwice(records=2) != notes.GivenTwice(2)
