"""Fields: where a value stands in a vendor's record, how it is spelled, and what the vendor can be asked of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import Any, Final, Literal, Self

from lead_mcp.filters import Kind, Op, Parts, Value, as_flag, as_number
from lead_mcp.vendors.spec.http import Raw

Paths = tuple[str, ...]
Personal = Literal["", "name", "email", "phone", "address", "birth", "ip", "other", "text", "form"]
"""What a field's values say of a person. ``""``: nothing. ``text``: somebody's own words, in which any of the others may
stand. ``form``: a whole form or payload; every text in it that no field names is taken for personal. ``other``: personal,
and of no kind that has a word of its own here.
"""

EQ: Final = frozenset({Op.EQ})
ONE_OF: Final = frozenset({Op.EQ, Op.IN})
EXISTS: Final = frozenset({Op.EXISTS})
NONE: Final[frozenset[Op]] = frozenset()


@dataclass(frozen=True, slots=True)
class Codec:
    """How a value is spelled. ``decode`` gives None for what the vendor writes for empty, and for what is unreadable.

    ``encode`` gives the spelling for a filter or a write; what it cannot say exactly the field calls coarse. ``nothing``:
    where plain text (printable ASCII without blanks round it) is read as it is, the words, case-folded, that are not.
    """

    kind: Kind
    decode: Callable[[Any], Value]
    encode: Callable[[Any], Any] = str
    nothing: frozenset[str] | None = None

    def value(self, raw: Any) -> Value:
        """The value, or None where it cannot be read: one odd value leaves the rest of its page as it is."""
        if raw is None:
            return None
        try:
            return self.decode(raw)
        except UNREADABLE:
            return None

    def values(self, cells: Sequence[Any]) -> list[Value]:
        """The value of each cell of a column: quicker than one by one."""
        decode = self.decode
        if decode is _text:
            return [cell.strip() or None if type(cell) is str else _text(cell) for cell in cells]
        try:
            return [None if cell is None else decode(cell) for cell in cells]
        except UNREADABLE:
            return [self.value(cell) for cell in cells]


def _text(raw: Any) -> Value:
    if type(raw) is str:  # most values by far
        return raw.strip() or None
    if raw is None or isinstance(raw, dict | list):
        return None
    return str(raw).strip() or None


def _any(raw: Any) -> Value:
    return None if raw in (None, "", [], {}) else raw


UNREADABLE: Final = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What a decoder may stumble over in a value of another type, or a depth or size that nobody has."""

TEXT: Final = Codec(Kind.TEXT, _text, nothing=frozenset())
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

    return Codec(Kind.TEXT, decode, nothing=empty)


def moment(zone: tzinfo = UTC, *, unit: timedelta = timedelta(milliseconds=1)) -> Codec:
    """ISO-like times; one without a zone is in ``zone``. Years before 1900 mean that there is no time.

    Encodes as ISO 8601 UTC with milliseconds and ``Z``; wire modules that need another spelling do it themselves.
    """

    def decode(raw: Any) -> Value:  # as read_moment, a call less: every record has times
        return _moment(raw, zone) if isinstance(raw, str) and len(raw) >= 10 else None

    def encode(value: datetime) -> str:
        spec = "milliseconds" if unit < timedelta(seconds=1) else "seconds"
        return value.astimezone(UTC).isoformat(timespec=spec).replace("+00:00", "Z")

    return Codec(Kind.TIME, decode, encode)


def read_moment(raw: Any, zone: tzinfo) -> datetime | None:
    """A time as UTC: ``2026-03-15T10:30:00.9Z``, ``2026-03-15 10:30:00.000``, ``...-0800``; None if none of these."""
    return _moment(raw, zone) if isinstance(raw, str) and len(raw) >= 10 else None


