"""``trace_lead``: what happened to one person, over every account."""

from __future__ import annotations

from typing import Any, Final

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult

from lead_mcp.dates import stamp, window
from lead_mcp.engine.people import LookupScope, Person, numbers_of
from lead_mcp.engine.timeline import LeadEvent, Timeline, trace
from lead_mcp.errors import BadArgument
from lead_mcp.outgoing.cleaning import cell, text_cell
from lead_mcp.outgoing.event_text import event_text, finding_text
from lead_mcp.outgoing.masking import shown, shown_text
from lead_mcp.outgoing.render import CONCISE, entry_to_dict, ledger_lines, record_row, table, text_of, text_table
from lead_mcp.outgoing.token_budget import costs
from lead_mcp.outgoing.tokens import allowed
from lead_mcp.phones import parse_phone
from lead_mcp.runtime import Runtime
from lead_mcp.tools.kit import Moment, Uri, result, runtime_of
from lead_mcp.tools.leads import one_lead

KEYS: Final = ("person", "leads", "events", "omitted", "warnings", "accounts")
COLUMNS: Final = ("at", "account", "kind", "what", "uri")
SHOWN: Final = (100, 70, 50, 36, 24, 16, 10, 6, 2)
"""Events that are tried, most first, until an answer fits."""


async def trace_lead(
    ctx: Context[Any, Any],
    uri: Uri = None,
    phone: Moment = None,
    email: Moment = None,
    since: Moment = None,
    until: Moment = None,
) -> CallToolResult:
    """One person's story over every account, oldest first: same phone or e-mail; pings, sales, calls, duplicates."""
    runtime = runtime_of(ctx)
    person = await _person(runtime, uri, phone, email)
    now = runtime.clock()
    asked = window(since, until, runtime.server.zone, now)
    looking = LookupScope(runtime.limits, runtime.seal, runtime.server.phone_region, now, asked, everything=True)
    story = await trace(runtime.chosen(None), person, looking)
    return _answered(story, person, runtime)


async def _person(runtime: Runtime, uri: str | None, phone: str | None, email: str | None) -> Person:
    """Whom to look for. Raises BadArgument unless just one way was used, or where the lead has neither phone nor e-mail."""
    given = [one for one in (uri, phone, email) if one]
    if len(given) != 1:
        raise BadArgument("Name the person by uri, by phone, or by email: one of them.")
    region = runtime.server.phone_region
    if phone:
        return Person.of({"phone": parse_phone(phone, region)[0].e164}, region)
    if email:
        return Person.of({"email": email.strip()}, region)
    record = await one_lead(runtime, uri, None, None)
    person = Person.of({"email": record.get("email")}, region)
    person = Person(person.emails, frozenset(numbers_of(record, region)), person.spelled)
    if not person:
        raise BadArgument(f"uri: {record.uri} has neither a telephone number nor an e-mail to look for.")
    return person


def _answered(story: Timeline, person: Person, runtime: Runtime) -> CallToolResult:
    """The newest leads and events that there is room for, oldest first."""
    for most in SHOWN:
        found = _rendered(story, person, runtime, most)
        if costs(*found) <= allowed(None):
            return result(*found)
    return result(*_rendered(story, person, runtime, SHOWN[-1]))


def _rendered(story: Timeline, person: Person, runtime: Runtime, most: int) -> tuple[dict[str, Any], str]:
    """Structure and text with so many events at most, and half as many leads."""
    kept, events = story.leads[-(most // 2) :], story.events[-most:]
    warnings = [finding_text(finding) for finding in story.findings[:most]]
    leads = table(("uri", *CONCISE), [record_row(record, CONCISE) for record in kept])
    happened = table(COLUMNS, [_event_row(one) for one in events])
    who = _who(story, person, runtime.server.phone_region, most)
    structured: dict[str, Any] = {"person": who, "leads": leads, "events": happened, "warnings": warnings}
    left = {
        "older leads": len(story.leads) - len(kept),
        "older events": len(story.events) - len(events),
        "more warnings": len(story.findings) - len(warnings),
    }
    if any(left.values()):
        said = ", ".join(f"{count} {what}" for what, count in left.items() if count)
        structured["omitted"] = f"{said} did not fit; ask with until for older events"
    structured["accounts"] = [entry_to_dict(entry) for entry in story.entries]
    text = text_of(
        f"{', '.join(map(text_cell, who['names'])) or 'nobody'}: {len(story.leads)} leads, {len(story.events)} events",
        text_table(leads),
        text_table(happened),
        structured.get("omitted", ""),
        *(f"warning: {warning}" for warning in warnings),
        *ledger_lines(story.entries),
    )
    return structured, text


def _event_row(one: LeadEvent) -> list[Any]:
    what = shown_text(cell(event_text(one.event)))
    return [stamp(one.event.at), one.account, str(one.event.kind), what, one.uri]


def _who(story: Timeline, person: Person, region: str, most: int) -> dict[str, list[str]]:
    """Every name, number and address the person goes by, as they may be shown."""
    names = {str(name) for record in story.leads if (name := record.get("name"))}
    phones = {number for record in story.leads for number in numbers_of(record, region)} | person.phones
    emails = {str(mail).casefold() for record in story.leads if (mail := record.get("email"))} | person.emails
    return {
        "names": sorted({cell(shown("name", name)) for name in names})[:most],
        "phones": sorted({shown("phone", number) for number in phones})[:most],
        "emails": sorted({cell(shown("email", mail)) for mail in emails})[:most],
    }
