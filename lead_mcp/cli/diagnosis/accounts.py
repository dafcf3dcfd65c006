"""Each account: its credential in its vendor's own words, its region, the way there, and this machine's clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Final

import anyio.to_thread
import httpx2

from lead_mcp.cli.check import Line, checked
from lead_mcp.cli.diagnosis.finding import Finding, Severity, error, ok, warning
from lead_mcp.cli.diagnosis.network import reach
from lead_mcp.runtime import Runtime, running
from lead_mcp.settings import ConfiguredAccount, Settings, host_of, urls_of
from lead_mcp.transport.exchange import http_date
from lead_mcp.vendors.spec.http import Reply

ODD: Final = 60.0
"""Seconds of difference from which windows such as ``-1h`` miss leads."""
WRONG: Final = 300.0
"""Seconds from which tokens and certificates fail."""
UNREACHED: Final = ("unavailable", "timeout")
REGION: Final = "base_url"
"""The setting that holds a region's URL."""

Clock = Callable[[], datetime]


async def accounts(runtime: Runtime, clock: Clock) -> list[Finding]:
    """How the accounts are, in their order, and then the clock."""
    skews: dict[str, float] = {}

    def heard(name: str, reply: Reply) -> None:
        if (at := http_date(reply.headers.get("date"))) is not None:
            skews[name] = (clock() - at).total_seconds()

    found: list[Finding] = []
    for line in await checked(runtime, heard):
        found += await _about(runtime, line)
    return [*found, *_clock(skews)]


async def _about(runtime: Runtime, line: Line) -> list[Finding]:
    account = runtime.settings.accounts[line.account]
    hosts = ", ".join(dict.fromkeys(map(host_of, urls_of(account).values())))
    if line.ok and line.problem:
        return [ok(line.account, f"{line.problem}; {line.next}")]
    if line.ok:
        return [ok(line.account, f"{account.vendor.title} takes the credential ({hosts})")]
    found = [error(line.account, line.problem, line.next or "see docs/troubleshooting.md for what the code means")]
    code = line.problem.partition(":")[0]
    if code == "unauthorized" and not account.per_user:
        found += await _other_regions(runtime, account)
    if code in UNREACHED and runtime.common.transport is None:
        urls = dict.fromkeys(urls_of(account).values())
        reached = [await anyio.to_thread.run_sync(partial(reach, line.account, url)) for url in urls]
        found += [one for one in reached if one.severity is Severity.ERROR] or reached[:1]
    return found


async def _other_regions(runtime: Runtime, account: ConfiguredAccount) -> list[Finding]:
    """The vendor's region that takes the credential, where the configured one is another of them."""
    regions, here = account.vendor.regions, account.account.options.get(REGION, "").rstrip("/")
    for url in regions if here in regions else ():
        moved = replace(account, account=replace(account.account, options={**account.account.options, REGION: url}))
        settings = Settings(runtime.server, {account.account.name: moved})
        if url != here and await _is_taken(settings, runtime.common.transport):
            return [error(account.account.name, f"the credential is of the region {url}", f'set {REGION} = "{url}"')]
    return []


async def _is_taken(settings: Settings, transport: httpx2.AsyncBaseTransport | None) -> bool:
    """Whether the vendor takes the credential of the only account of these settings."""
    async with running(settings, transport) as runtime:
        return (await checked(runtime))[0].ok


def _clock(skews: Mapping[str, float]) -> Iterator[Finding]:
    """This machine's clock beside the vendors': the least difference counts, since one vendor's own may be wrong."""
    if not skews:
        return
    name = min(skews, key=lambda one: abs(skews[one]))
    seconds = skews[name]
    if abs(seconds) < ODD:
        yield ok("clock", f"within {ODD:g} s of the vendors'")
        return
    what = f"this machine is {abs(seconds):,.0f} s {'ahead of' if seconds > 0 else 'behind'} {name}'s vendor"
    make = error if abs(seconds) >= WRONG else warning
    yield make("clock", what, "set the clock, or turn on its synchronisation")
