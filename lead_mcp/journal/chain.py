"""The chain: each event's hash covers the one before it, the digest of its values, and the write's row as it left it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from lead_mcp.journal.entries import State, digest_of
from lead_mcp.journal.failures import damaged
from lead_mcp.journal.tables import START, chain, events, payloads, writes

HASHED: Final = ("seq", "write_id", "at", "state", "account", "tool", "arguments", "digest", "prev")
"""What a hash covers, beside ``row_digest`` where there is one."""
ROW: Final = tuple(column.name for column in writes.columns if column.name != "lease")
"""What a row's digest covers: everything but the lease, which is renewed without an event."""
IN_EVENT: Final = ("state", "account", "tool", "arguments")
"""What an event of version 1 says of its write, which had no digest of the row."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """One event by number and hash: whoever keeps it beside the journal can tell that the chain was cut off or replaced."""

    seq: int
    hash: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"


def append(tx: Connection, row: Mapping[str, Any], state: State, values: Mapping[str, Any], at: str) -> Anchor:
    """One more event of the write whose row is now ``row``. Raises NotAllowed where the chain is damaged."""
    newest = _newest(tx)
    event = {
        "seq": newest.seq + 1,
        "write_id": row["id"],
        "at": at,
        "state": str(state),
        "account": row["account"],
        "tool": row["tool"],
        "arguments": row["arguments"],
        "digest": digest_of(values),
        "prev": newest.hash,
        "row_digest": _row_digest(row),
    }
    anchor = Anchor(newest.seq + 1, digest_of(event))
    body = json.dumps(values, default=str, ensure_ascii=False)
    try:
        tx.execute(insert(events).values({**event, "hash": anchor.hash}))
        tx.execute(insert(payloads).values(seq=anchor.seq, body=body))
    except IntegrityError:
        raise damaged(f"its chain ends at event {newest.seq}, and there are events beyond") from None
    tx.execute(update(chain).where(chain.c.id == 1).values(seq=anchor.seq, head=anchor.hash))
    return anchor


def _newest(tx: Connection) -> Anchor:
    """The event that the next one follows, nobody else appending meanwhile. Raises NotAllowed where it is not there."""
    head = tx.execute(select(chain.c.seq, chain.c.head).where(chain.c.id == 1).with_for_update()).one_or_none()
    if head is None:
        raise damaged("the row that heads its chain is missing")
    there = tx.execute(select(events.c.hash).where(events.c.seq == head.seq)).scalar_one_or_none()
    if head.head != (START if head.seq == 0 else there):
        raise damaged(f"its chain ends at event {head.seq}, which is missing or another one")
    return Anchor(head.seq, head.head)


def _row_digest(row: Mapping[Any, Any]) -> str:
    return digest_of({name: row[name] if row[name] is None else str(row[name]) for name in ROW})


def read_values(body: str | None, seq: int) -> dict[str, Any] | None:
    """An event's values; None where they are purged. Raises NotAllowed where they are none any more."""
    if body is None:
        return None
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise damaged(f"the values of event {seq} are no JSON object")
    return found


# --- verifying ----------------------------------------------------------------------------------------------------


def head(tx: Connection) -> Anchor | None:
    """The newest event; None where there is none."""
    newest = select(events.c.seq, events.c.hash).order_by(events.c.seq.desc()).limit(1)
    found = tx.execute(newest).one_or_none()
    return Anchor(found.seq, found.hash) if found else None


def problems(tx: Connection, anchors: Iterable[Anchor] = ()) -> list[str]:
    """What is wrong with the chain, in words; nothing where every row is as it was written."""
    found: list[str] = []
    prev, newest, seq = START, dict[str, Mapping[Any, Any]](), 0
    hashes = dict[int, str]()
    rows = tx.execute(select(events, payloads.c.body).join(payloads, isouter=True).order_by(events.c.seq))
    for row in rows.mappings():
        found += _event_problems(seq + 1, prev, row)
        prev, seq, newest[row["write_id"]] = row["hash"], row["seq"], row
        hashes[seq] = prev
    found += _head_problems(tx, seq, prev)
    found += [_anchor_problem(anchor, hashes) for anchor in anchors if hashes.get(anchor.seq) != anchor.hash]
    present = {row["id"]: row for row in tx.execute(select(writes)).mappings()}
    found += [f"write {name} is missing" for name in newest if name not in present]
    return found + [one for name, row in present.items() for one in _write_problems(row, newest.get(name))]


def _event_problems(expected: int, prev: str, row: Mapping[Any, Any]) -> Sequence[str]:
    name, found = f"event {row['seq']} of {row['write_id']}", []
    if row["seq"] != expected:
        several = row["seq"] > expected + 1
        found.append(
            f"events {expected} to {row['seq'] - 1} are missing" if several else f"event {expected} is missing"
        )
    covered = {column: row[column] for column in HASHED}
    if row["row_digest"] is not None:
        covered["row_digest"] = row["row_digest"]
    if row["prev"] != prev or digest_of(covered) != row["hash"]:
        found.append(f"{name} was changed")
    if row["body"] is not None and _digest_of_body(row["body"]) != row["digest"]:
        found.append(f"the values of {name} were changed")
    return found


def _digest_of_body(body: str) -> str | None:
    """The digest of stored values; None where they are no JSON any more."""
    try:
        return digest_of(json.loads(body))
    except ValueError:
        return None


def _head_problems(tx: Connection, seq: int, last: str) -> Sequence[str]:
    row = tx.execute(select(chain.c.seq, chain.c.head).where(chain.c.id == 1)).one_or_none()
    if row is None:
        return ["the row that heads the chain is missing"]
    if row.head != last:
        return ["the newest events are missing"]
    return [] if row.seq == seq else [f"the chain says {row.seq} events, and there are {seq}"]


def _anchor_problem(anchor: Anchor, hashes: Mapping[int, str]) -> str:
    there = "is another one" if anchor.seq in hashes else "is missing"
    return (
        f"event {anchor.seq}, which was there once ({anchor.hash[:12]}...), {there}: the chain was cut off or replaced"
    )


def _write_problems(row: Mapping[Any, Any], newest: Mapping[Any, Any] | None) -> Sequence[str]:
    """What a write's row says otherwise than its newest event."""
    if newest is None:
        return [f"{row['id']}: there is no event of it"]
    if newest["row_digest"] is not None:
        wrong = newest["row_digest"] != _row_digest(row)
        return [f"{row['id']}: its row is not as its events left it"] if wrong else []
    return [
        f"{row['id']}: {name} {row[name]} is not what its events say" for name in IN_EVENT if row[name] != newest[name]
    ]
