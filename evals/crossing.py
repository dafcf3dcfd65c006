"""Across systems: who is in two of them, who is not, what grew."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from statistics import median
from typing import Final

from evals.data import ACCOUNTS, LAST_WEEK, MONDAY, OCTOBER, THIS_MONTH, WEEK_BEFORE, YESTERDAY, Data
from evals.question import Given, about, ask, cells, first, grouped, one, plain, search, sql
from evals.rows import Row


def keys(row: Row) -> list[str]:
    """What tells a person: number and address."""
    return [key for key in (row.phone, row.email.casefold() if row.email else None) if key]


def people(rows: Iterable[Row]) -> list[list[Row]]:
    """The leads, gathered person by person: through any chain of numbers and addresses."""
    leader: dict[str, str] = {}

    def head(key: str) -> str:
        while leader.setdefault(key, key) != key:
            key = leader[key]
        return key

    gathered = [row for row in rows if keys(row)]
    for row in gathered:
        for key in keys(row)[1:]:
            leader[head(key)] = head(keys(row)[0])
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for row in gathered:
        found[head(keys(row)[0])].append(row)
    return list(found.values())


def in_both(rows: Iterable[Row], *accounts: str) -> int:
    return sum({row.account for row in one} >= set(accounts) for one in people(rows))


def known(rows: Iterable[Row]) -> set[str]:
    return {key for row in rows for key in keys(row)}


def there(data: Data, rows: Iterable[Row], account: str, *, wanted: bool) -> set[str]:
    """The leads whose person is, or is not, at the account too; those without number and address are in neither."""
    others = known(data.leads[account])
    return {row.uri for row in rows if keys(row) and bool(others & set(keys(row))) is wanted}


def growth(data: Data) -> str:
    grown = {name: len(data.of(name, *LAST_WEEK)) / len(data.of(name, *WEEK_BEFORE)) for name in ACCOUNTS}
    return max(grown, key=lambda name: grown[name])


def some_mails(data: Data) -> Given:
    """Six addresses: two of Convoso's, four of LeadExec's that may or may not be there."""
    mails = [row.email for row in (*data.leads["convoso"][5:7], *data.leads["leadexec"][100:110]) if row.email][:6]
    return {"mails": mails, "list": ", ".join(mails)}


def seconds_between(data: Data) -> list[float]:
    """From the first LeadTrackr lead to the first Octanist lead of the people who came by both in October, in this order."""
    found = []
    for person in people([*data.of("leadtrackr", *OCTOBER), *data.of("octanist", *OCTOBER)]):
        firsts = {
            name: min((row.created for row in person if row.account == name), default=None)
            for name in ("leadtrackr", "octanist")
        }
        ours, theirs = firsts["leadtrackr"], firsts["octanist"]
        if ours and theirs and ours < theirs:
            found.append((theirs - ours).total_seconds())
    return found


QUESTIONS: Final = [
    ask(
        "cross-both-last-week",
        "How many people who came into LeadTrackr last week also came into Octanist last week (same e-mail or phone)?",
        lambda d: in_both([*d.of("leadtrackr", *LAST_WEEK), *d.of("octanist", *LAST_WEEK)], "leadtrackr", "octanist"),
        sql(
            "SELECT count(*) FROM (SELECT person_id FROM leads WHERE person_id IS NOT NULL "
            "GROUP BY person_id HAVING count(DISTINCT account) = 2)",
            account="leadtrackr,octanist",
            period="last_week",
        ),
        one,
    ),
    ask(
        "cross-three-this-month",
        "How many people are in Convoso, LeadTrackr and Octanist, counting only leads created this month in each?",
        lambda d: in_both(
            [row for name in ("convoso", "leadtrackr", "octanist") for row in d.of(name, *THIS_MONTH)],
            *("convoso", "leadtrackr", "octanist"),
        ),
        sql(
            "SELECT count(*) FROM people WHERE accounts = 3",
            account="convoso,leadtrackr,octanist",
            period="this_month",
        ),
        one,
    ),
    ask(
        "cross-grew-most",
        "Which of our five systems grew most in lead numbers, in percent, from the week before last to last week?",
        growth,
        sql(
            f"SELECT account FROM leads GROUP BY account ORDER BY count_if(created_at::DATE >= '{LAST_WEEK[0]}') "
            f"/ count_if(created_at::DATE < '{LAST_WEEK[0]}') DESC LIMIT 1",
            period=f"{WEEK_BEFORE[0]}..{LAST_WEEK[1]}",
        ),
        first,
    ),
    ask(
        "cross-not-in-leadsquared",
        "Which of last week's Octanist leads are not in LeadSquared at all (neither their e-mail nor their phone)?",
        lambda d: there(d, d.of("octanist", *LAST_WEEK), "leadsquared", wanted=False),
        search("octanist", period="last_week", in_account="not leadsquared", limit=200),
        lambda answers: set(cells(answers)),
    ),
    ask(
        "cross-in-convoso",
        "Which of last week's LeadExec leads are people whom Convoso has, too?",
        lambda d: there(d, d.of("leadexec", *LAST_WEEK), "convoso", wanted=True),
        search("leadexec", period="last_week", in_account="convoso", limit=200),
        lambda answers: set(cells(answers)),
    ),
    about(
        "cross-which-of-these",
        "Which of these people are in Convoso: <list>?",
        some_mails,
        lambda d, given: {row.email for row in d.leads["convoso"] if row.email in given["mails"]},
        search("convoso", filters=[{"field": "email", "op": "in", "value": "<mails>"}], fields=["email"], limit=200),
        lambda answers: {
            row[answer["leads"]["columns"].index("email")] for answer in answers for row in answer["leads"]["rows"]
        },
    ),
    ask(
        "cross-everywhere",
        "How many people do all five systems have, counting leads since October 1?",
        lambda d: in_both([row for row in d.everyone if row.created.date() >= OCTOBER[0]], *ACCOUNTS),
        sql("SELECT count(*) FROM people WHERE accounts = 5", since="2026-10-01"),
        one,
        why="every lead since October is read: Octanist and LeadTrackr give a hundred a page",
    ),
    ask(
        "cross-duplicates",
        "How many people came into Octanist more than once in October 2026?",
        lambda d: sum(len(one) > 1 for one in people(d.of("octanist", *OCTOBER))),
        sql("SELECT count(*) FROM people WHERE leads > 1", account="octanist", period="2026-10"),
        one,
    ),
    ask(
        "cross-sold-and-won",
        "How many people whom LeadExec sold to a buyer in October 2026 are won at Octanist (leads of October, too)?",
        lambda d: sum(
            any(row.account == "leadexec" and row.raw.get("SendInformation", {}).get("Sends") for row in one)
            and any(row.account == "octanist" and row.status == "won" for row in one)
            for one in people([*d.of("leadexec", *OCTOBER), *d.of("octanist", *OCTOBER)])
        ),
        sql(
            "SELECT count(DISTINCT s.person_id) FROM leads s JOIN leads w USING (person_id) "
            "WHERE s.uri IN (SELECT lead_uri FROM sends) AND w.vendor = 'octanist' AND w.stage = 'won'",
            account="leadexec,octanist",
            period="2026-10",
        ),
        one,
    ),
    ask(
        "cross-hours-between",
        "Of the people who came by LeadTrackr first and then by Octanist in October 2026: the median seconds between the two?",
        lambda d: round(median(seconds_between(d))),
        sql(
            "SELECT median(s) FROM (SELECT date_diff('millisecond', min(created_at) FILTER (vendor = 'leadtrackr'), "
            "min(created_at) FILTER (vendor = 'octanist')) / 1000 AS s FROM leads WHERE person_id IS NOT NULL "
            "GROUP BY person_id) WHERE s > 0",
            account="leadtrackr,octanist",
            period="2026-10",
        ),
        lambda answers: round(plain(answers[0]["result"]["rows"][0][0]), 0),
    ),
    ask(
        "cross-source-of-both",
        "By which utm_source did the people come to Octanist last week whom LeadTrackr has as well? Count leads.",
        lambda d: Counter(
            row.get("utm_source")
            for row in d.of("octanist", *LAST_WEEK)
            if row.uri in there(d, d.of("octanist", *LAST_WEEK), "leadtrackr", wanted=True)
        ),
        sql(
            f"SELECT utm_source, count(*) FROM leads o WHERE account = 'octanist' AND created_at >= '{LAST_WEEK[0]}' "
            f"AND created_at < '{MONDAY}' AND person_id IN (SELECT person_id FROM leads WHERE account = 'leadtrackr') "
            "GROUP BY utm_source",
            account="octanist,leadtrackr",
        ),
        grouped,
        why="LeadTrackr is read through, a hundred leads a page",
    ),
    ask(
        "cross-not-in-leadtrackr",
        "Which of yesterday's Octanist leads are not in LeadTrackr?",
        lambda d: there(d, d.of("octanist", YESTERDAY, YESTERDAY), "leadtrackr", wanted=False),
        search("octanist", period="yesterday", in_account="not leadtrackr", detail="uris", limit=200),
        lambda answers: set(cells(answers)),
        why="LeadTrackr gives small pages, so each person is asked for, by number and by e-mail",
    ),
]
