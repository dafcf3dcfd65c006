"""What the demo asks: one question after the other, each over what earlier ones found, each on one screen of 80 by 24."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

Answers = dict[str, dict[str, Any]]
"""The structured answers so far, by the name of their stop."""
Arguments = Callable[[Answers], dict[str, Any] | None]
"""The arguments of a call; None where earlier answers hold nothing to ask about."""


@dataclass(frozen=True)
class Stop:
    """A question in words and the call that answers it. ``rows``: how many of each table are printed."""

    name: str
    question: str
    tool: str
    arguments: Arguments
    rows: int = 12
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The columns that are printed of a table; else all of them. Without any it is not printed."""


def fixed(**arguments: Any) -> Arguments:
    """The same arguments whatever was found."""
    return lambda _: dict(arguments)


def first_uri(of: str, begins: str = "lead://") -> Callable[[Answers], str | None]:
    """The first lead of an earlier answer whose URI begins so."""

    def uri(found: Answers) -> str | None:
        rows = found.get(of, {}).get("leads", {}).get("rows", [])
        return next((row[0] for row in rows if row[0].startswith(begins)), None)

    return uri


def about(uri: Callable[[Answers], str | None], **further: Any) -> Arguments:
    """Arguments about the lead with that URI."""
    return lambda found: None if (one := uri(found)) is None else {"uri": one, **further}


def written(of: str) -> Callable[[Answers], str | None]:
    """The URI of a lead that an earlier stop wrote."""
    return lambda found: found.get(of, {}).get("uri")


PERSON: Final = {
    "first_name": "Zora",
    "last_name": "Nightingale",
    "email": "zora@example.com",
    "phone": "+1 212 555 0142",
}
WON: Final = [{"field": "stage", "op": "eq", "value": "won"}]
MIAMI: Final = [{"field": "city", "op": "eq", "value": "miami"}]
SHORT: Final = {"leads": ("uri", "name", "status", "created_at")}
STORY: Final = {"leads": (), "events": ("at", "account", "kind", "what")}
SHARED: Final = (
    "SELECT a.vendor AS first, b.vendor AS second, count(DISTINCT person_id) AS people, "
    "median(date_diff('minute', a.created_at, b.created_at)) AS minutes_between "
    "FROM leads a JOIN leads b USING (person_id) WHERE a.created_at < b.created_at AND a.vendor <> b.vendor "
    "GROUP BY ALL ORDER BY people DESC, 1, 2 LIMIT 5"
)

TOUR: Final[Sequence[Stop]] = (
    Stop("accounts", "Which accounts are there, and what does each offer?", "list_accounts", fixed()),
    Stop("newest", "The newest leads of all five vendors", "search_leads", fixed(limit=6), columns=SHORT),
    Stop(
        "miami", "Leads from Miami in the last 14 days: two vendors store no city, and the answer says so", "search_leads",
        fixed(filters=MIAMI, since="-14d", detail="uris", fields=["name", "city", "created_at"], limit=4),
    ),
    Stop(
        "won", "The dearest leads that Octanist has won this month", "search_leads",
        fixed(account="octanist", filters=WON, period="this_month", sort="value:desc", detail="uris",
              fields=["name", "value", "created_at"], limit=5),
    ),
    Stop(
        "weekdays", "On which weekdays did leads of the last 30 days come in, and from how many people?", "summarize_leads",
        fixed(period="last_30_days", group_by=["weekday"], measures=["count", "share", "distinct:phone"]),
    ),
    Stop(
        "reasons", "Why were PINGs to us refused in the last seven days?", "query_pings",
        fixed(direction="inbound", since="-7d", filters=[{"field": "accepted", "op": "eq", "value": False}],
              group_by=["result"], measures=["count", "share"]),
    ),
    Stop(
        "story", "One person's story over every account", "trace_lead",
        about(first_uri("newest", "lead://convoso/")), rows=6, columns=STORY,
    ),
    Stop("calls", "The recorded calls with that person", "get_recordings",
         about(first_uri("newest", "lead://convoso/"), limit=3), columns={"recordings": ("uri", "started_at", "duration_s")}),
    Stop("whole", "One lead in full", "get_lead", about(first_uri("newest"))),
    Stop("insert", "A new lead for Octanist: a person is asked first", "insert_lead", fixed(account="octanist", lead=PERSON)),
    Stop("again", "The same person once more: nothing is written twice", "insert_lead",
         fixed(account="octanist", lead=PERSON)),
    Stop("update", "That lead is won, for 1,200", "update_lead",
         about(written("insert"), changes={"status": "won", "value": 1200})),
    Stop("sql", "Who sells the same people, and how long after whom? One SQL question over five vendors", "query_sql",
         fixed(sql=SHARED, since="-14d")),
)  # fmt: skip
