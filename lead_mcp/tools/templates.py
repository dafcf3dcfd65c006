"""Which URIs can be read, as clients are told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

JSON: Final = "application/json"
TEMPLATES: Final[Mapping[str, tuple[str, str | None, str]]] = {
    "lead://{account}/{id}": ("lead", JSON, "One lead in full: our fields and the vendor's own record."),
    "ping://{account}/{direction}/{id}{?type,at}": ("ping", JSON, "One PING attempt in full."),
    "recording://{account}/{lead_id}/{recording_id}": ("recording", None, "A call recording's audio."),
    "account://{account}": ("account", JSON, "What one account offers, with all its fields."),
    "journal://{id}": (
        "journal",
        JSON,
        "The story of one write, by its journal_id; personal values cut down to hints.",
    ),
}
"""Name, mime type (None: the vendor says it with the audio itself) and description."""
WITH_A_FOLDER: Final[Mapping[str, tuple[str, str | None, str]]] = {
    "export://{name}": ("export", None, "A file that export_leads wrote for you."),
}
"""The same, where files may be written."""
SCHEMA: Final = "sql://schema"
FIXED: Final = {
    SCHEMA: (
        "sql-schema",
        "SQL tables",
        "text/plain",
        "The tables that query_sql asks, with every column, type and unit.",
    )
}
