"""Holding an answer against what ``matches`` says of every record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lead_mcp.engine.connection import Names
from lead_mcp.engine.records import Record
from lead_mcp.filters import Where, folded
from lead_mcp.vendors.spec.fields import Field
from tests.asking import Clause, expected, meant
from tests.driving import Bench, CallFailed, entry, in_order, uris


def names_of(driven: Bench, account: str) -> Names:
    connection = driven.runtime.connection(account)
    return Names(connection.account.fields, driven.portal.call(connection.discovered))


def fields_of(driven: Bench, account: str) -> dict[str, Field]:
    """Every field of ours and the vendor's that a record can be asked for, and those the account adds."""
    names = names_of(driven, account)
    discovered = names.discovered.own if names.discovered else {}
    own = {name: field for name, field in {**names.fields.own, **discovered}.items() if name not in names.fields.ours}
    records = driven.everything(account)
    held = {name: field for name, field in own.items() if any(one.get(name) is not None for one in records)}
    return {**names.fields.ours, **held}


def asked_words(asked: Sequence[Clause], page: dict[str, Any], account: str) -> None:
    """Every clause stands in the ledger: pushed, checked here, or both."""
    said = entry(page, account)
    words = {*said["pushed"], *said["checked_here"]}
    for one in asked:
        assert any(word.startswith(f"{one.field} {one.op} ") for word in words), (one, said)


def of_the_vendors_own(driven: Bench, account: str, page: dict[str, Any]) -> bool:
    return "compared by the vendor's own rules" in entry(page, account).get("note", "")


def sent_as_is(records: Sequence[Record], wheres: Sequence[Where]) -> list[Record]:
    """Records that hold the text exactly as asked: no vendor's comparison is narrower than that."""

    def holds(one: Record, where: Where) -> bool:
        if where.op not in ("eq", "in") or not isinstance(one.get(where.field), str):
            return True
        wanted = where.value if isinstance(where.value, tuple) else (where.value,)
        return one.get(where.field) in wanted or not any(
            folded(str(w)) == folded(str(one.get(where.field))) for w in wanted
        )

    return [one for one in records if all(holds(one, where) for where in wheres)]


def answered(driven: Bench, arguments: dict[str, Any]) -> list[dict[str, Any]] | None:
    """Every page; None where the answer is that the account knows no such value."""
    try:
        return driven.pages(**arguments)
    except CallFailed as failed:
        if failed.code == "bad_argument" and "no chosen account knows that value" in failed.message:
            return None
        raise


def check(driven: Bench, account: str, asked: Sequence[Clause], window: dict[str, str], sort: str, limit: int) -> None:
    records = driven.everything(account)
    names = names_of(driven, account)
    wheres = meant(driven.runtime.connection(account).account, asked, names)
    wanted = in_order(expected(records, wheres, window), sort)
    arguments = {
        "account": account,
        "filters": [one.argument() for one in asked],
        "sort": sort,
        "limit": limit,
        **window,
    }
    pages = answered(driven, arguments)
    if pages is None:  # a value outside the vendor's closed list
        assert wanted == []
        return
    default = entry(pages[0], account).get("window")
    if default:
        assert "since" not in window
        wanted = [one for one in wanted if one in expected(records, [], {"since": default["since"]})]
    found = uris(pages)
    if of_the_vendors_own(driven, account, pages[0]):
        least = [one.uri for one in sent_as_is(wanted, wheres)]
        assert set(least) <= set(found) <= {one.uri for one in wanted}
        assert found == [one.uri for one in wanted if one.uri in set(found)]
    else:
        assert found == [one.uri for one in wanted]
    for page in pages:
        assert page["total"] in (None, len(found))
        said = entry(page, account)
        assert said["complete"] is True, said
        assert said["total"] in (None, len(found))
        assert len(page["leads"]["rows"]) <= limit
        asked_words(asked, page, account)
    whole = [page for page in pages[:-1] if not page.get("omitted")]
    assert all(len(page["leads"]["rows"]) == limit for page in whole), "a page before the last is full"
