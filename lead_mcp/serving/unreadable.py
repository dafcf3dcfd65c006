"""Lines on stdin that are no message: the SDK drops them, and a client would wait for ever. Here they are answered.

JSON-RPC 2.0, section 5.1: -32700 for what is no JSON, -32600 for JSON that is no message. The id is null, unless the line
is a request whose id can be read. Written as it would be upstream: between the transport's stream and the server.

A request whose id is neither text nor a whole number reads as a notification to the SDK, which would say nothing. Every
notification of the protocol is called ``notifications/...``, so anything else without an id is such a request.
"""

from __future__ import annotations

import json
from contextvars import Context
from dataclasses import dataclass
from typing import Any, Final, Protocol, Self

import anyio
from mcp.shared.message import SessionMessage
from mcp.types import INVALID_REQUEST, PARSE_ERROR, ErrorData, JSONRPCError, JSONRPCNotification
from pydantic import ValidationError

Item = SessionMessage | Exception
NOTICES: Final = "notifications/"
LONGEST: Final = 300
"""Digits that Python still reads as a number at once."""


class Reading(Protocol):
    """What the transport gives."""

    last_context: Context | None

    async def receive(self) -> Item: ...
    async def aclose(self) -> None: ...


class Writing(Protocol):
    """What the server writes to."""

    async def send(self, item: SessionMessage, /) -> None: ...


@dataclass
class Answered:
    """The messages of ``reading``, as the server reads them; what could not be read is answered on ``writing``."""

    reading: Reading
    writing: Writing

    @property
    def last_context(self) -> Context | None:
        """The context in which the last message was received."""
        return self.reading.last_context

    async def receive(self) -> Item:
        """The next message. Raises EndOfStream."""
        while True:
            item = await self.reading.receive()
            if isinstance(item, Exception):
                error = refusal(item)
            elif (error := _without_id(item)) is None:
                return item
            if error is not None:
                await self._answer(error)

    async def _answer(self, error: JSONRPCError) -> None:
        try:
            await self.writing.send(SessionMessage(error))
        except (anyio.ClosedResourceError, anyio.BrokenResourceError):
            raise anyio.EndOfStream from None  # nobody is there any more

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Item:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def aclose(self) -> None:
        await self.reading.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *failure: object) -> None:
        await self.aclose()


def _without_id(item: SessionMessage) -> JSONRPCError | None:
    """The answer to a request whose id is none."""
    message = item.message
    if not isinstance(message, JSONRPCNotification) or message.method.startswith(NOTICES):
        return None
    return _error(None, INVALID_REQUEST, "Invalid Request: an id is text or a whole number")


def refusal(error: Exception) -> JSONRPCError | None:
    """The answer to a line that could not be read; None for an empty one."""
    if not isinstance(error, ValidationError):
        return _error(None, PARSE_ERROR, "Parse error")
    problems = error.errors(include_url=False)
    if problems[0]["type"] == "json_invalid":
        line = problems[0]["input"]
        blank = isinstance(line, str) and not line.strip()
        return None if blank else _error(_id_in(line), PARSE_ERROR, "Parse error")
    whole = next((one["input"] for one in problems if one["type"] == "missing"), None)
    return _error(_id_of(whole), INVALID_REQUEST, "Invalid Request")


def _id_in(line: Any) -> str | int | None:
    """The id in a line that Python can read and the SDK cannot: half an emoji, a number of many digits."""
    try:
        return _id_of(json.loads(line, parse_int=lambda digits: int(digits[:LONGEST])))
    except (ValueError, TypeError, RecursionError):
        return None


def _id_of(message: Any) -> str | int | None:
    """The id of what was meant as a request."""
    found = message.get("id") if isinstance(message, dict) and "method" in message else None
    return found if isinstance(found, str | int) and not isinstance(found, bool) else None


def _error(identifier: str | int | None, code: int, message: str) -> JSONRPCError:
    return JSONRPCError(jsonrpc="2.0", id=identifier, error=ErrorData(code=code, message=message))
