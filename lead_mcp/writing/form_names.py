"""Which field of a form a given name means: ours, the vendor's own, or a name that reads one way and is written another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, NoReturn

from lead_mcp.characters import cleaned
from lead_mcp.engine.connection import Connection
from lead_mcp.errors import BadArgument, LeadMcpError, NotOffered, UnknownField, did_you_mean
from lead_mcp.vendors.spec.fields import CANONICAL
from lead_mcp.vendors.spec.writing import Form

NAMES: Final = ("first_name", "last_name")


@dataclass(frozen=True)
class FormNames:
    """The names of one form. ``further``: names beyond it that are known for fields of the account's own."""

    form: Form
    account: str
    further: Set[str] = frozenset()

    @cached_property
    def theirs(self) -> Mapping[str, str]:
        """The vendor's names of what has a name of ours, to ours."""
        return {param.name: name for name, param in self.form.ours.items()}

    def sorted(self, given: Mapping[str, Any], own: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Values by our names and by the vendor's. ``own``: those that were called the vendor's.

        A vendor's own name for one of ours is taken as ours: it passes the same checks, and the look for duplicates.
        Raises BadArgument where one field is given twice, with different values, and what ``refuse`` and others raise.
        """
        ours, theirs = dict[str, Any](), dict[str, Any]()
        names = [(name, value, False) for name, value in given.items()]
        for name, value, vendors in [*names, *((name, value, True) for name, value in own.items())]:
            is_ours, written = self._written(name, vendors)
            into = ours if is_ours else theirs
            if into.get(written, value) != value:
                raise BadArgument(f"{name}: {written} is given twice, with different values.")
            into[written] = value
        return self._named(ours), theirs

    def _written(self, name: str, vendors: bool) -> tuple[bool, str]:
        """Whether it is one of ours, and the name that it is written by."""
        if not vendors and (name in self.form.ours or self._is_joined(name)):
            return True, name
        written = self.form.reads.get(name, name)
        if written in self.theirs or (written != name and written in self.form.ours):
            return True, self.theirs.get(written, written)
        if vendors or written in self.form.own or written in self.further:
            return False, written
        self._refuse(name)

    def _is_joined(self, name: str) -> bool:
        """Whether it is a part of the one ``name`` that the vendor takes."""
        return name in NAMES and "name" in self.form.ours and not {*NAMES} & {*self.form.ours}

    def _named(self, ours: Mapping[str, Any]) -> dict[str, Any]:
        """Names as this vendor takes them: first and last joined where it has only ``name``; ``name`` is never split."""
        found = dict(ours)
        if any(map(self._is_joined, found)):
            if "name" in found:
                raise BadArgument(f"name: give either name or first_name and last_name to {self.account}.")
            found["name"] = " ".join(str(found.pop(part)) for part in NAMES if found.get(part))
            found = {key: value for key, value in found.items() if key not in NAMES}
        return found

    def _refuse(self, name: str) -> NoReturn:
        """Raises why a name is not taken, with the nearest that is."""
        form, account = self.form, self.account
        if name == "name" and "first_name" in form.ours:
            raise BadArgument(f"name: {account} takes first_name and last_name; a name is never split here.")
        hint = did_you_mean(name, (*form.ours, *form.own))
        if form.only and (name in CANONICAL or not hint):
            raise NotOffered(f"{name}: {account} does not take it. {form.only}", account=account)
        if name in CANONICAL:
            hint = f" This vendor does not take it; it takes {', '.join(form.ours)}."
        elif form.open and not hint:
            hint = " A field of the account's own that no list names goes through vendor_fields."
        raise UnknownField(f"{name}: no field of a lead at {account}.{hint}", account=account)

    def refuse_own(self, name: str) -> NoReturn:
        """Raises that the vendor has no such field of its own, with the nearest that it has."""
        known = (*self.form.own, *self.theirs)
        message = f"vendor_fields: {self.account} takes no {name!r}.{did_you_mean(name, known)}"
        raise UnknownField(message, account=self.account)


async def further_names(form: Form, connection: Connection, given: Iterable[str]) -> frozenset[str]:
    """Those of the names that are fields only this account has: in a part of the record whose names are its own, or as its
    vendor tells. A vendor that cannot be asked just now tells nothing.
    """
    theirs = {param.name for param in form.ours.values()}
    left = {name for name in given if name not in {*CANONICAL, *form.ours, *form.own, *form.reads} | theirs}
    if not form.open or not left:
        return frozenset()
    fields = connection.account.fields
    found = {name for name in left if "." in name and name.partition(".")[0] in fields.free}
    with suppress(LeadMcpError):
        discovered = await connection.discovered() if left - found else None
        own = {} if discovered is None else discovered.own
        found |= {name for name in left if name in own and name not in fields.own and cleaned(name) == name}
    return frozenset(found)
