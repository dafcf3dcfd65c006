"""Prompts for everyday jobs: what a person picks from a menu, as instructions that name the tools to use."""

from __future__ import annotations

from typing import Any

from mcp.server import MCPServer


def todays_leads(account: str = "") -> str:
    """Today's leads, whoever sold them"""
    where = f' with account="{account}"' if account else ""
    return (
        f'Call search_leads{where} with since="today" and detail="detailed", and summarize_leads{where} with since="today" '
        'and group_by=["source"]. Tell how many leads came in today, from which sources, and name those that need a call '
        "first (no status yet, highest value). If an account's ledger entry is not complete or has an error, say so."
    )


def one_leads_story(person: str) -> str:
    """What happened to one person (a lead's URI, a phone number or an e-mail)"""
    return (
        f"Call trace_lead for {person!r} (as uri, phone or email, whichever it is). Tell the story in order: when they first "
        "came, who bought them, who called, what became of it. Point out duplicates and double sales with their URIs."
    )


def rejected_pings(since: str = "-24h") -> str:
    """Why pings were rejected"""
    return (
        f'Call query_pings with direction="inbound", since="{since}", group_by=["result"], then with group_by=["source"]. '
        "Tell the acceptance rate, the reasons for refusals by count, and which sources are refused most and why."
    )


def source_quality(source: str, since: str = "-30d") -> str:
    """How good one source's leads are"""
    return (
        f'Call summarize_leads with filters=[{{"field":"source","op":"eq","value":"{source}"}}], since="{since}", '
        'group_by=["account","status"] and measures=["count","sum:value"]; then the same without the filter. Compare the '
        "source with the rest: how many leads, how many won or qualified, what they are worth. Say what could not be read."
    )


def register(server: MCPServer[Any]) -> None:
    """Make the prompts known to the server."""
    for prompt in (todays_leads, one_leads_story, rejected_pings, source_quality):
        server.prompt(title=prompt.__doc__)(prompt)
