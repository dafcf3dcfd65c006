"""One person: where they are, who bought them, what was said, what they asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from evals.data import ACCOUNTS, Data, Row, zulu
from evals.question import Answer, Given, about, call, cells, dicts, plain, search, sql, where


def known_to_all(data: Data) -> list[Row]:
    """The LeadExec leads whose person, by number and e-mail, every account knows once."""
    found = []
    for row in recent(data):
        homes = [one.account for one in data.everyone if row.phone and one.phone == row.phone]
        if (
            row.email
            and sorted(homes) == sorted(ACCOUNTS)
            and len(same_person(data, row.phone, row.email)) == len(ACCOUNTS)
        ):
            found.append(row)
        if len(found) == 12:
            break
    return found


def long_ago(data: Data) -> Given:
    row = next(row for row in data.leads["leadexec"] if row.email and row.phone)
    digits = str(row.phone)[2:]
    return {"phone": row.phone, "spelled": f"{digits[:3]}.{digits[3:6]}.{digits[6:]}"}


def same_person(data: Data, phone: str | None, email: str | None) -> list[Row]:
    return [
        one for one in data.everyone if (phone and one.phone == phone) or (email and folded(one.email) == folded(email))
    ]


def folded(text: str | None) -> str:
    return (text or "").casefold()


def someone(nth: int) -> Any:
    """Finds the nth person whom all know: name, e-mail, phone in several spellings."""

    def find(data: Data) -> Given:
        row = known_to_all(data)[nth]
        digits = str(row.phone)[2:]
        return {
            "name": row.name,
            "email": str(row.email).upper(),
            "phone": row.phone,
            "spelled": f"({digits[:3]}) {digits[3:6]}-{digits[6:]}",
        }

    return find


def homes(data: Data, given: Given) -> set[str]:
    return {row.uri for row in same_person(data, given.get("phone"), given.get("email"))}


def found(answers: Any) -> set[Any]:
    return {row[0] for answer in answers for row in answer["leads"]["rows"]}


# --- sold -----------------------------------------------------------------------------------------------------------


def sends(row: Row) -> list[Mapping[str, Any]]:
    kept: list[Mapping[str, Any]] = row.raw.get("SendInformation", {}).get("Sends", [])
    return kept


def recent(data: Data) -> Iterator[Row]:
    """LeadExec's leads of the last 25 days, the newest first."""
    newest = data.leads["leadexec"][-1].created
    return (row for row in reversed(data.leads["leadexec"]) if newest - row.created < timedelta(days=25))


def one_sold(data: Data) -> Given:
    return {"id": next(row.id for row in recent(data) if len(sends(row)) == 2)}


def one_returned(data: Data) -> Given:
    row = next(row for row in recent(data) if row.email and sends(row) and row.status == "Returned")
    return {"email": row.email, "name": row.name, "id": row.id}


def row_of(data: Data, given: Given) -> Row:
    return next(row for row in data.leads["leadexec"] if row.id == given["id"])


def buyers(answers: Any) -> Any:
    return {one["Client"]: plain(one["Price"]) for one in answers[0]["raw"]["SendInformation"]["Sends"]}


# --- talked to ------------------------------------------------------------------------------------------------------


def talker(account: str) -> Any:
    """Finds someone of that account with two recorded calls or more, whom it knows once and who has an e-mail."""

    def find(data: Data) -> Given:
        many = [uri for uri, *_ in data.calls if uri.startswith(f"lead://{account}/")]
        rows = (row for row in reversed(data.leads[account]) if row.email and many.count(row.uri) >= 2)
        row = next(row for row in rows if sum(one.email == row.email for one in data.leads[account]) == 1)
        return {"email": row.email, "name": row.name, "uri": row.uri, "phone": row.phone}

    return find


def seconds(data: Data, given: Given) -> list[int]:
    return [length for uri, _, length in data.calls if uri == given["uri"]]


def asked_for(data: Data) -> Given:
    row = next(row for row in recent(data) if row.get("LeadTypeUID") == 3471)
    return {"id": row.id}


def before_sale(data: Data, given: Given) -> list[Any]:
    """Whether Convoso talked with the person before LeadExec sold the lead, and what the sale brought."""
    row = next(one for one in same_person(data, given["phone"], None) if one.account == "leadexec")
    sale = min(one["DateSent"] for one in sends(row))
    talks = [at for uri, at, _ in data.calls if uri in homes(data, given)]
    return [any(at < zulu(sale) for at in talks), row.value]


def sold_talker(data: Data) -> Given:
    row = next(row for row in known_to_all(data) if sends(row))
    return {"phone": row.phone, "name": row.name}


