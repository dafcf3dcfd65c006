"""The journal's schema, in SQLAlchemy Core. Times are ISO 8601 UTC text; digests and hashes are hex SHA-256.

``writes``: one row a write, its present state. ``events``: append-only, chained. ``payloads``: the values of an event, the
only place that holds personal ones; purged after ``LEAD_MCP_JOURNAL_DAYS``. ``questions``: what a person is asked, each
answerable once. ``chain``: the one row that serialises appends.

Version 2 added ``writes.fence`` and ``events.row_digest`` (the digest of the write's row after that step; absent in steps that
version 1 made), and named the questions anew; ``migrations`` brings a version 1 there.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Float, ForeignKey, Index, Integer, MetaData, String, Table, Text, UniqueConstraint

VERSION: Final = 2
START: Final = "0" * 64
"""What the first event's ``prev`` is."""
metadata: Final = MetaData()

meta = Table(
    "lead_mcp_meta", metadata, Column("name", String(40), primary_key=True), Column("value", Text, nullable=False)
)

writes = Table(
    "lead_mcp_writes",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("at", String(40), nullable=False),
    Column("account", String(100), nullable=False),
    Column("tool", String(40), nullable=False),
    Column("principal", String(100), nullable=False),
    Column("key", String(300)),
    Column("arguments", String(64), nullable=False),
    Column("state", String(20), nullable=False),
    Column("uri", Text),
    Column("owner", String(40), nullable=False),
    Column("lease", Float, nullable=False),
    Column("fence", Integer, nullable=False, server_default="0"),
    UniqueConstraint("account", "tool", "principal", "key"),
    Index("lead_mcp_writes_state", "state", "at"),
)

events = Table(
    "lead_mcp_events",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("write_id", String(40), ForeignKey("lead_mcp_writes.id"), nullable=False, index=True),
    Column("at", String(40), nullable=False),
    Column("state", String(20), nullable=False),
    Column("account", String(100), nullable=False),
    Column("tool", String(40), nullable=False),
    Column("arguments", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("prev", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("row_digest", String(64)),
)

payloads = Table(
    "lead_mcp_payloads",
    metadata,
    Column("seq", Integer, ForeignKey("lead_mcp_events.seq"), primary_key=True, autoincrement=False),
    Column("body", Text, nullable=False),
)

questions = Table(
    "lead_mcp_questions",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("at", String(40), nullable=False),
    Column("arguments", String(64), nullable=False),
    Column("agreed", Text, nullable=False),
    Column("used", Integer, nullable=False),
)

chain = Table(
    "lead_mcp_chain",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", Integer, nullable=False),
    Column("head", String(64), nullable=False),
)
