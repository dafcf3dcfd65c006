"""What is posted to the server over HTTP, looked at before the SDK reads it: whatever the SDK would not answer.

- What is no message is refused, as on stdin (``unreadable``), and so is a request whose id is none: it would be accepted and
  never answered.
- A request with the id of another that is under way in its session waits for that one's end: the SDK has one stream for an
  id, and one of the two would wait for ever. It takes 7 and "7" for one id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import anyio
from mcp.types import JSONRPCError, JSONRPCMessage, JSONRPCRequest, jsonrpc_message_adapter
from pydantic import ValidationError
from starlette.responses import Response

from lead_mcp.serving.guards import SESSION
from lead_mcp.serving.unreadable import refusal, without_id

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

PATHS: Final = ("/mcp", "/messages/")
"""Where the SDK takes messages: over Streamable HTTP, and over SSE."""


class Posts:
    """The SDK's app, behind what is refused here."""

    def __init__(self, app: ASGIApp) -> None:
        from mcp.server.transport_security import DEFAULT_MAX_REQUEST_BODY_SIZE, RequestBodyLimitMiddleware

        self.app = app
        self.whole = RequestBodyLimitMiddleware(self._posted, DEFAULT_MAX_REQUEST_BODY_SIZE)
        self.under_way: dict[tuple[bytes, str], anyio.Event] = {}
        """By session and id: what is set at the end."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        posted = scope["type"] == "http" and scope["method"] == "POST" and scope["path"] in PATHS
        await (self.whole if posted else self.app)(scope, receive, send)

    async def _posted(self, scope: Scope, receive: Receive, send: Send) -> None:
        """``receive`` gives the body in one piece."""
        body = await receive()
        rest = iter([body])

        async def again() -> Message:
            return next(rest, None) or await receive()

        if body["type"] != "http.request" or body.get("more_body"):  # the client has left
            return await self.app(scope, again, send)
        message = _read(body["body"])
        if isinstance(message, Response):
            return await message(scope, again, send)
        session = dict(scope["headers"]).get(SESSION)
        if session is None or not isinstance(message, JSONRPCRequest):
            return await self.app(scope, again, send)
        await self._alone((session, str(message.id)), scope, again, send)

    async def _alone(self, key: tuple[bytes, str], scope: Scope, receive: Receive, send: Send) -> None:
        while (before := self.under_way.get(key)) is not None:
            await before.wait()
        self.under_way[key] = ended = anyio.Event()
        try:
            await self.app(scope, receive, send)
        finally:
            del self.under_way[key]
            ended.set()


def _read(body: bytes) -> JSONRPCMessage | Response:
    """The message, or why there is none."""
    try:
        message = jsonrpc_message_adapter.validate_json(body, by_name=False)
    except ValidationError as error:
        return _refused(refusal(error))
    nameless = without_id(message)
    return message if nameless is None else _refused(nameless)


def _refused(error: JSONRPCError) -> Response:
    return Response(error.model_dump_json(by_alias=True, exclude_unset=True), 400, media_type="application/json")
