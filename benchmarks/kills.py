"""Leads made twice after writes whose processes were killed at random points and called again with the same key.

``python -m benchmarks.kills FIRST COUNT``: the killed. A process that has everything loaded forks one for each try, so that a
try costs no start; it makes no threads, and opens neither loop nor journal itself. Each try is bounded by an alarm. Leads
go in with ``on_duplicate`` allow, so that nothing but the key keeps a repeat from making a second one.
"""

from __future__ import annotations

import gc
import json
import os
import random
import signal
import ssl
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import anyio
import httpx2

import lead_mcp.journal.store  # loaded once, for every try
from benchmarks.driving import Child, Emulators, Failed, emulators
from benchmarks.report import Line
from lead_mcp.errors import LeadMcpError
from lead_mcp.runtime import running
from lead_mcp.settings import Settings, load
from lead_mcp.writing.call import WriteCall
from lead_mcp.writing.inserts import InsertIntent
from lead_mcp.writing.outcome import Tool

ACCOUNTS: Final = ("octanist", "leadtrackr")
"""One cannot tell a repeat, so that a lost answer is looked for; the other can, so that it is sent again."""
POINTS: Final = ("before claim", "intended", "sending", "in flight", "answered", "done")
IN_FLIGHT: Final = 0.008
"""Seconds within which a try that is killed in flight dies after it began to send."""
KILLED: Final = 0.7
"""The chance of a try to be killed."""
TRIES: Final = 12
LOADED_LATE: Final = (
    "anyio._backends._asyncio",
    "encodings.idna",
    "httpcore2",
    "sqlalchemy.dialects.sqlite.pysqlite",
    "sqlite3",
    "stamina",
    "tenacity.asyncio",
    "truststore",
)
"""What a write loads when it needs it. The forking process has it beforehand: each try would spend half its time on it."""
TRUST: Final = ssl.create_default_context()
"""Made once: it costs 40 ms, half of a try."""
PATIENCE: Final = 30
"""Seconds that a try may take."""
LONGEST: Final = 10
"""Seconds that a write with all its tries may take, on the average of them; on an idle machine it is a quarter of one."""
AT_ONCE: Final = 4
LISTS: Final = {"octanist": ("/octanist/api/leads", "data"), "leadtrackr": ("/leadtrackr/api/leads/getLeads", "leads")}


def measure(writes: int) -> list[Line]:
    """How many leads there are too many, and too few, after so many writes."""
    with emulators(1) as vendors, TemporaryDirectory() as state:
        environment = {**vendors.environment, "LEAD_MCP_STATE_DIR": state, "LEAD_MCP_WRITES": "allow"}
        ended = _all(writes, environment)
        there = Counter(email for account in ACCOUNTS for email in _emails(vendors, account))
        broken = lead_mcp.journal.store.Journal(None, Path(state)).verify()
    if broken:
        raise Failed(f"the journal: {broken[:5]}")
    twice = sum(max(0, there[one["email"]] - 1) for one in ended)
    lost = sum(one["outcome"] == "created" and not there[one["email"]] for one in ended)
    unknown = sum(one["outcome"] == "unknown_outcome" for one in ended)
    unended = sum(one["outcome"] not in ("created", "updated", "unknown_outcome") for one in ended)
    kills = sum(one["kills"] for one in ended)
    note = f"{kills:,} kills; {unknown:,} said unknown and not sent again; the journal verifies"
    return [
        Line(f"duplicates after {writes:,} kill-and-retry writes", twice, unit="", note=note, most=0),
        Line("  said created, not there", lost, unit="", most=0),
        Line("  without an outcome", unended, unit="", most=0),
    ]


def _all(writes: int, environment: Mapping[str, str]) -> list[dict[str, Any]]:
    """What became of every write, four processes forking side by side over one journal."""
    share = -(-writes // AT_ONCE)
    found: list[dict[str, Any]] = []
    with ExitStack() as stack:
        mothers = []
        for first in range(0, writes, share):
            count = min(share, writes - first)
            arguments = ("-m", "benchmarks.kills", str(first), str(count))
            mothers.append((stack.enter_context(Child(arguments, environment, limit=60 + LONGEST * count)), count))
        for mother, count in mothers:
            for _ in range(count):
                found.append(json.loads(mother.line()))
                if len(found) % 100 == 0:
                    print(f"{len(found):,} of {writes:,} writes ended", file=sys.stderr)
    return found


def _emails(vendors: Emulators, account: str) -> Iterator[str]:
    """The e-mail of every lead at a vendor, once a lead."""
    headers = {"X-API-Key": vendors.environment[f"{account.upper()}_API_KEY"]}
    path, key = LISTS[account]
    page, leads = 1, list[Any]([None])
    while leads:
        leads = vendors.ask("GET", f"{path}?limit=100&page={page}", headers=headers)[key]
        yield from (lead["email"] or "" for lead in leads)
        page += 1


# --- the killed ---------------------------------------------------------------------------------------------------


def main(first: int, count: int) -> None:
    """Print what became of each write, a JSON object a line."""
    settings = load()
    for name in LOADED_LATE:
        import_module(name)
    gc.freeze()
    for number in range(first, first + count):
        print(json.dumps(_ended(settings, number)), flush=True)


def _ended(settings: Settings, number: int) -> dict[str, Any]:
    """One write, tried until it has an outcome."""
    dice, email = random.Random(number), f"kill.{number}@example.com"
    kills, said = 0, ""
    for nth in range(TRIES):
        point = dice.choice(POINTS) if dice.random() < KILLED and nth + 1 < TRIES else ""
        said = _forked(settings, ACCOUNTS[number % 2], email, point)
        if said in ("created", "updated", "unknown_outcome"):
            break
        kills += not said
    return {"email": email, "outcome": said, "kills": kills}


def _forked(settings: Settings, account: str, email: str, point: str) -> str:
    """One try in a process of its own: its outcome, or the code of its error; nothing where it was killed."""
    ours, theirs = os.pipe()
    child = os.fork()
    if not child:
        try:
            signal.alarm(PATIENCE)
            os.write(theirs, anyio.run(_tried, settings, account, email, point).encode())
        except BaseException as error:  # noqa: BLE001 - said to whoever forked, who goes on
            os.write(theirs, repr(error)[:500].encode())
        finally:
            os._exit(0)
    os.close(theirs)
    with os.fdopen(ours, "rb") as answer:
        said = answer.read().decode()
    os.waitpid(child, 0)
    return said


async def _tried(settings: Settings, account: str, email: str, point: str) -> str:
    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def on_point(passed: str) -> None:
        if passed == point:
            die()
        if passed == "sending" and point == "in flight":
            threading.Timer(random.uniform(0, IN_FLIGHT), die).start()

    lead = {"email": email}
    arguments = {"account": account, "lead": lead, "vendor_fields": None, "on_duplicate": "allow"}
    async with running(settings, httpx2.AsyncHTTPTransport(verify=TRUST)) as runtime:
        runtime.common.on_point = on_point
        intent = InsertIntent(runtime.connection(account), lead, {}, "allow")
        call = WriteCall(Tool.INSERT_LEAD, arguments, email, runtime.principal)
        try:
            return (await runtime.pipeline("allow", None, {}).run(intent, call)).kind
        except LeadMcpError as error:
            return error.code


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
