"""What ``Fields`` of a lead query leaves of a lead: the documents say that it is a list of field names, and nothing more.

Every way of heeding it here is unverified. Names are bare (a lead type's own fields, as in ``Query``) or dotted, as a value
stands in a reply: ``UID``, ``Properties``, ``Properties.DateAdded``, ``SendInformation.Sends.Client``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

Projecting = Literal["own", "dotted", "without_properties", "without_empties", "fading", "ignored", "refused"]
"""- ``own``: bare names of own fields choose among these; every other section stays whole, any other name is refused.
- ``dotted``: what stands under the named places alone.
- ``without_properties``: the same, but ``Properties`` is no field and never among them.
- ``without_empties``: ``dotted``, and keys that hold null or empty text are left out.
- ``fading``: ``dotted`` on the first page, without ``Properties`` on those behind it.
- ``ignored``: any names, whole records. ``refused``: no names at all."""
Record = dict[str, Any]

SECTIONS: Final = ("Properties", "Fields", "TCPAInformation", "SendInformation")
PLAIN: Final = ("UID", "LastUpdated")


def is_place(name: str, own: Mapping[str, Any]) -> bool:
    """Whether the name is dotted as a value may stand in a lead of a type with these own fields."""
    section, dot, rest = name.partition(".")
    if not dot:
        return name in (*SECTIONS, *PLAIN)
    return rest in own if section == "Fields" else section in SECTIONS and bool(rest)


def projected(lead: Record, names: list[str], how: Projecting, *, first: bool) -> Record:
    """The lead with the named places alone. ``first``: whether it stands on the first page."""
    if how == "ignored":
        return lead
    blind = how == "without_properties" or (how == "fading" and not first)
    kept = [name for name in names if not (blind and name.startswith("Properties"))]
    found: Record = _kept(lead, kept)
    return _without_empties(found) if how == "without_empties" else found


def _kept(value: Any, names: list[str]) -> Any:
    """What stands under the names, in every part of a list."""
    if isinstance(value, list):
        return [_kept(part, names) for part in value]
    if not isinstance(value, dict):
        return value
    below = {key: [name.removeprefix(f"{key}.") for name in names if name.startswith(f"{key}.")] for key in value}
    return {
        key: part if key in names else _kept(part, below[key])
        for key, part in value.items()
        if key in names or below[key]
    }


def _without_empties(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_empties(part) for part in value]
    if not isinstance(value, dict):
        return value
    return {key: _without_empties(part) for key, part in value.items() if part not in (None, "")}
