"""Writes in words: what a person is asked, and what became of it; values masked where masks are on, cleaned, cut to fit.

The same words for the same thing: a client's question, ``lead-mcp approve`` and ``journal undo`` all come from here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from lead_mcp.characters import cleaned, comparable
from lead_mcp.errors import Conflict, LeadMcpError
from lead_mcp.outgoing.cleaning import cell, cleaned_tree, readable
from lead_mcp.outgoing.masking import masked, masked_text, masked_tree
from lead_mcp.outgoing.render import Table, record_lines, table, text_of, text_table
from lead_mcp.outgoing.times import counted
from lead_mcp.writing.confirm import BatchPlan, Question, RowPlan
from lead_mcp.writing.duplicate_check import DuplicateCheck
from lead_mcp.writing.outcome import Action, Outcome, OutcomeKind, WriteWarning
from lead_mcp.writing.prepared import PreparedWrite
from lead_mcp.writing.rows import RowResult
from lead_mcp.writing.updates import Stale

COLUMNS: Final = ("row", "outcome", "uri", "code", "message")
APPROVED: Final = {
    "allow": "nobody (LEAD_MCP_WRITES or LEAD_MCP_DELETES is allow)",
    "terminal": "a person at a terminal",
}
IN_QUESTION: Final = 1000
"""Characters of one value that a question holds; a longer one says how long it is."""
VERBS: Final = {Action.INSERT: "insert", Action.UPDATE: "change", Action.DELETE: "delete"}
IN_TEXT: Final = ("before", "after", "sent", "request", "journal_id")


# --- values -------------------------------------------------------------------------------------------------------


def values_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """A write's values by field, as an answer holds them."""
    return {cleaned(name): written_value(name, value) for name, value in values.items()}


def written_value(name: str, value: Any) -> Any:
    """One of them: cleaned before it is masked, so that no invisible character hides an e-mail; cut last."""
    return cleaned_tree(masked(name, readable(value)))


def _value(name: str, value: Any) -> str:
    """One value in a question: on one line, and where it is longer than fits, with its length."""
    if value in (None, ""):
        return "(empty)"
    text = str(masked(name, readable(value)))
    line = cell(text, IN_QUESTION)
    return line if len(text) <= IN_QUESTION else f"{line} [{len(text):,} characters]"


