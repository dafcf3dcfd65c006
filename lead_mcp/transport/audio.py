"""Fetching a recording's audio: from known hosts only, without our credential, bounded, no redirect, no private address.

The address is resolved here and connected to as resolved, so that a name cannot point elsewhere between check and use.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

import anyio
import httpx2

from lead_mcp.errors import MalformedReply, NotAllowed, NotFound, TimedOut, TooLarge, Unavailable
from lead_mcp.hosts import in_url, is_loopback, is_public

MOST_BYTES: Final = 50 * 1024 * 1024
MOST_SECONDS: Final = 120
KINDS: Final = ("audio/", "video/", "application/octet-stream")


@dataclass(frozen=True)
class Audio:
    """The bytes and what kind they are."""

    content: bytes
    mime_type: str


async def fetch_audio(
    url: str,
    *,
    base_url: str,
    domains: Sequence[str],
    hosts: Sequence[str],
    transport: httpx2.AsyncBaseTransport | None = None,
) -> Audio:
    """The audio at ``url``.

    Raises NotAllowed for a host not allowed, NotFound, Unavailable, TimedOut, TooLarge or MalformedReply.
    """
    parts, base = _split(url), urlsplit(base_url)
    loopback = is_loopback(base.hostname or "")
    check_host(parts, base, domains, hosts, loopback=loopback)
    targets = [url] if transport else await _targets(parts, loopback=loopback)
    try:
        with anyio.fail_after(MOST_SECONDS):
            return await _first(targets, parts, transport)
    except TimeoutError:
        raise TimedOut(f"The recording did not arrive within {MOST_SECONDS} s. Try again later.") from None
    except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeError) as error:
        raise Unavailable(f"The recording could not be fetched ({type(error).__name__}). Try again later.") from None


def _split(url: str) -> SplitResult:
    """The address taken apart. Raises MalformedReply: some vendors send a bare file name, and any may send nonsense."""
    try:
        parts = urlsplit(url)
        if parts.hostname and parts.port != 0 and parts.username is None and parts.password is None:
            return parts
    except ValueError:
        pass
    raise MalformedReply("The vendor's address of this recording is none that can be fetched.")


async def _first(targets: Sequence[str], parts: SplitResult, transport: httpx2.AsyncBaseTransport | None) -> Audio:
    """What the first target that can be reached holds: a name may have an address that this machine has no way to."""
    *others, last = targets
    async with httpx2.AsyncClient(follow_redirects=False, trust_env=False, timeout=30, transport=transport) as client:
        for target in others:
            with suppress(httpx2.ConnectError, httpx2.ConnectTimeout):
                return await _fetch(client, target, parts)
        return await _fetch(client, last, parts)


async def _fetch(client: httpx2.AsyncClient, target: str, parts: SplitResult) -> Audio:
    host = parts.hostname or ""
    extensions = {"sni_hostname": host}
    async with client.stream("GET", target, headers={"Host": _netloc(host, parts)}, extensions=extensions) as response:
        return await _read(response)


def _netloc(host: str, parts: SplitResult) -> str:
    return f"{in_url(host)}:{parts.port}" if parts.port else in_url(host)


def check_host(
    parts: SplitResult, base: SplitResult, domains: Sequence[str], hosts: Sequence[str], *, loopback: bool
) -> None:
    """Raises NotAllowed unless the address is one of the account's own."""
    host = (parts.hostname or "").lower()
    allowed = host == (base.hostname or "").lower() or host in {one.strip().lower() for one in hosts if one.strip()}
    allowed = allowed or any(host == domain or host.endswith(f".{domain}") for domain in domains)
    if not allowed:
        advice = "add it to the account's RECORDING_HOSTS setting if you trust it"
        raise NotAllowed(f"The recording is kept at {host[:100]!r}, which is none of this account's hosts; {advice}.")
    if parts.scheme != "https" and not (loopback and parts.scheme == "http"):
        raise NotAllowed("The recording's address is not https.")


async def _targets(parts: SplitResult, *, loopback: bool) -> list[str]:
    """The URL with every address its host has. Raises NotAllowed where any of them is private."""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = await anyio.getaddrinfo(parts.hostname or "", port)
    except (OSError, UnicodeError):  # the second: a label too long, or empty
        raise Unavailable(f"The recording's host {parts.hostname!r:.100} could not be resolved.") from None
    addresses = list(dict.fromkeys(str(info[4][0]) for info in found))
    if not addresses or not (loopback or all(map(is_public, addresses))):
        raise NotAllowed("The recording's host has a private address; it is not fetched.")
    return [parts._replace(netloc=_netloc(address, parts)).geturl() for address in addresses]


async def _read(response: httpx2.Response) -> Audio:
    if response.status_code == 404:
        raise NotFound("The vendor no longer has this recording's audio.")
    if response.status_code != 200:
        raise Unavailable(f"The recording's host answered {response.status_code}; redirects are not followed.")
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not kind.startswith(KINDS):
        raise MalformedReply("The recording's address does not hold audio.")
    parts, size = [], 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > MOST_BYTES:
            raise TooLarge(f"The recording passes {MOST_BYTES // 1024 // 1024} MiB.")
        parts.append(part)
    return Audio(b"".join(parts), kind)
