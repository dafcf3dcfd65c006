"""Corners: the long day by the hour, two groups at once, sorts with gaps, spellings, pages of pings, joins of three tables."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from evals.crossing import keys, known
from evals.data import LAST_WEEK, OCTOBER, THIS_MONTH, YESTERDAY, Data, day
from evals.question import ask, cells, dicts, every_page, grouped, one, pings, plain, search, sql, summary, total, where
from evals.rows import Row, sends
from tests.driving import NOW

LONG_DAY: Final = day("2026-11-01")


def by_name(rows: list[Row]) -> list[str]:
    """By name, without regard to case, then by URI; those without a name last."""
    named = sorted((row for row in rows if row.name), key=lambda row: (row.name.casefold(), row.uri))
    return [row.uri for row in (*named, *(row for row in sorted(rows, key=lambda one: one.uri) if not row.name))]


def pairs(answers: Any) -> dict[tuple[Any, Any], Any]:
    """The last cell of every row by the first two."""
    return {(plain(row[0]), plain(row[1])): plain(row[-1]) for row in answers[0]["groups"]["rows"]}


def in_any(data: Data, rows: list[Row], *accounts: str) -> set[str]:
    there = known(row for name in accounts for row in data.leads[name])
    return {row.uri for row in rows if there & set(keys(row))}


def refused_words(data: Data) -> Counter[Any]:
    rows = (row for row in data.pinged("outbound", *LAST_WEEK) if not row.accepted)
    return Counter(row.raw["Response"] for row in rows)


def potential(data: Data) -> dict[tuple[str, bool], Decimal]:
    found: defaultdict[tuple[str, bool], Decimal] = defaultdict(Decimal)
    for row in data.pinged("inbound", *LAST_WEEK):
        found[row.raw["Campaign"], row.accepted] += row.money("PotentialRevenue")
    return dict(found)


def dear_pings(data: Data) -> list[Decimal]:
    prices = [row.money("Price") for row in data.pinged("outbound", *LAST_WEEK) if row.accepted]
    return sorted(prices, reverse=True)[:10]


def spread(rows: list[Row]) -> list[Any]:
    times = [row.created.replace(microsecond=0) for row in rows]
    return [min(times), max(times)]


def sendings(data: Data) -> Counter[Any]:
    """By the pings' campaign; leads and pings both of last week."""
    sold = {row.id.split("-")[1]: len(sends(row)) for row in data.of("leadexec", *LAST_WEEK)}
    found: Counter[Any] = Counter()
    for row in data.pinged("inbound", *LAST_WEEK):
        found[row.raw["Campaign"]] += sold.get(str(row.raw["LeadUID"]), 0)
    return +found


