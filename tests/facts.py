"""What the generic suites need to know of a vendor, and which vendors they run over.

A vendor that comes with lead-mcp has its facts in ``tests/vendors/<name>/facts.py``; an invented one keeps them beside itself
and is in the registry only while a test that wants it runs (``registered``). Generic suites name no vendor: they ask here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Final

from lead_mcp import vendors
from lead_mcp.vendors.spec.vendor import Vendor

INVENTED: Final[Mapping[str, str]] = {"sixth": "tests.sixth"}
"""Vendors outside the package, and where they are."""
TRIED: Final = (*vendors.NAMES, *INVENTED)
"""Every vendor that the generic suites run over."""


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """One reading of what the vendor's documents leave open.

    ``options``: keywords for the emulator. ``environment``: settings that go with it. ``unread``: fields that cannot be
    asked of it. ``coarse_times``: it shows times less finely than it compares them.
    """

    options: Mapping[str, Any]
    environment: Mapping[str, str] = field(default_factory=dict)
    unread: frozenset[str] = frozenset()
    coarse_times: bool = False

    def __str__(self) -> str:
        return "-".join(map(str, self.options.values()))


@dataclass(frozen=True, kw_only=True)
class Change:
    """A field that the vendor changes: what a test wants there, and what somebody else puts there meanwhile."""

    field: str
    wanted: str
    other: str


@dataclass(frozen=True, kw_only=True)
class VendorFacts:
    """One vendor's facts.

    ``settled``: emulator options under which every write is offered and takes effect at once. ``needed``, ``own``: what an
    insert needs beside a person, by our names and by the vendor's. ``spells_email``: the vendor's own name for an e-mail in
    an insert, where that is a field of its own. ``nobody``: ids of the vendor's own shape that nobody has. ``keeps``: where
    the emulator keeps what tells who a lead is, by
    our field; an account may say other names for these. ``holders``: objects and texts in which a person may be found.
    """

    dialects: Sequence[Dialect] = ()
    settled: Mapping[str, Any] = field(default_factory=dict)
    needed: Mapping[str, str] = field(default_factory=dict)
    own: Mapping[str, str] = field(default_factory=dict)
    change: Change | None = None
    spells_email: str = ""
    nobody: Sequence[str] = ()
    keeps: Mapping[str, Sequence[str]] = field(default_factory=dict)
    holders: Sequence[str] = ()


def package_of(name: str) -> str:
    return INVENTED.get(name, f"lead_mcp.vendors.{name}")


def facts_of(name: str) -> VendorFacts:
    """A vendor's facts."""
    found: VendorFacts = import_module(f"{INVENTED.get(name, f'tests.vendors.{name}')}.facts").FACTS
    return found


def vendor_of(name: str) -> Vendor:
    """A vendor, registered or not."""
    found: Vendor = import_module(package_of(name)).VENDOR
    return found


def offering(what: Callable[[Vendor], object], names: Iterable[str] = TRIED) -> list[str]:
    """The vendors that offer something, such as ``lambda vendor: vendor.insert``."""
    return [name for name in names if what(vendor_of(name))]


@contextmanager
def registered(names: Iterable[str] = TRIED) -> Iterator[None]:
    """Those of the vendors that are invented, in the registry for as long as the block runs."""
    with ExitStack() as stack:
        for name in names:
            if name in INVENTED:
                stack.enter_context(vendors.registered(INVENTED[name]))
        yield


def emulators(names: Iterable[str] = TRIED) -> Mapping[str, Any]:
    """What stands in for these vendors."""
    names = tuple(names)
    with registered(names):
        found = vendors.emulators()
    return {name: found[name] for name in names}


def unhurried(names: Iterable[str] = TRIED) -> dict[str, str]:
    """The settings under which no account waits for its rate."""
    return {f"{name.upper()}_RATE": "none" for name in names}


def settled() -> dict[str, Mapping[str, Any]]:
    """Emulator options, by vendor, under which every write is offered and takes effect at once."""
    return {name: facts_of(name).settled for name in TRIED}
