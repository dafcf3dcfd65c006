"""What a vendor is: data and pure functions, no behaviour and no I/O.

A vendor fills in one ``Vendor``. What it leaves out is not offered: there are no flags to drift. Records stay as the
vendor sent them; a ``Field`` says where one of our fields stands in them and how it is spelled. A ``Route`` is one call
that answers a question, with what it can be asked. ``Request`` never holds a secret; ``sign`` adds it last.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Any, Final, Literal, NamedTuple

from lead_mcp.errors import Garbled
from lead_mcp.query import Kind, Op, Order, Value, Where, as_flag, as_number, folded

Raw = Mapping[str, Any]
Paths = tuple[str, ...]

EQ: Final = frozenset({Op.EQ})
ONE_OF: Final = frozenset({Op.EQ, Op.IN})
RANGE: Final = frozenset({Op.LT, Op.LTE, Op.GT, Op.GTE})
EXISTS: Final = frozenset({Op.EXISTS})
NONE: Final[frozenset[Op]] = frozenset()


# --- requests and replies -----------------------------------------------------------------------------------------


class Effect(StrEnum):
    """What a request does at the vendor, whatever its HTTP method; ``off`` switches are enforced by this word."""

    READ = "read"
    WRITE = "write"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request without its credential. ``base`` names one of the account's base URLs (a settings key)."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] | None = None
    json: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    base: str = "base_url"
    effect: Effect = Effect.READ


@dataclass(frozen=True, slots=True)
class Signature:
    """What a credential adds to a request at the last step: joined there, seen nowhere else (not even in a repr)."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    form: Mapping[str, str] = field(default_factory=dict, repr=False)
    json: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, whole: status, headers in lower case, body within the reply cap."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    def json(self) -> Any:
        """The body as JSON. Raises Garbled where it is none (HTML, truncated, empty)."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            start = self.body[:80].decode("utf-8", "replace")
            kind = "an HTML page" if start.lstrip().startswith("<") else "nothing" if not self.body else "no valid JSON"
            message = f"The vendor answered {self.status} with {kind} where JSON was expected. Try again later."
            raise Garbled(message, status=self.status) from None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of records as sent. ``total``: all that match, if the vendor says; ``more``: whether it says more follow."""

    rows: Sequence[Raw]
    total: int | None = None
    more: bool | None = None


# --- fields -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Codec:
    """How a value is spelled. ``decode`` gives None for the vendor's way of saying nothing, and for what is unreadable.

    ``encode`` gives the spelling for a filter or a write; what it cannot say exactly the field calls coarse.
    """

    kind: Kind
    decode: Callable[[Any], Value]
    encode: Callable[[Any], Any] = str


def _text(raw: Any) -> Value:
    if raw is None or isinstance(raw, dict | list):
        return None
    return str(raw).strip() or None


def _any(raw: Any) -> Value:
    return None if raw in (None, "", [], {}) else raw


TEXT: Final = Codec(Kind.TEXT, _text)
NUMBER: Final = Codec(Kind.NUMBER, as_number, lambda value: f"{value:f}")
FLAG: Final = Codec(
    Kind.FLAG, lambda raw: None if raw in (None, "") else as_flag(raw), lambda value: str(value).lower()
)
ANY: Final = Codec(Kind.ANY, _any)
CENTS: Final = Codec(
    Kind.NUMBER,
    lambda raw: None if (number := as_number(raw)) is None else number / 100,
    lambda value: str(int(Decimal(value) * 100)),
)


def text_but(*nothing: str) -> Codec:
    """Text in which some words mean nothing, such as ``N/A`` or the literal ``null`` (compared case-folded)."""
    empty = frozenset(word.casefold() for word in nothing)

    def decode(raw: Any) -> Value:
        text = _text(raw)
        return None if isinstance(text, str) and text.casefold() in empty else text

    return Codec(Kind.TEXT, decode)


def moment(zone: tzinfo = UTC, *, unit: timedelta = timedelta(milliseconds=1)) -> Codec:
    """ISO-like times; one without a zone is in ``zone``. Year 1 and before 1900 is the vendor's way of saying never.

    Encodes as ISO 8601 UTC with milliseconds and ``Z``; wire modules that need another spelling do it themselves.
    """

    def decode(raw: Any) -> Value:
        return read_moment(raw, zone)

    def encode(value: datetime) -> str:
        spec = "milliseconds" if unit < timedelta(seconds=1) else "seconds"
        return value.astimezone(UTC).isoformat(timespec=spec).replace("+00:00", "Z")

    return Codec(Kind.TIME, decode, encode)


