"""What to know of an account's writes before anybody writes: what they need, what they take, what they set off."""

from __future__ import annotations

from collections.abc import Iterator

from lead_mcp.engine.connection import Connection
from lead_mcp.vendors.spec.fields import Field
from lead_mcp.vendors.spec.writing import Form, Insert, Update


def write_lines(connection: Connection, status: Field | None, modes: tuple[str, str]) -> list[str]:
    """A sentence each. ``status``: the field as the vendor tells it; ``modes``: ``LEAD_MCP_WRITES``, ``LEAD_MCP_DELETES``."""
    vendor, (writes, deletes) = connection.vendor, modes
    if not (vendor.insert or vendor.update or vendor.delete):
        return ["this vendor's API writes nothing"]
    lines = ["LEAD_MCP_WRITES is off: nothing is written here"] if writes == "off" else []
    lines += _insert_lines(connection, vendor.insert) if vendor.insert else ["insert: not offered"]
    lines += _update_lines(vendor.update) if vendor.update else ["update: not offered"]
    lines += _status_lines(vendor.insert, vendor.update, status)
    if vendor.delete is not None:
        off = " LEAD_MCP_DELETES is off, so it is not offered here." if deletes == "off" else ""
        lines.append(f"delete: {vendor.delete.warning}{off}")
    return lines


def _insert_lines(connection: Connection, insert: Insert) -> Iterator[str]:
    form, missing = insert.form, insert.ready(connection.account)
    if missing:
        yield f"insert: not before the setting {missing} is there"
    needs = [*form.all_of, *(f"one of {', '.join(group)}" for group in form.any_of)]
    yield f"insert needs {' and '.join(needs) if needs else 'at least one field'}"
    yield from (f"insert: {words}" for words in (insert.effect, form.only) if words)


def _update_lines(update: Update) -> Iterator[str]:
    yield from (f"update: {words}" for words in (update.warning, update.effect, update.form.only) if words)


def _status_lines(insert: Insert | None, update: Update | None, status: Field | None) -> Iterator[str]:
    """Which words a status can be set to."""
    for word, form in _forms(insert, update):
        param = form.ours.get("status")
        if param is None:
            continue
        known = param.values or (status.values if status else ())
        words = ", ".join(known) or param.note or "the account's own words"
        note = f" ({param.note})" if known and param.note else ""
        yield f"{word} can set status to: {words}{note}"


def _forms(insert: Insert | None, update: Update | None) -> Iterator[tuple[str, Form]]:
    if insert is not None:
        yield "insert", insert.form
    if update is not None:
        yield "update", update.form
