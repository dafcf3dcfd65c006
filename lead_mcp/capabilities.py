"""What each vendor's adapter can do, as a Markdown table made from the registry. Pure.

``docs/vendors.md`` shows this table; ``python -m tests.pages`` writes it there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from lead_mcp import vendors
from lead_mcp.vendors.spec.fields import EXISTS, NONE
from lead_mcp.vendors.spec.vendor import Vendor, account_of

NO: Final = "no"
YES: Final = "yes"


def _reading(vendor: Vendor) -> str:
    """The fields that the vendor itself sorts by; else how records are brought into order here."""
    sorted_by = {name for route in vendor.leads.routes for name in route.orders | route.nullable}
    sliced = any(route.slices for route in vendor.leads.routes)
    return ", ".join(sorted(sorted_by)) or ("no: read in slices of time" if sliced else "no: read whole")


def _page(vendor: Vendor) -> str:
    return f"{max(route.page for route in vendor.leads.routes):,}"


def _window(vendor: Vendor) -> str:
    return f"needed: {vendor.leads.window.days} days unless said" if vendor.leads.window else "optional"


def _discovery(vendor: Vendor) -> str:
    if vendor.discovery is None:
        return NO
    return "sampled from leads" if vendor.discovery.sampled else "asked of the vendor"


def _recordings(vendor: Vendor) -> str:
    return YES if vendor.recordings else NO


def _pings(vendor: Vendor) -> str:
    return ", ".join(vendor.pings) or NO


def _fields(vendor: Vendor) -> str:
    """How many of our fields a record can hold here; ``stage`` counts where a vendor defines it or settings can."""
    ours = account_of(vendor, vendor.name).fields.ours
    return str(sum(bool(field.paths) for field in ours.values()))


def _asked(vendor: Vendor) -> str:
    """How many of our fields the vendor can itself be asked by: with a value, or for being there alone."""
    ours = account_of(vendor, vendor.name).fields.ours.values()
    return str(sum(field.exact | field.edge | field.coarse not in (NONE, EXISTS) for field in ours))


def _insert(vendor: Vendor) -> str:
    if vendor.insert is None:
        return NO
    return "yes, never twice for one key" if vendor.insert.dedupes else YES


def _update(vendor: Vendor) -> str:
    if vendor.update is None:
        return NO
    names = list(vendor.update.form.ours)
    return "any field it takes" if vendor.update.form.open else f"only {', '.join(names)}"


def _person_lookup(vendor: Vendor) -> str:
    return "asked by e-mail and phone" if vendor.person_lookup else "leads are read through"


ROWS: Final[Sequence[tuple[str, Callable[[Vendor], str]]]] = (
    ("search leads", lambda vendor: YES),
    ("free-text search", lambda vendor: YES if any(route.text for route in vendor.leads.routes) else "checked here"),
    ("sorts by itself", _reading),
    ("leads a request", _page),
    ("time window", _window),
    ("ids a request", lambda vendor: f"{vendor.lookup.many:,}"),
    ("fields of ours", _fields),
    ("of these, asked of the vendor by value", _asked),
    ("own fields", _discovery),
    ("PINGs", _pings),
    ("recordings", _recordings),
    ("find one person", _person_lookup),
    ("insert", _insert),
    ("update", _update),
    ("delete", lambda vendor: YES if vendor.delete else NO),
)


def table() -> str:
    """The table: a row a capability, a column a vendor, in the registry's order; no newline at the end."""
    every = list(vendors.every().values())
    head = ["", *(vendor.title for vendor in every)]
    rows = [[name, *(cell(vendor) for vendor in every)] for name, cell in ROWS]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows))
