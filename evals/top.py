"""The most, the best, the median, the share."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from decimal import Decimal
from statistics import median
from typing import Any, Final

from evals.data import LAST_WEEK, OCTOBER, THIS_MONTH, Data
from evals.question import ask, cells, dicts, first, grouped, one, plain, search, sql, summary, where
from evals.rows import Row, pacific


def won(data: Data) -> list[Row]:
    """October's won leads at Octanist that have a value, the dearest first."""
    found = [row for row in data.of("octanist", *OCTOBER) if row.status == "won" and row.value is not None]
    return sorted(found, key=lambda row: (-(row.value or 0), row.uri))


def best_rate(rows: Iterable[Row]) -> str:
    counted: defaultdict[str, list[bool]] = defaultdict(list)
    for row in rows:
        if row.get("utm_source"):
            counted[row.raw["utm_source"]].append(row.status == "won")
    return max(counted, key=lambda name: sum(counted[name]) / len(counted[name]))


def contacted(row: Row) -> bool:
    return bool(row.raw["is_contacted"] == "1")


def minutes(row: Row) -> float:
    return (pacific(row.raw["first_contacted_at"]) - row.created).total_seconds() / 60


def ratio(part: int, whole: int) -> float:
    return round(part / whole, 4)


def numbers(answers: Any) -> list[Any]:
    return [plain(row["value"]) for answer in answers for row in dicts(answer, "leads")]


QUESTIONS: Final = [
    ask(
        "top-won-rate",
        "Which utm_source had the best won rate at Octanist for leads of October 2026? Leave out leads without one.",
        lambda d: best_rate(d.of("octanist", *OCTOBER)),
        sql(
            "SELECT utm_source FROM leads WHERE utm_source IS NOT NULL GROUP BY 1 "
            "ORDER BY avg((stage = 'won')::INT) DESC, 1 LIMIT 1",
            account="octanist",
            period="2026-10",
        ),
        first,
    ),
    ask(
        "top-five-won",
        "Show me the five most valuable won Octanist leads that came in during October 2026, best first.",
        lambda d: [row.value for row in won(d)[:5]],
        search(
            "octanist",
            period="2026-10",
            filters=where("status eq won", "value exists true"),
            sort="value:desc",
            limit=5,
            fields=["value"],
        ),
        numbers,
    ),
    ask(
        "top-value-any-age",
        "Which are the three dearest leads we ever had at Octanist, whatever became of them?",
        lambda d: [row.uri for row in sorted(d.leads["octanist"], key=lambda row: (-(row.value or 0), row.uri))[:3]],
        search("octanist", sort="value:desc", limit=3),
        cells,
    ),
    ask(
        "top-value-leadtrackr",
        "Which five LeadTrackr leads are worth the most?",
        lambda d: sorted((row.value for row in d.leads["leadtrackr"] if row.value is not None), reverse=True)[:5],
        search("leadtrackr", sort="value:desc", limit=5, fields=["value"]),
        numbers,
    ),
    ask(
        "top-median-won",
        "What is the median value of the won Octanist leads of October 2026 (those with a value)?",
        lambda d: median(row.value for row in won(d) if row.value is not None),
        summary("octanist", "median:value", period="2026-10", filters=where("status eq won")),
        one,
    ),
    ask(
        "top-speed-to-lead",
        "Speed to lead: for the Convoso leads of last week that we reached, what is the median time from creation to first "
        "contact, in minutes?",
        lambda d: round(median(minutes(row) for row in d.of("convoso", *LAST_WEEK) if contacted(row)), 2),
        summary(
            "convoso",
            "minutes_between:created_at:first_contacted_at",
            period="last_week",
            filters=where("is_contacted eq true"),
        ),
        one,
    ),
    ask(
        "top-contact-rate",
        "What share of last week's Convoso leads have been contacted?",
        lambda d: ratio(sum(map(contacted, d.of("convoso", *LAST_WEEK))), len(d.of("convoso", *LAST_WEEK))),
        summary("convoso", "share", period="last_week", group_by=["is_contacted"]),
        lambda answers: grouped(answers)[True],
    ),
    ask(
        "top-fewest",
        "Which LeadSquared rep (owner's id) has received the fewest leads this month?",
        lambda d: min(
            (count, owner)
            for owner, count in Counter(row.get("OwnerId") for row in d.of("leadsquared", *THIS_MONTH)).items()
        )[1],
        summary("leadsquared", period="this_month", group_by=["OwnerId"]),
        lambda answers: min((row["count"], row["OwnerId"]) for row in dicts(answers[0], "groups"))[1],
    ),
    ask(
        "top-newest",
        "What are the three newest leads in LeadSquared, newest first?",
        lambda d: [row.uri for row in d.leads["leadsquared"][:-4:-1]],
        search("leadsquared", limit=3),
        cells,
    ),
    ask(
        "top-median-by-source",
        "What is the median loan amount of October's mortgage leads at LeadExec, by lead source?",
        lambda d: {
            source: median(row.raw["Fields"]["LoanAmount"] for row in rows) for source, rows in _by_source(d).items()
        },
        summary(
            "leadexec",
            "median:LoanAmount",
            period="2026-10",
            group_by=["source"],
            filters=where("LeadTypeUID eq 3471"),
        ),
        grouped,
    ),
    ask(
        "top-distinct-people",
        "How many different e-mail addresses came in at Octanist in October 2026?",
        lambda d: len({row.email.casefold() for row in d.of("octanist", *OCTOBER) if row.email}),
        summary("octanist", "distinct:email", period="2026-10"),
        one,
    ),
    ask(
        "top-oldest",
        "When did the oldest lead that Octanist still has open come in?",
        lambda d: next(row.created.replace(microsecond=0) for row in d.leads["octanist"] if row.status == "open"),
        sql("SELECT min(created_at) FROM leads WHERE stage = 'open'", account="octanist"),
        one,
    ),
    ask(
        "top-score",
        "What are the highest, lowest and average lead scores of LeadSquared's Customers of this month?",
        lambda d: _spread(
            [int(row.raw["Score"] or 0) for row in d.of("leadsquared", *THIS_MONTH) if row.status == "Customer"]
        ),
        sql(
            "SELECT max(score), min(score), round(avg(score), 4) FROM "
            "(SELECT (raw->>'$.Score')::INT AS score FROM leads WHERE status = 'Customer')",
            account="leadsquared",
            period="this_month",
        ),
        lambda answers: [plain(cell) for cell in answers[0]["result"]["rows"][0]],
    ),
]


def _by_source(data: Data) -> dict[Any, list[Row]]:
    found: defaultdict[Any, list[Row]] = defaultdict(list)
    for row in data.of("leadexec", *OCTOBER):
        if row.get("LeadTypeUID") == 3471:
            found[row.source].append(row)
    return found


def _spread(scores: list[int]) -> list[Any]:
    return [max(scores), min(scores), round(Decimal(sum(scores)) / len(scores), 4)]
