"""Questions whose answers are known: whatever an answer says of an account that it calls complete must be the truth."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, Final

import anyio
from mcp import Client

from soak.calls import ANSWERS_UNDER_FAULTS, Refused, Run, call

PAGE: Final = 40
COUNTING: Final = "SELECT account, count(*) AS leads FROM leads GROUP BY account"
Answer = dict[str, Any]
Question = Callable[[Run, Client, random.Random], Awaitable[None]]


async def reads(run: Run, client: Client, dice: random.Random, questions: Sequence[Question]) -> None:
    """Questions one after the other until the end of the run."""
    while run.clock.is_running:
        await ask(run, client, dice, dice.choice(questions))
        await anyio.sleep(run.pace * dice.uniform(0.5, 1.5))


async def ask(run: Run, client: Client, dice: random.Random, question: Question) -> None:
    """One question. A refusal is a fault unless a vendor fails or has just failed."""
    calm = run.is_calm
    try:
        await question(run, client, dice)
    except Refused as refused:
        if refused.code not in ANSWERS_UNDER_FAULTS or (calm and run.is_calm):
            run.tally.fault("refused", f"{question.__name__}: {refused}")
    except TimeoutError:
        pass  # counted where it happened


# --- what is asked ------------------------------------------------------------------------------------------------


async def every_lead(run: Run, client: Client, dice: random.Random) -> None:
    """All pages of one account's window."""
    account = dice.choice(list(run.truth.counts))
    arguments: Answer = {"account": account, "limit": PAGE, **run.truth.window}
    found, entries, cursor = list[str](), list[Answer](), ""
    while cursor is not None:
        answer = await call(run, client, "search_leads", arguments | ({"cursor": cursor} if cursor else {}))
        found += [row[0] for row in answer["leads"]["rows"]]
        entries += answer["accounts"]
        cursor = answer["next_cursor"]
    _holds(run, f"every lead of {account}", found, run.truth.uris(account), whole=_whole(run, entries))


async def newest_of_all(run: Run, client: Client, dice: random.Random) -> None:
    """One page over every account: newest first, none twice, nobody unknown."""
    answer = await call(run, client, "search_leads", {"limit": 20, **run.truth.window})
    whole = _whole(run, answer["accounts"])
    rows = sorted((row for rows in run.truth.rows.values() for row in rows), key=lambda row: row.created)
    found = [row[0] for row in answer["leads"]["rows"]]
    newest = {row.uri for row in rows[-20:]} if whole else {row.uri for row in rows}
    if len(set(found)) != len(found) or not set(found) <= newest:
        run.tally.fault("wrong", f"newest of all: {sorted(set(found) - newest)}")


async def counts(run: Run, client: Client, dice: random.Random) -> None:
    """A count by account, live or from wherever the server likes."""
    source = dice.choice(("live", "auto"))
    answer = await call(run, client, "summarize_leads", {"group_by": "account", "source": source, **run.truth.window})
    _counted(run, f"summarize_leads ({source})", answer["groups"]["rows"], answer["accounts"])


async def statuses(run: Run, client: Client, dice: random.Random) -> None:
    """A count by status at one account."""
    account = dice.choice(list(run.truth.counts))
    answer = await call(
        run, client, "summarize_leads", {"account": account, "group_by": "status", "source": "live", **run.truth.window}
    )
    found = {row[0]: row[1] for row in answer["groups"]["rows"]}
    if _whole(run, answer["accounts"]) and found != run.truth.statuses(account):
        run.tally.fault("wrong", f"statuses of {account}: {found} for {run.truth.statuses(account)}")


async def counts_in_sql(run: Run, client: Client, dice: random.Random) -> None:
    """The same in SQL. An account's part may come from the mirror, which may not hold it yet."""
    source = dice.choice(("live", "auto"))
    answer = await call(run, client, "query_sql", {"sql": COUNTING, "source": source, **run.truth.window})
    _counted(run, f"query_sql ({source}, {answer['source']})", answer["result"]["rows"], answer["accounts"])


async def one_story(run: Run, client: Client, dice: random.Random) -> None:
    row = run.truth.any_row(dice)
    answer = await call(run, client, "trace_lead", {"uri": row.uri})
    column = answer["leads"]["columns"].index("uri")
    found = [one[column] for one in answer["leads"]["rows"]]
    _holds(run, f"story of {row.uri}", found, run.truth.person(row), whole=_whole(run, answer["accounts"]))


async def one_lead(run: Run, client: Client, dice: random.Random) -> None:
    row = run.truth.any_row(dice)
    answer = await call(run, client, "get_lead", {"uri": row.uri})
    if (answer["uri"], answer["lead"].get("email")) != (row.uri, row.email):
        run.tally.fault("wrong", f"{row.uri}: {answer['lead']}")


async def pings(run: Run, client: Client, dice: random.Random) -> None:
    await call(run, client, "query_pings", {"direction": "inbound", "since": "-2d", "group_by": "result"})


async def accounts(run: Run, client: Client, dice: random.Random) -> None:
    await call(run, client, "list_accounts", {"account": dice.choice(list(run.truth.counts))})


async def tool_list(run: Run, client: Client, dice: random.Random) -> None:
    if not (await client.list_tools()).tools:
        run.tally.fault("wrong", "no tools")


LIVE: Final = (every_lead, newest_of_all, counts, statuses, one_story, one_lead, pings, accounts, tool_list)
WITH_SQL: Final = (*LIVE, counts_in_sql)


# --- whether it is so ---------------------------------------------------------------------------------------------


def _whole(run: Run, entries: Sequence[Mapping[str, Any]]) -> bool:
    """Whether every account was read whole. Where no vendor fails, and none did lately, that must be so."""
    torn = [one for one in entries if not one["complete"] or one.get("error")]
    if torn and run.is_calm:
        run.tally.fault("incomplete without a fault", str(torn))
    run.tally.count("answers that are whole" if not torn else "answers that say they are not whole")
    return not torn


def _holds(run: Run, what: str, found: Sequence[str], truth: Collection[str], *, whole: bool) -> None:
    """What was found is all of the truth, or a part of it where the answer says so; nothing twice."""
    strangers, lost = set(found) - set(truth), set(truth) - set(found)
    twice = len(found) - len(set(found))
    if strangers or twice or (whole and lost):
        run.tally.fault("wrong", f"{what}: strangers {sorted(strangers)[:3]}, twice {twice}, lost {sorted(lost)[:3]}")


def _counted(run: Run, what: str, rows: Sequence[Sequence[Any]], entries: Sequence[Mapping[str, Any]]) -> None:
    """Every account that was read whole has its count; no other has more."""
    whole = {one["account"] for one in entries if one["complete"] and not one.get("error")}
    _whole(run, entries)
    found = {row[0]: row[1] for row in rows}
    for account, count in run.truth.counts.items():
        said = found.get(account, 0)
        if said > count or (account in whole and said != count):
            run.tally.fault("wrong", f"{what}: {account} {said} for {count}")
