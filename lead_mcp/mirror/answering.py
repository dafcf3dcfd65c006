"""A statement answered from the mirror: the same tables as live, of which a view leaves out what was not asked.

The statement is parsed and judged as it is live. It needs no rehearsal: nothing is read for it that could be read in vain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from lead_mcp.dates import full_stamp
from lead_mcp.engine.connection import Connection
from lead_mcp.engine.ledger import LedgerEntry
from lead_mcp.errors import NotConfigured, NotOffered, Unavailable
from lead_mcp.mirror.coverage import no_mirror
from lead_mcp.mirror.freshness import fresh_tables, freshen
from lead_mcp.mirror.generation import Generation
from lead_mcp.mirror.mirror import Mirror
from lead_mcp.mirror.place import Place
from lead_mcp.mirror.records import LEAD, RECORDING
from lead_mcp.mirror.segments import View
from lead_mcp.sql.cage import Cage, CageError, ResultSet, Session, is_installed
from lead_mcp.sql.constants import Clock
from lead_mcp.sql.messages import explained, not_parsed
from lead_mcp.sql.needs import Needs, needs_of
from lead_mcp.sql.plan import ReadingPlan, reading_plan
from lead_mcp.sql.query import SqlAnswer, SqlQuery
from lead_mcp.sql.rows import encoded
from lead_mcp.sql.running import run_sql
from lead_mcp.sql.statement import Statement, check_text, judged
from lead_mcp.sql.tables import TABLES

OPENED: Final = 3
"""How often the files are looked for anew, where a writer has just replaced them."""


async def answer_sql(query: SqlQuery, live: Cage, mirror: Mirror | None, look: str | None) -> SqlAnswer:
    """The answer from the mirror where the statement asks for it or, with ``auto``, where it covers what is asked.

    ``look``: what tells apart how values are shown to whoever asks, if it may not be as the mirror's tables show them.
    Raises LeadMcpError.
    """
    if mirror is None or query.source == "live":
        if query.source == "mirror":
            raise no_mirror()
        return await run_sql(query, live)
    if not is_installed():
        raise NotOffered("SQL needs DuckDB: pip install 'lead-mcp[sql]'.")
    try:
        found = await Mirrored(query, mirror, look).answer()
    except (NotConfigured, Unavailable):  # files of another format, or damaged ones
        if query.source == "mirror":
            raise
        found = None
    return found or await run_sql(replace(query, source="live"), live)


@dataclass
class Mirrored:
    """One statement over the mirror."""

    query: SqlQuery
    mirror: Mirror
    look: str | None

    async def answer(self) -> SqlAnswer | None:
        """The answer; None where the mirror does not cover what ``auto`` asks. Raises LeadMcpError."""
        check_text(self.query.sql)
        if self.look not in (None, self.mirror.look.mark):
            self._refuse("its tables show values otherwise than you may see them")
            return None
        if (found := await fresh_tables(self.mirror)) is None:
            self._refuse("it holds nothing yet: run `lead-mcp mirror sync`")
            return None
        for attempt in range(OPENED):
            try:
                return await self._answered(found)
            except CageError as error:
                again = self.mirror.generation
                if again is None or again.files == found.files or attempt == OPENED - 1:
                    raise explained(self.query.sql, error, None, self.query.deadline) from error
                found = again
        return None

    async def _answered(self, generation: Generation) -> SqlAnswer | None:
        """Raises CageError where the files could not be opened."""
        statement = await self._judged(generation)
        needs = needs_of(statement, Clock(self.query.now, self.query.zone))
        plan = reading_plan(self.query, needs)
        kinds = sorted(
            {reading.kind for reading in plan.readings} | ({RECORDING} if needs.has("recordings") else set())
        )
        asked = list({reading.connection.name: reading.connection for reading in plan.readings}.values())
        await freshen(self.mirror, asked, kinds, records=False)
        generation = await fresh_tables(self.mirror) or generation
        if missing := self._missing(generation, plan, needs):
            self._refuse(missing)
            return None
        result = await self._run(generation, statement, needs, plan)
        chosen = asked or list(self.query.connections)
        return self._answer_of(generation, plan, result, chosen, kinds or [LEAD])

    async def _judged(self, generation: Generation) -> Statement:
        async with self._session(generation) as session:
            tree = await session.tree(self.query.sql)
        if tree["error"]:
            raise not_parsed(self.query.sql, tree)
        return judged(self.query.sql, tree)

    def _session(self, generation: Generation) -> AbstractAsyncContextManager[Session]:
        files = {name: str(self.mirror.folder / file) for name, file in generation.files.items()}
        query = self.query
        return self.mirror.cage.session(query.zone.key, query.deadline, query.deadline, files)

    def _missing(self, generation: Generation, plan: ReadingPlan, needs: Needs) -> str:
        """What of the reading is not in the mirror, in words; empty where all of it is."""
        recorded = needs.has("recordings")
        if recorded and not self.mirror.recordings:
            return "recordings are not in it (LEAD_MCP_MIRROR_RECORDINGS)"
        short = [
            reading.connection.name
            for reading in plan.readings
            for kind in (reading.kind, *([RECORDING] if recorded and reading.kind == LEAD else []))
            if not self.mirror.coverage.covers(generation.places, reading.connection, kind, reading.window)
        ]
        return f"it does not reach back that far at {', '.join(dict.fromkeys(short))}" if short else ""

    def _refuse(self, why: str) -> None:
        """Raises NotConfigured where nothing but the mirror was to answer."""
        if self.query.source == "mirror":
            raise NotConfigured(f"source: the mirror cannot answer this: {why}. source=live reads the vendors now.")

    async def _run(self, generation: Generation, statement: Statement, needs: Needs, plan: ReadingPlan) -> ResultSet:
        names = [one.name for one in self.query.connections]
        every = set(generation.counts) <= set(names)
        view = View(names, every, plan.lead_window, plan.ping_window, bool(generation.delta))
        tables = [name for name in needs.columns if name != "accounts"]
        ordered = sorted(tables, key=lambda name: bool(TABLES[name].query))
        query = self.query
        try:
            async with self._session(generation) as session:
                create = view.create(ordered)
                drop = [f"DROP VIEW IF EXISTS {name}" for name in reversed(ordered)]
                if needs.has("accounts"):
                    create, drop = [*create, TABLES["accounts"].create()], [*drop, TABLES["accounts"].drop()]
                await session.begin(create, drop)
                if needs.has("accounts"):
                    await self._load_accounts(session, generation, needs, plan)
                return await session.run(query.sql, query.max_rows, query.max_bytes, query.max_cell)
        except CageError as error:
            raise explained(query.sql, error, statement, query.deadline) from error

    async def _load_accounts(self, session: Session, generation: Generation, needs: Needs, plan: ReadingPlan) -> None:
        counts: dict[str, int] = {}
        if needs.leads is not None and "leads" in needs.columns:
            found = await session.run("SELECT account, count(*) FROM leads GROUP BY account", 100_000, 10_000_000, 1000)
            counts = {str(name): int(many) for name, many in found.rows}
        columns = list(TABLES["accounts"].types.items())
        rows = [
            self._account(one, generation, plan, counts.get(one.name, 0) if needs.leads is not None else None)
            for one in self.query.connections
        ]
        await session.load(
            "accounts", columns, encoded([[row[name] for name, _ in columns] for row in rows], len(columns))
        )

    def _account(
        self, connection: Connection, generation: Generation, plan: ReadingPlan, leads: int | None
    ) -> dict[str, Any]:
        place = generation.places.get(connection.name, {}).get(LEAD, Place())
        begin = self.mirror.coverage.since(place)
        asked = plan.lead_window.since if plan.lead_window else None
        since = max(filter(None, (begin, asked)), default=None)
        return {
            "account": connection.name,
            "vendor": connection.vendor.name,
            "zone": connection.account.options.get("timezone") or connection.vendor.zone,
            "as_of": full_stamp(place.as_of) if place.as_of else None,
            "covered_since": full_stamp(since) if since else None,
            "complete": place.as_of is not None,
            "leads": leads,
        }

    # --- the answer -------------------------------------------------------------------------------------

    def _answer_of(
        self,
        generation: Generation,
        plan: ReadingPlan,
        result: ResultSet,
        chosen: Sequence[Connection],
        kinds: Sequence[str],
    ) -> SqlAnswer:
        as_of = self._as_of(generation, chosen, kinds)
        return SqlAnswer(
            columns=result.columns,
            types=result.types,
            rows=result.rows,
            row_count=result.row_count,
            complete=True,
            source="mirror",
            window=plan.lead_window or plan.ping_window or self.query.window,
            entries=[self._entry(one, as_of, plan) for one in chosen],
            as_of=as_of,
            zone=self.query.zone.key,
            cut_cells=result.cut_cells,
            notes=plan.notes,
        )

    def _as_of(
        self, generation: Generation, chosen: Sequence[Connection], kinds: Sequence[str]
    ) -> Mapping[str, datetime]:
        """How fresh each account's oldest part is."""
        found: dict[str, datetime] = {}
        for one in chosen:
            places = generation.places.get(one.name, {})
            known = [place.as_of for kind in kinds if (place := places.get(kind)) and place.as_of]
            if known:
                found[one.name] = min(known)
        return found

    def _entry(self, connection: Connection, as_of: Mapping[str, datetime], plan: ReadingPlan) -> LedgerEntry:
        window = next((one.window for one in plan.readings if one.connection is connection), None)
        notes = self.mirror.coverage.notes(connection, as_of.get(connection.name), self.query.now)
        return LedgerEntry(connection.name, window=window, notes=notes)
