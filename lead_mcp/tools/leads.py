"""``search_leads``, and the arguments that tools over many leads share."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult

from lead_mcp.engine.answer import Answer
from lead_mcp.engine.asked_ids import asked_ids
from lead_mcp.engine.connection import Connection
from lead_mcp.engine.limits import Limits
from lead_mcp.engine.pace import aside
from lead_mcp.engine.persons.people import LookupScope
from lead_mcp.engine.persons.person_question import named_text
from lead_mcp.engine.persons.presence import OtherAccount, PresenceCheck
from lead_mcp.engine.persons.search_present import search_present
from lead_mcp.engine.query import Query
from lead_mcp.engine.records import columns_of
from lead_mcp.engine.search import search
from lead_mcp.errors import BadArgument
from lead_mcp.filters import Filter, parse_sort
from lead_mcp.outgoing.leads import search_page
from lead_mcp.outgoing.records import CONCISE, DETAILED, weight
from lead_mcp.runtime import Runtime
from lead_mcp.tools.arguments import models
from lead_mcp.tools.arguments.readers import as_accounts
from lead_mcp.tools.arguments.windows import asked_window
from lead_mcp.tools.kit import result, runtime_of
from lead_mcp.tools.sources import sourced_leads

NEWEST: Final = "created_at:desc"
PAGE: Final = 20
NEGATED: Final = re.compile(r"^(not[\s:]+|!\s*)", re.IGNORECASE)
USUAL: Final[Mapping[str, Sequence[str]]] = {"concise": CONCISE, "detailed": DETAILED, "uris": ()}
"""Columns by ``detail``."""


async def search_leads(ctx: Context[Any, Any], asked: models.SearchLeads) -> CallToolResult:
    """The tool ``search_leads``."""
    found = await found_leads(runtime_of(ctx), asked)
    values = columns_of(found.answer.records, found.columns)
    page = partial(search_page, found.answer, found.query, found.columns, values, asked.max_tokens)
    return result(*await aside(page, weight(values)))


@dataclass(frozen=True)
class FoundLeads:
    """One page of leads, the question it answers, and the columns it is shown with, behind the URI."""

    answer: Answer
    query: Query
    columns: Sequence[str]


async def found_leads(
    runtime: Runtime, asked: models.SearchLeads, rows: int | None = None, limits: Limits | None = None
) -> FoundLeads:
    """One page. ``rows``: how many it may have, in place of ``asked.limit``, which binds the cursor all the same."""
    limits, query = limits or runtime.limits, _query(runtime, asked, rows)
    found = await sourced_leads(runtime, asked.account, asked.source, query)
    if asked.in_account:
        answer = await _elsewhere(runtime, found.connections, query, asked.in_account, limits)
    else:
        answer = await search(found.connections, query, limits, runtime.seal)
    found.tell(answer.entries)
    return FoundLeads(answer, query, tuple(dict.fromkeys((*USUAL[asked.detail], *(asked.fields or [])))))


def _query(runtime: Runtime, asked: models.SearchLeads, rows: int | None) -> Query:
    """The question of one page. Raises BadArgument."""
    arguments = SearchArguments(
        runtime,
        asked.account,
        asked.text,
        asked.filters,
        asked,
        asked.sort or ("" if asked.ids else NEWEST),
        asked.fields or [],
        asked.limit or PAGE,
        asked.cursor,
        defaults=USUAL[asked.detail],
    )
    further = {"in_account": asked.in_account} if asked.in_account else {}
    sized = {"detail": asked.detail, "max_tokens": asked.max_tokens, "source": asked.source}
    query = arguments.query(ids=asked.ids, **sized, **further)
    if asked.ids is None and rows is None:
        return query
    ids = None if asked.ids is None else asked_ids(runtime, asked.account, asked.ids)
    return replace(query, ids=ids, limit=rows or query.limit)


async def _elsewhere(
    runtime: Runtime, connections: Sequence[Connection], query: Query, in_account: str, limits: Limits
) -> Answer:
    """Those whose person is at that account too, or is not. Raises BadArgument where only that account is searched."""
    word = NEGATED.sub("", in_account.strip(), count=1)
    there = runtime.chosen(as_accounts(word))
    names = {one.name for one in there}
    searched = [one for one in connections if one.name not in names]
    if not searched or any(one.account in names for one in query.ids or ()):
        raise BadArgument(
            f"in_account: {word!r} is searched itself; name another account than the one that is searched."
        )
    scope = LookupScope(limits, runtime.seal, runtime.server.phone_region, query.now)
    check = PresenceCheck([OtherAccount(one, scope) for one in there], scope.region, word == in_account.strip())
    return await search_present(searched, query, check, limits, runtime.seal)


@dataclass(frozen=True)
class SearchArguments:
    """The arguments that tools over leads share, on their way to a question."""

    runtime: Runtime
    account: str | None
    text: str | None
    filters: Sequence[Filter] | None
    window: models.Windowed
    sort: str = NEWEST
    columns: Sequence[str] = ()
    limit: int = 20
    cursor: str | None = None
    kind: str = "lead"
    defaults: Sequence[str] = ()

    def query(self, **further: Any) -> Query:
        """The question; relative dates of a later page are read as on the first. Raises BadArgument.

        Every argument binds the cursor, ``further`` ones too.
        """
        zone, arguments = self.runtime.server.zone, self._arguments(further)
        now = self.runtime.now()
        if self.cursor is not None:
            now = self.runtime.seal.frozen(self.cursor, arguments)
        return Query(
            kind=self.kind,
            filters=tuple(self.filters or ()),
            text=named_text(self.text.strip(), self.runtime.server.phone_region) if self.text else None,
            window=asked_window(self.window, zone, now),
            orders=tuple(parse_sort(self.sort)) if self.sort else (),
            columns=tuple(self.columns),
            defaults=self.defaults,
            guard=self.runtime.guard,
            limit=self.limit,
            cursor=self.cursor,
            arguments=arguments,
            now=now,
            zone=zone,
            region=self.runtime.server.phone_region,
        )

    def _arguments(self, further: Mapping[str, Any]) -> dict[str, Any]:
        own = {
            "account": self.account,
            "among": sorted(one.name for one in self.runtime.chosen(self.account)),
            "text": self.text,
            "filters": [[one.field, one.op, one.value] for one in self.filters or ()],
            "window": [self.window.period, self.window.since, self.window.until],
            "sort": self.sort,
            "columns": list(self.columns),
            "limit": self.limit,
            "kind": self.kind,
        }
        return {**own, **further}
