"""Exchanges through an httpx2 client: where a proxy stands in between, or something stands in for the network."""

from __future__ import annotations

from dataclasses import dataclass, field

import httpx2

from lead_mcp.transport.network import Body, SignedRequest
from lead_mcp.vendors.spec.http import Reply


@dataclass(frozen=True)
class ThroughClient:
    """``client``: one that follows no redirect and keeps no cookie."""

    client: httpx2.AsyncClient = field(repr=False)

    async def exchange(self, signed: SignedRequest, limit: int) -> Reply:
        # made here, not by the client, which would add headers of its own
        request = httpx2.Request(
            signed.method,
            signed.base.rstrip("/") + signed.target,
            headers=signed.headers,
            content=signed.content or None,
            extensions={"timeout": self.client.timeout.as_dict()},
        )
        response = await self.client.send(request, stream=True)
        try:
            body = Body(response.status_code, limit)
            async for part in response.aiter_bytes():
                body.add(part)
            return Reply(response.status_code, body.whole(), dict(response.headers.items()))
        finally:
            await response.aclose()

    async def aclose(self) -> None:
        await self.client.aclose()
