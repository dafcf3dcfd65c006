"""One configured account: its name, its options and its field map; never a secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lead_mcp.filters import Kind, Value, folded
from lead_mcp.vendors.spec.fields import PERSONAL, STAGES, TEXT, Codec, Field, FieldMap, Personal


@dataclass(frozen=True)
class Account:
    """One account of ``vendor`` (its name). ``fields`` are its lead fields, with the account's own names and stage words.

    ``names``: ``[accounts.NAME.fields]``, our field name to the account's own. ``stages``: the account's status words,
    case-folded, to ``open qualified won lost``. ``options``: every setting but the secrets, defaults included.
    """

    name: str
    vendor: str
    options: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    stages: Mapping[str, str] = field(default_factory=dict)
    fields: FieldMap = field(default_factory=lambda: FieldMap({}), repr=False)

    def option(self, key: str) -> str:
        """An option as configured, or its default. Raises KeyError for a key that the vendor has not."""
        return self.options[key]


def named_fields(found: FieldMap, names: Mapping[str, str], stages: Mapping[str, str]) -> FieldMap:
    """A vendor's lead fields with an account's own names and stage words put in."""
    prefix = f"{found.free[0]}." if found.free and found.free[0] else ""
    named = {
        ours: renamed(found, ours, theirs if "." in theirs else f"{prefix}{theirs}") for ours, theirs in names.items()
    }
    ours = {**found.ours, **named}
    return replace(found, ours={"stage": staged(ours.get("status"), stages), **ours})


def renamed(found: FieldMap, ours: str, path: str) -> Field:
    """Our field at the account's own place for it; nothing is known of what the vendor answers on that one."""
    known = found.ours.get(ours)
    codec = TEXT if known is None else known.codec
    return Field(path, codec=codec, personal=_personal(found, ours, path), note="as the account's settings name it")


def _personal(found: FieldMap, ours: str, path: str) -> Personal:
    """What is known of our field, else of the place: a name of ours makes nothing less personal."""
    known, there = found.ours.get(ours), found.own.get(path)
    return (known and known.personal) or PERSONAL.get(ours) or (there and there.personal) or ""


def staged(status: Field | None, stages: Mapping[str, str]) -> Field:
    """``stage`` as a reading of ``status``: null where the account's settings do not map the vendor's word."""
    if status is None:
        return Field(note="this vendor has no status")
    words = {folded(word): stage for word, stage in stages.items()}

    def decode(raw: Any) -> Value:
        word = status.codec.decode(raw)
        return words.get(folded(str(word))) if word is not None else None

    return Field(*status.paths, codec=Codec(Kind.TEXT, decode), values=STAGES)
