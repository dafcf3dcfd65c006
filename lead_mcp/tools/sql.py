"""``query_sql``: any question as one SELECT. The engine and what reads for it load with the first call."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult

from lead_mcp.engine.connection import discovered_fields
from lead_mcp.engine.pace import aside
from lead_mcp.outgoing.event_text import event_text
from lead_mcp.outgoing.sql import CELLS, sql_answer
from lead_mcp.outgoing.sql_masking import masking_by, note_on
from lead_mcp.runtime import Runtime
from lead_mcp.tools.arguments import models
from lead_mcp.tools.arguments.windows import asked_window
from lead_mcp.tools.kit import result, runtime_of
from lead_mcp.tools.summaries import progress

if TYPE_CHECKING:
    from lead_mcp.sql.query import SqlAnswer, SqlQuery


async def query_sql(ctx: Context[Any, Any], asked: models.QuerySql) -> CallToolResult:
    """The tool ``query_sql``."""
    runtime = runtime_of(ctx)
    answer = await answered_sql(runtime, replace(await sql_query(runtime, asked), on_progress=progress(ctx)))
    return result(*await aside(partial(sql_answer, answer, asked.max_tokens), len(answer.rows)))


async def answered_sql(runtime: Runtime, query: SqlQuery) -> SqlAnswer:
    """The statement's answer; where masks are on, with a note on what they do to it."""
    from lead_mcp.mirror.answering import answer_sql

    answer = await answer_sql(query, runtime.cage, runtime.mirror, runtime.look)
    note = note_on(runtime.masker, query.sql)
    return replace(answer, notes=(*answer.notes, note)) if note else answer


async def sql_query(runtime: Runtime, asked: models.QuerySql) -> SqlQuery:
    """The statement with everything its answer depends on."""
    from lead_mcp.sql.query import SqlQuery

    server, now = runtime.server, runtime.now()
    chosen = runtime.chosen(asked.account)
    query = SqlQuery(
        sql=asked.sql,
        connections=chosen,
        zone=server.zone,
        now=now,
        deadline=server.deadline,
        scan=server.summary_limit,
        window=asked_window(asked, server.zone, now),
        region=server.phone_region,
        words=event_text,
        source=asked.source,
        max_rows=asked.max_rows,
        max_cell=CELLS[0] - 1,
    )
    if runtime.masker is None:
        return query
    return replace(query, mask=masking_by(runtime.masker, await discovered_fields(chosen, server.deadline)))
