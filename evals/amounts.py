"""Money: what leads brought, what was paid for them, by month, by buyer, by kind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, Final

from evals.data import LAST_WEEK, OCTOBER, SEPTEMBER, Data
from evals.question import ask, dicts, grouped, one, plain, sql, summary, where
from evals.rows import Row


def added(rows: Iterable[Row]) -> Decimal:
    return sum((row.value or Decimal(0) for row in rows), Decimal(0))


def price(row: Row) -> Decimal:
    return Decimal(str(row.raw["Properties"]["Price"]))


def sold(data: Data, first: Any, last: Any) -> list[tuple[Row, dict[str, Any]]]:
    """Each sending of the leads of these days."""
    return [
        (row, one)
        for row in data.of("leadexec", first, last)
        for one in row.raw.get("SendInformation", {}).get("Sends", [])
    ]


def per_buyer(data: Data, amount: Callable[[dict[str, Any]], Decimal]) -> dict[str, Decimal]:
    found: defaultdict[str, Decimal] = defaultdict(Decimal)
    for _, sale in sold(data, *OCTOBER):
        found[sale["Client"]] += amount(sale)
    return dict(found)


def won(rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if row.status == "won"]


def average(values: list[Decimal]) -> Decimal:
    return round(sum(values, Decimal(0)) / len(values), 4)


def cents(amount: Any) -> Decimal:
    return Decimal(str(amount))


QUESTIONS: Final = [
    ask(
        "money-won-by-month",
        "Total value of won Octanist leads by month of creation, for September 2026 and October 2026?",
        lambda d: {
            "2026-09": added(won(d.of("octanist", *SEPTEMBER))),
            "2026-10": added(won(d.of("octanist", *OCTOBER))),
        },
        summary(
            "octanist",
            "sum:value",
            period="2026-09-01..2026-10-31",
            group_by=["month"],
            filters=where("status eq won"),
        ),
        lambda answers: {row["month"]: plain(row["sum:value"]) for row in dicts(answers[0], "groups")},
    ),
    ask(
        "money-revenue-october",
        "What revenue did LeadExec's leads of October 2026 bring?",
        lambda d: added(d.of("leadexec", *OCTOBER)),
        summary("leadexec", "sum:value", period="2026-10"),
        one,
    ),
    ask(
        "money-left-last-week",
        "What was left of last week's LeadExec leads: their revenue minus the price we paid for them (Price of the lead)?",
        lambda d: added(d.of("leadexec", *LAST_WEEK)) - sum(map(price, d.of("leadexec", *LAST_WEEK)), Decimal(0)),
        sql(
            "SELECT sum(coalesce(value, 0)) - sum((raw->>'$.Properties.Price')::DECIMAL(18,4)) FROM leads",
            account="leadexec",
            period="last_week",
        ),
        one,
    ),
    ask(
        "money-whole-units",
        "What do last week's LeadTrackr leads add up to, in whole currency units?",
        lambda d: added(d.of("leadtrackr", *LAST_WEEK)),
        summary("leadtrackr", "sum:value", period="last_week"),
        one,
    ),
    ask(
        "money-average-by-type",
        "Average LeadExec revenue per lead that has one in October 2026, Mortgage (lead type 3471) and Home Services (3508)?",
        lambda d: {
            kind: average(
                [
                    row.value
                    for row in d.of("leadexec", *OCTOBER)
                    if row.value is not None and row.get("LeadTypeUID") == kind
                ]
            )
            for kind in (3471, 3508)
        },
        summary("leadexec", "avg:value", period="2026-10", group_by=["LeadTypeUID"]),
        lambda answers: {int(row["LeadTypeUID"]): plain(row["avg:value"]) for row in dicts(answers[0], "groups")},
    ),
    ask(
        "money-owed-by-buyer",
        "What does each buyer owe us for the LeadExec leads of October 2026 (what was given back is not paid)?",
        lambda d: per_buyer(d, lambda one: cents(one["Price"]) if one["Valid"] else Decimal(0)),
        sql("SELECT buyer, sum(revenue) FROM sends GROUP BY buyer", account="leadexec", period="2026-10"),
        grouped,
    ),
    ask(
        "money-asked-of-buyers",
        "To what do the prices of all sendings of October's LeadExec leads add up, by buyer, given back or not?",
        lambda d: per_buyer(d, lambda one: cents(one["Price"])),
        summary("leadexec", "sum:Sends.Price", period="2026-10", group_by=["Sends.Client"]),
        lambda answers: {buyer: amount for buyer, amount in grouped(answers).items() if buyer is not None},
    ),
    ask(
        "money-given-back",
        "How much money did buyers not pay since they gave October's LeadExec leads back?",
        lambda d: sum((cents(one["Price"]) for _, one in sold(d, *OCTOBER) if not one["Valid"]), Decimal(0)),
        sql("SELECT sum(price) - sum(revenue) FROM sends", account="leadexec", period="2026-10"),
        one,
    ),
    ask(
        "money-average-price-paid",
        "What did we pay for a LeadExec lead of October 2026 on average, by lead source?",
        lambda d: {
            source: average([price(row) for row in d.of("leadexec", *OCTOBER) if row.source == source])
            for source in {row.source for row in d.of("leadexec", *OCTOBER)}
        },
        summary("leadexec", "avg:raw.Properties.Price", period="2026-10", group_by=["source"]),
        lambda answers: {
            row["source"]: plain(next(value for name, value in row.items() if name.startswith("avg:")))
            for row in dicts(answers[0], "groups")
        },
    ),
    ask(
        "money-per-week-and-account",
        "What were last week's leads worth in the systems that know a value, by system?",
        lambda d: {
            name: added(d.of(name, *LAST_WEEK)) or None
            for name in ("leadexec", "leadsquared", "octanist", "leadtrackr")
        },
        summary("leadexec,leadsquared,octanist,leadtrackr", "sum:value", period="last_week", group_by=["account"]),
        lambda answers: {row["account"]: plain(row["sum:value"]) for row in dicts(answers[0], "groups")},
    ),
]
