"""How records are read: a ``Route`` per call, a ``PageRequest`` for a ``Page``; look-ups, recordings, timeline events."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from lead_mcp.filters import Order, Where
from lead_mcp.phones import Phone
from lead_mcp.vendors.spec.account import Account
from lead_mcp.vendors.spec.fields import Field, FieldMap, Paths
from lead_mcp.vendors.spec.http import Raw, Reply, Request


@dataclass(frozen=True, slots=True)
class Page:
    """One page of records as sent. ``total``: all that match, if the vendor says; ``more``: whether it says more follow.

    ``next``: the vendor's own token for the page that follows, if it pages by tokens. Where one is given, that page is asked
    by it and by nothing else, and a page without one (``more`` False) is the last; a page before that may hold any number
    of rows, none too.
    """

    rows: Sequence[Raw]
    total: int | None = None
    more: bool | None = None
    next: str | None = None


def follows(total: int | None, offset: int, given: int) -> bool | None:
    """Whether more follow a page by the vendor's total; None where it tells none, or fewer than have come."""
    end = offset + given
    return None if total is None or (given and total < end) else end < total


class Push(StrEnum):
    """How well a route answers one clause."""

    EXACT = "exact"
    EDGE = "edge"
    COARSE = "coarse"


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """What one request of a route is to ask: only clauses the route said it takes, one page of them.

    ``offset`` is a multiple of ``limit``; page-number vendors divide. ``token``: what the page before gave as ``next``; the
    rest of the request is what it was then, but ``limit`` may be smaller. ``columns``: the vendor's dotted names that will be
    read, or None for all. ``partition``: one of the account's partitions (LeadExec: a lead type).
    """

    where: Sequence[Where] = ()
    text: str | None = None
    order: Order | None = None
    offset: int = 0
    limit: int = 20
    token: str | None = None
    columns: Paths | None = None
    partition: str | None = None

    @property
    def page(self) -> int:
        """The page number, counted from 1."""
        return self.offset // self.limit + 1


