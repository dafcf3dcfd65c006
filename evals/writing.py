"""Writes: what is created, changed, refused, previewed. They run last, since they change the world.

What a question did is read back from the server's own answer, and, where something was written, by one more call.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from evals.data import THIS_MONTH, Data
from evals.question import Answer, Given, about, call, plain, search, where
from evals.rows import Row


def fresh(_: Data) -> Given:
    return {"email": "noah.tanaka.9001@example.com"}


def known(account: str) -> Any:
    """Finds someone whom the account has once."""

    def find(data: Data) -> Given:
        rows = [row for row in reversed(data.leads[account]) if row.email and row.phone]
        row = next(row for row in rows if _alone(data, row))
        return {"email": str(row.email).upper(), "uri": row.uri, "id": row.id, "phone": row.phone, "name": row.name}

    return find


def _alone(data: Data, row: Row) -> bool:
    return sum(one.email == row.email or one.phone == row.phone for one in data.leads[row.account]) == 1


def open_lead(account: str, nth: int) -> Any:
    def find(data: Data) -> Given:
        rows = [
            row
            for row in reversed(data.leads[account])
            if row.status in ("open", "Prospect", "NEW") and row.email and _alone(data, row)
        ]
        row = rows[nth]
        digits = str(row.phone)[2:]
        spelled = f"({digits[:3]}) {digits[3:6]}-{digits[6:]}"
        return {"uri": row.uri, "id": row.id, "email": row.email, "spelled": spelled}

    return find


def answering_machines(data: Data) -> Given:
    rows = [row for row in data.of("convoso", *THIS_MONTH) if row.status == "AA" and row.get("list_id") == "2103"]
    return {"uris": [row.uri for row in rows]}


def outcome(answers: Sequence[Answer]) -> Any:
    return answers[0].get("outcome")


def outcome_and(*names: str) -> Any:
    """The outcome, then values of the lead as the last call reads it."""
    return lambda answers: [outcome(answers), *(plain(answers[-1]["lead"].get(name)) for name in names)]


def read_back(**target: Any) -> Any:
    return call("get_lead", **target)


TWICE: Final = call(
    "insert_lead",
    account="octanist",
    lead={"name": "Eve Ash", "email": "eve.ash.9002@example.com"},
    idempotency_key="web-42",
)
BACK: Final = "the write, and one call to see that the vendor has it"

QUESTIONS: Final = [
    about(
        "write-create",
        "Create a lead at Octanist for Noah Tanaka (<email>), unless we already have that person there.",
        fresh,
        lambda _, given: ["created", given["email"]],
        call("insert_lead", account="octanist", lead={"first_name": "Noah", "last_name": "Tanaka", "email": "<email>"}),
        lambda answers: [outcome(answers), answers[0]["after"]["email"]],
        writes=True,
    ),
    about(
        "write-already-there",
        "Add <name> with the e-mail <email> to Octanist unless they are already there.",
        known("octanist"),
        lambda _, given: ["duplicate", given["uri"]],
        call("insert_lead", account="octanist", lead={"name": "<name>", "email": "<email>"}),
        lambda answers: [outcome(answers), answers[0].get("uri")],
        writes=True,
    ),
    about(
        "write-won-with-value",
        "Mark Octanist lead <id> won with value 1200.",
        open_lead("octanist", 0),
        lambda _, given: ["updated", "won", 1200],
        [
            call("update_lead", account="octanist", id="<id>", changes={"status": "won", "value": 1200}),
            read_back(uri="<uri>"),
        ],
        outcome_and("status", "value"),
        writes=True,
        why=BACK,
    ),
    about(
        "write-delete",
        "Delete the Convoso lead of <email>, who is <uri>.",
        open_lead("convoso", 0),
        lambda _, given: ["deleted", "not_found"],
        [call("delete_lead", uri="<uri>"), read_back(uri="<uri>")],
        lambda answers: [outcome(answers), answers[1].get("error", {}).get("code")],
        writes=True,
        why=BACK,
    ),
    about(
        "write-move-list",
        "Move the Convoso lead with phone <spelled> to list 2102.",
        open_lead("convoso", 1),
        lambda _, given: ["updated", "2102"],
        [
            search("convoso", filters=where("phone eq <spelled>")),
            call("update_lead", uri="<uri>", changes={"list_id": "2102"}),
            read_back(uri="<uri>"),
        ],
        lambda answers: [answers[1].get("outcome"), str(answers[2]["lead"]["list_id"])],
        writes=True,
        why="found by its number, changed, and read back",
    ),
    about(
        "write-lost-and-worth",
        "LeadTrackr lead <id> is lost. Please record it.",
        open_lead("leadtrackr", 0),
        lambda _, given: ["updated", "lost"],
        [call("update_lead", account="leadtrackr", id="<id>", changes={"status": "lost"}), read_back(uri="<uri>")],
        outcome_and("status"),
        writes=True,
        why=BACK,
    ),
    about(
        "write-several",
        "Set every Convoso lead of list 2103 that was created this month and has status AA to CALLBK.",
        answering_machines,
        lambda _, given: [set(given["uris"]), {"updated"}],
        [
            search(
                "convoso",
                period="this_month",
                filters=where("list_id eq 2103", "status eq AA"),
                detail="uris",
                limit=50,
            ),
            call("update_leads", uris="<uris>", changes={"status": "CALLBK"}),
        ],
        lambda answers: [
            {row[0] for row in answers[0]["leads"]["rows"]},
            {row[answers[1]["results"]["columns"].index("outcome")] for row in answers[1]["results"]["rows"]},
        ],
        writes=True,
        why="found, then changed in one go",
    ),
    about(
        "write-preview",
        "Show me exactly what would be sent to Convoso to add Ida Probe, 617 555 0123, to list 2104, but do not send it. "
        "Which number is in the request?",
        lambda _: {},
        lambda _, given: ["preview", True],
        call(
            "insert_lead",
            account="convoso",
            lead={"first_name": "Ida", "last_name": "Probe", "phone": "617 555 0123", "list_id": "2104"},
            dry_run=True,
        ),
        lambda answers: [outcome(answers), "6175550123" in str(answers[0].get("request"))],
        writes=True,
    ),
    about(
        "write-stage-and-company",
        "In LeadSquared, <email> has become a Customer and works at Harbor Homes now. Update the lead <uri>.",
        open_lead("leadsquared", 0),
        lambda _, given: ["updated", "Customer", "Harbor Homes"],
        [
            call("update_lead", uri="<uri>", changes={"status": "Customer", "company": "Harbor Homes"}),
            read_back(uri="<uri>"),
        ],
        outcome_and("status", "company"),
        writes=True,
        why=BACK,
    ),
    about(
        "write-twice",
        "Create Eve Ash (eve.ash.9002@example.com) at Octanist with the key web-42; I may have asked you before.",
        fresh,
        lambda _, given: ["created", True],
        [TWICE, TWICE],
        lambda answers: [outcome(answers), answers[0]["uri"] == answers[1]["uri"]],
        writes=True,
        why="asked twice on purpose",
    ),
]
