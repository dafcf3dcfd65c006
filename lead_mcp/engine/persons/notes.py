"""What is to be known of leads whose person was looked for elsewhere, as values (see ``engine/notes.py``)."""

from __future__ import annotations

from lead_mcp.engine.notes import Note


class PeopleLookedFor(Note):
    """At one account, and how many were found. ``read``: leads that were read to compare, None where none were."""

    people: int
    found: int
    read: int | None


class LookingStopped(Note):
    people: int


class PeopleUnknown(Note):
    leads: int


class PeopleNameless(Note):
    leads: int
