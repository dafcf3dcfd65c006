"""All of it: lists longer than a page, the nth of an order, what was asked for by name."""

from __future__ import annotations

from typing import Any, Final

from evals.data import OCTOBER, Data
from evals.question import Given, about, ask, cells, every_page, search, sql, total, where
from evals.rows import number


def uris(answers: Any) -> set[Any]:
    return set(cells(answers))


def some_ids(data: Data) -> Given:
    chosen = [row.uri for name in ("octanist", "leadtrackr", "convoso") for row in data.leads[name][40:45]]
    return {"uris": chosen, "list": " ".join(chosen)}


def two_numbers(data: Data) -> Given:
    found = [str(row.phone)[2:] for row in data.leads["leadtrackr"] if row.phone][20:40:10]
    return {"first": f"001 {found[0][:3]} {found[0][3:]}", "second": f"{found[1][:3]}-{found[1][3:6]}-{found[1][6:]}"}


QUESTIONS: Final = [
    ask(
        "paging-won-dear",
        "List every Octanist lead that is won with a value above 300.",
        lambda d: {row.uri for row in d.leads["octanist"] if row.status == "won" and (row.value or 0) > 300},
        search("octanist", filters=where("status eq won", "value gt 300"), limit=200, detail="uris"),
        uris,
    ),
    ask(
        "paging-area-code",
        "How many Convoso leads have a main phone number with area code 512?",
        lambda d: sum((row.phone or "").startswith("+1512") for row in d.leads["convoso"]),
        sql("SELECT count(*) FROM leads WHERE phone_e164 LIKE '+1512%'", account="convoso"),
        lambda answers: answers[0]["result"]["rows"][0][0],
    ),
    ask(
        "paging-250th",
        "Which Octanist lead is the 250th most recent one, by creation?",
        lambda d: sorted(d.leads["octanist"], key=lambda row: row.created, reverse=True)[249].uri,
        sql("SELECT uri FROM leads ORDER BY created_at DESC LIMIT 1 OFFSET 249", account="octanist"),
        lambda answers: answers[0]["result"]["rows"][0][0],
    ),
    ask(
        "paging-all-of-october",
        "Give me the URIs of all LeadTrackr leads of October 2026.",
        lambda d: {row.uri for row in d.of("leadtrackr", *OCTOBER)},
        every_page(search("leadtrackr", period="2026-10", limit=200, detail="uris")),
        uris,
        why="a page has 200 rows at most",
    ),
    ask(
        "paging-every-source",
        "Give me the e-mails of all LeadExec leads of October 2026 that came from tiktok, in one list.",
        lambda d: {row.email for row in d.of("leadexec", *OCTOBER) if row.source == "tiktok" and row.email},
        sql(
            "SELECT email FROM leads WHERE source = 'tiktok' AND email IS NOT NULL",
            account="leadexec",
            period="2026-10",
        ),
        uris,
    ),
    about(
        "paging-by-uris",
        "Which of these leads have a phone number: <list>?",
        some_ids,
        lambda d, given: {row.uri for row in d.everyone if row.uri in given["uris"] and row.phone},
        search(ids="<uris>", filters=where("phone exists true"), limit=200),
        uris,
        why="Octanist and LeadTrackr have no call for several ids",
    ),
    ask(
        "paging-count-only",
        "How many leads has LeadTrackr in all, ever?",
        lambda d: len(d.leads["leadtrackr"]),
        search("leadtrackr", limit=1),
        total,
    ),
    about(
        "paging-spelled-phones",
        "Which LeadTrackr leads have one of the numbers <first> and <second>?",
        two_numbers,
        lambda d, given: {
            row.uri for row in d.leads["leadtrackr"] if row.phone in {number(given["first"]), number(given["second"])}
        },
        search("leadtrackr", filters=[{"field": "phone", "op": "in", "value": ["<first>", "<second>"]}]),
        uris,
    ),
]
