"""Two dialects of asking a model with tools: OpenAI's chat completions and Anthropic's messages. Pure: no I/O here.

Sources: platform.openai.com/docs/api-reference/chat, docs.anthropic.com/en/api/messages.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from mcp.types import Tool

Message = Mapping[str, Any]
MOST_TOKENS: Final = 4096
"""Of one answer; Anthropic wants it said."""


@dataclass(frozen=True)
class ToolUse:
    """One call that the model wants. ``arguments`` is None where they were no JSON object."""

    id: str
    name: str
    arguments: Mapping[str, Any] | None


@dataclass(frozen=True)
class Turn:
    """What the model answered. ``message`` goes back to it as it came; ``tokens`` as the endpoint counted them."""

    text: str
    uses: Sequence[ToolUse]
    message: Message
    tokens: int


class Endpoint(Protocol):
    """How one provider is asked."""

    path: str
    key_variable: str

    def headers(self, key: str) -> Mapping[str, str]: ...
    def body(
        self, model: str, system: str, tools: Sequence[Tool], messages: Sequence[Message]
    ) -> Mapping[str, Any]: ...
    def read(self, reply: Mapping[str, Any]) -> Turn: ...
    def results(self, answers: Sequence[tuple[ToolUse, str]]) -> list[Message]: ...


class OpenAI:
    """``POST {base}/chat/completions``, as most providers and local servers take it."""

    path = "/chat/completions"
    key_variable = "OPENAI_API_KEY"

    def headers(self, key: str) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {key}"} if key else {}

    def body(self, model: str, system: str, tools: Sequence[Tool], messages: Sequence[Message]) -> Mapping[str, Any]:
        functions = [
            {"name": one.name, "description": one.description or "", "parameters": one.input_schema} for one in tools
        ]
        return {
            "model": model,
            "messages": [{"role": "system", "content": system}, *messages],
            "tools": [{"type": "function", "function": one} for one in functions],
        }

    def read(self, reply: Mapping[str, Any]) -> Turn:
        message = reply["choices"][0]["message"]
        uses = [
            ToolUse(one["id"], one["function"]["name"], _object(one["function"]["arguments"]))
            for one in message.get("tool_calls") or ()
        ]
        return Turn(message.get("content") or "", uses, message, (reply.get("usage") or {}).get("total_tokens", 0))

    def results(self, answers: Sequence[tuple[ToolUse, str]]) -> list[Message]:
        return [{"role": "tool", "tool_call_id": use.id, "content": text} for use, text in answers]


class Anthropic:
    """``POST {base}/v1/messages``."""

    path = "/v1/messages"
    key_variable = "ANTHROPIC_API_KEY"

    def headers(self, key: str) -> Mapping[str, str]:
        return {"anthropic-version": "2023-06-01", **({"x-api-key": key} if key else {})}

    def body(self, model: str, system: str, tools: Sequence[Tool], messages: Sequence[Message]) -> Mapping[str, Any]:
        return {
            "model": model,
            "max_tokens": MOST_TOKENS,
            "system": system,
            "messages": list(messages),
            "tools": [
                {"name": one.name, "description": one.description or "", "input_schema": one.input_schema}
                for one in tools
            ],
        }

    def read(self, reply: Mapping[str, Any]) -> Turn:
        blocks = reply["content"]
        uses = [ToolUse(one["id"], one["name"], one["input"]) for one in blocks if one["type"] == "tool_use"]
        text = "".join(one["text"] for one in blocks if one["type"] == "text")
        usage = reply.get("usage") or {}
        tokens = usage.get("input_tokens", 0) + usage.get("output_tokens", 0)
        return Turn(text, uses, {"role": "assistant", "content": blocks}, tokens)

    def results(self, answers: Sequence[tuple[ToolUse, str]]) -> list[Message]:
        blocks = [{"type": "tool_result", "tool_use_id": use.id, "content": text} for use, text in answers]
        return [{"role": "user", "content": blocks}]


ENDPOINTS: Final[Mapping[str, Endpoint]] = {"openai": OpenAI(), "anthropic": Anthropic()}


def _object(text: str) -> Mapping[str, Any] | None:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