def read_moment(raw: Any, zone: tzinfo) -> datetime | None:
    """A time as UTC: ``2026-03-15T10:30:00.9Z``, ``2026-03-15 10:30:00.000``, ``...-0800``; None if none of these."""
    if not isinstance(raw, str) or len(raw) < 10:
        return None
    try:
        found = datetime.fromisoformat(raw.strip())
        found = found if found.tzinfo else found.replace(tzinfo=zone)
        return found.astimezone(UTC) if found.year > 1900 else None
    except (ValueError, OverflowError):
        return None


@dataclass(frozen=True, slots=True, init=False)
class Field:
    """One field at one vendor: where it stands, how it is spelled, what the vendor can be asked of it.

    ``paths`` are dotted places in the record: the first that holds a value wins; with ``joined`` all are joined by a
    space (first and last name). ``exact``: operators the vendor answers just as we mean them. ``edge``: exact but perhaps
    for the bound itself (whether it is inclusive is not documented). ``coarse``: answered more widely than we mean;
    edge and coarse are sent and checked again here. ``vendor_text``: an ``exact`` comparison of text whose case rules
    only the vendor knows; the ledger names it. ``values``: the words it takes; ``closed``: there
    are no others. ``filter_only``: can be asked
    for and not read back.
    """

    paths: Paths
    codec: Codec
    exact: frozenset[Op]
    edge: frozenset[Op]
    coarse: frozenset[Op]
    values: Paths
    closed: bool
    joined: bool
    vendor_text: bool
    filter_only: bool
    note: str

    def __init__(
        self,
        *paths: str,
        codec: Codec = TEXT,
        exact: frozenset[Op] = NONE,
        edge: frozenset[Op] = NONE,
        coarse: frozenset[Op] = NONE,
        values: Sequence[str] = (),
        closed: bool = True,
        joined: bool = False,
        vendor_text: bool = False,
        filter_only: bool = False,
        note: str = "",
    ) -> None:
        put = object.__setattr__
        put(self, "paths", paths)
        put(self, "codec", codec)
        put(self, "exact", exact)
        put(self, "edge", edge)
        put(self, "coarse", coarse)
        put(self, "values", tuple(values))
        put(self, "closed", closed)
        put(self, "joined", joined)
        put(self, "vendor_text", vendor_text)
        put(self, "filter_only", filter_only)
        put(self, "note", note)

    @property
    def kind(self) -> Kind:
        return self.codec.kind

    def read(self, raw: Raw) -> Value:
        """This field's value in ``raw``, decoded; None where it is absent, empty or unreadable."""
        if self.joined:
            parts = [str(part) for path in self.paths if (part := self.codec.decode(at(raw, path))) is not None]
            return " ".join(parts) or None
        for path in self.paths:
            value = self.codec.decode(at(raw, path))
            if value is not None:
                return value
        return None


def at(raw: Any, path: str) -> Any:
    """What stands at a dotted path, or None. A key that itself holds the dots wins over the walk."""
    if isinstance(raw, Mapping) and path in raw:
        return raw[path]
    head, dot, rest = path.partition(".")
    return at(raw[head], rest) if dot and isinstance(raw, Mapping) and head in raw else None


CANONICAL: Final = tuple(
    (
        "id status stage source first_name last_name name email phone company address city state postal_code country value "
        "created_at updated_at qualified_at list_id campaign owner label website form_name external_id note utm_source "
        "utm_medium utm_campaign gclid dclid wbraid gbraid ga4cid ga4sid fbc fbp msclkid ttclid twclid rdt_cid sccid epik "
        "li_fat_id"
    ).split()
)
PING_FIELDS: Final = tuple(
    "id at accepted result source campaign client price revenue potential_revenue received lead_id request_id".split()
)
STAGES: Final = ("open", "qualified", "won", "lost")
PERSONAL: Final = frozenset("first_name last_name name email phone address".split())
"""Fields of ours that name a person; masked where ``LEAD_MCP_PII`` says so."""


