"""What fails inside this server reaches a client in the promised shape; the log has the rest.

A failing call is an error *result*: text a model can act on, and ``{"error": {...}}`` in the structure. Older official
TypeScript clients check error results against the output schema, so every key of it is optional, ``error`` among them.

The words of errors load with the first one.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable
from typing import TypeVar

from mcp import MCPError
from mcp.server.mcpserver.exceptions import ResourceError, ToolError
from mcp.types import INTERNAL_ERROR, CallToolResult, InputRequiredResult, TextContent

from lead_mcp.characters import cleaned
from lead_mcp.errors import LeadMcpError, trace_of

T = TypeVar("T")
log = logging.getLogger("lead_mcp.tools")


def error_message(error: LeadMcpError) -> str:
    """An error in words, with the account that its structure names: a client shows a model the one or the other."""
    from lead_mcp.outgoing.render import error_text

    words = error_text(error)
    account = error.account
    if account is None or re.search(rf"(?<![\w-]){re.escape(account)}(?![\w-])", words):
        return words
    code, _, message = words.partition(": ")
    return f"{code}: {account}: {message}"


def error_result(error: LeadMcpError) -> CallToolResult:
    """An error a model can act on."""
    from lead_mcp.outgoing.render import error_to_dict

    structured = {"error": error_to_dict(error)}
    return CallToolResult(
        content=[TextContent(type="text", text=error_message(error))], structured_content=structured, is_error=True
    )


async def as_result(
    work: Awaitable[CallToolResult | InputRequiredResult], name: str
) -> CallToolResult | InputRequiredResult:
    """A tool's result; whatever fails is an error result. Raises MCPError alone."""
    try:
        return await work
    except MCPError:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a client waits for an answer, whatever happened
        return error_result(known(error, name))


async def as_contents(work: Awaitable[T], uri: str) -> T:
    """A resource's contents. Raises MCPError, and ResourceError for whatever else fails."""
    try:
        return await work
    except (MCPError, ResourceError):
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001
        raise ResourceError(error_message(known(error, uri))) from None


async def as_answer(work: Awaitable[T], what: str) -> T:
    """Anything else. Raises MCPError for whatever fails."""
    try:
        return await work
    except MCPError:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001
        raise MCPError(INTERNAL_ERROR, error_message(known(error, what))) from None


def known(error: BaseException, what: str) -> LeadMcpError:
    """The error as one of ours: itself, or the one that a task group or the SDK has wrapped. Others are logged."""
    inner = _unwrapped(error)
    if isinstance(inner, LeadMcpError):
        return inner
    from lead_mcp.outgoing.masking import masked_text

    log.error("%s failed", masked_text(cleaned(what))[:200], extra={"trace": trace_of(error)})
    return LeadMcpError(f"{cleaned(what)[:100]} failed inside this server; its log says more.")


def _unwrapped(error: BaseException) -> BaseException:
    while True:
        if isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
            error = error.exceptions[0]
        elif isinstance(error, ToolError) and error.__cause__ is not None:
            error = error.__cause__
        else:
            return error
