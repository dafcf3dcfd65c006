"""Finding a field by the name somebody used: ours first, then the vendor's own, then what the account adds.

A found field is keyed by our name, by the vendor's dotted name, or by ``raw.NAME`` where the vendor's name is also one of
ours. Names are case-sensitive; the nearest known one is offered. A name that no document and no record of the account holds
is none: it could only find nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from lead_mcp.errors import BadArgument
from lead_mcp.vendors.spec.fields import CANONICAL, PING_FIELDS, Field, FieldMap

RAW: Final = "raw."
OURS: Final = frozenset({*CANONICAL, *PING_FIELDS})


def key_of(name: str, fields: FieldMap, discovered: FieldMap | None = None) -> str | None:
    """The key of the field called ``name``, or None. Raises BadArgument where a bare name fits several."""
    if name in fields.ours:
        return name
    forced = name.startswith(RAW)
    for known in (fields, discovered) if discovered else (fields,):
        if found := _own_key(name.removeprefix(RAW), known, ours=name in OURS):
            return f"{RAW}{found}" if forced and found in fields.ours else found
    bare = name.removeprefix(RAW)
    same = fields.ours.get(bare)
    return bare if forced and same is not None and tuple(same.paths) == (bare,) else None


def _own_key(name: str, fields: FieldMap, *, ours: bool) -> str | None:
    """The dotted name; a bare one means it too, unless it is a name of ours for something that this account lacks."""
    if name in fields.own:
        return name
    paths = () if ours else fields.bare.get(name, ())
    if len(paths) > 1:
        raise BadArgument(f"{name!r} fits several of the vendor's fields: use one of {', '.join(paths)}.")
    return paths[0] if paths else None


def field_at(key: str, fields: FieldMap, discovered: FieldMap | None = None) -> Field | None:
    """The field behind a key that ``key_of`` gave."""
    if key in fields.ours:
        return fields.ours[key]
    path = key.removeprefix(RAW)
    found = fields.own.get(path)
    return found if found is not None or discovered is None else discovered.own.get(path)


def known_names(maps: Iterable[FieldMap]) -> list[str]:
    """Every name worth suggesting."""
    names: dict[str, None] = {}
    for fields in maps:
        names.update(dict.fromkeys((*fields.ours, *fields.own, *fields.bare)))
    return list(names)
