"""What operations count, as plain numbers, and how Prometheus reads them (text format 0.0.4).

Labels are bounded: accounts and tools that are configured, outcomes from short lists. No value of a lead or a call is one.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds in seconds."""
COUNTERS: Final[Mapping[str, str]] = {
    "lead_mcp_tool_calls_total": "Calls of a tool, by outcome: ok, asked, or the error's code.",
    "lead_mcp_answer_characters_total": "Characters of text that a tool answered with.",
    "lead_mcp_vendor_requests_total": "Requests to an account's vendor, by outcome.",
    "lead_mcp_vendor_retries_total": "Requests to an account's vendor that repeated a failed one.",
    "lead_mcp_limiter_wait_seconds_total": "Seconds that requests waited for a slot of an account's rate.",
}
TIMES: Final[Mapping[str, str]] = {
    "lead_mcp_tool_seconds": "How long a tool's calls took.",
    "lead_mcp_vendor_seconds": "How long requests to an account's vendor took, without waiting for a slot.",
}
GAUGES: Final[Mapping[str, str]] = {
    "lead_mcp_account_resting": "1 while an account's vendor is left alone because it was down.",
    "lead_mcp_requests_in_flight": "Requests to an account's vendor that are under way.",
    "lead_mcp_tasks": "Tasks of the event loop: they come and go with calls and connections.",
}

Labels = tuple[tuple[str, str], ...]


@dataclass
class Times:
    """How often something took how long: a count for each bucket, the last one for what was longer than all."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    total: float = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(BUCKETS, seconds)] += 1
        self.total += seconds


@dataclass
class Metrics:
    """Everything that is counted in this process."""

    counters: dict[tuple[str, Labels], float] = field(default_factory=dict)
    times: dict[tuple[str, Labels], Times] = field(default_factory=dict)

    def count(self, name: str, by: float = 1.0, **labels: str) -> None:
        key = name, tuple(labels.items())
        self.counters[key] = self.counters.get(key, 0.0) + by

    def took(self, name: str, seconds: float, **labels: str) -> None:
        self.times.setdefault((name, tuple(labels.items())), Times()).add(seconds)

    def text(self, gauges: Mapping[tuple[str, Labels], float]) -> str:
        """All of it for Prometheus, with ``gauges`` as they stand now."""
        lines: list[str] = []
        for kind, helps, values in (("counter", COUNTERS, self.counters), ("gauge", GAUGES, gauges)):
            for name, means in helps.items():
                lines += [f"# HELP {name} {means}", f"# TYPE {name} {kind}"]
                lines += [_line(name, labels, value) for (key, labels), value in sorted(values.items()) if key == name]
        for name, means in TIMES.items():
            lines += [f"# HELP {name} {means}", f"# TYPE {name} histogram"]
            for (key, labels), times in sorted(self.times.items(), key=lambda item: item[0]):
                lines += _histogram(name, labels, times) if key == name else ()
        return "\n".join(lines) + "\n"


def outcome_of(status: int) -> str:
    """A reply's status among few: its class, and 429 by itself."""
    return "429" if status == 429 else f"{min(max(status // 100, 1), 5)}xx"


def _histogram(name: str, labels: Labels, times: Times) -> Iterator[str]:
    below = 0
    for bound, count in zip((*map(str, BUCKETS), "+Inf"), times.counts, strict=True):
        below += count
        yield _line(f"{name}_bucket", (*labels, ("le", bound)), below)
    yield _line(f"{name}_sum", labels, times.total)
    yield _line(f"{name}_count", labels, below)


def _line(name: str, labels: Labels, value: float) -> str:
    inside = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels)
    shown = str(int(value)) if value == int(value) else f"{value:.6f}"
    return f"{name}{{{inside}}} {shown}" if inside else f"{name} {shown}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
