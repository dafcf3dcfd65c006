"""``trace_lead``: what happened to one person, over every account."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult

from lead_mcp.engine.pace import ALWAYS, aside
from lead_mcp.engine.persons.people import LookupScope
from lead_mcp.engine.persons.person import Person, numbers_of
from lead_mcp.engine.records import Record
from lead_mcp.engine.story.trace import trace
from lead_mcp.errors import BadArgument
from lead_mcp.outgoing.timeline import story_answer
from lead_mcp.phones import parse_phone
from lead_mcp.runtime import Runtime
from lead_mcp.tools.arguments import models
from lead_mcp.tools.arguments.windows import asked_window
from lead_mcp.tools.kit import result, runtime_of
from lead_mcp.tools.lead import lead_behind, one_lead
from lead_mcp.tools.sources import sourced_story
from lead_mcp.vendors.spec.shapes import EMAIL


async def trace_lead(ctx: Context[Any, Any], asked: models.TraceLead) -> CallToolResult:
    """The tool ``trace_lead``."""
    runtime = runtime_of(ctx)
    person, lead = await _person(runtime, await lead_behind(runtime, asked.uri), asked.phone, asked.email)
    now = runtime.now()
    window = asked_window(asked, runtime.server.zone, now)
    scope = LookupScope(runtime.limits, runtime.seal, runtime.server.phone_region, now, window, everything=True)
    found = await sourced_story(runtime, asked.source)
    story = await trace(found.connections, person, scope, lead)
    found.tell(story.entries)
    story_of = partial(story_answer, story, person, runtime.server.phone_region, window)
    return result(*await aside(story_of, ALWAYS))


async def _person(
    runtime: Runtime, uri: str | None, phone: str | None, email: str | None
) -> tuple[Person, Record | None]:
    """Whom to look for, and the lead that says so.

    Raises BadArgument unless just one way was used, or where the lead has neither phone nor e-mail.
    """
    given = [one for one in (uri, phone, email) if one]
    if len(given) != 1:
        raise BadArgument("Name the person by uri, by phone, or by email: one of them.")
    region = runtime.server.phone_region
    if phone:
        return Person.of({"phone": parse_phone(phone, region)[0].e164}, region), None
    if email:
        return Person.of({"email": _address(email)}, region), None
    record = await one_lead(runtime, uri, None, None)
    person = Person.of({"email": record.get("email")}, region)
    person = Person(person.emails, frozenset(numbers_of(record, region)), person.spelled)
    if not person:
        raise BadArgument(f"uri: {record.uri} has neither a telephone number nor an e-mail to look for.")
    return person, record


def _address(email: str) -> str:
    """The address alone, of ``mailto:ann@example.com`` and ``Ann Lee <ann@example.com>`` too. Raises BadArgument."""
    found = EMAIL.findall(re.sub(r"\bmailto:", "", email, flags=re.IGNORECASE))
    if len(found) != 1:
        raise BadArgument(f"email: {email[:80]!r} has not the shape of one e-mail address.")
    return str(found[0])
