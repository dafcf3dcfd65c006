"""What a write does, and what became of it, as values: sentences about it are made in ``outgoing/write_text.py``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from lead_mcp.uris import parse_uri
from lead_mcp.writing.duplicate_check import DuplicateCheck


class Action(StrEnum):
    """What a write does to a lead."""

    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"


class Tool(StrEnum):
    """The tools that write, as calls and the journal name them."""

    INSERT_LEAD = "insert_lead"
    INSERT_LEADS = "insert_leads"
    UPDATE_LEAD = "update_lead"
    UPDATE_LEADS = "update_leads"
    DELETE_LEAD = "delete_lead"

    @property
    def action(self) -> Action:
        return ACTIONS[self]


ACTIONS: Final[Mapping[Tool, Action]] = {
    Tool.INSERT_LEAD: Action.INSERT,
    Tool.INSERT_LEADS: Action.INSERT,
    Tool.UPDATE_LEAD: Action.UPDATE,
    Tool.UPDATE_LEADS: Action.UPDATE,
    Tool.DELETE_LEAD: Action.DELETE,
}
BATCHES: Final = {Tool.INSERT_LEADS: "leads", Tool.UPDATE_LEADS: "updates"}
"""Tools of several writes, and the argument that holds them."""
INSERTING: Final = tuple(tool for tool, action in ACTIONS.items() if action is Action.INSERT)


class OutcomeKind(StrEnum):
    """The contract's words for what became of a write.

    ``PENDING``: the vendor has taken it, and it cannot be seen there yet. ``FAILED``: a row of several that ended in an error.
    """

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    DUPLICATE = "duplicate"
    DELETED = "deleted"
    PREVIEW = "preview"
    DECLINED = "declined"
    PENDING = "pending"
    UNKNOWN = "unknown"
    FAILED = "failed"


DONE: Final[Mapping[Action, OutcomeKind]] = {
    Action.INSERT: OutcomeKind.CREATED,
    Action.UPDATE: OutcomeKind.UPDATED,
    Action.DELETE: OutcomeKind.DELETED,
}
"""What a write has become once it is carried out."""


@dataclass(frozen=True, slots=True)
class ReadsOtherwise:
    """After a change the vendor has another value in a field than the one it was sent."""

    field: str
    value: Any
    sent: Any


WriteWarning = str | ReadsOtherwise
"""What somebody should know of a write: words that hold no value of the lead, or a value."""


@dataclass(frozen=True)
class Outcome:
    """What became of a write. ``before``, ``after``, ``sent``: JSON values by our names and the vendor's own, whole and
    unmasked. ``after``: as they were read back (of a preview: as they would be); ``sent``: those that were not.
    """

    kind: OutcomeKind
    uri: str | None = None
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    sent: Mapping[str, Any] | None = None
    request: Mapping[str, Any] | None = None
    journal_id: str | None = None
    warnings: tuple[WriteWarning, ...] = ()
    checked: DuplicateCheck | None = None
    """The look for duplicates."""
    approved_by: str | None = None
    """``allow`` where nobody was asked, ``terminal``, or a person by which client."""

    @property
    def lead_id(self) -> str | None:
        return parse_uri(self.uri, "lead").id if self.uri else None

    def record(self) -> dict[str, Any]:
        """As the journal keeps it."""
        found = {
            "outcome": str(self.kind),
            "uri": self.uri,
            "before": self.before,
            "after": self.after,
            "sent": self.sent,
            "request": self.request,
            "checked": self.checked.record() if self.checked else None,
            "approved_by": self.approved_by,
        }
        present = {name: value for name, value in found.items() if value is not None}
        return {**present, "warnings": [warning_record(note) for note in self.warnings]}

    @staticmethod
    def of_record(record: Mapping[str, Any], journal_id: str) -> Outcome:
        return Outcome(
            OutcomeKind(record["outcome"]),
            record.get("uri"),
            record.get("before"),
            record.get("after"),
            record.get("sent"),
            record.get("request"),
            journal_id,
            tuple(map(warning_of, record.get("warnings", ()))),
            DuplicateCheck.of_record(record["checked"]) if record.get("checked") else None,
            record.get("approved_by"),
        )


def warning_record(note: WriteWarning) -> Any:
    return note if isinstance(note, str) else {"field": note.field, "value": note.value, "sent": note.sent}


def warning_of(record: Any) -> WriteWarning:
    return (
        ReadsOtherwise(record["field"], record["value"], record["sent"]) if isinstance(record, Mapping) else str(record)
    )
