"""One person: where they are, who bought them, what was said, what they asked for."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from evals.data import Data
from evals.question import Answer, Given, about, call, cells, dicts, plain, search, sql, where
from evals.rows import sends
from evals.someone import (
    asked_for,
    before_sale,
    folded,
    homes,
    long_ago,
    one_returned,
    one_sold,
    row_of,
    same_person,
    seconds,
    sold_talker,
    someone,
    talker,
)


def found(answers: Any) -> set[Any]:
    return {row[0] for answer in answers for row in answer["leads"]["rows"]}


def buyers(answers: Any) -> Any:
    return {one["Client"]: plain(one["Price"]) for one in answers[0]["raw"]["SendInformation"]["Sends"]}


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
