"""The registry: one line a vendor. Everything else (settings, tools, docs, the contract suite) follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Final

from lead_mcp.vendors.spec.vendor import Vendor

NAMES: Final = ("leadexec", "convoso", "leadsquared", "octanist", "leadtrackr")


@cache
def vendor(name: str) -> Vendor:
    """The vendor of that name, loaded when first asked for. Raises KeyError."""
    if name not in NAMES:
        raise KeyError(name)
    found: Vendor = import_module(f"lead_mcp.vendors.{name}").VENDOR
    return found


def every() -> Mapping[str, Vendor]:
    """All of them, in the registry's order."""
    return {name: vendor(name) for name in NAMES}
