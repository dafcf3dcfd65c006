"""The pages of a tool's answer for a file: the tool's own questions and cursors, values uncut, masked like every answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, Final

import anyio

from lead_mcp.characters import cleaned
from lead_mcp.engine.answer import Answer
from lead_mcp.engine.limits import Limits
from lead_mcp.engine.pace import aside
from lead_mcp.engine.query import Query
from lead_mcp.engine.records import columns_of
from lead_mcp.engine.search import search
from lead_mcp.errors import BadArgument
from lead_mcp.exports.file import Question
from lead_mcp.exports.page import ExportPage, Pages
from lead_mcp.outgoing.masking import masked_tree
from lead_mcp.outgoing.notes import sentences_of
from lead_mcp.outgoing.pings import COLUMNS, ping_rows
from lead_mcp.outgoing.records import UNCUT, uncut_rows, weight
from lead_mcp.outgoing.render import id_cell
from lead_mcp.outgoing.sql import sql_rows
from lead_mcp.outgoing.times import ShownTime, window_to_dict
from lead_mcp.runtime import Runtime
from lead_mcp.tools.arguments import models
from lead_mcp.tools.arguments.base import Arguments
from lead_mcp.tools.leads import found_leads
from lead_mcp.tools.pings import added_columns, grouping_of, query_of, with_pings
from lead_mcp.tools.sql import answered_sql, sql_query

SQL_ROWS: Final = 100_000
SQL_BYTES: Final = 64_000_000
"""What one statement may give: its result is read at once."""
MARGIN: Final = 0.1
"""Seconds that a page needs at least."""


def lead_pages(runtime: Runtime, asked: models.ExportLeads, until: float | None = None) -> Pages:
    """Pages of ``search_leads``. ``until``: when reading ends, by the event loop's clock."""

    async def page(cursor: str | None, rows: int) -> ExportPage:
        found = await found_leads(runtime, _at(asked, cursor), rows, _limits(runtime, until))
        answer, columns = found.answer, ("uri", *found.columns)
        cells = await aside(
            partial(uncut_rows, answer.records, found.columns), weight(columns_of(answer.records, found.columns))
        )
        return _page(answer, found.query, columns, cells)

    return page


def ping_pages(runtime: Runtime, asked: models.ExportPings) -> Pages:
    """Pages of ``query_pings``: its rows, and neither groups nor a summary. Raises BadArgument where groups are asked for."""
    if asked.group_by or asked.measures:
        raise BadArgument("group_by, measures: a file has one row a ping; query_sql counts, and can be exported too.")
    chosen, grouping = with_pings(runtime, asked.account, asked.direction), grouping_of(runtime, asked)
    columns = added_columns(asked, grouping)

    async def page(cursor: str | None, rows: int) -> ExportPage:
        query = replace(query_of(runtime, _at(asked, cursor), grouping), limit=rows)
        answer = await search(chosen, query, runtime.limits, runtime.seal)
        cells = await aside(
            partial(ping_rows, answer.records, columns, uncut_rows),
            weight(columns_of(answer.records, (*COLUMNS, *columns))),
        )
        return _page(answer, query, ("uri", *COLUMNS, "lead_uri", *columns), cells)

    return page


def sql_pages(runtime: Runtime, asked: models.QuerySql) -> Pages:
    """The one page of ``query_sql``: its rows up to ``max_rows`` where that is given, else as many as the engine gives."""
    most = asked.max_rows if (bounded := "max_rows" in asked.model_fields_set) else SQL_ROWS

    async def page(cursor: str | None, rows: int) -> ExportPage:
        query = replace(await sql_query(runtime, asked), max_rows=most, max_bytes=SQL_BYTES, max_cell=UNCUT - 1)
        answer = await answered_sql(runtime, query)
        names = unique([cleaned(name) for name in answer.columns])
        there = len(answer.rows)
        whole = (bounded and there >= most) or (answer.row_count is not None and answer.row_count <= there)
        left_out = "" if whole else answer.omitted
        if not answer.complete and all(entry.whole for entry in answer.entries):
            left_out = left_out or "not everything was read"
        return ExportPage(
            columns=names,
            rows=[
                [ShownTime(cell) if isinstance(kept, datetime) else cell for cell, kept in zip(row, of, strict=True)]
                for row, of in zip(sql_rows(answer, UNCUT), answer.rows, strict=True)
            ],
            cursor=None,
            entries=answer.entries,
            total=answer.row_count,
            window=window_to_dict(answer.window),
            left_out=left_out,
            notes=list(map(cleaned, sentences_of(answer.notes))),
        )

    return page


PAGES: Final[dict[str, Callable[[Runtime, Any], Pages]]] = {
    "search_leads": lead_pages,
    "query_pings": ping_pages,
    "query_sql": sql_pages,
}
"""What can be exported, by the tool that answers it."""
MODELS: Final[dict[str, type[Arguments]]] = {
    "search_leads": models.ExportLeads,
    "query_pings": models.ExportPings,
    "query_sql": models.QuerySql,
}


def _at(asked: Any, cursor: str | None) -> Any:
    return asked.model_copy(update={"cursor": cursor})


def _limits(runtime: Runtime, until: float | None) -> Limits:
    if until is None:
        return runtime.limits
    return replace(runtime.limits, deadline=max(MARGIN, until - anyio.current_time()))


def _page(answer: Answer, query: Query, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> ExportPage:
    return ExportPage(
        columns=columns,
        rows=rows,
        cursor=answer.cursor,
        entries=answer.entries,
        total=answer.total,
        window=window_to_dict(query.window),
        missing=[id_cell(one) for one in answer.missing or ()],
        left_out=answer.omitted,
    )


def unique(names: Sequence[str]) -> list[str]:
    """The names, each once: a column of a name that came before gets a number."""
    found: list[str] = []
    for name in names:
        nth, free = 2, name
        while free in found:
            free, nth = f"{name}_{nth}", nth + 1
        found.append(free)
    return found


def question_of(runtime: Runtime, tool: str, given: Mapping[str, Any], **further: str) -> Question:
    """The question with what its answer depends on besides: the accounts there are, and whether values are masked."""
    facts = {"pii": runtime.server.pii, "among": sorted(runtime.connections), **further}
    return Question(tool, given, masked_tree(dict(given)), facts)