def _change(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    if name not in before:
        return _value(name, after[name])
    alike = comparable(str(before[name])) == comparable(str(after[name]))
    note = " (only invisible characters differ)" if alike else ""
    return f"{_value(name, before[name])} -> {_value(name, after[name])}{note}"


def warning_text(note: WriteWarning) -> str:
    """One warning."""
    if isinstance(note, str):
        return masked_text(cleaned(note))
    now, sent = (written_value(note.field, value) for value in (note.value, note.sent))
    return f"{cleaned(note.field)} reads {now!r} after the change, not {sent!r}"


def explained(error: LeadMcpError) -> LeadMcpError:
    """The error with what it knows of the lead in its message."""
    if not isinstance(error, Stale):
        return error
    now = written_value(error.field, error.value)
    message = f"expect: {error.field} of {error.uri} is {now!r} now; nothing was sent."
    return Conflict(message, account=error.account)


# --- questions ----------------------------------------------------------------------------------------------------


def question_text(question: Question) -> str:
    """What a person is asked."""
    return _batch_question(question) if isinstance(question, BatchPlan) else _question(question)


def _question(prepared: PreparedWrite) -> str:
    """Account, action, lead, before and after, warnings."""
    head = f"{prepared.connection.name} ({prepared.connection.vendor.title}): {_action(prepared)}?"
    notes = [f"Note: {warning_text(note)}" for note in prepared.warnings]
    return "\n".join([head, *(f"  {line}" for line in _lines(prepared)), *notes])


def _action(prepared: PreparedWrite) -> str:
    match prepared.action:
        case Action.INSERT:
            return "insert a lead"
        case Action.UPDATE:
            return f"change lead {prepared.uri}"
        case Action.DELETE:
            return f"delete lead {prepared.uri}"


def _lines(prepared: PreparedWrite) -> Iterator[str]:
    """The values that are new, changed, or gone with the lead."""
    return changed_lines(prepared.action, prepared.before or {}, prepared.after or {})


def changed_lines(action: Action, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """``name: before -> after`` of what a write changes; of a delete what goes with the lead."""
    if action is Action.DELETE:
        yield from (f"{name}: {_value(name, value)}" for name, value in before.items())
        return
    for name, value in after.items():
        if before.get(name) != value:
            yield f"{cleaned(name)}: {_change(name, before, after)}"


def _batch_question(plan: BatchPlan) -> str:
    """Each row's values, or why it is not sent; rows that change a lead name it, with before and after."""
    accounts = ", ".join(f"{one.name} ({one.vendor.title})" for one in plan.connections)
    head = f"{accounts}: {VERBS[plan.action]} {len(plan.rows)} leads?"
    updates = sum(row.sends and _is_update(row) for row in plan.rows)
    if updates and plan.action is Action.INSERT:
        head = f"{head[:-1]}, {updates} of them by changing a lead that is there?"
    notes = dict.fromkeys(warning_text(note) for row in plan.rows if row.prepared for note in row.prepared.warnings)
    return "\n".join([head, *(f"  {row.number}. {_row(row)}" for row in plan.rows), *(f"Note: {one}" for one in notes)])


def _is_update(row: RowPlan) -> bool:
    return row.prepared is not None and row.prepared.action is Action.UPDATE


def _row(row: RowPlan) -> str:
    if row.ended is not None:
        return f"(done already: {row.ended.uri or row.ended.id})"
    if row.error is not None:
        return f"(not sent: {masked_text(cleaned(explained(row.error).message))})"
    if row.prepared is None:
        raise AssertionError("a row that has neither ended nor failed is prepared")
    values = ", ".join(_lines(row.prepared))
    if row.follows is not None:
        what = "changes the lead of" if row.updates else "not sent: the same person as"
        return f"{values} ({what} row {row.follows})"
    if row.prepared.verdict is not None:
        return f"{values} (not sent: {row.prepared.verdict} {row.prepared.uri or ''})".replace(" )", ")")
    return f"change {row.prepared.uri}: {values}" if _is_update(row) else values


# --- outcomes -----------------------------------------------------------------------------------------------------


def outcome_to_dict(outcome: Outcome) -> dict[str, Any]:
    """The outcome in the contract's words."""
    found = {
        "outcome": str(outcome.kind),
        "uri": outcome.uri,
        "id": outcome.lead_id,
        "before": None if outcome.before is None else values_of(outcome.before),
        "after": None if outcome.after is None else values_of(outcome.after),
        "sent": None if outcome.sent is None else values_of(outcome.sent),
        "request": None if outcome.request is None else cleaned_tree(masked_tree(cleaned_tree(outcome.request, None))),
        "checked": None if outcome.checked is None else checked_to_dict(outcome.checked),
        "approved_by": outcome.approved_by,
        "journal_id": outcome.journal_id,
    }
    present = {key: value for key, value in found.items() if value is not None}
    return {**present, "warnings": [warning_text(note) for note in outcome.warnings]}


def outcome_text(outcome: Outcome) -> str:
    """The outcome for a reader: in words, before and after, the request, warnings."""
    found = outcome_to_dict(outcome)
    head = f"{found['outcome']} {found.get('uri', '')}".strip()
    parts: dict[str, Any] = {key: found[key] for key in IN_TEXT if key in found}
    ends = [*map(_checked_line, _merged([outcome.checked])), *_approved_lines([outcome.approved_by])]
    return text_of(head, *record_lines(parts), *ends, *(f"warning: {warning}" for warning in found["warnings"]))


def checked_to_dict(checked: DuplicateCheck) -> dict[str, Any]:
    """``{"account", "compared", "found", "complete", "requests", "since"?, "note"?}``."""
    found = checked.record()
    return {**found, "note": masked_text(cleaned(found["note"]))} if "note" in found else found


def _merged(looks: Sequence[DuplicateCheck | None]) -> list[DuplicateCheck]:
    """Looks of the same kind as one: what they found and took, added up."""
    merged: dict[tuple[Any, ...], DuplicateCheck] = {}
    for one in looks:
        if one is not None:
            key = (one.account, one.compared, one.complete, one.since)
            merged[key] = merged[key].with_another(one) if key in merged else one
    return [*merged.values()]


def _checked_line(checked: DuplicateCheck) -> str:
    """What a look for duplicates compared, where, and whether it saw everything."""
    if not checked.compared:
        return f"duplicates: nothing to look for at {checked.account} (no e-mail, no phone)"
    same = " or ".join(checked.compared)
    since = f" among leads since {checked.since}" if checked.since else ""
    whole = "complete" if checked.complete else "not complete"
    notes = "".join(f"; {note}" for note in checked.notes)
    words = f"same {same} at {checked.account}{since}: {checked.found or 'none'} found, {whole}"
    requests = counted(checked.requests, "request")
    return f"duplicates: {masked_text(cleaned(f'{words}, {requests}{notes}'))}"


def _approved_lines(whose: Sequence[str | None]) -> list[str]:
    return [f"approved by: {APPROVED.get(one, one)}" for one in dict.fromkeys(whose) if one]


def rows_to_dict(results: Sequence[RowResult], warnings: Sequence[str] = ()) -> dict[str, Any]:
    """``{"results", "checked"?, "approved_by"?, "warnings"}``; ``checked``: the looks of its rows, alike ones as one."""
    looks = [checked_to_dict(one) for one in _merged([one.checked for one in results])]
    whose = ", ".join(dict.fromkeys(one.approved_by for one in results if one.approved_by))
    more = {"checked": looks, "approved_by": whose}
    present = {name: value for name, value in more.items() if value}
    return {"results": rows_table(results), **present, "warnings": list(warnings)}


def rows_table(results: Sequence[RowResult]) -> Table:
    """``row, outcome, uri, code, message``; rows count from 1."""
    return table(COLUMNS, [row_cells(result) for result in results])


def row_cells(result: RowResult) -> list[Any]:
    message = "; ".join(map(warning_text, result.notes)) or None
    return [result.number, str(result.kind), result.uri, result.code, message]


def rows_text(results: Sequence[RowResult], warnings: Sequence[str] = ()) -> str:
    """Counts, the table, warnings."""
    found = text_table(rows_table(results))
    ends = [
        *map(_checked_line, _merged([one.checked for one in results])),
        *_approved_lines([one.approved_by for one in results]),
    ]
    return text_of(counts_text(results), found, *ends, *(f"warning: {warning}" for warning in warnings))


def counts_text(results: Sequence[RowResult]) -> str:
    """``3 created, 1 failed``."""
    counts: dict[OutcomeKind, int] = {}
    for result in results:
        counts[result.kind] = counts.get(result.kind, 0) + 1
    return ", ".join(f"{count:,} {kind}" for kind, count in counts.items())
