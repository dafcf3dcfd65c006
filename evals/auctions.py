"""Pings: offers to us and by us, what became of them, and why."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, Final

from evals.data import LAST_WEEK, YESTERDAY, Data, PingRow
from evals.question import ask, dicts, pings, plain, sql, where
from evals.rows import commonest


def yesterdays(data: Data, direction: str = "inbound") -> list[PingRow]:
    return data.pinged(direction, YESTERDAY, YESTERDAY)


def last_weeks(data: Data, direction: str = "inbound") -> list[PingRow]:
    return data.pinged(direction, *LAST_WEEK)


def rate(rows: Iterable[PingRow], key: Callable[[PingRow], Any]) -> dict[Any, float]:
    found: defaultdict[Any, list[bool]] = defaultdict(list)
    for row in rows:
        found[key(row)].append(row.accepted)
    return {name: round(sum(answers) / len(answers), 4) for name, answers in found.items()}


def amounts(rows: Iterable[PingRow], key: str, amount: str) -> dict[Any, Decimal]:
    found: defaultdict[Any, Decimal] = defaultdict(Decimal)
    for row in rows:
        found[row.raw[key]] += row.money(amount)
    return dict(found)


def column(name: str, key: str) -> Callable[[Any], dict[Any, Any]]:
    """Reads one column of the groups, by another."""
    return lambda answers: {row[key]: plain(row[name]) for row in dicts(answers[0], "groups")}


def unreceived(rows: Iterable[PingRow]) -> list[PingRow]:
    return [row for row in rows if row.accepted and not row.raw["Received"]]


def refusals(rows: Iterable[PingRow]) -> Counter[Any]:
    return Counter(row.raw["Result"] for row in rows if not row.accepted)


def rounded(value: Decimal) -> Decimal:
    return round(value, 4)


QUESTIONS: Final = [
    ask(
        "pings-last-rejected",
        "Show me the last five rejected inbound pings and why each was rejected.",
        lambda d: [row.raw["Result"] for row in d.pings["inbound"] if not row.accepted][:-6:-1],
        pings("inbound", filters=where("accepted eq false"), limit=5),
        lambda answers: [row["result"] for row in dicts(answers[0], "pings")],
    ),
    ask(
        "pings-acceptance-by-campaign",
        "What share of inbound pings was accepted last week, by campaign?",
        lambda d: rate(last_weeks(d), lambda row: row.raw["Campaign"]),
        pings("inbound", period="last_week", group_by=["campaign"]),
        column("acceptance_rate", "campaign"),
    ),
    ask(
        "pings-acceptance-yesterday",
        "What share of inbound pings was accepted yesterday?",
        lambda d: rate(yesterdays(d), lambda _: "all")["all"],
        pings("inbound", period="yesterday", limit=0),
        lambda answers: plain(answers[0]["summary"]["acceptance_rate"]),
    ),
    ask(
        "pings-commonest-reason",
        "What was the most common reason for rejecting inbound pings last week?",
        lambda d: commonest(refusals(last_weeks(d))),
        pings("inbound", period="last_week", filters=where("accepted eq false"), group_by=["result"]),
        lambda answers: dicts(answers[0], "groups")[0]["result"],
    ),
    ask(
        "pings-reasons",
        "Why were yesterday's inbound pings rejected? Count each reason.",
        lambda d: refusals(yesterdays(d)),
        pings("inbound", period="yesterday", filters=where("accepted eq false"), group_by=["result"]),
        column("count", "result"),
    ),
    ask(
        "pings-revenue-by-buyer",
        "How much revenue came from outbound pings last week, per buyer?",
        lambda d: amounts(last_weeks(d, "outbound"), "Client", "Revenue"),
        pings("outbound", period="last_week", group_by=["client"]),
        column("revenue", "client"),
    ),
    ask(
        "pings-never-received",
        "How many inbound pings of last week did we accept without ever receiving the lead?",
        lambda d: len(unreceived(last_weeks(d))),
        pings("inbound", period="last_week", filters=where("accepted eq true", "received eq false"), limit=0),
        lambda answers: answers[0]["summary"]["total"],
    ),
    ask(
        "pings-missed-revenue",
        "How much potential revenue did we miss last week on inbound pings that we accepted but whose lead never came?",
        lambda d: sum((row.money("PotentialRevenue") for row in unreceived(last_weeks(d))), Decimal(0)),
        pings(
            "inbound",
            period="last_week",
            filters=where("accepted eq true", "received eq false"),
            measures=["sum:potential_revenue"],
            limit=0,
        ),
        lambda answers: plain(answers[0]["summary"]["sum:potential_revenue"]),
    ),
    ask(
        "pings-worst-hour",
        "In which hour of yesterday were most inbound pings rejected?",
        lambda d: commonest(Counter(f"{row.at:%Y-%m-%dT%H}" for row in yesterdays(d) if not row.accepted)),
        pings("inbound", period="yesterday", filters=where("accepted eq false"), group_by=["hour"]),
        lambda answers: min(dicts(answers[0], "groups"), key=lambda row: (-row["count"], row["hour"]))["hour"],
    ),
    ask(
        "pings-average-price",
        "At what average price did Bluebird Lending accept our outbound pings last week?",
        lambda d: _average(
            [r for r in last_weeks(d, "outbound") if r.accepted and r.raw["Client"] == "Bluebird Lending"]
        ),
        pings(
            "outbound",
            period="last_week",
            filters=where("client eq Bluebird Lending", "accepted eq true"),
            measures=["avg:price"],
            limit=0,
        ),
        lambda answers: plain(answers[0]["summary"]["avg:price"]),
    ),
    ask(
        "pings-no-coverage",
        "How many outbound pings of last week did buyers refuse with the words 'no coverage'?",
        lambda d: sum("no coverage" in (row.raw["Response"] or "") for row in last_weeks(d, "outbound")),
        pings("outbound", period="last_week", filters=where("response contains no coverage"), limit=0),
        lambda answers: answers[0]["summary"]["total"],
    ),
    ask(
        "pings-by-weekday",
        "On which weekdays do inbound pings come in? Count last week's.",
        lambda d: Counter(f"{row.at:%a}" for row in last_weeks(d)),
        pings("inbound", period="last_week", group_by=["weekday"]),
        column("count", "weekday"),
    ),
    ask(
        "pings-both-ways",
        "How many pings went each way last week, and how many of them were accepted?",
        lambda d: {
            way: [len(last_weeks(d, way)), sum(r.accepted for r in last_weeks(d, way))]
            for way in ("inbound", "outbound")
        },
        sql("SELECT direction, count(*), count_if(accepted) FROM pings GROUP BY direction", period="last_week"),
        lambda answers: {way: [plain(count), plain(yes)] for way, count, yes in answers[0]["result"]["rows"]},
    ),
    ask(
        "pings-sold-later",
        "What did the leads bring that came of last week's accepted inbound pings, by the pings' source?",
        lambda d: amounts((r for r in last_weeks(d) if r.raw["Received"]), "LeadSource", "ActualRevenue"),
        pings("inbound", period="last_week", filters=where("received eq true"), group_by=["source"]),
        column("revenue", "source"),
    ),
]


def _average(rows: list[PingRow]) -> Decimal:
    return rounded(sum((row.money("Price") for row in rows), Decimal(0)) / len(rows))
