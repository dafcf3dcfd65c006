"""How far a run has come, and whether the vendors are to fail at this moment."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass
class Clock:
    """A run of so many seconds, in rounds: first the vendors fail, then they do not.

    ``calm_since``: the moment at which faults ended, or None while there are some.
    """

    seconds: float
    started: float = field(default_factory=time.monotonic)
    calm_since: float | None = None

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self.started

    @property
    def is_running(self) -> bool:
        return self.elapsed < self.seconds

    def calm_for(self) -> float:
        """Seconds without faults."""
        return 0.0 if self.calm_since is None else time.monotonic() - self.calm_since
