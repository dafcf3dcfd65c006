"""What an import is to do: its rows, and the calls by whose keys the journal knows them.

A row's key is the digest of its values and which of the rows with these values it is: the journal knows by it what became of
the row, in this run or an earlier one, whatever other rows have come or gone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from lead_mcp.cli.importing.columns import Row
from lead_mcp.engine.persons.person import Person
from lead_mcp.journal.entries import Write
from lead_mcp.runtime import Runtime
from lead_mcp.writing.call import WriteCall
from lead_mcp.writing.inserts import InsertIntent, OnDuplicate
from lead_mcp.writing.looking import Source, sources
from lead_mcp.writing.outcome import Tool

PRINCIPAL: Final = "import"
"""The principal of an import's keys, whoever runs the command."""


@dataclass(frozen=True)
class ImportOptions:
    """What was asked for."""

    account: str
    maps: Sequence[str] = ()
    on_duplicate: OnDuplicate = "fail"
    ignore_unmapped: bool = False
    max_failures: int = 10
    source: Source = "live"
    """Where the same person is looked for."""


@dataclass
class ImportPlan:
    """A file found to be sound, and its rows. ``digest``: of its content."""

    path: Path
    options: ImportOptions
    digest: str
    rows: Sequence[Row]
    warnings: Counter[str] = field(default_factory=Counter)
    began_earlier: bool = False
    """Whether version 0.1 has begun to import this very file."""
    _sources: dict[int, Source] = field(default_factory=dict)
    """By a row's number."""

    @property
    def size(self) -> str:
        """``1 row``, ``1,200 rows``."""
        return f"{len(self.rows):,} row{'' if len(self.rows) == 1 else 's'}"

    def intent(self, runtime: Runtime, row: Row) -> InsertIntent:
        connection, options = runtime.connection(self.options.account), self.options
        source = self._source(row, runtime.server.phone_region)
        return InsertIntent(connection, row.lead, row.own, options.on_duplicate, looks=False, source=source)

    def _source(self, row: Row, region: str) -> Source:
        if not self._sources:
            found = sources((person_in(one, region) for one in self.rows), self.options.source)
            self._sources = {one.number: source for one, source in zip(self.rows, found, strict=True)}
        return self._sources[row.number]

    def call(self, row: Row) -> WriteCall:
        """Where the person is looked for is no part of it: a row that was sent is done, wherever that was."""
        arguments = {
            "account": self.options.account,
            "lead": row.lead,
            "vendor_fields": row.own or None,
            "on_duplicate": self.options.on_duplicate,
        }
        return WriteCall(Tool.INSERT_LEAD, arguments, f"import {row.name}", PRINCIPAL)

    def earlier_call(self, row: Row) -> WriteCall:
        """The same under the key that version 0.1 gave it: the file's digest and the row's number."""
        return replace(self.call(row), key=f"import {self.digest}#{row.number}")


def person_in(row: Row, region: str) -> Person:
    """Whom the row is about."""
    return Person.of({**row.own, **row.lead}, region)


async def known(runtime: Runtime, plan: ImportPlan, call: WriteCall) -> Write | None:
    """The write that has this key, whatever its arguments."""
    account, key = plan.options.account, call.key or ""
    return await runtime.in_journal(lambda journal: journal.find(account, str(call.tool), PRINCIPAL, key))


async def key_of(runtime: Runtime, plan: ImportPlan, row: Row) -> WriteCall:
    """The call under the key by which the journal knows the row: version 0.1's, where that began it."""
    earlier = plan.earlier_call(row)
    return earlier if plan.began_earlier and await known(runtime, plan, earlier) else plan.call(row)
