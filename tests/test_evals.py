"""Questions that lead-ops people ask, answered by the calls that ``evals`` names: a sample quickly, all of them slowly."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from evals.data import Data
from evals.question import Question, same
from evals.questions import CATEGORIES, QUESTIONS
from evals.running import benches, run
from tests.driving import Bench

SAMPLE = 2
"""Questions of each category that are asked quickly."""
REQUESTS = 12
"""Of vendors, without a reason."""


@pytest.fixture(scope="module")
def driven() -> Iterator[tuple[Bench, Data]]:
    with benches(leads=400) as found:
        yield found


@pytest.fixture(scope="module")
def whole() -> Iterator[tuple[Bench, Data]]:
    with benches() as found:
        yield found


def named(question: Question) -> str:
    return question.id


@pytest.mark.parametrize("question", [one for each in CATEGORIES for one in each.QUESTIONS[:SAMPLE]], ids=named)
def test_a_sample_of_every_category_is_answered_right(driven: tuple[Bench, Data], question: Question) -> None:
    outcome = run(question, *driven)
    assert outcome.right, (outcome.truth, outcome.found)


@pytest.mark.slow
@pytest.mark.parametrize("question", QUESTIONS, ids=named)
def test_every_question_is_answered_right(whole: tuple[Bench, Data], question: Question) -> None:
    outcome = run(question, *whole)
    assert outcome.right, (outcome.truth, outcome.found)
    assert question.why or (outcome.calls == 1 and outcome.requests <= REQUESTS), "say why it takes so many"


def test_there_are_enough_questions_and_each_has_its_name() -> None:
    assert len(QUESTIONS) >= 100
    assert len({one.id for one in QUESTIONS}) == len(QUESTIONS)


def test_an_answer_is_right_only_if_it_says_the_truth() -> None:
    assert same(Decimal("1.5"), Decimal("1.50004"))
    assert not same(Decimal("1.5"), Decimal("1.51"))
    assert same({"a": 1, None: 2}, {None: Decimal(2), "a": Decimal(1)})
    assert not same({"a": 1}, {"a": 1, "b": 2})
    assert same({"a", "b"}, {"b", "a"})
    assert not same({"a", "b"}, {"a"})
    assert not same(["a", "b"], ["b", "a"])
    assert not same(0, None)
    assert not same(True, 1)
