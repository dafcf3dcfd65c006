"""How leads are written: what a write takes (``Form``), how its request is built, and what the vendor's reply means."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lead_mcp.filters import Kind
from lead_mcp.vendors.spec.account import Account
from lead_mcp.vendors.spec.fields import Paths
from lead_mcp.vendors.spec.http import Reply, Request


@dataclass(frozen=True, slots=True)
class Param:
    """One thing a write takes, under the vendor's name for it (dotted: nested in the body).

    ``encode`` spells a checked value (text; Decimal for numbers; datetime, UTC; bool; ``Phone`` for our ``phone``) as JSON or
    form text. ``values``: the closed list, compared case-folded and sent as listed. ``refused``: words that a record may have
    there and nobody can write, each with why. ``secret``: redacted in previews, questions and the journal.
    """

    name: str
    kind: Kind = Kind.TEXT
    encode: Callable[[Any], Any] = str
    values: Paths = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    secret: bool = False
    most: int = 10_000
    """Characters at most."""
    extensions: bool = False
    """Whether a telephone number's extension has room there: ``encode`` then spells it."""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What a write takes: ours by our names, the vendor's own (``vendor_fields``) by its names.

    ``open``: further names of the account's own are taken too, as text or JSON scalars. ``all_of``: names that must be
    there; ``any_of``: of each group one (names of ours or of the vendor's). ``only``: why anything else is refused, where
    the vendor takes so little that ``not_offered`` is the better answer than ``unknown_field``. ``reads``: names that a
    record gives a value under, where it is written by another: to that one (of ours or of the vendor's).
    """

    ours: Mapping[str, Param]
    own: Mapping[str, Param] = field(default_factory=dict)
    open: bool = False
    all_of: Paths = ()
    any_of: Sequence[Paths] = ()
    only: str = ""
    reads: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What the vendor said of a write it carried out. ``updated``: an insert that found somebody and changed them.

    ``accepted``: an insert that the vendor has taken and not done yet, so that nobody knows the id: the lead is looked for,
    and only what is found is created.
    """

    id: str | None = None
    updated: bool = False
    warnings: Paths = ()
    accepted: bool = False


Values = Mapping[str, Any]
"""Encoded values by ``Param.name``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Insert:
    """How a lead is created.

    ``build`` gets the encoded values, a token that is the same for every try of one write (40 hex digits), and whether
    somebody found should be updated (``upsert``, where ``upserts``). ``dedupes``: the vendor makes one lead of two requests
    with the same token. ``ready``: "" or which setting is missing. ``read`` raises Conflict for the vendor's own refusal of
    a duplicate, Rejected for refused content, and so on.
    """

    form: Form
    build: Callable[[Account, Values, str, bool], Request]
    read: Callable[[Account, Reply], WriteResult]
    upserts: bool = False
    dedupes: bool = False
    ready: Callable[[Account], str] = lambda account: ""
    effect: str = ""
    """What a new lead sets off at the vendor."""
    narrowed: Callable[[Account, Request], Account] = lambda account, request: account
    """The account as ``read`` needs it: narrowed to the partition that the request names, where ids depend on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """How a lead is changed: only the values given. ``queued``: our field names the vendor settles later, with the raw value
    that reads back meanwhile; ``warning``: what a person must know of any update before agreeing.
    """

    form: Form
    build: Callable[[Account, str, Values], Request]
    read: Callable[[Account, str, Reply], WriteResult]
    queued: Mapping[str, str] = field(default_factory=dict)
    warning: str = ""
    effect: str = ""
    """What a change may set off at the vendor, where nobody needs to be warned of it each time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    """How a lead is deleted (``Effect.DELETE``, whatever the method)."""

    build: Callable[[Account, str], Request]
    read: Callable[[Account, str, Reply], WriteResult]
    warning: str = "Deleting cannot be undone."
