"""Every question, those that write last."""

from __future__ import annotations

from typing import Final

from evals import (
    amounts,
    auctions,
    corners,
    counting,
    crossing,
    filtering,
    paging,
    persons,
    refusing,
    times,
    top,
    writing,
)
from evals.question import Question

CATEGORIES: Final = (
    counting,
    times,
    filtering,
    top,
    amounts,
    auctions,
    persons,
    crossing,
    paging,
    corners,
    refusing,
    writing,
)
QUESTIONS: Final[list[Question]] = [question for category in CATEGORIES for question in category.QUESTIONS]
