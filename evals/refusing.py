"""What cannot be answered: the right answer is that there is no such thing, and why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from evals.data import Data
from evals.question import Call, Given, about, ask, call, code, dicts, refused, search, summary, where


def some_lead(account: str) -> Callable[[Data], Given]:
    return lambda data: {"id": data.leads[account][-5].id, "uri": data.leads[account][-5].uri}


def a_won_lead(data: Data) -> Given:
    return {"uri": next(row.uri for row in reversed(data.leads["octanist"]) if row.status == "won")}


QUESTIONS: Final = [
    about(
        "cannot-octanist-recordings",
        "Give me the call recordings of <uri>.",
        some_lead("octanist"),
        lambda _, given: "not_offered",
        refused("get_recordings", uri="<uri>"),
        code,
    ),
    ask(
        "cannot-leadtrackr-utm",
        "Split last week's LeadTrackr leads by utm_source.",
        lambda _: "unknown_field",
        refused("summarize_leads", account="leadtrackr", period="last_week", group_by=["utm_source"]),
        code,
    ),
    ask(
        "cannot-ad-spend",
        "How much did we spend on Google Ads last week?",
        lambda _: "unknown_field",
        refused("summarize_leads", period="last_week", measures=["sum:ad_spend"]),
        code,
    ),
    ask(
        "cannot-no-such-lead",
        "Who bought LeadExec lead 3471-99999999?",
        lambda _: "not_found",
        refused("get_lead", account="leadexec", id="3471-99999999"),
        code,
    ),
    ask(
        "cannot-currency",
        "In which currency is our Octanist account, so that I can turn its won value into euros?",
        lambda _: set[str](),
        call("list_accounts", account="octanist", find="currency"),
        lambda answers: {row["name"] for row in dicts(answers[0], "fields") if "currency" in row["name"].casefold()},
    ),
    about(
        "cannot-delete-octanist",
        "Delete Octanist lead <id>.",
        some_lead("octanist"),
        lambda _, given: "not_offered",
        refused("delete_lead", account="octanist", id="<id>"),
        code,
    ),
    about(
        "cannot-reopen",
        "Set <uri>, which is won, back to open.",
        a_won_lead,
        lambda _, given: "not_offered",
        refused("update_lead", uri="<uri>", changes={"status": "open"}),
        code,
    ),
    ask(
        "cannot-octanist-pings",
        "Which pings did Octanist reject last week?",
        lambda _: "not_offered",
        refused("query_pings", direction="inbound", account="octanist", period="last_week"),
        code,
    ),
    ask(
        "cannot-future",
        "How many leads will come in next week at LeadTrackr? (None have come yet.)",
        lambda _: 0,
        summary("leadtrackr", period="2026-11-23..2026-11-29"),
        lambda answers: answers[0]["total"],
    ),
    ask(
        "cannot-unknown-status",
        "How many Octanist leads have the status 'hot'?",
        lambda _: "bad_argument",
        Call("summarize_leads", {"account": "octanist", "filters": where("status eq hot")}, refused=True),
        code,
    ),
    ask(
        "cannot-nobody",
        "Is nobody@example.org in any of our systems?",
        lambda _: 0,
        search(filters=where("email eq nobody@example.org")),
        lambda answers: len(answers[0]["leads"]["rows"]),
    ),
]
