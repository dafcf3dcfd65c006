"""What asking an account has shown of its vendor where no document says it; kept for the life of the process."""

from __future__ import annotations

from dataclasses import dataclass, field

from lead_mcp.filters import Op


@dataclass
class Learned:
    """``finds_parts``: whether the vendor's search has been seen to find a part of a telephone number.

    ``misordered``: fields (by route) by which it was seen not to sort as we do. ``absent``: by route and order, which part of
    its records, those at the beginning, lacked the field when it was last looked.

    ``refused``: filters that the vendor does not take (field and operator), so that they are checked here.
    """

    finds_parts: bool = False
    misordered: set[tuple[str, str]] = field(default_factory=set)
    absent: dict[str, float] = field(default_factory=dict)
    refused: set[tuple[str, Op]] = field(default_factory=set)