@dataclass(frozen=True)
class FieldMap:
    """A vendor's fields: ours by our names, its further ones by its own dotted names.

    ``free``: dotted prefixes under which an account may have names that no document lists (``""``: at the top level).
    """

    ours: Mapping[str, Field]
    own: Mapping[str, Field] = field(default_factory=dict)
    free: Paths = ()

    @cached_property
    def bare(self) -> Mapping[str, tuple[str, ...]]:
        """The vendor's dotted names by their last part: a bare name works where only one fits."""
        found: dict[str, tuple[str, ...]] = {}
        for path in self.own:
            last = path.rpartition(".")[2]
            found[last] = (*found.get(last, ()), path)
        return found


# --- asking -------------------------------------------------------------------------------------------------------


class Push(StrEnum):
    """How well a route answers one clause."""

    EXACT = "exact"
    EDGE = "edge"
    COARSE = "coarse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What one request of a route is to ask: only clauses the route said it takes, one page of them.

    ``offset`` is a multiple of ``limit``; page-number vendors divide. ``columns``: the vendor's dotted names that will be
    read, or None for all. ``part``: one of the account's partitions (LeadExec: a lead type). ``now``: the call's clock.
    """

    where: Sequence[Where] = ()
    text: str | None = None
    order: Order | None = None
    offset: int = 0
    limit: int = 20
    columns: Paths | None = None
    part: str | None = None
    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    @property
    def page(self) -> int:
        """The page number, counted from 1."""
        return self.offset // self.limit + 1


def by_table(where: Where, fields: FieldMap) -> Push | None:
    """How well the field's own table says this clause is answered; None where it is not."""
    found = fields.ours.get(where.field) or fields.own.get(where.field)
    if found is None:
        return None
    for push, ops in ((Push.EXACT, found.exact), (Push.EDGE, found.edge), (Push.COARSE, found.coarse)):
        if where.op in ops:
            return push
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One call that answers questions.

    ``takes`` judges one clause; at most ``most`` clauses are sent, the lowest ``rank`` first. ``needs``: fields of which
    one must be among the clauses sent, else the route is passed over; ``serves`` judges all clauses together; ``text``:
    answers the free-text search. ``orders``: fields it sorts by, both ways, never absent. ``slices``: cannot sort, but
    filters by this time field, so it is read in time slices. With neither, the answer is read whole. ``page``: rows a
    request at most; 0: not paged.
    ``deep``: largest offset; where more is wanted, the next route is asked. ``build`` and ``read`` are pure;
    ``read`` raises VendorError for a failure in any clothes.
    """

    name: str
    build: Callable[[Account, Ask], Request]
    read: Callable[[Account, Ask, Reply], Page]
    takes: Callable[[Where, FieldMap], Push | None] = by_table
    most: int = 1_000
    rank: Callable[[Where], int] = lambda where: 0
    needs: frozenset[str] = frozenset()
    serves: Callable[[Sequence[Where]], bool] = lambda clauses: True
    text: bool = False
    orders: frozenset[str] = frozenset()
    slices: str | None = None
    page: int = 100
    deep: int = 1_000_000_000
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """How a kind of record is searched: ``routes`` cheapest first (the first that serves is used), and what holds for all.

    ``when``: the field windows mean. ``window``: how far back to look where the vendor insists on a window and none was
    given. ``parts``: partitions asked one by one and merged.
    """

    fields: Callable[[Account], FieldMap]
    routes: Sequence[Route]
    identify: Callable[[Account, Raw, str | None], str | None]
    when: str = "created_at"
    window: timedelta | None = None
    parts: Callable[[Account], Paths] = lambda account: ()


class Id(NamedTuple):
    """A record's id at its vendor, with the partition it lives in."""

    id: str
    part: str | None = None


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
class Happening:
    """Something that a record says happened, with its moment (UTC).

    Kinds: ``created consent sent returned call qualified updated``. ``what`` is one short line in our words.
    """

    at: datetime
    kind: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recordings:
    """How a lead's recordings are listed: pages of one or several calls, merged and sorted here, newest first.

    ``domains``: hosts (and what lies below them) where the vendor documents keeping audio, beside the base URL's host.
    """

    builds: Sequence[Callable[[Account, str, datetime | None, datetime | None, int, int], Request]]
    """Each takes lead id, since, until, offset, limit."""
    read: Callable[[Account, str, Reply], tuple[Sequence[Recording], int | None, bool]]
    """The recordings of a reply, the total if the vendor says, and whether more may follow."""
    page: int = 100
    domains: Paths = ()
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """How an account's own fields are found out: ``build`` one request (per part), ``read`` its reply as own fields.

    ``sampled``: the names come from a few records, so one not found may still exist.
    """

    build: Callable[[Account, str | None], Request]
    read: Callable[[Account, str | None, Reply], Mapping[str, Field]]
    sampled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLogin:
    """A vendor that trades keys for a token first: kept until expiry, once more on 401.

    ``build`` makes the request without the keys, ``sign`` adds them; ``read`` gives the token and its seconds of life.
    """

    build: Callable[[Account], Request]
    sign: Callable[[Request, Mapping[str, str]], Signature]
    read: Callable[[Reply], tuple[str, float]]
    keys: Paths = ("client_id", "client_secret")
    given: str = "access_token"
    """The setting under which a ready-made token may be given instead."""


