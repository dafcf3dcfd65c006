"""``python -m evals [WORD ...]``: every question, or those whose id holds a word, answered without a model."""

from __future__ import annotations

import sys

from evals.questions import QUESTIONS
from evals.running import benches, run
from evals.table import printed


def main(words: list[str]) -> int:
    chosen = [one for one in QUESTIONS if not words or any(word in one.id for word in words)]
    with benches() as (driven, data):
        outcomes = [run(question, driven, data) for question in chosen]
    print(printed(outcomes))
    return 0 if all(outcome.right for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
