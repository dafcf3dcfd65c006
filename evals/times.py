"""When: days, weeks, hours, weekdays, windows that begin and end where people mean them to."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Final

from evals.data import LAST_WEEK, OCTOBER, QUARTER, SEPTEMBER, TODAY, WEEK_BEFORE, YESTERDAY, Data, day, within
from evals.question import ask, cells, dicts, first, grouped, one, plain, rows, search, sql, summary, total, where
from evals.rows import commonest, zulu

WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
WORKDAY: Final = YESTERDAY if YESTERDAY.weekday() < 5 else YESTERDAY - timedelta(days=YESTERDAY.weekday() - 4)


def minutes(d: Data) -> list[float]:
    rows = [row for row in d.of("octanist", *OCTOBER) if row.get("qualifiedAt")]
    return sorted((zulu(row.raw["qualifiedAt"]) - row.created).total_seconds() / 60 for row in rows)


QUESTIONS: Final = [
    ask(
        "time-long-day",
        "How many leads did Octanist get on Sunday, November 1, 2026?",
        lambda d: len(d.of("octanist", day("2026-11-01"), day("2026-11-01"))),
        summary("octanist", period="2026-11-01"),
        total,
    ),
    ask(
        "time-morning",
        "Between 8am and noon Eastern yesterday, how many leads came in at Octanist?",
        lambda d: sum(8 <= row.created.hour < 12 for row in d.of("octanist", YESTERDAY, YESTERDAY)),
        summary("octanist", since=f"{YESTERDAY}T08:00:00", until=f"{YESTERDAY}T12:00:00"),
        total,
    ),
    ask(
        "time-quarter",
        "How many leads has LeadTrackr brought us this quarter so far?",
        lambda d: len(d.of("leadtrackr", *QUARTER)),
        summary("leadtrackr", period="this_quarter"),
        total,
    ),
    ask(
        "time-workday",
        "How many leads were added in LeadSquared on the last business day (the one before today)?",
        lambda d: len(d.of("leadsquared", WORKDAY, WORKDAY)),
        summary("leadsquared", period=str(WORKDAY)),
        total,
    ),
    ask(
        "time-week-on-week",
        "How many more (or fewer) leads did Octanist get last week than in the week before that?",
        lambda d: len(d.of("octanist", *LAST_WEEK)) - len(d.of("octanist", *WEEK_BEFORE)),
        sql(
            f"SELECT count_if(created_at::DATE >= '{LAST_WEEK[0]}') - count_if(created_at::DATE < '{LAST_WEEK[0]}') "
            "FROM leads",
            account="octanist",
            period=f"{WEEK_BEFORE[0]}..{LAST_WEEK[1]}",
        ),
        one,
    ),
    ask(
        "time-best-day",
        "Which day of last week brought the most LeadTrackr leads?",
        lambda d: str(commonest(Counter(row.created.date() for row in d.of("leadtrackr", *LAST_WEEK)))),
        summary("leadtrackr", period="last_week", group_by=["day"]),
        lambda answers: max(dicts(answers[0], "groups"), key=lambda row: row["count"])["day"],
    ),
    ask(
        "time-best-hour",
        "At which hour of the day did most of October's Octanist leads come in?",
        lambda d: commonest(Counter(row.created.hour for row in d.of("octanist", *OCTOBER))),
        sql(
            "SELECT hour(created_at) AS h, count(*) AS n FROM leads GROUP BY h ORDER BY n DESC, h LIMIT 1",
            account="octanist",
            period="2026-10",
        ),
        first,
    ),
    ask(
        "time-by-hour-of-day",
        "How do October's LeadTrackr leads spread over the hours of the day?",
        lambda d: Counter(row.created.hour for row in d.of("leadtrackr", *OCTOBER)),
        summary("leadtrackr", period="2026-10", group_by=["hour_of_day"]),
        grouped,
    ),
    ask(
        "time-by-weekday",
        "On which days of the week do LeadSquared's leads come in? Count October 2026.",
        lambda d: Counter(WEEKDAYS[row.created.weekday()] for row in d.of("leadsquared", *OCTOBER)),
        summary("leadsquared", period="2026-10", group_by=["weekday"]),
        grouped,
    ),
    ask(
        "time-weekend",
        "How many LeadExec leads of October 2026 came in on a weekend?",
        lambda d: sum(row.created.weekday() >= 5 for row in d.of("leadexec", *OCTOBER)),
        sql("SELECT count(*) FROM leads WHERE isodow(created_at) >= 6", account="leadexec", period="2026-10"),
        one,
    ),
    ask(
        "time-by-week",
        "How many Convoso leads came in each week of October and November 2026?",
        lambda d: Counter(f"{row.created:%G-W%V}" for row in d.of("convoso", OCTOBER[0], TODAY)),
        summary("convoso", since="2026-10-01", group_by=["week"]),
        grouped,
    ),
    ask(
        "time-by-month",
        "Octanist leads by month, September and October 2026?",
        lambda d: {"2026-09": len(d.of("octanist", *SEPTEMBER)), "2026-10": len(d.of("octanist", *OCTOBER))},
        summary("octanist", period="2026-09-01..2026-10-31", group_by=["month"]),
        grouped,
    ),
    ask(
        "time-changed-today",
        "Which Octanist leads were last changed today, whenever they came in?",
        lambda d: {row.uri for row in d.leads["octanist"] if within(row.updated, TODAY, TODAY)},
        search("octanist", filters=where("updated_at gte today"), limit=200),
        lambda answers: set(cells(answers)),
    ),
    ask(
        "time-last-seven-days",
        "How many LeadExec leads in the last 7 days, today included?",
        lambda d: len(d.of("leadexec", TODAY - timedelta(days=6), TODAY)),
        summary("leadexec", period="last_7_days"),
        total,
    ),
    ask(
        "time-to-qualify",
        "How many minutes does it take in the middle (median) until an Octanist lead of October 2026 is qualified?",
        lambda d: _middle(minutes(d)),
        summary("octanist", "minutes_between:created_at:qualified_at", period="2026-10"),
        lambda answers: round(plain(rows(answers[0])[0][-1]), 1),
    ),
]


def _middle(values: list[float]) -> float:
    half = len(values) // 2
    return round(values[half] if len(values) % 2 else (values[half - 1] + values[half]) / 2, 1)
