"""Prompts for everyday jobs: what a person picks from a menu, as instructions that name the tools to use."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

from mcp import MCPError
from mcp.server import MCPServer
from mcp.types import INVALID_PARAMS, Prompt
from pydantic import Field

from lead_mcp.errors import did_you_mean

Account = Annotated[str, Field(description="One account; all where it is left out")]
Person = Annotated[str, Field(description="A lead's URI, a phone number or an e-mail")]
Source = Annotated[str, Field(description="As the leads' source field has it")]
Since = Annotated[str, Field(description="From when on: today, last_week, -7d, or a date")]

REFUSED: Final = 'filters=[{"field":"accepted","op":"eq","value":false}]'


def todays_leads(account: Account = "") -> str:
    """Today's leads

    How many came in today and from where, and whom to call first."""
    where = f"account={_quoted(account)}, " if account else ""
    return _plan(
        f'Call summarize_leads with {where}period="today", group_by=["account","source"].',
        f'Call search_leads with {where}period="today", detail="detailed": the newest leads, at most 20.',
        "Tell how many leads came in, account by account, and from which sources. What `source` means differs by account.",
        "Name whom to call first, with phone and URI: stage open or none, the highest value, then the newest.",
        "If an account is not complete or has an error in the ledger, say so.",
    )


def one_leads_story(person: Person) -> str:
    """One person's story

    When they came, who bought them, who called, and what became of it, over every account."""
    argument = "uri" if "://" in person else "email" if "@" in person else "phone"
    return _plan(
        f"Call trace_lead with {argument}={_quoted(person)}.",
        "Tell the story in order of time: when and how they first came, who bought them and at what price, who called, what "
        "became of it. Give the URI of each lead.",
        "Pass every warning on: duplicates within an account, and leads that were sold more than once.",
        "If nobody was found, or an account is not complete in the ledger, say so and do not guess.",
    )


def rejected_pings(since: Since = "-24h") -> str:
    """Why PINGs were rejected

    The acceptance rate, the reasons for refusals, and the sources that are refused most."""
    asked = f'direction="inbound", since={_quoted(since)}, limit=0'
    return _plan(
        f'Call query_pings with {asked}, group_by=["source"]: acceptance_rate by source, and over all in the summary.',
        f'Call query_pings with {asked}, {REFUSED}, group_by=["result"], measures=["count","share"].',
        f'Call query_pings with {asked}, {REFUSED}, group_by=["source","result"].',
        "Tell the acceptance rate, the reasons by count and share, and for the sources that are refused most their reasons.",
    )


def source_quality(source: Source, since: Since = "-30d") -> str:
    """How good a source is

    One source's leads beside all others: how many, how many qualified or won, what they are worth."""
    asked = f'since={_quoted(since)}, group_by=["account","stage"], measures=["count","sum:value"]'
    condition = f'{{"field":"source","op":"eq","value":{_quoted(source)}}}'
    return _plan(
        f"Call summarize_leads with filters=[{condition}], {asked}.",
        f"Call summarize_leads with {asked}: the same for all leads.",
        "If the first found none, call it again with the field utm_source: at some accounts that is the marketing source.",
        "Compare within each account: the share of leads that are qualified or won, and the value of a lead. Never add up "
        "values of two accounts. Where the stage is empty, the account does not tell what became of its leads: say so.",
        "If an account is not complete or has an error in the ledger, say so.",
    )


PROMPTS: Final = (todays_leads, one_leads_story, rejected_pings, source_quality)


def register(server: MCPServer[Any]) -> None:
    """Make the prompts known to the server."""
    for prompt in PROMPTS:
        title, _, description = (prompt.__doc__ or "").partition("\n\n")
        server.prompt(title=title, description=description.strip())(prompt)


def check(known: Sequence[Prompt], name: str, given: Mapping[str, Any]) -> None:
    """Raises MCPError, invalid params, for a prompt nobody knows, an argument it does not take, or one it lacks."""
    prompt = next((one for one in known if one.name == name), None)
    if prompt is None:
        names = [one.name for one in known]
        raise _wrong(
            f"There is no prompt {name[:60]!r}; there are {', '.join(names) or 'none'}.{did_you_mean(name, names)}"
        )
    takes = {one.name: bool(one.required) for one in prompt.arguments or ()}
    for argument in given:
        if argument not in takes:
            hint = did_you_mean(argument, takes)
            raise _wrong(f"{argument[:60]}: {name} has no such argument; it takes {', '.join(takes)}.{hint}")
    missing = [argument for argument, required in takes.items() if required and argument not in given]
    if missing:
        raise _wrong(f"{name} needs {', '.join(missing)}.")


def _plan(*steps: str) -> str:
    """Steps for a model to follow, in their order."""
    return "\n".join(f"{nth}. {step}" for nth, step in enumerate(steps, 1))


def _wrong(message: str) -> MCPError:
    return MCPError(INVALID_PARAMS, message)


def _quoted(text: str) -> str:
    """A value as the call's JSON holds it: it cannot end its quotation marks."""
    return json.dumps(text, ensure_ascii=False)
