"""Finding a field by the name somebody used: ours first, then the vendor's own, then what the account adds.

A found field is keyed by our name, by the vendor's dotted name, or by ``raw.NAME`` where the vendor's name is also one of
ours. Names are case-sensitive; the nearest known one is offered.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from lead_mcp.errors import BadArgument
from lead_mcp.vendors.spec.fields import ANY, Field, FieldMap

RAW: Final = "raw."


def key_of(name: str, fields: FieldMap, discovered: FieldMap | None = None) -> str | None:
    """The key of the field called ``name``, or None. Raises BadArgument where a bare name fits several."""
    if name in fields.ours:
        return name
    if name.startswith(RAW):
        return _raw_key(name.removeprefix(RAW), fields)
    for known in (fields, discovered) if discovered else (fields,):
        if found := _own_key(name, known):
            return found
    return name if "." in name and _is_free(name, fields) else None


def _raw_key(name: str, fields: FieldMap) -> str | None:
    found = _own_key(name, fields) or (name if fields.free else None)
    return f"{RAW}{found}" if found in fields.ours else found


def _own_key(name: str, fields: FieldMap) -> str | None:
    if name in fields.own:
        return name
    paths = fields.bare.get(name, ())
    if len(paths) > 1:
        raise BadArgument(f"{name!r} fits several of the vendor's fields: use one of {', '.join(paths)}.")
    return paths[0] if paths else None


def _is_free(name: str, fields: FieldMap) -> bool:
    return any(prefix and name.startswith(f"{prefix}.") for prefix in fields.free)


def field_at(key: str, fields: FieldMap, discovered: FieldMap | None = None) -> Field | None:
    """The field behind a key that ``key_of`` gave."""
    if key in fields.ours:
        return fields.ours[key]
    path = key.removeprefix(RAW)
    for known in (fields, discovered) if discovered else (fields,):
        if path in known.own:
            return known.own[path]
    return Field(path, codec=ANY, personal=None) if fields.free else None


def known_names(maps: Iterable[FieldMap]) -> list[str]:
    """Every name worth suggesting."""
    names: dict[str, None] = {}
    for fields in maps:
        names.update(dict.fromkeys((*fields.ours, *fields.own, *fields.bare)))
    return list(names)
