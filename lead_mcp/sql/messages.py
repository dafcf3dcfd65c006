"""What went wrong with a statement, in words that help: the place, the nearest name, one worked example."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import Any, Final

from lead_mcp.dates import midnight
from lead_mcp.engine.ledger import LedgerEntry
from lead_mcp.errors import BadArgument, LeadMcpError, NotAllowed, Unavailable, quoted
from lead_mcp.sql.cage import Busy, CageError, EngineError, TooLong
from lead_mcp.sql.places import place
from lead_mcp.sql.query import SqlQuery
from lead_mcp.sql.schema import EXAMPLES
from lead_mcp.sql.statement import ONE_SELECT, Statement
from lead_mcp.sql.tables import TABLES

NO_MEMORY: Final = (
    "The statement needs more memory than the engine may use. Read fewer rows or columns, or group earlier."
)
MISSING: Final = re.compile(r'(?:Referenced column|does not have a column named) "(.+?)"')
AT: Final = re.compile(r"\bat\b(?!\s+time\b)", re.IGNORECASE)
AT_HINT: Final = " AT is a word of SQL: the time of a ping, a send or an event is occurred_at."
WORDS: Final[Mapping[str, str]] = {
    "OutOfMemoryException": NO_MEMORY,
    "MemoryError": NO_MEMORY,
    "PermissionException": "The statement reaches for something outside the tables.",
}


def not_parsed(sql: str, tree: Mapping[str, Any]) -> LeadMcpError:
    """The error of a text that is no SELECT at all; ``tree`` is the parser's answer."""
    message = str(tree.get("error_message", ""))
    if tree.get("error_type") == "not implemented" or message.startswith("A CTE needs a SELECT"):
        return NotAllowed(f"sql: {ONE_SELECT}")
    hint = AT_HINT if AT.search(sql) else ""
    return BadArgument(f"sql: {quoted(message)}{place(sql, tree.get('position'))}.{hint} {example(())}")


def explained(sql: str, error: CageError, statement: Statement | None, seconds: float) -> LeadMcpError:
    """The caller's error for what the cage reported. ``seconds``: how long the statement had."""
    if isinstance(error, TooLong):
        return BadArgument(
            f"sql: the statement did not end within {seconds:.0f} s and was stopped. "
            "Ask less of it: fewer rows joined, no endless recursion, a narrower window."
        )
    if isinstance(error, Busy):
        return Unavailable("The SQL engine is busy with another statement. Try again in a moment.", sent=False)
    if not isinstance(error, EngineError):
        return BadArgument(f"sql: {NO_MEMORY} ({error})")
    if error.kind in WORDS:
        kind = NotAllowed if error.kind == "PermissionException" else BadArgument
        return kind(f"sql: {WORDS[error.kind]}")
    tables = [read.table for read in statement.reads] if statement else []
    return BadArgument(
        f"sql: {_explained(error.report, tables)}{place(sql, error.report.get('position'))}. {example(tables)}"
    )


def _explained(report: Mapping[str, Any], tables: Sequence[str]) -> str:
    message = str(report.get("exception_message", "")).strip()
    missing = MISSING.search(message)
    if missing is not None:
        return f"there is no column {quoted(missing[1])}{_elsewhere(missing[1], tables)}"
    return quoted(message.split("\n\n")[0].split("\n\t")[0].removesuffix("."))


def _elsewhere(name: str, tables: Sequence[str]) -> str:
    """Where the column is, or the nearest one."""
    having = [table for table in TABLES if name.lower() in TABLES[table].types and table not in tables]
    if having:
        return f" in {', '.join(dict.fromkeys(tables)) or 'sight'}; {' and '.join(having)} have it"
    known = [column for table in tables or TABLES for column in TABLES[table].types]
    near = get_close_matches(name.lower(), known, n=1, cutoff=0.6)
    return f" (nearest: {near[0]})" if near else ""


def example(tables: Iterable[str]) -> str:
    """One worked statement over the first table that was named."""
    first = next((table for table in tables if table in EXAMPLES), "leads")
    return f"For example: {EXAMPLES[first]}. The resource sql://schema lists every column."


def too_wide(cut: Sequence[LedgerEntry], reached: Mapping[str, datetime], query: SqlQuery) -> BadArgument:
    """The error for a reading that a limit cut: what was read, and from which day on it would fit."""
    counted = ", ".join(f"{e.account}: {e.scanned:,}{f' of {e.total:,}' if e.total else ''} records" for e in cut)
    limits = f"{query.deadline:g} s and {query.scan:,} records, LEAD_MCP_SUMMARY_LIMIT"
    return BadArgument(
        f"sql: the window is too wide to read live within {limits} ({counted}).{_fitting(cut, reached, query)} "
        "Fewer accounts or named columns read faster, too; a mirror (LEAD_MCP_MIRROR=on) answers any window."
    )


def _fitting(cut: Sequence[LedgerEntry], reached: Mapping[str, datetime], query: SqlQuery) -> str:
    """From which day on everything was read, where there is one: accounts are read from the newest lead back."""
    oldest = [reached[entry.account] for entry in cut if entry.account in reached]
    day = max(oldest, default=query.now).astimezone(query.zone).date() + timedelta(days=1)
    if len(oldest) < len(cut) or midnight(day, query.zone) >= query.now:
        return ""
    return f" What was read reaches back to {day - timedelta(days=1)}: since={day} should fit."


def too_many_recorded(most: int) -> BadArgument:
    return BadArgument(
        f"sql: recordings are listed lead by lead, for at most {most} leads a statement. Narrow created_at or account, or ask "
        "get_recordings for one lead."
    )


def too_many_bytes(most: int) -> BadArgument:
    return BadArgument(
        f"sql: the rows that the statement needs take more than {most // 1_000_000} MB. "
        "Narrow the window, or name the columns it needs (raw and * are the largest)."
    )