QUESTIONS: Final = [
    ask(
        "corner-long-day-by-hour",
        "How many LeadSquared leads came in each hour of Sunday, November 1, 2026 (one hour came twice)?",
        lambda d: Counter(f"{row.created:%Y-%m-%dT%H}" for row in d.of("leadsquared", LONG_DAY, LONG_DAY)),
        summary("leadsquared", period="2026-11-01", group_by=["hour"]),
        grouped,
    ),
    ask(
        "corner-status-by-month",
        "Octanist's leads of September and October 2026 by month and status: how many?",
        lambda d: Counter(
            (f"{row.created:%Y-%m}", row.status) for row in d.of("octanist", day("2026-09-01"), OCTOBER[1])
        ),
        summary("octanist", period="2026-09-01..2026-10-31", group_by=["month", "status"]),
        pairs,
    ),
    ask(
        "corner-iso-week",
        "How many leads did Convoso get in calendar week 45 of 2026?",
        lambda d: sum(f"{row.created:%G-W%V}" == "2026-W45" for row in d.leads["convoso"]),
        summary("convoso", period="2026-W45"),
        total,
    ),
    ask(
        "corner-day-as-filter",
        "Which LeadTrackr leads came in on November 15?",
        lambda d: {row.uri for row in d.of("leadtrackr", day("2026-11-15"), day("2026-11-15"))},
        search("leadtrackr", filters=where("created_at eq 2026-11-15"), limit=200),
        lambda answers: set(cells(answers)),
    ),
    ask(
        "corner-week-back",
        "How many leads came into Octanist within the last 7 times 24 hours?",
        lambda d: sum(NOW - timedelta(days=7) <= row.created for row in d.leads["octanist"]),
        summary("octanist", since="-7d"),
        total,
    ),
    ask(
        "corner-by-name",
        "List last week's Octanist leads by name, those without a name last.",
        lambda d: by_name(d.of("octanist", *LAST_WEEK)),
        search("octanist", period="last_week", sort="name:asc", limit=200, detail="uris"),
        cells,
    ),
    ask(
        "corner-won-by-value-in-pages",
        "List all won Octanist leads by value, the dearest first, those without a value last: only the values, please.",
        lambda d: sorted((row.value for row in d.leads["octanist"] if row.status == "won"), key=lambda v: -(v or -1)),
        every_page(
            search(
                "octanist", filters=where("status eq won"), sort="value:desc", fields=["value"], detail="uris", limit=60
            )
        ),
        lambda answers: [plain(row["value"]) for answer in answers for row in dicts(answer, "leads")],
        why="asked for in pages on purpose",
    ),
    ask(
        "corner-distinct-phones",
        "How many different telephone numbers came in at LeadTrackr in October 2026, however they are spelled?",
        lambda d: len({row.phone for row in d.of("leadtrackr", *OCTOBER) if row.phone}),
        summary("leadtrackr", "distinct:phone", period="2026-10"),
        one,
    ),
    ask(
        "corner-first-and-last",
        "When did the first and the last Convoso lead of last week come in?",
        lambda d: spread(d.of("convoso", *LAST_WEEK)),
        summary("convoso", "min:created_at,max:created_at", period="last_week"),
        lambda answers: [plain(cell) for cell in answers[0]["groups"]["rows"][0][-2:]],
    ),
    ask(
        "corner-refusals-in-words",
        "What did buyers answer when they refused our outbound pings last week? Count each answer, and those without one.",
        refused_words,
        pings("outbound", period="last_week", filters=where("accepted eq false"), group_by=["response"]),
        grouped,
    ),
    ask(
        "corner-potential-by-outcome",
        "How much potential revenue did last week's inbound pings have, by campaign and by whether we accepted?",
        potential,
        pings("inbound", period="last_week", group_by=["campaign", "accepted"], measures=["sum:potential_revenue"]),
        lambda answers: {
            (row["campaign"], row["accepted"]): plain(row["sum:potential_revenue"])
            for row in dicts(answers[0], "groups")
        },
    ),
    ask(
        "corner-dearest-pings",
        "What were the ten highest prices at which buyers accepted our outbound pings last week?",
        dear_pings,
        pings("outbound", period="last_week", filters=where("accepted eq true"), sort="price:desc", limit=10),
        lambda answers: [plain(row["price"]) for row in dicts(answers[0], "pings")],
    ),
    ask(
        "corner-every-ping",
        "When did yesterday's inbound pings come in? All of them.",
        lambda d: sorted(row.at.replace(microsecond=0) for row in d.pinged("inbound", YESTERDAY, YESTERDAY)),
        every_page(pings("inbound", period="yesterday", sort="at:asc", limit=20)),
        lambda answers: [plain(row["at"]) for answer in answers for row in dicts(answer, "pings")],
        why="asked for in pages on purpose",
    ),
    ask(
        "corner-in-either",
        "Which of this month's LeadTrackr leads are people whom Convoso or LeadSquared has, too?",
        lambda d: in_any(d, d.of("leadtrackr", *THIS_MONTH), "convoso", "leadsquared"),
        every_page(
            search("leadtrackr", period="this_month", in_account="convoso,leadsquared", detail="uris", limit=200)
        ),
        lambda answers: set(cells(answers)),
        why="leads are looked at fifty at a time, and two accounts are read to compare",
    ),
    ask(
        "corner-pings-to-buyers",
        "Of the leads that came of last week's inbound pings: to how many buyers was each campaign's sent, counting sendings?",
        sendings,
        sql(
            "SELECT p.campaign, count(*) FROM pings p JOIN leads l ON p.lead_uri = l.uri JOIN sends s ON s.lead_uri = l.uri "
            "WHERE p.direction = 'inbound' GROUP BY p.campaign",
            account="leadexec",
            since=str(LAST_WEEK[0]),
            until=str(LAST_WEEK[1]),
        ),
        grouped,
    ),
    ask(
        "corner-buyer-among-solds",
        "Of October's LeadExec leads that were sent to Delta Homes: how many sendings went to each buyer?",
        lambda d: Counter(
            sent["Client"]
            for row in d.of("leadexec", *OCTOBER)
            if any(one["Client"] == "Delta Homes" for one in sends(row))
            for sent in sends(row)
        ),
        summary("leadexec", period="2026-10", filters=where("Sends.Client eq Delta Homes"), group_by=["Sends.Client"]),
        grouped,
    ),
    ask(
        "corner-not-a-buyer",
        "How many of October's LeadExec leads that were sent to anybody were not sent to Delta Homes?",
        lambda d: sum(
            bool(sends(row)) and all(sent["Client"] != "Delta Homes" for sent in sends(row))
            for row in d.of("leadexec", *OCTOBER)
        ),
        sql(
            "SELECT count(*) FROM (SELECT lead_uri FROM sends GROUP BY lead_uri HAVING NOT bool_or(buyer = 'Delta Homes'))",
            account="leadexec",
            period="2026-10",
        ),
        one,
    ),
    ask(
        "corner-accents",
        "How many LeadSquared leads have a first name that begins with Ç?",
        lambda d: sum(str(row.raw["FirstName"]).startswith("Ç") for row in d.leads["leadsquared"]),
        summary("leadsquared", filters=where("first_name starts_with ç")),
        total,
    ),
]
