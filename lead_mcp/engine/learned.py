"""What asking an account has shown of its vendor where no document says it; kept for the life of the process."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Learned:
    """``finds_parts``: whether the vendor's search has been seen to find a part of a telephone number.

    ``refused``: filters that the vendor does not take (field and operator), so that they are checked here.
    """

    finds_parts: bool = False
    refused: set[tuple[str, str]] = field(default_factory=set)
