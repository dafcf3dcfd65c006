"""Values as the SQL engine may see them where masks are on: pseudonyms, before they are in a row.

No function of a statement can then meet a real value. The same person's pseudonym is the same in every column and tool, so
joins and counts work; a real value in a statement matches nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from lead_mcp.characters import cleaned
from lead_mcp.engine.connection import Connection, discovered_fields
from lead_mcp.engine.records import Record
from lead_mcp.filters import Value
from lead_mcp.outgoing.cleaning import cleaned_tree, readable
from lead_mcp.outgoing.event_text import event_text
from lead_mcp.outgoing.masking import Masker
from lead_mcp.sql.notes import RealValueCompared
from lead_mcp.vendors.spec.fields import FieldMap, Personal

if TYPE_CHECKING:
    from lead_mcp.mirror.publishing import Look

COMPUTED: Final[Mapping[str, Personal]] = {"phone_e164": "phone", "email_folded": "email"}
"""Columns of our own making that are personal as a whole."""


def masking_by(
    masker: Masker, discovered: Mapping[str, FieldMap | None]
) -> Callable[[str, Value, Record | None], Value]:
    """A column's value as the engine may see it. ``discovered``: accounts' own fields as their vendors tell them."""

    def mask(column: str, value: Value, record: Record | None) -> Value:
        found: Any
        if column in COMPUTED:
            found = masker.of_kind(COMPUTED[column], value)
        elif record is None:
            found = masker.text(cleaned(str(value)))
        elif column == "raw":
            found = masker.raw(record, cleaned_tree(value, None), discovered.get(record.account))
        else:
            found = masker.field(record, column, readable(value))
        return found  # type: ignore[no-any-return]  # the masker gives back what JSON holds

    return mask


def note_on(masker: Masker | None, sql: str) -> RealValueCompared | None:
    """What is to be known of a statement that compares with a real value; None where it does not."""
    plain = cleaned(sql, lines=True)
    return RealValueCompared() if masker is not None and masker.text(plain) != plain else None


def look_of(masker: Masker | None, connections: Sequence[Connection], seconds: float) -> Look:
    """How the mirror's rows show values: with masks as the settings say, told apart by the masks' key."""
    from lead_mcp.mirror.publishing import Look

    if masker is None:
        return Look(words=event_text)
    discovered: dict[str, FieldMap | None] = {}

    async def prepare() -> None:
        discovered.update(await discovered_fields(connections, seconds))

    return Look(mask=masking_by(masker, discovered), words=event_text, mark=look_mark(masker), prepare=prepare)


def look_mark(masker: Masker | None) -> str:
    """What tells apart how values are shown: by masks of this key, or as they are."""
    from lead_mcp.mirror.publishing import FULL

    if masker is None:
        return FULL
    return f"masked:{hashlib.blake2b(masker.key, digest_size=8, person=b'look').hexdigest()}"
