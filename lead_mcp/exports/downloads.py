"""``/exports/NAME`` over HTTP: a file, for whoever has a link to it that holds. All else is the same 404.

A link is its own credential, so this stands before everything that asks for a token.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from anyio import to_thread

from lead_mcp.dates import utc_now
from lead_mcp.errors import LeadMcpError
from lead_mcp.exports.folder import ExportAccess, manifest_of, open_export
from lead_mcp.exports.formats import FORMATS
from lead_mcp.exports.links import PATH, Links
from lead_mcp.exports.ranges import wanted

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

BLOCK: Final = 256 * 1024
"""Bytes that are in memory at one time for one download."""
HEADERS: Final = {
    "Cache-Control": "private, no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}


@dataclass(frozen=True)
class Download:
    """A file that may be sent. ``digest``: of its bytes, by the manifest."""

    name: str
    file: BinaryIO
    mime_type: str
    digest: str


@dataclass
class Downloads:
    """Sends files of ``folder``. ``access``: what the owner of a file may read now; None where nothing."""

    app: ASGIApp
    folder: Path
    links: Links
    access: Callable[[str], ExportAccess | None]
    clock: Callable[[], datetime] = utc_now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not f"{scope['path']}/".startswith(f"{PATH}/"):
            return await self.app(scope, receive, send)
        from starlette.requests import Request

        request = Request(scope, receive)
        found = await to_thread.run_sync(self._found, request) if request.method in ("GET", "HEAD") else None
        if found is None:
            return await _nothing()(scope, receive, send)
        with found.file:
            await _answer(found, request)(scope, receive, send)

    def _found(self, request: Request) -> Download | None:
        """The file that the request's link leads to."""
        name = request.scope["path"].removeprefix(f"{PATH}/")  # a URL made of it would have lost its line ends
        given = {key: request.query_params.get(key, "") for key in ("expires", "signature")}
        try:
            manifest = manifest_of(self.folder, name)
            owner = str(manifest.get("owner"))
            if not self.links.hold(name, owner, **given, now=self.clock()):
                return None
            access = self.access(owner)
            if access is None or not access.may_read(manifest):
                return None
            form = FORMATS[manifest["format"]]
            return Download(name, open_export(self.folder, name), form.mime_type, str(manifest.get("sha256")))
        except (LeadMcpError, KeyError, TypeError):  # a manifest that is none of ours, or a damaged file of tokens
            return None


def _answer(found: Download, request: Request) -> Response:
    """The file, or the part of it that is asked for; with HEAD without a byte of it."""
    from starlette.responses import Response, StreamingResponse

    size = os.fstat(found.file.fileno()).st_size
    part = _part(found, request.headers, size)
    headers = {
        **HEADERS,
        "Content-Disposition": f'attachment; filename="{found.name}"',
        "Content-Type": found.mime_type,
        "Accept-Ranges": "bytes",
        "ETag": _tag(found),
    }
    if part is not None and not part:
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{size}"})
    sent = range(size) if part is None else part
    headers["Content-Length"] = str(len(sent))
    if part is not None:
        headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{size}"
    status = 200 if part is None else 206
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers)
    return StreamingResponse(_blocks(found.file, sent), status, headers)


def _part(found: Download, headers: Mapping[str, str], size: int) -> range | None:
    """The bytes that are wanted; None for all of them: nobody asks for a part, or they have begun with another file."""
    if "range" not in headers or headers.get("if-range", _tag(found)) != _tag(found):
        return None
    return wanted(headers["range"], size)


def _tag(found: Download) -> str:
    return f'"{found.digest}"'


async def _blocks(file: BinaryIO, sent: range) -> AsyncIterator[bytes]:
    await to_thread.run_sync(file.seek, sent.start)
    left = len(sent)
    while left and (block := await to_thread.run_sync(file.read, min(BLOCK, left))):
        left -= len(block)
        yield block


def _nothing() -> Response:
    from starlette.responses import PlainTextResponse

    return PlainTextResponse("Not found. A link to an export is good for a while only.\n", 404, HEADERS)
