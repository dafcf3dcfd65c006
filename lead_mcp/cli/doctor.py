"""``lead-mcp doctor``: whether everything a first answer needs is there, and the next step where it is not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import anyio

from lead_mcp.cli.diagnosis.accounts import accounts
from lead_mcp.cli.diagnosis.configuration import configuration, state, versions
from lead_mcp.cli.diagnosis.entries import entries
from lead_mcp.cli.diagnosis.finding import Finding, Severity, error
from lead_mcp.cli.diagnosis.mirrored import mirror
from lead_mcp.cli.opened import log_for
from lead_mcp.cli.output import json_line
from lead_mcp.clients.machine import this_machine
from lead_mcp.errors import LeadMcpError
from lead_mcp.outgoing.masking import masked_by
from lead_mcp.runtime import running
from lead_mcp.settings import Settings


def run(config: Path | None, *, as_json: bool) -> int:
    """Print the findings; the exit code: 1 if any is an error."""
    found = examined(config)
    if as_json:
        print(json_line([asdict(one) for one in found]))
    else:
        _print(found)
    return 1 if any(one.severity is Severity.ERROR for one in found) else 0


def examined(config: Path | None) -> list[Finding]:
    """Everything that was looked at, in the order in which a first answer needs it."""
    usable: list[Settings] = []
    found = [*versions(), *configuration(config, usable)]
    for settings in usable:
        log_for(settings)
        found += [*state(settings.server), *anyio.run(_accounts, settings)]
    return [*found, *entries(this_machine())]


async def _accounts(settings: Settings) -> list[Finding]:
    if not settings.accounts:
        return []
    try:
        async with running(settings) as runtime:
            with masked_by(runtime.masker):
                return [*await accounts(runtime, lambda: datetime.now(UTC)), *[one async for one in mirror(runtime)]]
    except LeadMcpError as wrong:
        return [error("network", wrong.message, "correct that setting of the environment")]


def _print(found: Iterable[Finding]) -> None:
    for one in found:
        print(f"{one.severity:<8} {one.about}: {one.what}")
        if one.next:
            print(f"{'':8} next: {one.next}")
