"""What a vendor is: data and pure functions without I/O. A capability that is left out is not offered; there are no flags."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from lead_mcp.vendors.spec.account import Account, named_fields
from lead_mcp.vendors.spec.events import TimelineEvent
from lead_mcp.vendors.spec.fields import Paths
from lead_mcp.vendors.spec.http import RateHint, Raw, Reply, Request, Signature
from lead_mcp.vendors.spec.reading import Discovery, Lookup, PersonLookup, Recordings, Search
from lead_mcp.vendors.spec.writing import Delete, Insert, Update


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """Everything the rest of the server knows about a vendor. An absent capability is None."""

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
    rate_hint: Callable[[Reply], RateHint | None] = lambda reply: None
    """What a reply says of the vendor's limit before it is reached, if it says anything."""
    pings: Mapping[str, Search] = field(default_factory=dict)
    """By direction: ``inbound``, ``outbound``."""
    recordings: Recordings | None = None
    events: Callable[[Account, Raw], Sequence[TimelineEvent]] = lambda account, raw: ()
    """What a record says happened to its lead, in any order."""
    insert: Insert | None = None
    update: Update | None = None
    delete: Delete | None = None
    stages: Mapping[str, str] = field(default_factory=dict)
    """The vendor's status words, case-folded, to ``open qualified won lost``, where it defines them itself."""
    regions: Paths = ()
    """Base URLs (``base_url``) of the vendor's regions, where a credential is good in one of them alone."""
    zone: str = "UTC"
    limits: str = ""
    """One sentence for people: page sizes, rate limits, with their source."""
    quirks: Paths = ()

    @property
    def discovery(self) -> Discovery | None:
        """How an account's own lead fields are found out."""
        return self.leads.discovery

    @property
    def person_lookup(self) -> PersonLookup | None:
        """How one person's leads are found."""
        return self.leads.person

    @property
    def recordings_note(self) -> str:
        return self.recordings.note if self.recordings else ""


def account_of(
    vendor: Vendor,
    name: str,
    options: Mapping[str, str] | None = None,
    names: Mapping[str, str] | None = None,
    stages: Mapping[str, str] | None = None,
) -> Account:
    """An account of this vendor, its defaults and its field map filled in. ``stages``: case-folded status words."""
    defaults = {setting.key: setting.default for setting in vendor.settings if not setting.secret}
    plain = Account(name, vendor.name, {**defaults, **(options or {})}, names or {}, stages or {})
    return replace(plain, fields=named_fields(vendor.leads.fields(plain), plain.names, plain.stages))
