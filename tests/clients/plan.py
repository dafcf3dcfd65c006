"""What every client is asked to do, and what must come of it, by the emulator's own data.

A client's exam gets ``plan(...)`` as JSON on stdin and answers with what it was shown, by ability. What it was shown is
compared with facts that are read from the Octanist emulator directly.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from lead_mcp import __version__
from tests.process.examples import EVERY
from tests.process.processes import Emulators

KEY: Final = {"X-API-KEY": "sandbox-octanist-api-key"}
NEWEST: Final = 3
NAME: Final = "Ada Example"
PROMPT: Final = {"name": "todays_leads", "arguments": {"account": "octanist"}}
COMPLETION: Final = {
    "ref": {"type": "ref/resource", "uri": "account://{account}"},
    "argument": {"name": "account", "value": "oct"},
}
TEMPLATES: Final = {"lead://{account}/{id}", "account://{account}"}
PROTOCOLS: Final = {"legacy": "2025-11-25", "modern": "2026-07-28"}
"""By era: what the newest client of it and this server agree on."""
Shown = Mapping[str, Any]
"""A tool's result as a client shows it: ``text``, ``structured`` (None where the client keeps that to itself), ``error``."""


@dataclass(frozen=True)
class Facts:
    """What the emulator holds: the newest leads' URIs, how many leads have each status, the e-mail of this exam.

    ``protocol``: the version that is to be agreed on.
    """

    newest: tuple[str, ...]
    statuses: Mapping[str, int]
    emulators: Emulators
    email: str
    protocol: str

    @property
    def total(self) -> int:
        return sum(self.statuses.values())

    def has(self, email: str) -> bool:
        """Whether a lead with that e-mail is there."""
        return any(one.get("email") == email for one in leads(self.emulators))


def leads(emulators: Emulators) -> list[dict[str, Any]]:
    """Every lead of the Octanist emulator, newest first."""
    found: list[dict[str, Any]] = []
    while True:
        query = {"limit": "100", "page": str(len(found) // 100 + 1), "sort": "createdAt:desc"}
        answer = emulators.http.get("/octanist/api/leads", params=query, headers=KEY)
        page = answer.raise_for_status().json()["data"]
        page = page["leads"] if isinstance(page, dict) else page
        found += page
        if len(page) < 100:
            return found


def facts(emulators: Emulators, email: str, era: str) -> Facts:
    """The facts as they are now."""
    found = leads(emulators)
    newest = tuple(f"lead://octanist/{one['id']}" for one in found[:NEWEST])
    return Facts(newest, Counter(str(one["status"]) for one in found), emulators, email, PROTOCOLS[era])


def plan(target: Mapping[str, Any], known: Facts, era: str) -> dict[str, Any]:
    """What a client's exam reads. ``target``: ``url``, or ``command``, ``args`` and ``env``."""
    octanist = {"account": "octanist"}
    everything = {"since": "2000-01-01", "until": "2100-01-01"}
    calls = {
        "search": ("search_leads", {**octanist, "limit": NEWEST}),
        "summarise": ("summarize_leads", {**octanist, "group_by": ["status"]}),
        "sql": ("query_sql", {**octanist, "sql": "SELECT count(*) AS n FROM leads", **everything}),
        "error": ("get_lead", {"uri": "lead://octanist/nobody"}),
        "progress": (
            "summarize_leads",
            {**octanist, "group_by": ["utm_campaign"], "measures": ["count"], **everything},
        ),
        "accept": ("insert_lead", {**octanist, "lead": {"name": NAME, "email": f"yes-{known.email}"}}),
        "decline": ("insert_lead", {**octanist, "lead": {"name": NAME, "email": f"no-{known.email}"}}),
        "ordinary": ("list_accounts", {}),
    }
    return {
        "target": target,
        "era": era,
        "origin": str(known.emulators.http.base_url).rstrip("/"),
        "lead": known.newest[0],
        "prompt": PROMPT,
        "completion": COMPLETION,
        "calls": {key: {"name": name, "arguments": arguments} for key, (name, arguments) in calls.items()},
    }


# --- what must come of it -----------------------------------------------------------------------------------------


def _connect(result: Any, known: Facts) -> None:
    assert (result["name"], result["version"]) == ("lead-mcp", __version__)
    assert result.get("protocol") in {None, known.protocol}


def _list(result: Any, known: Facts) -> None:
    assert set(result) == set(EVERY) - {"delete_lead"}, "deletes are off"


def _search(result: Shown, known: Facts) -> None:
    found = [result["text"].find(uri) for uri in known.newest]
    assert found == sorted(found), result["text"]
    assert found[0] >= 0, result["text"]
    if result["structured"] is not None:
        assert tuple(row[0] for row in result["structured"]["leads"]["rows"]) == known.newest


def _summarise(result: Shown, known: Facts) -> None:
    for status, count in known.statuses.items():
        assert any(status in line and str(count) in line for line in result["text"].splitlines()), (status, count)
    if result["structured"] is not None:
        assert dict(map(tuple, result["structured"]["groups"]["rows"])) == known.statuses


def _sql(result: Shown, known: Facts) -> None:
    assert str(known.total) in result["text"]
    if result["structured"] is not None:
        assert result["structured"]["result"]["rows"] == [[known.total]]


def _error(result: Shown, known: Facts) -> None:
    assert result["error"] is not False, "None: this client does not tell"
    assert "not_found" in result["text"]


def _resource(result: str, known: Facts) -> None:
    assert json.loads(result)["uri"] == known.newest[0]


def _templates(result: Any, known: Facts) -> None:
    assert set(result) >= TEMPLATES


def _prompt(result: str, known: Facts) -> None:
    assert "search_leads" in result
    assert "octanist" in result


def _completion(result: Any, known: Facts) -> None:
    assert result == ["octanist"]


def _progress(result: Any, known: Facts) -> None:
    told = result["told"]
    assert told, "the last may be lost: TypeScript clients of line 1 read an answer before the notice that came with it"
    assert told == sorted(set(told))
    assert told[-1] <= known.total


def _accept(result: Shown, known: Facts) -> None:
    assert not result["error"], result
    assert "created" in result["text"]
    assert known.has(f"yes-{known.email}")


def _decline(result: Shown, known: Facts) -> None:
    assert not result["error"], result
    assert "declined" in result["text"]
    assert not known.has(f"no-{known.email}")


def _cannot_ask(result: Shown, known: Facts) -> None:
    assert result["error"] is not False
    assert "not_allowed" in result["text"]
    assert not known.has(f"yes-{known.email}")


def _cancel(result: Any, known: Facts) -> None:
    assert result["call"].startswith("refused")
    assert "octanist" in result["next"]["text"]


CHECKS: Final[Mapping[str, Callable[[Any, Facts], None]]] = {
    "connect": _connect,
    "list": _list,
    "search": _search,
    "summarise": _summarise,
    "sql": _sql,
    "error": _error,
    "resource": _resource,
    "templates": _templates,
    "prompt": _prompt,
    "completion": _completion,
    "progress": _progress,
    "accept": _accept,
    "decline": _decline,
    "cancel": _cancel,
    "pending": _cannot_ask,
}
"""By ability. ``pending``: what a write comes to where the client cannot ask a person."""