@lru_cache(maxsize=10_000)
def _moment(text: str, zone: tzinfo) -> datetime | None:
    """The same of a text: each time of a record is read more than once."""
    try:
        found = datetime.fromisoformat(text.strip())
        found = found if found.tzinfo else found.replace(tzinfo=zone)
        return found.astimezone(UTC) if found.year > 1900 else None
    except (ValueError, OverflowError):
        return None


@dataclass(frozen=True, slots=True, init=False)
class Field:
    """One field at one vendor: where it stands, how it is spelled, what the vendor can be asked of it.

    ``paths`` are dotted places in the record: the first that holds a value wins; with ``joined`` all are joined by a space
    (first and last name). ``exact``: operators the vendor answers just as we mean them. ``edge``: exact but perhaps for the
    bound itself (whether it is inclusive is not documented). ``coarse``: answered more widely than we mean; edge and coarse
    are sent and checked again here. ``tried``: undocumented; sent as coarse until an account's vendor refuses it.
    ``vendor_text``: an ``exact`` comparison of text whose case rules only the vendor knows; the ledger names it.
    ``values``: the words it takes; ``closed``: there are no others. ``filter_only``: can be asked for and not read back.
    ``personal``: what its values say of a person; None where no document lists the field, so that its name and its values
    decide.
    """

    paths: Paths
    codec: Codec
    exact: frozenset[Op]
    edge: frozenset[Op]
    coarse: frozenset[Op]
    tried: frozenset[Op]
    values: Paths
    closed: bool
    joined: bool
    vendor_text: bool
    filter_only: bool
    personal: Personal | None
    note: str

    def __init__(
        self,
        *paths: str,
        codec: Codec = TEXT,
        exact: frozenset[Op] = NONE,
        edge: frozenset[Op] = NONE,
        coarse: frozenset[Op] = NONE,
        tried: frozenset[Op] = NONE,
        values: Sequence[str] = (),
        closed: bool = True,
        joined: bool = False,
        vendor_text: bool = False,
        filter_only: bool = False,
        personal: Personal | None = "",
        note: str = "",
    ) -> None:
        put = object.__setattr__
        put(self, "paths", paths)
        put(self, "codec", codec)
        put(self, "exact", exact)
        put(self, "edge", edge)
        put(self, "coarse", coarse)
        put(self, "tried", tried)
        put(self, "values", tuple(values))
        put(self, "closed", closed)
        put(self, "joined", joined)
        put(self, "vendor_text", vendor_text)
        put(self, "filter_only", filter_only)
        put(self, "personal", personal)
        put(self, "note", note)

    @property
    def kind(self) -> Kind:
        return self.codec.kind

    def but(self, **changes: Any) -> Self:
        """This field with some of its attributes changed."""
        changed = object.__new__(type(self))
        for name in (name for kind in type(self).__mro__ for name in getattr(kind, "__slots__", ())):
            object.__setattr__(changed, name, changes.get(name, getattr(self, name)))
        return changed

    def read(self, raw: Raw) -> Value:
        """This field's value in ``raw``, decoded; None where it is absent, empty or unreadable."""
        if self.joined:
            parts = [str(part) for path in self.paths if (part := self.codec.value(at(raw, path))) is not None]
            return " ".join(parts) or None
        for path in self.paths:
            value = self.codec.value(at(raw, path))
            if value is not None:
                return value
        return None

    def column(self, raws: Sequence[Raw]) -> list[Value]:
        """``read`` of each of many records."""
        path = self.paths[0] if len(self.paths) == 1 and type(self).read is Field.read else "."
        if "." in path or set(map(type, raws)) != {dict}:
            return [self.read(raw) for raw in raws]
        return self.codec.values([raw.get(path) for raw in raws])

    def is_unreadable(self, raw: Raw) -> bool:
        """Whether something stands there of which no value can be made; what vendors write for no time is nothing."""
        there = [str(value) for path in self.paths if (value := at(raw, path)) not in (None, "")]
        return any(NO_TIME.match(text) is None for text in there) and self.read(raw) is None


