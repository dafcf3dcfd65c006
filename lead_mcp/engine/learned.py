"""What asking an account has shown of its vendor where no document says it; kept for the life of the process."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from lead_mcp.filters import Op
from lead_mcp.vendors.spec.fields import Paths

FieldList = tuple[str, str | None, Paths]
"""A route, a partition, and the vendor's names of the fields that are wanted alone; no names: any list of them."""


@dataclass
class Learned:
    """``finds_parts``: whether the vendor's search has been seen to find a part of a telephone number.

    ``misordered``: fields (by route) by which it was seen not to sort as we do. ``absent``: by route and order, which part of
    its records, those at the beginning, lacked the field when it was last looked.

    ``refused``: filters that the vendor does not take (field and operator), so that they are checked here.

    ``whole``: by route, rows of the longest short page behind which nothing came: so many are no bound of
    the vendor's; below 0: there is such a bound, of so many rows.

    ``projected``: lists of fields that gave what whole records hold; by name, whether every whole record had a value there.
    ``unprojected``: lists that the vendor refused, heeds in another way, or that are of no use. ``read_whole``: how many
    records were read whole though a list would have done. ``comparing``: where a list is being tried just now.
    """

    finds_parts: bool = False
    misordered: set[tuple[str, str]] = field(default_factory=set)
    absent: dict[str, float] = field(default_factory=dict)
    refused: set[tuple[str, Op]] = field(default_factory=set)
    whole: dict[str, int] = field(default_factory=dict)
    projected: dict[FieldList, dict[str, bool]] = field(default_factory=dict)
    unprojected: set[FieldList] = field(default_factory=set)
    read_whole: Counter[FieldList] = field(default_factory=Counter)
    comparing: set[FieldList] = field(default_factory=set)
