"""The printed table of a run."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from evals.running import Outcome

HEAD = ("question", "right", "calls", "requests", "tokens")


def printed(outcomes: Sequence[Outcome]) -> str:
    """A line a question, totals and medians, then what was wrong and why some cost more than usual."""
    lines = [_line(*HEAD), *(_outcome(one) for one in outcomes)]
    counts = [(one.calls, one.requests, one.tokens) for one in outcomes]
    right = sum(one.right for one in outcomes)
    lines.append(_line(f"{len(outcomes)} questions, total", right, *map(sum, zip(*counts, strict=True))))
    lines.append(_line("median", "", *(f"{median(column):g}" for column in zip(*counts, strict=True))))
    lines += [f"note: {one.question.id}: {one.question.why}" for one in outcomes if one.question.why]
    lines += [
        f"wrong: {one.question.id}: {_brief(one.truth)} is true, found {_brief(one.found)}"
        for one in outcomes
        if not one.right
    ]
    return "\n".join(lines)


def _outcome(one: Outcome) -> str:
    return _line(one.question.id, "yes" if one.right else "NO", one.calls, one.requests, one.tokens)


def _line(name: object, *cells: object) -> str:
    return f"{name!s:40}" + "".join(f"{cell!s:>10}" for cell in cells)


def _brief(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 1000 else f"{text[:1000]}..."
