"""Running a question's calls and judging what was read out of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import Any, Final

from evals.data import Data, world
from evals.question import Answer, Call, Question, filled, same
from lead_mcp import vendors
from lead_mcp.outgoing.tokens import estimate
from lead_mcp.sandbox.app import sandbox
from tests import facts
from tests.driving import Bench, bench, now

LEADS: Final = 1000
SETTINGS: Final = {"LEAD_MCP_TIMEZONE": "America/New_York", "LEAD_MCP_WRITES": "allow", "LEAD_MCP_DELETES": "allow"}


@dataclass(frozen=True)
class Outcome:
    """One question's run: whether its answer was right, what it said, and what it cost."""

    question: Question
    truth: Any
    found: Any
    right: bool
    calls: int
    requests: int
    tokens: int


@contextmanager
def benches(leads: int = LEADS) -> Iterator[tuple[Bench, Data]]:
    """The emulators and the server in memory over the questions' world, and the data that truths are made of."""
    people = world(leads)
    box = sandbox(
        facts.emulators(vendors.NAMES),
        people,
        clock=now,
        options={name: facts.facts_of(name).settled for name in vendors.NAMES},
        rated=False,
    )
    with TemporaryDirectory() as state, bench(box=box, environment={**SETTINGS, "LEAD_MCP_STATE_DIR": state}) as driven:
        yield driven, Data(people)


def run(question: Question, driven: Bench, data: Data) -> Outcome:
    """The question's calls made, their answers read and judged."""
    given = question.given(data)
    truth = question.truth(data, given)
    before, answers, texts = requests_of(driven), [], []
    for call in question.calls:
        for answer, text in _answers(call, filled(call.arguments, given), driven):
            answers.append(answer)
            texts.append(text)
    found = _read(question, answers)
    tokens = sum(estimate(text) for text in texts)
    return Outcome(question, truth, found, same(truth, found), len(answers), requests_of(driven) - before, tokens)


def _read(question: Question, answers: list[Answer]) -> Any:
    """What the answers say; an answer that cannot be read is shown as it is, and is wrong."""
    try:
        return question.read(answers)
    except (KeyError, IndexError, TypeError, StopIteration, ValueError) as error:
        return f"not readable ({error!r}): {answers}"


def _answers(call: Call, arguments: Mapping[str, Any], driven: Bench) -> Iterator[tuple[Answer, str]]:
    cursor: str | None = None
    while True:
        more = {"cursor": cursor} if cursor else {}
        result = driven.raw_call(call.tool, **arguments, **more)
        answer = dict(result.structured_content or {})
        yield answer, "".join(getattr(block, "text", "") for block in result.content)
        cursor = answer.get("next_cursor")
        if not call.pages or cursor is None:
            return


def requests_of(driven: Bench) -> int:
    return sum(len(stage.heard) for stage in driven.box.stages.values())
