"""Finding the people that questions speak of: known to all, long gone, sold, given back, talked to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from evals.data import ACCOUNTS, Data
from evals.question import Given
from evals.rows import Row, sends, zulu


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


# --- sold -----------------------------------------------------------------------------------------------------------


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
