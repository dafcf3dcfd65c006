"""What the journal knows of a write: who it was about is cut down to hints, as in ``lead-mcp journal show``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from lead_mcp.journal.entries import JournalEvent, Write
from lead_mcp.outgoing.cleaning import cleaned_tree
from lead_mcp.outgoing.hints import hinted
from lead_mcp.uris import uri

NAMES: Final = ("id", "at", "state", "tool", "account", "uri", "principal")
PERSONAL: Final = ("key", "intent", "outcome")


def write_to_dict(write: Write, *, values: bool = False) -> dict[str, Any]:
    """One write. ``values``: with personal values, for a person at their own terminal."""
    personal = {name: getattr(write, name) for name in PERSONAL}
    shown = personal if values else {name: hinted(value, name) for name, value in personal.items()}
    return {**{name: getattr(write, name) for name in NAMES}, **shown}


def events_to_dicts(events: Sequence[JournalEvent], *, values: bool = False) -> list[dict[str, Any]]:
    """Its steps, in order; the values of one that was purged are null."""
    return [
        {"at": one.at, "state": one.state, "values": one.values if values else hinted(one.values)} for one in events
    ]


def write_with_events(write: Write, events: Sequence[JournalEvent]) -> dict[str, Any]:
    """``{"uri", "id", "at", "state", "tool", "account", "lead_uri", "key", "events"}``; each step has what it knew."""
    head = write_to_dict(write)
    kept = {name: head[name] for name in ("id", "at", "state", "tool", "account", "key")}
    found = {"uri": uri("journal", write.id), **kept, "lead_uri": write.uri, "events": events_to_dicts(events)}
    whole: dict[str, Any] = cleaned_tree(found, None)
    return whole
