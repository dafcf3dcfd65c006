"""What the lake holds, in one row: how far its tables go, whose they are, how they were made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from lead_mcp.mirror.generation import Generation

FORMAT: Final = 1
"""Of the lake's own tables."""


@dataclass(frozen=True, kw_only=True)
class LakeState:
    """``version`` grows with every change; ``fence`` is the number of the lease under which it was made.

    ``generation``: what the tables hold, without the files; ``records``: how many there are by account and kind;
    ``salt``, ``passes``, ``last_no``: the counters of the records; ``adopted`` and ``listed``: up to which number an account's
    leads are listed for recordings, and when that was done last; ``erased``: the version since which nobody was erased.
    """

    version: int
    fence: int
    generation: Generation
    salt: str
    passes: int
    last_no: int
    adopted: Mapping[str, int] = field(default_factory=dict)
    listed: int = 0
    erased: int = 0
    format: int = FORMAT
    records: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    @property
    def seq(self) -> int:
        return self.generation.seq

    def packed(self) -> str:
        names = ("version", "fence", "salt", "passes", "last_no", "adopted", "listed", "erased", "format", "records")
        own = {name: getattr(self, name) for name in names}
        return json.dumps({**own, "generation": json.loads(self.generation.packed())})

    @classmethod
    def unpacked(cls, text: str) -> Self:
        """Raises ValueError, TypeError or KeyError where the text is none."""
        found = json.loads(text)
        generation = Generation.unpacked(json.dumps(found.pop("generation")))
        return cls(**found, generation=generation)
