"""Requests as a server on a bare socket hears them."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from anyio.abc import ByteReceiveStream


@dataclass(frozen=True)
class Heard:
    """One request as it arrived, at the server's own clock."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    at: float = field(default_factory=time.monotonic)

    @property
    def path(self) -> str:
        return unquote(urlsplit(self.target).path)

    @property
    def query(self) -> dict[str, str]:
        return {key: values[0] for key, values in parse_qs(urlsplit(self.target).query).items()}

    @property
    def form(self) -> dict[str, str]:
        return {key: values[0] for key, values in parse_qs(self.body.decode()).items()}

    def json(self) -> Any:
        return json.loads(self.body)


async def hear(stream: ByteReceiveStream, data: bytes = b"") -> tuple[Heard, bytes]:
    """The next request, and what was read beyond it. ``data``: what was read before."""
    while b"\r\n\r\n" not in data:
        data += await stream.receive()
    head, _, body = data.partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    headers = {key.lower(): text.strip() for key, _, text in (line.partition(":") for line in rest)}
    length = int(headers.get("content-length", "0"))
    while len(body) < length:
        body += await stream.receive()
    return Heard(method, target, headers, body[:length]), body[length:]
