"""A check for duplicates, as a value: what it compared, how far back, and whether it saw everything there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from lead_mcp.dates import stamp
from lead_mcp.engine.notes import Note
from lead_mcp.engine.persons.people import PersonMatches
from lead_mcp.engine.persons.person import Person


@dataclass(frozen=True)
class DuplicateCheck:
    """One look for duplicates at one account.

    ``compared``: our fields. ``found``: how many leads had the same. ``since``: the oldest creation time that was looked at,
    None where all were. ``complete``: whether everything within it was seen.
    """

    account: str
    compared: tuple[str, ...]
    found: int = 0
    complete: bool = True
    requests: int = 0
    since: str | None = None
    notes: tuple[str, ...] = ()

    @staticmethod
    def of(account: str, person: Person, matches: PersonMatches, words: Callable[[Note], str]) -> DuplicateCheck:
        compared = [name for name, known in (("email", person.emails), ("phone", person.phones)) if known]
        since = matches.window.since if matches.window else None
        return DuplicateCheck(
            account,
            tuple(compared),
            len(matches.records),
            matches.complete,
            matches.requests,
            stamp(since) if since is not None and since.year > 2000 else None,
            tuple(map(words, dict.fromkeys(matches.notes))),
        )

    def with_another(self, other: DuplicateCheck) -> DuplicateCheck:
        """Both as one look."""
        notes = tuple(dict.fromkeys((*self.notes, *other.notes)))
        found, requests = self.found + other.found, self.requests + other.requests
        return replace(self, found=found, requests=requests, notes=notes)

    def record(self) -> dict[str, Any]:
        """In the contract's words, as the journal keeps it too."""
        found = {"account": self.account, "compared": [*self.compared], "found": self.found, "complete": self.complete}
        more = {"requests": self.requests, "since": self.since, "note": "; ".join(self.notes) or None}
        return {**found, **{name: value for name, value in more.items() if value is not None}}

    @staticmethod
    def of_record(record: Mapping[str, Any]) -> DuplicateCheck:
        notes = (record["note"],) if record.get("note") else ()
        return DuplicateCheck(
            record["account"],
            tuple(record["compared"]),
            record["found"],
            record["complete"],
            record.get("requests", 0),
            record.get("since"),
            notes,
        )
