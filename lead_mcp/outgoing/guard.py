"""What may be asked of masked fields: nothing that would spell a value out.

Filters take real values, but only ``eq``, ``in`` and ``exists``; a range, ``contains``, a sort, a sum or a text search would
let somebody find a value letter by letter. So too for free text and whole forms, in which personal values may stand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from lead_mcp.errors import BadArgument, NotAllowed
from lead_mcp.filters import Op
from lead_mcp.outgoing.masking import Masker
from lead_mcp.outgoing.pseudonyms import PSEUDONYM, WHOLE
from lead_mcp.vendors.spec.fields import Field

ASKABLE: Final = frozenset({Op.EQ, Op.IN, Op.EXISTS})
NO_TEXT: Final = "text: a free-text search is off while LEAD_MCP_PII=masked; filter with email eq or phone eq instead."


@dataclass(frozen=True)
class MaskGuard:
    """Decides by what the masker makes of the field (see ``engine/guard.py``)."""

    masker: Masker

    def check_filter(self, name: str, field: Field, op: Op) -> None:
        if op not in ASKABLE and (why := self._masked(name, field)):
            raise BadArgument(f"filters: {name} {why} and takes only eq, in and exists.")

    def check_order(self, name: str, field: Field, argument: str) -> None:
        if why := self._masked(name, field):
            raise BadArgument(f"{argument}: {name} {why} and cannot be ordered or compared.")

    def check_text(self, text: str) -> None:
        raise NotAllowed(NO_TEXT)

    def _masked(self, name: str, field: Field) -> str:
        kind = self.masker.kind(name, field)
        if not kind:
            return ""
        return "is masked (LEAD_MCP_PII=masked)" if kind in WHOLE else "may hold what LEAD_MCP_PII=masked hides"


def check_no_pseudonyms(values: Mapping[str, Any] | None, where: str) -> None:
    """Raises BadArgument where somebody hands a pseudonym back as if it were a value."""
    for name, value in (values or {}).items():
        if isinstance(value, str) and PSEUDONYM.fullmatch(value.strip()):
            message = f"{where}: {name} is a mask, not a value; this server shows masked values (LEAD_MCP_PII)."
            raise BadArgument(message)
