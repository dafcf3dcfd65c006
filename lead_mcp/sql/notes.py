"""What is to be known of a statement's answer, as values; ``outgoing/notes.py`` puts them into words."""

from __future__ import annotations

from datetime import timedelta

from lead_mcp.engine.notes import Note


class NoBeginning(Note):
    """No beginning was given: ``what`` (``leads``, ``pings``) of so long back were read."""

    what: str
    back: timedelta


class AmountsBeyond(Note):
    """Columns in which amounts of more than 14 digits are NULL."""

    columns: tuple[str, ...]


class AccountsNotRead(Note):
    """Accounts of which no row is in the tables, as they could not be read whole."""

    accounts: tuple[str, ...]


class RealValueCompared(Note):
    """The statement holds a real value, and the tables hold pseudonyms."""
