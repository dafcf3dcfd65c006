"""An account as the mirror answers for it: its vendor with other calls, to a store instead of a network.

Everything else of the engine stays as it is: planning, reading, checking, cursors, ledgers. The store takes bounds of the
record's own time, and every other clause is checked here, so that a mirrored answer means what a live one means. What is not
mirrored (metadata, the audio of recordings) still goes to the vendor.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from functools import partial
from typing import Any, Final, TypeVar

from anyio import to_thread

from lead_mcp.engine.connection import Connection
from lead_mcp.filters import Op, Where, folded
from lead_mcp.mirror.recordings import recording
from lead_mcp.mirror.records import LEAD, RECORDING, micros, unpacked
from lead_mcp.mirror.store import Store, in_pieces
from lead_mcp.transport.outbound import Outbound
from lead_mcp.uris import lead_uri
from lead_mcp.vendors.spec.account import Account
from lead_mcp.vendors.spec.fields import FieldMap, Paths
from lead_mcp.vendors.spec.http import Raw, Reply, Request
from lead_mcp.vendors.spec.reading import Lookup, Page, PageRequest, PersonLookup, Push, RecordingPage, Route, Search
from lead_mcp.vendors.spec.vendor import Vendor

BASE: Final = "mirror"
PAGE: Final = 2_000
T = TypeVar("T")
COMPARED: Final = {Op.GTE: ">=", Op.LT: "<"}


class KeptRecord(dict[str, Any]):
    """A record as its vendor sent it, with the id it is kept under."""

    def __init__(self, record_id: str, raw: str) -> None:
        super().__init__(unpacked(raw))
        self.record_id = record_id


@dataclass
class Inbound(Outbound):
    """An account's way to the mirror, and past it to its vendor."""

    store: Store = None  # type: ignore[assignment]  # a dataclass with defaults before it

    async def fetch(self, request: Request, read: Callable[[Reply], T], count: Callable[[], None]) -> T:
        if request.base != BASE:
            return await super().fetch(request, read, count)
        content = await to_thread.run_sync(FETCHED[request.path], self.store, self.account, request.json)
        return read(Reply(200, b"", content=content))


def mirrored(connection: Connection, store: Store, kinds: Sequence[str]) -> Connection:
    """The account with those kinds of its records (``lead inbound outbound``) out of the mirror."""
    outbound = connection.outbound
    held = {field.name: getattr(outbound, field.name) for field in fields(outbound)}
    inbound = Inbound(**{**held, "vendor": _vendor(connection.vendor, kinds)}, store=store)
    return replace(connection, outbound=inbound)  # what is known of its fields is shared


def _vendor(vendor: Vendor, kinds: Sequence[str]) -> Vendor:
    pings = {kind: _search(search, kind) if kind in kinds else search for kind, search in vendor.pings.items()}
    if LEAD not in kinds:
        return replace(vendor, pings=pings)
    leads, recordings = replace(_search(vendor.leads, LEAD), person=PERSON_LOOKUP), vendor.recordings
    if recordings is not None and RECORDING in kinds:
        recordings = replace(recordings, builds=(_by_lead,), read=_recordings_page, page=PAGE)
    return replace(vendor, leads=leads, pings=pings, recordings=recordings, lookup=LOOKUP)


def _search(search: Search, kind: str) -> Search:
    route = Route(
        name="the mirror",
        build=partial(_ask, kind, search.when),
        read=lambda account, ask, reply: reply.content,
        takes=partial(_takes, search.when),
        orders=frozenset({search.when}),
        page=PAGE,
    )
    return replace(search, routes=(route,), identify=_identify)


def _identify(account: Account, raw: Raw, partition: str | None) -> str | None:
    return raw.record_id if isinstance(raw, KeptRecord) else None


def _takes(when: str, where: Where, known: FieldMap) -> Push | None:
    return Push.EXACT if where.field == when and where.op in COMPARED else None


def _ask(kind: str, when: str, account: Account, ask: PageRequest) -> Request:
    """One page, along the record's time; the token says behind which record it begins."""
    asked = {
        "kind": kind,
        "bounds": [(str(where.op), micros(where.value)) for where in ask.where],
        "partition": ask.partition,
        "descending": ask.order is not None and ask.order.descending,
        "after": json.loads(ask.token) if ask.token else None,
        "limit": ask.limit,
    }
    return Request("GET", "/page", json=asked, base=BASE)


