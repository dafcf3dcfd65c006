"""Which: conditions on values that may be absent, on words, numbers, lists within a lead."""

from __future__ import annotations

from typing import Any, Final

from evals.data import LAST_WEEK, OCTOBER, THIS_MONTH, Data
from evals.question import about, ask, cells, one, search, sql, summary, total, where
from evals.rows import Row, number, sends


def october(data: Data, account: str) -> list[Row]:
    return data.of(account, *OCTOBER)


def mortgages(data: Data) -> list[Row]:
    return [row for row in october(data, "leadexec") if row.get("LeadTypeUID") == 3471]


def consented(row: Row) -> bool:
    return bool(row.raw.get("TCPAInformation", {}).get("ConsentGiven"))


def uris(rows: Any) -> set[str]:
    return {row.uri for row in rows}


def found(answers: Any) -> set[Any]:
    return set(cells(answers))


QUESTIONS: Final = [
    ask(
        "filter-click-without-mail",
        "Which Octanist leads of October 2026 have no e-mail but do have a gclid?",
        lambda d: uris(row for row in october(d, "octanist") if not row.email and row.get("gclid")),
        search("octanist", period="2026-10", filters=where("email exists false", "gclid exists true")),
        found,
    ),
    ask(
        "filter-not-google",
        "How many of October's Octanist leads did not come from Google? (No utm_source counts as not from Google.)",
        lambda d: sum(row.get("utm_source") != "google_ads" for row in october(d, "octanist")),
        sql(
            "SELECT count(*) FROM leads WHERE utm_source IS DISTINCT FROM 'google_ads'",
            account="octanist",
            period="2026-10",
        ),
        one,
    ),
    ask(
        "filter-won-range",
        "How many Octanist leads of October 2026 are won with a value from 200 to 500?",
        lambda d: sum(row.status == "won" and 200 <= (row.value or 0) <= 500 for row in october(d, "octanist")),
        summary("octanist", period="2026-10", filters=where("status eq won", "value gte 200", "value lte 500")),
        total,
    ),
    ask(
        "filter-do-not-mail",
        "How many LeadSquared leads in stage Opportunity must not be sent e-mails (Do Not Email is set)?",
        lambda d: sum(row.status == "Opportunity" and row.get("DoNotEmail") == "1" for row in d.leads["leadsquared"]),
        summary("leadsquared", filters=where("status eq Opportunity", "DoNotEmail eq true")),
        total,
    ),
    ask(
        "filter-large-loans",
        "How many LeadExec mortgage leads from Texas with a loan amount above 400,000 came in during October 2026? "
        "(Mortgage is lead type 3471.)",
        lambda d: sum(
            row.raw["Fields"]["State"] == "TX" and row.raw["Fields"]["LoanAmount"] > 400_000 for row in mortgages(d)
        ),
        summary(
            "leadexec",
            period="2026-10",
            filters=where("state eq TX", "LoanAmount gt 400000", "LeadTypeUID eq 3471"),
        ),
        total,
    ),
    ask(
        "filter-competitor",
        "How many Octanist leads of October 2026 did we lose because they chose a competitor?",
        lambda d: sum(
            row.status == "lost" and row.get("lossReason") == "chose a competitor" for row in october(d, "octanist")
        ),
        summary("octanist", period="2026-10", filters=where("status eq lost", "lossReason contains competitor")),
        total,
    ),
    ask(
        "filter-won-without-value",
        "Which won leads in Octanist have no value entered? All of them, please.",
        lambda d: uris(row for row in d.leads["octanist"] if row.status == "won" and row.value is None),
        search("octanist", filters=where("status eq won", "value exists false"), limit=200),
        found,
    ),
    ask(
        "filter-no-consent",
        "For how many LeadExec leads of last week do we hold no TCPA consent: not given, or no consent record at all?",
        lambda d: sum(not consented(row) for row in d.of("leadexec", *LAST_WEEK)),
        sql(
            "SELECT count(*) FROM leads WHERE (raw->>'$.TCPAInformation.ConsentGiven') IS DISTINCT FROM 'true'",
            account="leadexec",
            period="last_week",
        ),
        one,
    ),
    ask(
        "filter-last-name",
        "Which people with the last name Müller are in LeadSquared?",
        lambda d: uris(row for row in d.leads["leadsquared"] if row.last_name == "Müller"),
        search("leadsquared", filters=where("last_name eq müller"), limit=200),
        found,
    ),
    about(
        "filter-phone-spelled-otherwise",
        "Which LeadExec leads of the last 30 days have the number <spelled>?",
        lambda d: _spelled(d.leads["leadexec"][-3]),
        lambda d, given: uris(row for row in d.leads["leadexec"][-300:] if row.phone == number(given["spelled"])),
        search("leadexec", filters=where("phone eq <spelled>")),
        found,
    ),
    ask(
        "filter-sold-to",
        "How many LeadExec leads of October 2026 were sent to Delta Homes?",
        lambda d: sum(any(one["Client"] == "Delta Homes" for one in sends(row)) for row in october(d, "leadexec")),
        summary("leadexec", period="2026-10", filters=where("Sends.Client eq Delta Homes")),
        total,
    ),
    ask(
        "filter-never-sold",
        "How many LeadExec leads of October 2026 were never sent to any buyer?",
        lambda d: sum(not sends(row) for row in october(d, "leadexec")),
        summary("leadexec", period="2026-10", filters=where("Sends.Client exists false")),
        total,
    ),
    ask(
        "filter-returned-wrong-person",
        "How many LeadExec leads of October 2026 came back because of a wrong person?",
        lambda d: sum(
            any(one["LastReturnActionReason"] == "Wrong Person" for one in sends(row)) for row in october(d, "leadexec")
        ),
        sql(
            "SELECT count(DISTINCT uri) FROM leads, unnest(from_json(raw->'$.SendInformation.Sends', "
            '\'[{"LastReturnActionReason": "VARCHAR"}]\')) AS t(send) '
            "WHERE send.LastReturnActionReason = 'Wrong Person'",
            account="leadexec",
            period="2026-10",
        ),
        one,
    ),
    ask(
        "filter-answering-machines",
        "How many Convoso leads of this month have status AA or AM and were dialled three times or more?",
        lambda d: sum(
            row.status in ("AA", "AM") and int(row.raw["called_count"]) >= 3 for row in d.of("convoso", *THIS_MONTH)
        ),
        summary("convoso", period="this_month", filters=where("status in AA,AM", "called_count gte 3")),
        total,
    ),
    ask(
        "filter-area-codes",
        "How many LeadTrackr leads of October 2026 have a phone number that begins with +131?",
        lambda d: sum(str(row.raw["phone"] or "").startswith("+131") for row in october(d, "leadtrackr")),
        summary("leadtrackr", period="2026-10", filters=where("phone starts_with +131")),
        total,
    ),
    ask(
        "filter-sources-but",
        "How many LeadSquared leads of this month came from a known source other than facebook and tiktok?",
        lambda d: sum(row.source not in (None, "facebook", "tiktok") for row in d.of("leadsquared", *THIS_MONTH)),
        summary("leadsquared", period="this_month", filters=where("source not_in facebook,tiktok")),
        total,
    ),
    ask(
        "filter-text",
        "Which Octanist leads of this month have Kowalski in their name or e-mail?",
        lambda d: uris(
            row
            for row in d.of("octanist", *THIS_MONTH)
            if "kowalski" in f"{row.name} {row.email or ''} {row.raw.get('custom', '')}".casefold()
        ),
        search("octanist", period="this_month", text="Kowalski", limit=200),
        found,
    ),
]


def _spelled(row: Row) -> dict[str, str]:
    digits = str(row.phone)[2:]
    return {"spelled": f"({digits[:3]}) {digits[3:6]}.{digits[6:]}"}
