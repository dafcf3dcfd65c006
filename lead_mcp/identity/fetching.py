"""Asking an issuer: one bounded exchange, JSON or nothing."""

from __future__ import annotations

import json
from typing import Any, Final

import httpx2

from lead_mcp.identity.refusals import SignInDown

MOST: Final = 512 * 1024
"""Bytes of an issuer's answer."""


async def fetch_json(client: httpx2.AsyncClient, method: str, url: str, **further: Any) -> dict[str, Any]:
    """The object that answers. Raises SignInDown where there is none, without a word of what the issuer said."""
    try:
        async with client.stream(method, url, **further) as response:
            content = bytearray()
            async for part in response.aiter_bytes():
                content += part
                if len(content) > MOST:
                    raise _down("its answer is too long")
            found = json.loads(content) if response.status_code == 200 else None
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, RecursionError) as error:
        raise _down(type(error).__name__) from None
    if not isinstance(found, dict):
        raise _down("it gave no usable answer")
    return found


def _down(why: str) -> SignInDown:
    return SignInDown(f"Whoever issues the tokens cannot be asked just now ({why}). Try again in a moment.")
