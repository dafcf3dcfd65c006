"""A call of every tool that ought to succeed, from facts that a search found. A new tool needs a line here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

READING: Final[Mapping[str, Sequence[Mapping[str, Any]]]] = {
    "list_accounts": [{}, {"account": "octanist"}],
    "search_leads": [{"limit": 3, "account": "octanist,convoso"}, {"detail": "detailed", "limit": 2}],
    "get_lead": [{"uri": "LEAD"}, {"account": "octanist", "id": "LEAD_ID"}],
    "summarize_leads": [{"account": "octanist", "group_by": ["status"]}],
    "trace_lead": [{"uri": "LEAD"}],
    "query_pings": [{"direction": "inbound", "since": "-7d", "limit": 3}, {"direction": "outbound", "limit": 3}],
    "query_sql": [
        {"sql": "SELECT account, count(*) FROM leads GROUP BY account", "since": "-7d"},
        {"sql": "SELECT * FROM people ORDER BY person_id LIMIT 2", "account": "octanist", "period": "last_7_days"},
    ],
    "get_recordings": [{"uri": "CALLED"}],
}
WRITING: Final[Mapping[str, Sequence[Mapping[str, Any]]]] = {
    "insert_lead": [{"account": "octanist", "lead": {"name": "Ada Test", "email": "ada@example.com"}, "dry_run": True}],
    "insert_leads": [
        {"account": "octanist", "leads": [{"name": "Ada Test", "email": "ada@example.com"}], "dry_run": True}
    ],
    "update_lead": [{"uri": "LEAD", "changes": {"status": "won"}, "dry_run": True}],
    "update_leads": [{"uris": ["LEAD"], "changes": {"status": "won"}, "dry_run": True}],
    "delete_lead": [{"uri": "LEAD", "dry_run": True}],
}
EVERY: Final = {**READING, **WRITING}


def filled(arguments: Mapping[str, Any], facts: Mapping[str, str]) -> dict[str, Any]:
    """The arguments with LEAD, LEAD_ID and CALLED replaced by what was found."""
    return {key: _filled(value, facts) for key, value in arguments.items()}


def _filled(value: Any, facts: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_filled(one, facts) for one in value]
    return facts.get(value, value) if isinstance(value, str) else value
