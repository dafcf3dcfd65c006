"""How far a reading got: whether it is done, how many the vendor counts, what it lacks and why."""

from __future__ import annotations

from dataclasses import dataclass, field

from lead_mcp.engine.notes import FewerThanCounted, Note
from lead_mcp.errors import LeadMcpError


@dataclass
class Extent:
    """What is known of a reading beside its records.

    ``done``: nothing unread is left, or nothing that could be gone on with. ``total``: matches at the vendor, where it says
    so and its word is the answer's. ``lacks``: what was not read, and why.
    """

    done: bool = False
    total: int | None = None
    lacks: list[Note] = field(default_factory=list)
    error: LeadMcpError | None = None
    stuck: bool = False
    """Whether as much was read as may be, and nothing of it can be put in order: more would have to be read for that."""

    @property
    def ended(self) -> bool:
        """Whether nothing more will come of it."""
        return self.done or self.error is not None

    @property
    def whole(self) -> bool:
        """Whether everything was read."""
        return self.done and not self.lacks and self.error is None

    def note(self, why: Note) -> None:
        """Keep what is not read, beside what was known of it before."""
        if why not in self.lacks:
            self.lacks.append(why)

    def fewer(self, counted: int, given: int, *, in_a_second: bool = False) -> None:
        """Fewer records came than the vendor counts. Which of the two is right nobody knows, so no total is."""
        self.note(FewerThanCounted(counted, given, in_a_second))
        self.total = None