def _page(store: Store, account: Account, asked: Mapping[str, Any]) -> Page:
    """A page of records in order of their time, those of one time in order of their numbers."""
    where, values = _where(account, asked)
    down = asked["descending"]
    with store.reading() as database:
        total = None
        if asked["after"] is None:
            total = database.execute(f"SELECT count(*) FROM records WHERE {where}", values).fetchone()[0]
        else:
            where, values = f"{where} AND (at, no) {'<' if down else '>'} (?, ?)", [*values, *asked["after"]]
        order = "DESC" if down else "ASC"
        rows = database.execute(
            f"SELECT id, raw, at, no FROM records WHERE {where} ORDER BY at {order}, no {order} LIMIT ?",
            (*values, asked["limit"] + 1),
        ).fetchall()
    given = rows[: asked["limit"]]
    more = len(rows) > len(given)
    token = json.dumps([given[-1][2], given[-1][3]]) if more else None
    return Page(
        [KeptRecord(row[0], store.vault.opened_raw(row[1])) for row in given], total=total, more=more, next=token
    )


def _where(account: Account, asked: Mapping[str, Any]) -> tuple[str, list[Any]]:
    where, values = ["account = ?", "kind = ?", "at IS NOT NULL"], [account.name, asked["kind"]]
    if asked["partition"] is not None:
        where.append("partition = ?")
        values.append(asked["partition"])
    for op, at in asked["bounds"]:
        where.append(f"at {COMPARED[Op(op)]} ?")
        values.append(at)
    return " AND ".join(where), values


# --- one lead, one person -----------------------------------------------------------------------------------------


def _by_key(key: str, ask: PageRequest) -> Request:
    return Request("GET", "/person", json={"key": key, "partition": ask.partition}, base=BASE)


def _person(store: Store, account: Account, asked: Mapping[str, Any]) -> Page:
    """Every lead of the account, or of one partition of it, that is found by an e-mail or a number."""
    question = (
        "SELECT id, raw FROM keys JOIN records USING (no) WHERE key = ? AND account = ? AND kind = 'lead' "
        "AND partition IS coalesce(?, partition) ORDER BY no"
    )
    with store.reading() as database:
        values = (store.vault.word(asked["key"]), account.name, asked["partition"])
        rows = database.execute(question, values).fetchall()
    return Page([KeptRecord(id_, store.vault.opened_raw(raw)) for id_, raw in rows], total=len(rows), more=False)


def _by_ids(account: Account, ids: Sequence[str], columns: Paths | None) -> Request:
    return Request("GET", "/ids", json={"ids": list(ids)}, base=BASE)


def _leads(store: Store, account: Account, asked: Mapping[str, Any]) -> list[KeptRecord]:
    found: list[KeptRecord] = []
    with store.reading() as database:
        for marks, ids in in_pieces(asked["ids"]):
            question = f"SELECT id, raw FROM records WHERE account = ? AND kind = 'lead' AND id IN ({marks})"
            rows = database.execute(question, (account.name, *ids))
            found += [KeptRecord(id_, store.vault.opened_raw(raw)) for id_, raw in rows]
    return found


def _by_lead(
    account: Account, lead_id: str, since: datetime | None, until: datetime | None, ask: PageRequest
) -> Request:
    """All of a lead's at once: who asks looks at the times again."""
    return Request("GET", "/recordings", json={"lead": lead_id}, base=BASE)


def _recordings_page(account: Account, lead_id: str, reply: Reply) -> RecordingPage:
    rows = [recording(json.loads(raw)) for raw in reply.content]
    return RecordingPage(rows, total=len(rows), more=False)


def _recordings(store: Store, account: Account, asked: Mapping[str, Any]) -> list[str]:
    question = "SELECT raw FROM keys JOIN records USING (no) WHERE key = ? AND kind = 'recording' ORDER BY no"
    key = store.vault.word(f"u:{lead_uri(account.name, asked['lead'])}")
    with store.reading() as database:
        return [store.vault.opened_raw(raw) for (raw,) in database.execute(question, (key,))]


LOOKUP: Final = Lookup(build=_by_ids, read=lambda account, ids, reply: reply.content, many=500)
PERSON_LOOKUP: Final = PersonLookup(
    email=lambda account, email, ask: [[_by_key(f"e:{folded(email).strip()}", ask)]],
    phone=lambda account, phone, ask: [[_by_key(f"t:{phone.e164}", ask)]],
    read=lambda account, reply: reply.content,
    paths=frozenset(),
    renamed=True,
    page=1_000_000,
)
FETCHED: Final[Mapping[str, Callable[[Store, Account, Mapping[str, Any]], Any]]] = {
    "/page": _page,
    "/person": _person,
    "/ids": _leads,
    "/recordings": _recordings,
}
