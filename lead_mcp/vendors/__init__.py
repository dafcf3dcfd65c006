"""The registry: one line a vendor. Everything else (settings, tools, docs, the sandbox, the contract suite) follows from it.

A vendor is a package with two names: ``VENDOR`` (what it is) and ``emulator`` (a subpackage that stands in for it). Both are
loaded when first asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final

from lead_mcp.vendors.spec.vendor import Vendor

NAMES: Final = ("leadexec", "convoso", "leadsquared", "octanist", "leadtrackr")
"""The vendors that come with lead-mcp."""
_packages = {name: f"{__name__}.{name}" for name in NAMES}
_registrations: Counter[str] = Counter()


def names() -> tuple[str, ...]:
    """Every registered vendor's name, in the registry's order."""
    return tuple(_packages)


def vendor(name: str) -> Vendor:
    """The vendor of that name. Raises KeyError."""
    found: Vendor = import_module(_packages[name]).VENDOR
    return found


def every() -> Mapping[str, Vendor]:
    """All of them, in the registry's order."""
    return {name: vendor(name) for name in names()}


def titles(has: Callable[[Vendor], object]) -> list[str]:
    """The titles of the vendors that have something, in the registry's order: those to name where another lacks it."""
    return [one.title for one in every().values() if has(one)]


def emulators() -> Mapping[str, Any]:
    """What stands in for each of them in the sandbox (modules, each a ``sandbox.app.Emulator``), in the registry's order."""
    return {name: import_module(f"{package}.emulator") for name, package in _packages.items()}


@contextmanager
def registered(package: str) -> Iterator[Vendor]:
    """The vendor of another package (a dotted name), as if it came with lead-mcp, for as long as the block runs.

    Blocks may overlap: the last one to end takes it out. Its name is its own: one that the registry has already from another
    package raises ValueError.
    """
    found: Vendor = import_module(package).VENDOR
    if _packages.get(found.name, package) != package:
        raise ValueError(f"the registry has a vendor {found.name!r} already")
    _packages[found.name] = package
    _registrations[found.name] += 1
    try:
        yield found
    finally:
        _registrations[found.name] -= 1
        if not _registrations[found.name] and found.name not in NAMES:
            del _packages[found.name]
