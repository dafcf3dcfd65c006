"""What is no message: on stdin the SDK drops it, and a client would wait for ever. Here it is answered; ``posts`` does so
over HTTP.

JSON-RPC 2.0, section 5.1: -32700 for what is no JSON, -32600 for JSON that is no message. The id is null, unless it is a
request whose id can be read. Written as it would be upstream: between the transport's stream and the server.

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
from mcp.types import INVALID_REQUEST, PARSE_ERROR, ErrorData, JSONRPCError, JSONRPCMessage, JSONRPCNotification
from pydantic import ValidationError

from lead_mcp.characters import is_text

Item = SessionMessage | Exception
NOTICES: Final = "notifications/"
LONGEST: Final = 300
"""Digits that Python still reads as a number at once; an id has no more."""
UNPARSED: Final = ("json_invalid", "string_unicode")
"""What pydantic calls text that is no JSON, and text that is none."""
BLANK: Final = " \t\r\n"
"""What JSON calls white space."""


class IncomingMessages(Protocol):
    """What the transport gives."""

    last_context: Context | None

    async def receive(self) -> Item: ...
    async def aclose(self) -> None: ...


class OutgoingMessages(Protocol):
    """What the server writes to."""

    async def send(self, item: SessionMessage, /) -> None: ...


@dataclass
class MessageStream:
    """The messages of ``reading``, as the server reads them; what could not be read is answered on ``writing``."""

    reading: IncomingMessages
    writing: OutgoingMessages

    @property
    def last_context(self) -> Context | None:
        """The context in which the last message was received."""
        return self.reading.last_context

    async def receive(self) -> Item:
        """The next message. Raises EndOfStream."""
        while True:
            item = await self.reading.receive()
            if isinstance(item, Exception):
                error = None if _is_blank(item) else refusal(item)
            elif (error := without_id(item.message)) is None:
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


def without_id(message: JSONRPCMessage) -> JSONRPCError | None:
    """The answer to a request whose id is none."""
    if not isinstance(message, JSONRPCNotification) or message.method.startswith(NOTICES):
        return None
    return _error(None, INVALID_REQUEST, "Invalid Request: an id is text or a whole number")


def refusal(error: Exception) -> JSONRPCError:
    """The answer to what could not be read."""
    problems = error.errors(include_url=False) if isinstance(error, ValidationError) else []
    if not problems:
        return _error(None, PARSE_ERROR, "Parse error")
    if problems[0]["type"] in UNPARSED:
        return _error(_id_in(problems[0]["input"]), PARSE_ERROR, "Parse error")
    whole = next((one["input"] for one in problems if one["type"] == "missing"), None)
    return _error(_id_of(whole), INVALID_REQUEST, "Invalid Request")


def _is_blank(error: Exception) -> bool:
    """Whether the line was empty, which asks for nothing."""
    line = error.errors(include_url=False)[0]["input"] if isinstance(error, ValidationError) else None
    return isinstance(line, str | bytes) and not _text(line).strip(BLANK)


def _id_in(line: Any) -> str | int | None:
    """The id in a line that Python can read and the SDK cannot: half an emoji, a byte that is no UTF-8, many digits."""
    try:
        return _id_of(json.loads(_text(line), parse_int=lambda digits: int(digits) if len(digits) <= LONGEST else None))
    except (ValueError, TypeError, RecursionError):
        return None


def _text(line: str | bytes) -> str:
    """Bytes that are no UTF-8 as halves of characters, which no text holds."""
    return line.decode("utf-8", "surrogateescape") if isinstance(line, bytes) else line


def _id_of(message: Any) -> str | int | None:
    """The id of what was meant as a request, if it can be written."""
    found = message.get("id") if isinstance(message, dict) and "method" in message else None
    if isinstance(found, str):
        return found if is_text(found) else None  # else no reply could say it
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def _error(identifier: str | int | None, code: int, message: str) -> JSONRPCError:
    return JSONRPCError(jsonrpc="2.0", id=identifier, error=ErrorData(code=code, message=message))