# --- writing ------------------------------------------------------------------------------------------------------


class Phone(NamedTuple):
    """A telephone number taken apart: ``+12135550101``, ``2135550101``, ``1``."""

    e164: str
    national: str
    country_code: str


@dataclass(frozen=True, slots=True)
class Param:
    """One thing a write takes, under the vendor's name for it (dotted: nested in the body).

    ``encode`` spells a checked value (text; Decimal for numbers; datetime, UTC; bool; ``Phone`` for our ``phone``) as JSON or
    form text. ``values``: the closed list, compared case-folded and sent as listed. ``secret``: struck from previews,
    questions and the journal.
    """

    name: str
    kind: Kind = Kind.TEXT
    encode: Callable[[Any], Any] = str
    values: Paths = ()
    secret: bool = False
    most: int = 10_000
    """Characters at most."""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What a write takes: ours by our names, the vendor's own (``vendor_fields``) by its names.

    ``open``: further names of the account's own are taken too, as text or JSON scalars. ``all_of``: names that must be
    there; ``any_of``: of each group one (names of ours or of the vendor's). ``only``: why anything else is refused, where
    the vendor takes so little that ``not_offered`` is the better answer than ``unknown_field``.
    """

    ours: Mapping[str, Param]
    own: Mapping[str, Param] = field(default_factory=dict)
    open: bool = False
    all_of: Paths = ()
    any_of: Sequence[Paths] = ()
    only: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """What the vendor said of a write it carried out. ``updated``: an insert that found somebody and changed them."""

    id: str | None = None
    updated: bool = False
    warnings: Paths = ()


Values = Mapping[str, Any]
"""Encoded values by ``Param.name``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Insert:
    """How a lead is created.

    ``build`` gets the encoded values, a token that is the same for every try of one write (40 hex digits), and whether
    somebody found should be updated (``upsert``, where ``upserts``). ``dedupes``: the vendor makes one lead of two requests
    with the same token. ``ready``: "" or which setting is missing. ``read`` raises Conflict for the vendor's own refusal of
    a duplicate, Rejected for refused content, and so on. ``refuses``: what makes the vendor itself refuse a duplicate.
    """

    form: Form
    build: Callable[[Account, Values, str, bool], Request]
    read: Callable[[Account, Reply], Written]
    upserts: bool = False
    dedupes: bool = False
    ready: Callable[[Account], str] = lambda account: ""
    narrowed: Callable[[Account, Request], Account] = lambda account, request: account
    """The account as ``read`` needs it: narrowed to the partition that the request names, where ids depend on it."""
    refuses: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """How a lead is changed: only the values given. ``queued``: our field names the vendor settles later, with the raw value
    that reads back meanwhile; ``warning``: what a person must know of any update before agreeing.
    """

    form: Form
    build: Callable[[Account, str, Values], Request]
    read: Callable[[Account, str, Reply], Written]
    queued: Mapping[str, str] = field(default_factory=dict)
    warning: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    """How a lead is deleted (``Effect.DELETE``, whatever the method)."""

    build: Callable[[Account, str], Request]
    read: Callable[[Account, str, Reply], Written]
    warning: str = "Deleting cannot be undone."


@dataclass(frozen=True, slots=True, kw_only=True)
class Seek:
    """How leads of one person are found: requests for an e-mail, requests for a phone (in the spellings the vendor may hold).

    The rows are checked here: same e-mail case-folded, or same number in E.164. A vendor without it is read newest first
    within its default window.
    """

    email: Callable[[Account, str], Sequence[Request]]
    phone: Callable[[Account, Phone], Sequence[Request]]
    read: Callable[[Account, Reply], Sequence[Raw]]
    note: str = ""


# --- vendors and accounts -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of an account. ``key`` is its name in the config file; the environment has it upper-case, prefixed.

    ``groups``: an account needs all the settings of at least one of the groups it names (``("keys",)`` or ``("token",)``);
    one with no group is optional. ``kind``: how the text is read.
    """

    key: str
    kind: Literal["text", "url", "zone", "rate", "list", "host_list"] = "text"
    default: str = ""
    secret: bool = False
    groups: Paths = ()
    help: str = ""


Sign = Callable[[Request, Mapping[str, str]], Signature]
"""The credential for a request; the mapping holds the account's secrets (and ``token``) in clear, by settings key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """Everything the rest of the server knows of a vendor. An absent capability is None."""

    name: str
    title: str
    settings: Sequence[Setting]
    sign: Sign
    leads: Search
    lookup: Lookup
    check: Callable[[Account], Request]
    checked: Callable[[Reply], None]
    """Raises VendorError unless the reply to ``check`` is a success."""
    login: TokenLogin | None = None
    pings: Mapping[str, Search] = field(default_factory=dict)
    """By direction: ``inbound``, ``outbound``."""
    recordings: Recordings | None = None
    discovery: Discovery | None = None
    happenings: Callable[[Account, Raw], Sequence[Happening]] = lambda account, raw: ()
    """What a record says happened to its lead, in any order."""
    seek: Seek | None = None
    insert: Insert | None = None
    update: Update | None = None
    delete: Delete | None = None
    stages: Mapping[str, str] = field(default_factory=dict)
    """The vendor's status words, case-folded, to ``open qualified won lost``, where it defines them itself."""
    zone: str = "UTC"
    limits: str = ""
    """One sentence for people: page sizes, rate limits, with their source."""
    quirks: Paths = ()

    @property
    def recordings_note(self) -> str:
        return self.recordings.note if self.recordings else ""


@dataclass(frozen=True)
class Account:
    """One configured account: names and options, never a secret."""

    name: str
    vendor: Vendor
    options: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    """``[accounts.NAME.fields]``: our field name to the account's own."""
    stages: Mapping[str, str] = field(default_factory=dict)

    def option(self, key: str) -> str:
        """An option as configured, or its default."""
        for setting in self.vendor.settings:
            if setting.key == key:
                return self.options.get(key, setting.default)
        raise KeyError(key)

    @cached_property
    def fields(self) -> FieldMap:
        """The account's lead fields: the vendor's, with the account's own names and stage words put in."""
        found = self.vendor.leads.fields(self)
        prefix = f"{found.free[0]}." if found.free and found.free[0] else ""
        named = {ours: renamed(found.ours.get(ours), prefix, theirs) for ours, theirs in self.names.items()}
        ours = {**found.ours, **named}
        return replace(found, ours={"stage": staged(ours.get("status"), self.stages), **ours})


def renamed(known: Field | None, prefix: str, theirs: str) -> Field:
    """Our field at the account's own name for it; nothing is known of what the vendor answers on that one."""
    codec = TEXT if known is None else known.codec
    return Field(
        theirs if "." in theirs else f"{prefix}{theirs}", codec=codec, note="as the account's settings name it"
    )


def staged(status: Field | None, stages: Mapping[str, str]) -> Field:
    """``stage`` as a reading of ``status``: null where the account's settings do not map the vendor's word."""
    if status is None:
        return Field(note="this vendor has no status")
    words = {folded(word): stage for word, stage in stages.items()}

    def decode(raw: Any) -> Value:
        word = status.codec.decode(raw)
        return words.get(folded(str(word))) if word is not None else None

    return Field(*status.paths, codec=Codec(Kind.TEXT, decode), values=STAGES)