QUESTIONS: Final = [
    about(
        "person-by-phone",
        "Find the lead with phone <spelled>, wherever it is. In which systems is it?",
        someone(0),
        lambda d, given: homes(d, {"phone": given["phone"]}),
        search(filters=where("phone eq <spelled>")),
        lambda answers: set(cells(answers)),
        why="the first number asked for: what the vendors' searches find is looked at once; further ones take 10",
    ),
    about(
        "person-by-email",
        "Which leads do we have of <email>?",
        someone(1),
        lambda d, given: homes(d, {"email": given["email"]}),
        search(filters=where("email eq <email>")),
        lambda answers: set(cells(answers)),
    ),
    about(
        "person-by-name",
        "Is there anybody called <name> with the e-mail <email> in our five systems? Which leads?",
        someone(2),
        lambda d, given: {
            row.uri for row in d.everyone if folded(row.email) == folded(given["email"]) and row.name == given["name"]
        },
        search(text="<name>", filters=where("email eq <email>")),
        lambda answers: set(cells(answers)),
    ),
    about(
        "person-long-ago",
        "Somebody with the number <spelled> came to us long ago, this year. Which leads are theirs, in all systems?",
        long_ago,
        lambda d, given: homes(d, {"phone": given["phone"]}),
        search(filters=where("phone eq <spelled>"), period="this_year"),
        lambda answers: set(cells(answers)),
    ),
    about(
        "person-story",
        "Tell me everything about the person with the number <phone>: which leads are theirs?",
        someone(3),
        homes,
        call("trace_lead", phone="<phone>"),
        found,
        why="a story looks for the further addresses and numbers it finds, and reads calls, consents and sends",
    ),
    about(
        "person-who-bought",
        "Who bought LeadExec lead <id>, and at what price?",
        one_sold,
        lambda d, given: {one["Client"]: Decimal(str(one["Price"])) for one in sends(row_of(d, given))},
        call("get_lead", account="leadexec", id="<id>"),
        buyers,
    ),
    about(
        "person-return-reason",
        "The buyer gave the lead of <name> (<email>) back. What reason was given?",
        one_returned,
        lambda d, given: {str(one["LastReturnActionReason"]) for one in sends(row_of(d, given))},
        search("leadexec", filters=where("email eq <email>"), fields=["Sends.LastReturnActionReason"]),
        lambda answers: _reasons(dicts(answers[0], "leads")),
    ),
    about(
        "person-convoso-seconds",
        "How many seconds of recorded calls with <name> (<email>) do we have at Convoso?",
        talker("convoso"),
        lambda d, given: sum(seconds(d, given)),
        sql(
            "SELECT sum(duration_s) FROM recordings r JOIN leads l ON l.uri = r.lead_uri WHERE email_folded = '<email>'",
            account="convoso",
        ),
        lambda answers: plain(answers[0]["result"]["rows"][0][0]),
    ),
    about(
        "person-longest-call",
        "How long, in seconds, was the longest recorded call with LeadSquared's <name> (<email>)?",
        talker("leadsquared"),
        lambda d, given: max(seconds(d, given)),
        sql(
            "SELECT max(duration_s) FROM recordings r JOIN leads l ON l.uri = r.lead_uri WHERE email_folded = '<email>'",
            account="leadsquared",
        ),
        lambda answers: plain(answers[0]["result"]["rows"][0][0]),
    ),
    about(
        "person-recordings-of-a-lead",
        "List the lengths of all recorded calls of <uri>, the newest first, and their sum.",
        talker("leadsquared"),
        lambda d, given: [sum(seconds(d, given)), *_newest_first(d, given)],
        call("get_recordings", uri="<uri>"),
        lambda answers: [
            plain(answers[0]["total_duration_s"]),
            *(plain(row["duration_s"]) for row in dicts(answers[0], "recordings")),
        ],
    ),
    about(
        "person-loan",
        "What loan amount did the person behind LeadExec lead <id> ask for?",
        asked_for,
        lambda d, given: row_of(d, given).raw["Fields"]["LoanAmount"],
        call("get_lead", account="leadexec", id="<id>"),
        lambda answers: plain(answers[0]["raw"]["Fields"]["LoanAmount"]),
    ),
    about(
        "person-talked-before-sold",
        "Did <name> (<phone>) talk to us on the phone, in a recorded call, before the lead was first sold to a buyer, and "
        "what revenue did the sale bring?",
        sold_talker,
        before_sale,
        call("trace_lead", phone="<phone>"),
        lambda answers: _talked_before(answers[0]),
        why="a story looks for the further addresses and numbers it finds, and reads calls, consents and sends",
    ),
    about(
        "person-all-values",
        "What is each lead of <email> worth, by system (nothing where none is known)?",
        someone(4),
        lambda d, given: {row.account: row.value for row in same_person(d, None, given["email"])},
        search(filters=where("email eq <email>"), fields=["value"]),
        lambda answers: {row["uri"].split("/")[2]: plain(row["value"]) for row in dicts(answers[0], "leads")},
    ),
]


def _reasons(rows: list[dict[str, Any]]) -> set[str]:
    value = rows[0].get("Sends.LastReturnActionReason", rows[0].get("SendInformation.Sends.LastReturnActionReason"))
    return {value} if isinstance(value, str) else set(value or ())


def _newest_first(data: Data, given: Given) -> list[int]:
    found = sorted(((at, length) for uri, at, length in data.calls if uri == given["uri"]), reverse=True)
    return [length for _, length in found]


def _talked_before(story: Answer) -> list[Any]:
    events = dicts(story, "events")
    sold = min(row["at"] for row in events if row["kind"] == "sent")
    talks = [row["at"] for row in events if row["kind"] == "recording"]
    prices = [Decimal(row["what"].rsplit(" at ", 1)[1].split(",")[0]) for row in events if row["kind"] == "sent"]
    return [any(at < sold for at in talks), sum(prices, Decimal(0))]