def by_table(where: Where, fields: FieldMap) -> Push | None:
    """How well the field's own table says this clause is answered; None where it is not."""
    found = fields.get(where.field)
    if found is None:
        return None
    coarse = found.coarse | found.tried
    for push, ops in ((Push.EXACT, found.exact), (Push.EDGE, found.edge), (Push.COARSE, coarse)):
        if where.op in ops:
            return push
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One call that answers questions.

    ``takes`` judges one clause; at most ``most`` clauses are sent, the lowest ``rank`` first. ``needs``: fields of which one
    must be among the clauses sent, else the route is passed over (the free text counts as one, ``text``); ``serves`` judges
    all clauses together; ``text``: answers the free-text search. ``orders``: fields it sorts by, both ways, never absent.
    ``nullable``: fields it sorts by that may be absent, nobody says where those come; ``present``: clauses, by such a field,
    that leave the absent ones out and that it takes.
    ``slices``: cannot sort, but filters by this time field, so it is read in time slices. With neither, the answer is read
    whole. ``page``: rows a request at most; 0: not paged. ``deep``: largest offset; where more is wanted, the next route is
    asked. ``projects``: for a call whose list of wanted fields no document describes, the names that such a list holds for
    ``columns``: dotted places in a record at or above all of them, and of its id. ``build`` then gets ``columns`` only where
    records so asked were seen to agree with whole ones. ``build`` and ``read`` are pure;
    ``read`` raises VendorError for every failure, on HTTP 200 too.
    """

    name: str
    build: Callable[[Account, PageRequest], Request]
    read: Callable[[Account, PageRequest, Reply], Page]
    takes: Callable[[Where, FieldMap], Push | None] = by_table
    most: int = 1_000
    rank: Callable[[Where], int] = lambda where: 0
    needs: frozenset[str] = frozenset()
    serves: Callable[[Sequence[Where]], bool] = lambda clauses: True
    text: bool = False
    orders: frozenset[str] = frozenset()
    nullable: frozenset[str] = frozenset()
    present: Mapping[str, Where] = field(default_factory=dict)
    slices: str | None = None
    page: int = 100
    deep: int = 1_000_000_000
    projects: Callable[[Paths], Paths] | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """How an account's own fields are found out: ``build`` one request (per partition), ``read`` its reply as own fields.

    ``sampled``: the names come from a few records, so one that few others have may be missing.
    """

    build: Callable[[Account, str | None], Request]
    read: Callable[[Account, str | None, Reply], Mapping[str, Field]]
    sampled: bool = False


Rounds = Sequence[Sequence[Request]]
"""Requests that go side by side, round after round."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonLookup:
    """How leads of one person are found: by an e-mail, by a phone (in the spellings the vendor may hold), by a full name.

    Each gives rounds of requests. A later round is asked where those before it may not have found all: for an e-mail where
    nobody has it, for a number likewise, for a name always. But where ``part`` is given, the first round for a number
    searches for its last digits, and is enough once that search has been seen to find parts of numbers; ``part`` searches
    for any digits, to see it.

    Each request is for one page, so a call gives as many requests for one page as for another; ``page``: rows a page. The
    rows are checked here: same e-mail case-folded, same number in E.164. ``main_phone``: the same for those that hold the
    number in ``phone`` and not in a further field, where that takes fewer requests. ``paths``: the vendor's fields of
    e-mails and numbers that the requests look into; ``renamed``: they heed an account's own names for these. ``note``: whom
    it may miss; ``numbers_note``: by number; ``spellings_note``: by number, where ``part`` is not known to find parts.
    ``cap``: how many rows of ``part`` may be all that it ever gives: then the next round is asked too. A vendor without a
    look-up is read newest first within its default window. Where an account has partitions, a request looks in the one that
    the page names, or else in all.
    """

    email: Callable[[Account, str, PageRequest], Rounds]
    phone: Callable[[Account, Phone, PageRequest], Rounds]
    read: Callable[[Account, Reply], Page]
    paths: frozenset[str]
    name: Callable[[Account, Sequence[str], PageRequest], Rounds] | None = None
    main_phone: Callable[[Account, Phone, PageRequest], Rounds] | None = None
    part: Callable[[Account, str, PageRequest], Request] | None = None
    renamed: bool = False
    page: int = 100
    note: str = ""
    numbers_note: str = ""
    spellings_note: str = ""
    cap: int = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """How a kind of record is searched: ``routes`` cheapest first (the first that serves is used), and what holds for all.

    ``when``: the field windows mean. ``window``: how far back to look where the vendor insists on a window and none was
    given. ``partitions``: asked one by one and merged. ``discovery``: how the account's own fields of this kind are found.
    ``person``: how one person's records are found.
    ``changed_by``: the field of time by which changed records can be asked for; None: they are found by reading again.
    """

    fields: Callable[[Account], FieldMap]
    routes: Sequence[Route]
    identify: Callable[[Account, Raw, str | None], str | None]
    when: str = "created_at"
    window: timedelta | None = None
    partitions: Callable[[Account], Paths] = lambda account: ()
    discovery: Discovery | None = None
    person: PersonLookup | None = None
    changed_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """How records are fetched by id: ``many`` ids a request; replies are matched by id, never by position."""

    build: Callable[[Account, Sequence[str], Paths | None], Request]
    read: Callable[[Account, Sequence[str], Reply], Sequence[Raw]]
    many: int = 1
    check: Callable[[str], bool] = bool
    """Whether a text can be an id of this vendor at all; one that cannot is missing without a request."""
    single_again: bool = False
    """Ask again one by one for ids that a request for many left out (the vendor's lists of ids are not documented)."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One call recording. Times are UTC; ``seconds`` whole seconds; ``url`` is where the vendor keeps the audio."""

    id: str
    lead_id: str
    started_at: datetime | None
    ended_at: datetime | None
    seconds: int | None
    url: str | None
    raw: Raw = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RecordingPage:
    """One page of a lead's recordings; ``total``, ``more`` and ``next`` as on a ``Page``."""

    rows: Sequence[Recording]
    total: int | None = None
    more: bool | None = None
    next: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recordings:
    """How a lead's recordings are listed: pages of one or several calls, merged and sorted here, newest first.

    ``domains``: hosts (and what lies below them) where the vendor documents keeping audio, beside the base URL's host.
    """

    builds: Sequence[Callable[[Account, str, datetime | None, datetime | None, PageRequest], Request]]
    """Each takes lead id, since, until and which page."""
    read: Callable[[Account, str, Reply], RecordingPage]
    page: int = 100
    domains: Paths = ()
    note: str = ""
