"""What is to be known of an answer from the mirror, as values; ``outgoing/notes.py`` puts them into words."""

from __future__ import annotations

from datetime import datetime, timedelta

from lead_mcp.engine.notes import Note


class FromMirror(Note):
    """``age``: how long ago the account was read."""

    age: timedelta


class NotToppedUp(Note):
    """Why the account's part is no younger: the error's message."""

    message: str


class MirrorBegins(Note):
    """The mirror holds no lead from before this moment."""

    since: datetime


class MirrorTooOld(Note):
    """It is older than ``LEAD_MCP_MIRROR_MAX_AGE`` allows."""
