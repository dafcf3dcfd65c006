"""How many: by account, list, status, source, form, campaign, lead type."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from evals.data import ACCOUNTS, LAST_WEEK, OCTOBER, THIS_MONTH, YESTERDAY, Data
from evals.question import ask, grouped, search, sql, summary, total, where
from evals.rows import Row


def by(key: Callable[[Row], Any], rows: Iterable[Row]) -> Mapping[Any, int]:
    return Counter(key(row) for row in rows)


def everywhere(data: Data, first: Any, last: Any) -> list[Row]:
    return [row for account in ACCOUNTS for row in data.of(account, first, last)]


QUESTIONS: Final = [
    ask(
        "count-facebook-last-week",
        "How many leads did we get from Facebook last week at Octanist?",
        lambda d: sum(row.get("utm_source") == "facebook" for row in d.of("octanist", *LAST_WEEK)),
        summary("octanist", period="last_week", filters=where("utm_source eq facebook")),
        total,
    ),
    ask(
        "count-leadtrackr-yesterday",
        "How many leads came into LeadTrackr yesterday?",
        lambda d: len(d.of("leadtrackr", YESTERDAY, YESTERDAY)),
        summary("leadtrackr", period="yesterday"),
        total,
    ),
    ask(
        "count-per-system-october",
        "Give me the number of leads per system for October 2026.",
        lambda d: {account: len(d.of(account, *OCTOBER)) for account in ACCOUNTS},
        summary(period="2026-10", group_by=["account"]),
        grouped,
    ),
    ask(
        "count-all-yesterday",
        "How many leads did all five systems together get yesterday?",
        lambda d: len(everywhere(d, YESTERDAY, YESTERDAY)),
        summary(period="yesterday"),
        total,
    ),
    ask(
        "count-list-this-month",
        "How many Convoso leads in list 2101 were created so far this month?",
        lambda d: sum(row.get("list_id") == "2101" for row in d.of("convoso", *THIS_MONTH)),
        summary("convoso", period="this_month", filters=where("list_id eq 2101")),
        total,
    ),
    ask(
        "count-open-any-age",
        "How many leads are open in Octanist right now, no matter how old?",
        lambda d: sum(row.status == "open" for row in d.leads["octanist"]),
        search("octanist", filters=where("status eq open"), limit=1),
        total,
    ),
    ask(
        "count-by-source-october",
        "Break LeadExec's leads of October 2026 down by lead source.",
        lambda d: by(lambda row: row.source, d.of("leadexec", *OCTOBER)),
        summary("leadexec", period="2026-10", group_by=["source"]),
        grouped,
    ),
    ask(
        "count-by-stage-this-month",
        "How many LeadSquared leads of this month are in each stage?",
        lambda d: by(lambda row: row.status, d.of("leadsquared", *THIS_MONTH)),
        summary("leadsquared", period="this_month", group_by=["status"]),
        grouped,
    ),
    ask(
        "count-by-form-october",
        "Which forms did LeadTrackr's leads of October 2026 come through, and how many through each?",
        lambda d: by(lambda row: row.get("formName"), d.of("leadtrackr", *OCTOBER)),
        summary("leadtrackr", period="2026-10", group_by=["form_name"]),
        grouped,
    ),
    ask(
        "count-by-campaign-last-week",
        "How many of last week's Convoso leads are in each campaign?",
        lambda d: by(lambda row: row.get("campaign_name"), d.of("convoso", *LAST_WEEK)),
        summary("convoso", period="last_week", group_by=["campaign"]),
        grouped,
    ),
    ask(
        "count-by-lead-type-october",
        "How many leads of each lead type did LeadExec get in October 2026?",
        lambda d: by(lambda row: str(row.get("LeadTypeUID")), d.of("leadexec", *OCTOBER)),
        summary("leadexec", period="2026-10", group_by=["LeadTypeUID"]),
        lambda answers: {str(key): count for key, count in grouped(answers).items()},
    ),
    ask(
        "count-status-share-october",
        "Which share of Octanist's leads of October 2026 is in each status?",
        lambda d: {
            status: round(count / len(d.of("octanist", *OCTOBER)), 4)
            for status, count in by(lambda row: row.status, d.of("octanist", *OCTOBER)).items()
        },
        summary("octanist", "share", period="2026-10", group_by=["status"]),
        grouped,
    ),
    ask(
        "count-states-and-stages",
        "How many LeadSquared leads of October 2026 are there from each state in stage Customer?",
        lambda d: by(
            lambda row: row.get("mx_State"), (row for row in d.of("leadsquared", *OCTOBER) if row.status == "Customer")
        ),
        sql(
            "SELECT state, count(*) FROM leads WHERE status = 'Customer' GROUP BY state",
            account="leadsquared",
            period="2026-10",
        ),
        grouped,
    ),
]
