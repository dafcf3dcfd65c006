"""``lead-mcp journal list``, ``show`` and ``verify``: looking at the journal, personal values masked unless asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lead_mcp.cli.approve import found
from lead_mcp.cli.opened import opened_journal
from lead_mcp.cli.output import json_line
from lead_mcp.dates import stamp
from lead_mcp.errors import BadArgument, did_you_mean
from lead_mcp.filters import as_time
from lead_mcp.journal.anchors import parse_anchor
from lead_mcp.journal.entries import OPEN, JournalEvent, State, Write
from lead_mcp.journal.store import Journal
from lead_mcp.outgoing.cleaning import cell, text_cell
from lead_mcp.outgoing.hints import hinted
from lead_mcp.outgoing.journal_records import events_to_dicts, write_to_dict
from lead_mcp.outgoing.render import record_lines, table, text_table

UNRESOLVED: Final = (State.PENDING, State.UNKNOWN, State.ACCEPTED, *sorted(OPEN))
COLUMNS: Final = ("id", "at", "state", "tool", "account", "principal", "uri", "lead")
EVERY: Final = 1_000_000
SUMMARY: Final = 80
PURGED: Final = "(values purged)"
HEADED: Final = frozenset({"tool", "uri", "id", "journal_id", "action", "known"})
"""What the head of a story says already, or what is of no use to a reader."""


@dataclass(frozen=True)
class WriteQuery:
    """Which writes to list."""

    account: str | None = None
    tool: str | None = None
    state: str | None = None
    unresolved: bool = False
    limit: int = 50
    principal: str | None = None

    def of(self, journal: Journal) -> list[Write]:
        """The newest of them. Raises BadArgument."""
        if self.state and self.state not in list(State):
            hint = did_you_mean(self.state, State)
            raise BadArgument(f"--state: {self.state!r} is none of {', '.join(State)}.{hint}")
        states = UNRESOLVED if self.unresolved else (self.state,) if self.state else ()
        most = EVERY if self.unresolved else self.limit
        given = {"account": self.account, "tool": self.tool, "principal": self.principal}
        writes = journal.recent(states=states, limit=most, **given)
        if self.unresolved:
            writes = [one for one in writes if not journal.is_worked_on(one)]
            writes = [one for one in writes if self.state in (None, one.state)]
        return writes[: self.limit]


def list_writes(query: WriteQuery, *, values: bool, as_json: bool, config: Path | None) -> int:
    """Print the writes, newest first; the exit code."""
    with opened_journal(config) as (_, journal):
        writes = query.of(journal)
    if as_json:
        print(json_line([write_to_dict(one, values=values) for one in writes]))
    elif writes:
        print(text_table(table(COLUMNS, [_as_row(one, values) for one in writes])))
    else:
        print("no such write")
    return 0


def _as_row(write: Write, values: bool) -> list[Any]:
    who = text_cell(write.principal)
    return [write.id, _when(write.at), write.state, write.tool, write.account, who, write.uri, _summary(write, values)]


def _when(at: str) -> str:
    moment = as_time(at)
    return stamp(moment) if moment else at


def _summary(write: Write, values: bool) -> str:
    """What was written, in a few words."""
    arguments = (write.intent or {}).get("arguments")
    if not isinstance(arguments, Mapping):
        return PURGED
    several = arguments.get("leads") or arguments.get("updates")
    if several:
        return f"{len(several)} leads"
    given = arguments.get("changes") or arguments.get("lead")
    given = given if isinstance(given, Mapping) else {}
    listed = given if values else hinted(given)
    return cell(", ".join(f"{name}: {value}" for name, value in listed.items()), SUMMARY)


# --- one write ----------------------------------------------------------------------------------------------------


def show(name: str, *, values: bool, as_json: bool, config: Path | None) -> int:
    """Print one write's story; the exit code. Raises BadArgument."""
    with opened_journal(config) as (_, journal):
        write = found(journal, name)
        events = journal.events(name)
    if as_json:
        print(json_line({**write_to_dict(write, values=values), "events": events_to_dicts(events, values=values)}))
        return 0
    print(text_table(table(COLUMNS, [_as_row(write, values)])))
    if write.key:
        print(f"key: {text_cell(write.key if values else hinted(write.key, 'key'))}")
    for event in events:
        print("\n".join(_event_lines(event, values)))
    return 0


def _event_lines(event: JournalEvent, values: bool) -> Sequence[str]:
    head = f"\n{_when(event.at)} {event.state}"
    if event.values is None:
        return [head, f"  {PURGED}"]
    rest = dict(event.values if values else hinted(event.values))
    request, before, after = rest.pop("request", None), rest.pop("before", None) or {}, rest.pop("after", None) or {}
    if before or after or event.state is State.SENDING:
        rest.pop("arguments", None)
    rest = {name: value for name, value in rest.items() if name not in HEADED}
    lines = [_change(name, before, after) for name in {**before, **after}]
    lines += [_request(request)] if request else []
    return [head, *(f"  {line}" for line in [*lines, *record_lines(rest)])]


def _change(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """``status: open -> won``; one side alone where there is but one, or no difference."""
    old, new = before.get(name), after.get(name)
    differs = name in before and name in after and old != new
    change = f"{_value(old)} -> {_value(new)}" if differs else _value(after.get(name, old))
    return f"{text_cell(name)}: {change}"


def _value(value: Any) -> str:
    return "(empty)" if value in (None, "") else text_cell(str(value))


def _request(request: Mapping[str, Any]) -> str:
    body = {name: request[name] for name in ("query", "form", "json") if request.get(name) is not None}
    parts = " ".join(f"{name} {json.dumps(value, ensure_ascii=False)}" for name, value in body.items())
    return f"request: {request.get('method')} {text_cell(str(request.get('path')))} {cell(parts, 2000)}"


# --- the chain ----------------------------------------------------------------------------------------------------


def verify(anchor: str | None, config: Path | None) -> int:
    """Print what is wrong with the chain, or that it is whole and its anchor; 1 if anything is wrong."""
    anchors = [parse_anchor(anchor)] if anchor else []
    with opened_journal(config) as (_, journal):
        problems, head = journal.verify(anchors), journal.head()
    print("\n".join(map(cell, problems)) or "the journal is whole: every step is as it was written")
    if head is not None and not problems:
        print(f"anchor {head}")
    return 1 if problems else 0
