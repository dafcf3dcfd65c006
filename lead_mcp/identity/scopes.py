"""What may be granted, and which of it each tool, resource, prompt and completion needs. Needing nothing means: any caller."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

from lead_mcp.errors import did_you_mean


class Scope(StrEnum):
    """One thing that may be granted."""

    LEADS_READ = "leads:read"
    LEADS_WRITE = "leads:write"
    LEADS_DELETE = "leads:delete"
    RECORDINGS_READ = "recordings:read"
    PII_READ = "pii:read"
    """Without it personal values come masked."""
    SQL_QUERY = "sql:query"


Needs = frozenset[Scope]
EVERY: Final[Needs] = frozenset(Scope)
NOTHING: Final[Needs] = frozenset()
_READ: Final = frozenset({Scope.LEADS_READ})
_WRITE: Final = frozenset({Scope.LEADS_WRITE})
_RECORDINGS: Final = frozenset({Scope.RECORDINGS_READ})

TOOLS: Final[Mapping[str, Needs]] = {
    "list_accounts": NOTHING,
    "search_leads": _READ,
    "get_lead": _READ,
    "summarize_leads": _READ,
    "trace_lead": _READ,
    "query_pings": _READ,
    "query_sql": _READ | {Scope.SQL_QUERY},
    "get_recordings": _RECORDINGS,
    "export_leads": _READ,
    "insert_lead": _WRITE,
    "insert_leads": _WRITE,
    "update_lead": _WRITE,
    "update_leads": _WRITE,
    "delete_lead": frozenset({Scope.LEADS_DELETE}),
}
RESOURCES: Final[Mapping[str, Needs]] = {
    "lead": _READ,
    "ping": _READ,
    "recording": _RECORDINGS,
    "account": NOTHING,
    "journal": NOTHING,
    "sql": _READ | {Scope.SQL_QUERY},
    "export": _READ,
    "ui": NOTHING,
}
"""By the scheme of the URI."""
PROMPTS: Final[Mapping[str, tuple[str, ...]]] = {
    "todays_leads": ("search_leads", "summarize_leads"),
    "one_leads_story": ("trace_lead",),
    "rejected_pings": ("query_pings",),
    "source_quality": ("summarize_leads",),
}
"""The tools that a prompt asks for: who may call them all may have the prompt."""
COMPLETIONS: Final[Mapping[str, Needs]] = {"id": _READ, "lead_id": _READ}
"""By the argument completed; every other one takes words that the accounts' own description holds."""


def tool_needs(name: str) -> Needs:
    """What a tool needs; everything where it is not known here, so that a forgotten one is closed."""
    return TOOLS.get(name, EVERY)


def prompt_needs(name: str) -> Needs:
    return NOTHING.union(*(tool_needs(tool) for tool in PROMPTS[name])) if name in PROMPTS else EVERY


def resource_needs(uri: str) -> Needs:
    return RESOURCES.get(uri.partition("://")[0].casefold(), EVERY)


def completion_needs(argument: str) -> Needs:
    return COMPLETIONS.get(argument, NOTHING)


def read_scopes(words: Iterable[str]) -> Needs:
    """The scopes of those names. Raises ValueError for a name that is none."""
    found = list(words)
    for word in found:
        if word not in set(Scope):
            raise ValueError(f"{word[:60]!r} is no scope; there are {', '.join(Scope)}.{did_you_mean(word, Scope)}")
    return frozenset(map(Scope, found))


def in_order(scopes: Iterable[Scope]) -> str:
    """The scopes as OAuth writes them: with spaces between, always in the same order."""
    given = set(scopes)
    return " ".join(scope for scope in Scope if scope in given)
