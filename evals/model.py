"""``python -m evals.model``: the questions, put to a model that has lead-mcp's tools and nothing else.

The key is read from OPENAI_API_KEY or ANTHROPIC_API_KEY, where the endpoint wants one.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import httpx2
from mcp.types import Tool

from evals.data import Data
from evals.endpoints import ENDPOINTS, Endpoint, Message, ToolUse, Turn
from evals.judging import says
from evals.question import Question, filled
from evals.questions import QUESTIONS
from evals.rows import ZONE
from evals.running import LEADS, Outcome, benches, requests_of
from evals.table import printed
from lead_mcp.outgoing.tokens import estimate
from tests.driving import NOW, Bench

SYSTEM: Final = (
    f"You answer questions of lead-operations people with the tools given. It is {NOW.astimezone(ZONE):%A %Y-%m-%d %H:%M} in "
    "New York, and times are New York's. Act without asking back. Say the whole answer at the end: every value that was asked "
    "for, numbers as found, leads by their URI. Say so where something cannot be answered or done."
)
MOST_TURNS: Final = 20
SECONDS: Final = 300.0


@dataclass(frozen=True)
class Model:
    """A model at an address."""

    endpoint: Endpoint
    client: httpx2.Client
    name: str

    def answer(self, tools: Sequence[Tool], messages: Sequence[Message]) -> Turn:
        """The model's next turn. Raises httpx2.HTTPError where the endpoint refuses or is not there."""
        reply = self.client.post(self.endpoint.path, json=self.endpoint.body(self.name, SYSTEM, tools, messages))
        reply.raise_for_status()
        return self.endpoint.read(reply.json())


def model_at(provider: str, base_url: str, name: str) -> Model:
    endpoint = ENDPOINTS[provider]
    headers = endpoint.headers(os.environ.get(endpoint.key_variable, ""))
    return Model(endpoint, httpx2.Client(base_url=base_url.rstrip("/"), headers=dict(headers), timeout=SECONDS), name)


@dataclass
class Conversation:
    """One question being answered. ``heard``: what the tools answered; ``said``: the model's last words."""

    model: Model
    driven: Bench
    tools: Sequence[Tool]
    messages: list[Message]
    heard: list[str]
    said: str = ""
    tokens: int = 0

    def run(self) -> None:
        """Until the model calls no further tool."""
        for _ in range(MOST_TURNS):
            turn = self.model.answer(self.tools, self.messages)
            self.said, self.tokens = turn.text, self.tokens + turn.tokens
            if not turn.uses:
                return
            answers = [(use, self._called(use)) for use in turn.uses]
            self.heard += [text for _, text in answers]
            self.messages += [turn.message, *self.model.endpoint.results(answers)]

    def _called(self, use: ToolUse) -> str:
        if use.arguments is None:
            return "bad_argument: the arguments are no JSON object"
        if use.name not in {one.name for one in self.tools}:
            return f"bad_argument: there is no tool {use.name!r}"
        result = self.driven.raw_call(use.name, **use.arguments)
        return "".join(getattr(block, "text", "") for block in result.content)


def put(question: Question, model: Model, driven: Bench, data: Data, tools: Sequence[Tool]) -> Outcome:
    """The question, put to the model and judged; ``tokens`` are those that the endpoint counted, else the tools' answers."""
    given = question.given(data)
    truth, before = question.truth(data, given), requests_of(driven)
    words: Message = {"role": "user", "content": filled(question.words, given)}
    talk = Conversation(model, driven, tools, [words], [])
    failure = ""
    try:
        talk.run()
    except (httpx2.HTTPError, KeyError, IndexError, ValueError) as error:
        failure = f"the endpoint failed: {error!r}"
    evidence = [talk.said, *(talk.heard if acts(question) else ())]
    right = not failure and says("\n".join(evidence), truth)
    tokens = talk.tokens or sum(map(estimate, talk.heard))
    plain = replace(question, why="")
    return Outcome(plain, truth, failure or talk.said, right, len(talk.heard), requests_of(driven) - before, tokens)


def acts(question: Question) -> bool:
    """Whether outcomes and refusals count as the tools gave them: nobody says ``not_offered`` in an answer."""
    return question.writes or any(call.refused for call in question.calls)


def main(arguments: Sequence[str] | None = None, leads: int = LEADS) -> int:
    """Asks, prints the table, returns 0: how well a model does is not a fault."""
    asked = _asked(arguments)
    model = model_at(asked.provider, asked.base_url, asked.model)
    chosen = [one for one in QUESTIONS if not asked.words or any(word in one.id for word in asked.words)][: asked.limit]
    with benches(leads) as (driven, data):
        tools = driven.portal.call(driven.client.list_tools).tools
        outcomes = [put(question, model, driven, data, tools) for question in chosen]
    print(printed(outcomes))
    return 0


def _asked(arguments: Sequence[str] | None) -> Any:
    parser = argparse.ArgumentParser(prog="python -m evals.model", description=__doc__)
    parser.add_argument("--provider", choices=list(ENDPOINTS), required=True)
    parser.add_argument("--base-url", required=True, help="such as http://localhost:11434/v1")
    parser.add_argument("--model", required=True)
    parser.add_argument("--limit", type=int, help="the first so many questions")
    parser.add_argument("words", nargs="*", help="only questions whose id holds one of these")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
