"""``lead-mcp check``: one cheap read-only call an account."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

import anyio

from lead_mcp.cli.opened import settings_for
from lead_mcp.cli.output import json_line
from lead_mcp.cli.tables import print_rows
from lead_mcp.engine.connection import Connection
from lead_mcp.errors import CallError, LeadMcpError, SettingsError, TimedOut
from lead_mcp.identity.principal import HOLDER, LOCAL
from lead_mcp.identity.sources import place_of
from lead_mcp.outgoing.masking import masked_by
from lead_mcp.outgoing.render import error_text
from lead_mcp.runtime import Runtime, running
from lead_mcp.settings import NO_ACCOUNT
from lead_mcp.vendors.spec.http import Reply

NEXT: Final = {
    "unauthorized": "check the account's credential and its rights at the vendor",
    "unavailable": "check the base URL and the network, then try again",
    "timeout": "try again later, or raise LEAD_MCP_DEADLINE",
    "rate_limited": "wait, or set a lower rate for the account",
    "garbled": "check that the base URL is the vendor's API",
    "not_found": "check the base URL",
    "rejected": "check the account's settings",
}


OWN: Final = "each person has their own credential"
Heard = Callable[[str, Reply], None]


@dataclass(frozen=True)
class Line:
    """What became of one account's call; of one that is ``ok`` and has a problem, nothing was asked."""

    account: str
    vendor: str
    ok: bool
    problem: str = ""
    next: str = ""


def run(config: Path | None, person: str | None, *, as_json: bool, sandbox: bool) -> int:
    """Print a line an account; the exit code: where none is configured, nothing has worked.

    ``person``: whose own credentials are tried, where each has theirs: a token's name, or a principal's as in the journal.
    """
    lines = anyio.run(_check_all, config, person, sandbox)
    if as_json:
        print(json_line([asdict(line) for line in lines]))
    elif not lines:
        print(NO_ACCOUNT)
    else:
        rows = [(line.account, line.vendor, line.problem or "ok", line.next) for line in lines]
        print_rows(("account", "vendor", "state", "next step"), rows)
    return 0 if lines and all(line.ok for line in lines) else 1


async def _check_all(config: Path | None, person: str | None, sandbox: bool) -> list[Line]:
    settings, network = settings_for(config, sandbox=sandbox)
    if person is not None and not any(one.per_user for one in settings.accounts.values()):
        raise SettingsError('--principal: no account has credentials = "per-user"; everybody uses the same.')
    async with running(settings, network()) as runtime:
        return await checked(runtime if person is None else runtime.seen_by(replace(LOCAL, name=_principal(person))))


def _principal(person: str) -> str:
    return person if "#" in person or ":" in person else f"{HOLDER}{person}"


async def checked(runtime: Runtime, heard: Heard = lambda name, reply: None) -> list[Line]:
    """What each account's vendor says to its credential. ``heard`` is given each reply, with the account's name."""
    lines: dict[str, Line] = {}

    async def one(connection: Connection) -> None:
        with masked_by(runtime.masker):
            lines[connection.name] = await _check(runtime, connection, heard)

    async with anyio.create_task_group() as group:
        for connection in runtime.connections.values():
            group.start_soon(one, connection)
    return [lines[name] for name in runtime.connections]


async def _check(runtime: Runtime, connection: Connection, heard: Heard) -> Line:
    vendor, name = connection.vendor, connection.name

    def read(reply: Reply) -> None:
        heard(name, reply)
        vendor.checked(reply)

    try:
        with anyio.fail_after(runtime.server.deadline):
            await connection.outbound.fetch(vendor.check(connection.account), read, lambda: None)
    except TimeoutError:
        late = TimedOut(f"no answer within {runtime.server.deadline:g} s")
        return Line(name, vendor.name, False, error_text(late), NEXT[late.code])
    except LeadMcpError as error:
        if connection.is_per_user and isinstance(error, CallError):
            return _without_credential(runtime, connection, error)
        return Line(name, vendor.name, False, error_text(error), NEXT.get(error.code, ""))
    return Line(name, vendor.name, True)


def _without_credential(runtime: Runtime, connection: Connection, error: CallError) -> Line:
    """An account where each has their own credential, and this person none; nobody's is looked for unless one is named."""
    name, vendor, person = connection.name, connection.vendor.name, runtime.principal
    if person == LOCAL.name and error.code == "not_allowed":
        return Line(name, vendor, True, OWN, "lead-mcp check --principal NAME tries one person's")
    source = runtime.settings.credentials
    where = place_of(source, runtime.settings.accounts[name], person) if source else ""
    return Line(name, vendor, False, error_text(error), f"it is looked for in {where}")