class PartField(Field):
    """A field of each part of a list: ``SendInformation.Sends.Client`` is ``Client`` of each of ``SendInformation.Sends``.

    ``list_path``: where the list stands. A record has as many values as the list has parts with one.
    """

    __slots__ = ("list_path",)
    list_path: str

    def __init__(self, where: str, name: str, *, codec: Codec, personal: Personal | None = "", note: str = "") -> None:
        super().__init__(f"{where}.{name}", codec=codec, personal=personal, note=note)
        object.__setattr__(self, "list_path", where)

    def read(self, raw: Raw) -> Value:
        return Parts(value for value in self.parts(raw) if value is not None) or None

    def parts(self, raw: Raw) -> Sequence[Value]:
        """The value of each part, None where it has none."""
        found, name = at(raw, self.list_path), self.paths[0].removeprefix(f"{self.list_path}.")
        return [self.codec.value(at(part, name)) for part in found] if isinstance(found, list | tuple) else []


NO_TIME: Final = re.compile(r"(?:0\d{3}|1[0-8]\d{2}|1900)-", re.ASCII)
"""How the times begin that stand for none: years up to 1900, as ``read_moment`` has it."""


def at(raw: Any, path: str) -> Any:
    """What stands at a dotted path, or None. A key that itself holds the dots wins over the walk."""
    if type(raw) is not dict and not isinstance(raw, Mapping):  # asking an abstract class costs more than all the rest
        return None
    if path in raw:
        return raw[path]
    if "." not in path:
        return None
    head, _, rest = path.partition(".")
    return at(raw[head], rest) if head in raw else None


CANONICAL: Final = tuple(
    (
        "id status stage source first_name last_name name email phone company address city state postal_code country value "
        "created_at updated_at qualified_at list_id campaign owner label website form_name external_id note utm_source "
        "utm_medium utm_campaign gclid dclid wbraid gbraid ga4cid ga4sid fbc fbp msclkid ttclid twclid rdt_cid sccid epik "
        "li_fat_id"
    ).split()
)
PING_FIELDS: Final = tuple(
    (
        "id at accepted result source campaign client price revenue potential_revenue margin received posted response lead_id "
        "request_id"
    ).split()
)
STAGES: Final = ("open", "qualified", "won", "lost")
PERSONAL: Final[Mapping[str, Personal]] = {
    "first_name": "name",
    "last_name": "name",
    "name": "name",
    "email": "email",
    "phone": "phone",
    "address": "address",
    "postal_code": "address",
    "website": "text",
    "note": "text",
}
"""What our fields say of a person, whoever has them; the others say nothing."""


@dataclass(frozen=True)
class FieldMap:
    """A vendor's fields: ours by our names, its further ones by its own dotted names.

    ``free``: dotted prefixes under which an account may have names that no document lists (``""``: at the top level).
    ``inside``: what the parts of lists and payloads say of a person, by dotted path; such a part is no field of its own.
    """

    ours: Mapping[str, Field]
    own: Mapping[str, Field] = field(default_factory=dict)
    free: Paths = ()
    inside: Mapping[str, Personal] = field(default_factory=dict)

    def get(self, name: str) -> Field | None:
        """The field of that name: ours, else the vendor's own."""
        return self.ours.get(name) or self.own.get(name)

    @cached_property
    def bare(self) -> Mapping[str, tuple[str, ...]]:
        """The vendor's dotted names by their last part: a bare name works where only one fits.

        A field of a list's parts goes by the list's bare name and its own: ``Sends.Client``.
        """
        found: dict[str, tuple[str, ...]] = {}
        for path, one in self.own.items():
            above = one.list_path.rpartition(".")[0] if isinstance(one, PartField) else path.rpartition(".")[0]
            last = path.removeprefix(f"{above}.") if above else path
            found[last] = (*found.get(last, ()), path)
        return found
