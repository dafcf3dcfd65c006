"""Lines on stdin that are no message: the SDK drops them, and a client would wait for ever. Here they are answered.

JSON-RPC 2.0, section 5.1: -32700 for what is no JSON, -32600 for JSON that is no message. The id is null, unless the line
is a request whose id can be read. Written as it would be upstream: between the transport's streams and the server.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage
from mcp.types import INVALID_REQUEST, PARSE_ERROR, ErrorData, JSONRPCError
from pydantic import ValidationError

Item = SessionMessage | Exception


class Reading(Protocol):
    """What the server reads from."""

    def __aiter__(self) -> AsyncIterator[Item]: ...


class Writing(Protocol):
    """What the server writes to."""

    async def send(self, item: SessionMessage, /) -> None: ...


@asynccontextmanager
async def answered(reading: Reading, writing: Writing) -> AsyncIterator[MemoryObjectReceiveStream[Item]]:
    """The messages of ``reading``; what could not be read is answered on ``writing``."""
    passing, messages = anyio.create_memory_object_stream[Item](0)

    async def pass_on() -> None:
        with suppress(anyio.ClosedResourceError, anyio.BrokenResourceError):  # the server has ended
            await _pass_on(reading, passing, writing)

    async with anyio.create_task_group() as group:
        group.start_soon(pass_on)
        yield messages
        group.cancel_scope.cancel()


async def _pass_on(reading: Reading, passing: MemoryObjectSendStream[Item], writing: Writing) -> None:
    async with passing:
        async for item in reading:
            if not isinstance(item, Exception):
                await passing.send(item)
            elif (error := refusal(item)) is not None:
                await writing.send(SessionMessage(error))


def refusal(error: Exception) -> JSONRPCError | None:
    """The answer to a line that could not be read; None for an empty one."""
    if not isinstance(error, ValidationError):
        return _error(None, PARSE_ERROR, "Parse error")
    problems = error.errors(include_url=False)
    if problems[0]["type"] == "json_invalid":
        blank = isinstance(line := problems[0]["input"], str) and not line.strip()
        return None if blank else _error(None, PARSE_ERROR, "Parse error")
    whole = next((one["input"] for one in problems if one["type"] == "missing"), None)
    return _error(_id_of(whole), INVALID_REQUEST, "Invalid Request")


def _id_of(message: Any) -> str | int | None:
    """The id of what was meant as a request."""
    found = message.get("id") if isinstance(message, dict) and "method" in message else None
    return found if isinstance(found, str | int) and not isinstance(found, bool) else None


def _error(identifier: str | int | None, code: int, message: str) -> JSONRPCError:
    return JSONRPCError(jsonrpc="2.0", id=identifier, error=ErrorData(code=code, message=message))
