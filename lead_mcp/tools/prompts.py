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


def todays_leads(account: Account = "") -> str:
    """Today's leads, whoever sold them"""
    where = f" with account={_quoted(account)}" if account else ""
    return (
        f'Call search_leads{where} with since="today" and detail="detailed", and summarize_leads{where} with since="today" '
        'and group_by=["source"]. Tell how many leads came in today, from which sources, and name those that need a call '
        "first (no status yet, highest value). If an account's ledger entry is not complete or has an error, say so."
    )


def one_leads_story(person: Person) -> str:
    """What happened to one person"""
    return (
        f"Call trace_lead for {_quoted(person)} (as uri, phone or email, whichever it is). Tell the story in order: when "
        "they first came, who bought them, who called, what became of it. Point out duplicates and double sales with their "
        "URIs."
    )


def rejected_pings(since: Since = "-24h") -> str:
    """Why pings were rejected"""
    return (
        f'Call query_pings with direction="inbound", since={_quoted(since)}, group_by=["result"], then with '
        'group_by=["source"]. '
        "Tell the acceptance rate, the reasons for refusals by count, and which sources are refused most and why."
    )


def source_quality(source: Source, since: Since = "-30d") -> str:
    """How good one source's leads are"""
    return (
        f'Call summarize_leads with filters=[{{"field":"source","op":"eq","value":{_quoted(source)}}}], '
        f'since={_quoted(since)}, group_by=["account","status"] and measures=["count","sum:value"]; then the same without the '
        "filter. Compare the source with the rest: how many leads, how many won or qualified, what they are worth. Say what "
        "could not be read."
    )


PROMPTS: Final = (todays_leads, one_leads_story, rejected_pings, source_quality)


def register(server: MCPServer[Any]) -> None:
    """Make the prompts known to the server."""
    for prompt in PROMPTS:
        server.prompt(title=prompt.__doc__)(prompt)


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


def _wrong(message: str) -> MCPError:
    return MCPError(INVALID_PARAMS, message)


def _quoted(text: str) -> str:
    """A value as the call's JSON holds it: it cannot end its quotation marks."""
    return json.dumps(text, ensure_ascii=False)
