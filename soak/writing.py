"""Leads written with keys, again and again until they have an outcome, and looked for at the vendors afterwards."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

import anyio
import httpx2
from mcp import Client, MCPError
from mcp.types import ElicitRequestParams, ElicitResult

from lead_mcp.vendors import emulators
from soak.calls import Refused, Run, call, leaves

ACCOUNTS: Final = ("octanist", "leadtrackr")
"""One cannot tell a repeat, so that a lost answer is looked for; the other can, so that it is sent again."""
LISTS: Final = {"octanist": ("/octanist/api/leads", "data"), "leadtrackr": ("/leadtrackr/api/leads/getLeads", "leads")}
TRIES: Final = 40
LEAVES: Final = 0.15
"""The chance that a client goes away before its answer comes, and asks again with the same key elsewhere."""
AGAIN: Final = frozenset("unavailable timeout rate_limited garbled too_large conflict unknown_outcome rejected".split())
"""After which a call is made once more: a vendor failed, or another call with this key is under way."""


@dataclass(frozen=True)
class Written:
    """A lead, and the last that was said of it."""

    account: str
    email: str
    outcome: str


@dataclass
class Book:
    """Every lead that was to be written."""

    written: list[Written] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=count)


async def writes(run: Run, clients: Sequence[Client], book: Book, dice: random.Random) -> None:
    """One lead after the other, each through any of the servers. None is left in the middle at the end of the run."""
    while run.clock.is_running:
        number = next(book.numbers)
        account, email = ACCOUNTS[number % 2], f"soak.{number}@example.com"
        outcome = await _written(run, clients, account, email, dice)
        book.written.append(Written(account, email, outcome))
        run.tally.count(f"writes: {outcome}")
        await anyio.sleep(run.pace * dice.uniform(1, 3))


async def _written(run: Run, clients: Sequence[Client], account: str, email: str, dice: random.Random) -> str:
    arguments = {"account": account, "lead": {"email": email}, "on_duplicate": "allow", "idempotency_key": email}
    said = ""
    for _ in range(TRIES):
        try:
            with anyio.move_on_after(dice.uniform(0, 0.1) if dice.random() < LEAVES else 600):
                return str((await call(run, dice.choice(clients), "insert_lead", arguments))["outcome"])
            run.tally.count("writes left by their client")
        except Refused as refused:
            said = refused.code
            if said not in AGAIN:
                run.tally.fault("write refused", f"{email}: {refused}")
                return said
            if said == "unknown_outcome" and run.is_calm:
                return said
        except TimeoutError:
            pass
        await anyio.sleep(1)
    run.tally.fault("write without an outcome", f"{account} {email}: {said}")
    return said


async def asked(run: Run, mode: str, book: Book, dice: random.Random) -> None:
    """Clients of a server that asks before it writes. They say yes or no, or leave while they are asked."""
    while run.clock.is_running:
        number = next(book.numbers)
        account, email = ACCOUNTS[number % 2], f"soak.{number}@example.com"
        answer = dice.choice(("yes", "yes", "no", "leave"))
        outcome = await _asked(run, mode, account, email, answer)
        book.written.append(Written(account, email, outcome))
        run.tally.count(f"asked, said {answer}: {outcome}")
        await anyio.sleep(run.pace * dice.uniform(2, 6))


async def _asked(run: Run, mode: str, account: str, email: str, answer: str) -> str:
    gone = anyio.Event()

    async def person(_: Any, question: ElicitRequestParams) -> ElicitResult:
        if answer == "leave":
            gone.set()
            await anyio.sleep(600)
        return (
            ElicitResult(action="accept", content={"confirm": True})
            if answer == "yes"
            else ElicitResult(action="decline")
        )

    arguments = {"account": account, "lead": {"email": email}, "on_duplicate": "allow", "idempotency_key": email}
    said = "left"
    try:
        async with (
            run.house.client("http", mode, elicitation_callback=person) as client,
            anyio.create_task_group() as group,
        ):

            async def leave() -> None:
                await gone.wait()
                group.cancel_scope.cancel()

            group.start_soon(leave)
            said = str((await call(run, client, "insert_lead", arguments))["outcome"])
            group.cancel_scope.cancel()
    except* Refused as refused:
        said = next(one.code for one in leaves(refused) if isinstance(one, Refused))
    except* (TimeoutError, MCPError, httpx2.HTTPError) as broken:
        run.tally.fault("client broken", f"asked: {'; '.join(map(repr, leaves(broken)))}")
    return said


# --- afterwards ---------------------------------------------------------------------------------------------------


def judge(run: Run, book: Book) -> None:
    """Holds what was said against what the vendors have: nothing twice, nothing lost, nothing that a person refused."""
    there = Counter(email for account in ACCOUNTS for email in _emails(run.house.emulators, account))
    for one in book.written:
        copies = there.pop(one.email, 0)
        if copies > 1:
            run.tally.fault("written twice", f"{one} {copies} times")
        if one.outcome == "created" and not copies:
            run.tally.fault("lost", str(one))
        if one.outcome in ("declined", "left") and copies:
            run.tally.fault("written without a yes", str(one))
    more = [email for email in there if email.startswith("soak.")]
    if more:
        run.tally.fault("written by nobody", str(more))


def _emails(origin: str, account: str) -> Iterator[str]:
    """The e-mail of every lead at a vendor, once a lead, asked of the vendor itself."""
    key: Mapping[str, str] = emulators()[account].environment(f"{origin}/{account}")
    path, rows = LISTS[account]
    headers = {"X-API-Key": key[f"{account.upper()}_API_KEY"]}
    with httpx2.Client(base_url=origin, headers=headers, trust_env=False, timeout=60) as http:
        for page in count(1):
            leads = http.get(path, params={"limit": 100, "page": page}).raise_for_status().json()[rows]
            if not leads:
                return
            yield from (lead["email"] or "" for lead in leads)
