"""What each place of an account's records says of a person: as its field map declares it, else as its name does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from lead_mcp.filters import Kind, folded
from lead_mcp.outgoing.names import personal_by_name
from lead_mcp.outgoing.pseudonyms import WHOLE
from lead_mcp.vendors.spec.account import Account
from lead_mcp.vendors.spec.fields import PERSONAL, Field, FieldMap, Personal
from lead_mcp.vendors.spec.vendor import Vendor
from lead_mcp.vendors.spec.writing import Form

STRENGTH: Final[Sequence[Personal]] = ("", "text", "form", *WHOLE)
"""Where two fields read one place, the stronger says what it holds."""
LEAD: Final = "lead"


def kind_of(name: str, known: Field | None) -> Personal:
    """What the field called ``name`` says of a person; a field that nobody declared is judged by its name and type."""
    if known is None:
        return PERSONAL.get(name, "") or personal_by_name(name) or "text"
    if known.personal is not None:
        return known.personal or PERSONAL.get(name, "")
    by_name = personal_by_name(known.paths[0] if known.paths else name)
    return by_name or ("text" if known.kind in (Kind.TEXT, Kind.ANY) else "")


@dataclass(frozen=True)
class Kinds:
    """One kind of record at one account. ``places``: by dotted path; ``names``: by folded bare name, wherever it stands."""

    places: Mapping[str, Personal] = field(default_factory=dict)
    names: Mapping[str, Personal] = field(default_factory=dict)

    def at(self, path: str, key: str, above: Personal | None = None) -> Personal | None:
        """What stands at ``path`` (whose last part is ``key``), ``above`` being what holds it; None where nobody knows."""
        kind = self.places.get(path)
        if kind is None:
            kind = self.named(key) or None
        return above if kind is None and above != "text" else kind

    def named(self, name: str) -> Personal:
        """What values of that name are, wherever they stand; ``""`` where it says nothing."""
        return self.names.get(folded(name.rpartition(".")[2])) or personal_by_name(name)

    def of(self, name: str) -> Personal | None:
        """The same for a name as a caller or a write uses it: a place, with or without ``raw.``, else a bare name."""
        path = name.removeprefix("raw.")
        return self.at(path, path)

    def with_discovered(self, found: FieldMap | None) -> Kinds:
        """With an account's own fields as its vendor tells them; what documents say goes before that."""
        own = found.own if found else {}
        more = {path: one.personal for path, one in own.items() if one.personal is not None}
        return replace(self, places={**more, **self.places})


def kinds_of(account: Account, vendor: Vendor) -> Mapping[str, Kinds]:
    """What an account's records hold, by kind of record: ``lead``, ``inbound``, ``outbound``."""
    maps = {LEAD: account.fields, **{direction: search.fields(account) for direction, search in vendor.pings.items()}}
    forms = [one.form for one in (vendor.insert, vendor.update) if one is not None]
    return of_maps(maps, [*_written(account.fields, forms)])


def of_maps(maps: Mapping[str, FieldMap], written: Iterable[tuple[str, Personal]] = ()) -> Mapping[str, Kinds]:
    """The same from field maps; ``written``: names that writes use, and what they hold."""
    places = {kind: _places(found) for kind, found in maps.items()}
    names = _names((*(pair for found in places.values() for pair in found.items()), *written))
    return {kind: Kinds(found, names) for kind, found in places.items()}


def of_anybody(accounts: Iterable[Mapping[str, Kinds]]) -> Kinds:
    """What names mean where no account is at hand: what they mean at any."""
    return Kinds({}, _names(pair for one in accounts for kinds in one.values() for pair in kinds.names.items()))


def stronger(*kinds: Personal | None) -> Personal:
    return max((kind or "" for kind in kinds), key=STRENGTH.index, default="")


def _places(found: FieldMap) -> dict[str, Personal]:
    places: dict[str, Personal] = {}
    for name, one in (*found.ours.items(), *found.own.items()):
        for path in (*_places_of(one, found), *((name,) if name in found.ours else ())):
            places[path] = stronger(places.get(path), kind_of(name, one))
    return {**places, **found.inside}


def _places_of(field: Field, found: FieldMap) -> Iterable[str]:
    """The places that a field speaks for: of several to choose from, those that no field of the vendor's has alone."""
    if field.joined or len(field.paths) == 1:
        return field.paths
    return [path for path in field.paths if path not in found.own or found.own[path] is field]


def _written(fields: FieldMap, forms: Sequence[Form]) -> Iterator[tuple[str, Personal]]:
    """The names under which our fields are written."""
    for form in forms:
        for name, param in form.ours.items():
            yield param.name, kind_of(name, fields.ours.get(name, Field(personal=PERSONAL.get(name, ""))))


def _names(pairs: Iterable[tuple[str, Personal]]) -> dict[str, Personal]:
    names: dict[str, Personal] = {}
    for path, kind in pairs:
        bare = folded(path.rpartition(".")[2])
        if kind in WHOLE:
            names[bare] = stronger(names.get(bare), kind)
    return names
