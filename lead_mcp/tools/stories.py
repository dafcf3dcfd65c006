"""``trace_lead``: what happened to one person, over every account."""

from __future__ import annotations

from typing import Any, Final

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult

from lead_mcp.engine.people import Looking, Person, numbers_of
from lead_mcp.engine.story import Story, trace
from lead_mcp.errors import BadArgument
from lead_mcp.policy.cleaning import cell
from lead_mcp.policy.masking import shown, shown_text
from lead_mcp.policy.phones import parse_phone
from lead_mcp.runtime import Runtime
from lead_mcp.tools.kit import Moment, Uri, result, runtime_of
from lead_mcp.tools.leads import one_lead
from lead_mcp.tools.present import CONCISE, ledger_lines, record_row, table, text_of, text_table
from lead_mcp.when import stamp, window

KEYS: Final = ("person", "leads", "events", "omitted", "warnings", "accounts")
COLUMNS: Final = ("at", "account", "kind", "what", "uri")
MOST_STEPS: Final = 100


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
    looking = Looking(runtime.limits, runtime.seal, runtime.server.phone_region, now, asked, everything=True)
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


def _answered(story: Story, person: Person, runtime: Runtime) -> CallToolResult:
    region = runtime.server.phone_region
    leads = table(("uri", *CONCISE), [record_row(record, CONCISE) for record in story.leads])
    steps = story.steps[-MOST_STEPS:]
    events = table(COLUMNS, [[stamp(s.at), s.account, s.kind, shown_text(cell(s.what)), s.uri] for s in steps])
    who = {
        "names": sorted({shown("name", cell(str(name))) for record in story.leads if (name := record.get("name"))}),
        "phones": sorted({number for record in story.leads for number in numbers_of(record, region)} | person.phones),
        "emails": sorted({cell(str(mail)).casefold() for r in story.leads if (mail := r.get("email"))} | person.emails),
    }
    who["phones"] = sorted({shown("phone", number) for number in who["phones"]})
    who["emails"] = sorted({shown("email", mail) for mail in who["emails"]})
    structured: dict[str, Any] = {"person": who, "leads": leads, "events": events, "warnings": story.warnings}
    if len(steps) < len(story.steps):
        structured["omitted"] = f"{len(story.steps) - len(steps)} older events; ask with until"
    structured["accounts"] = [entry.said() for entry in story.entries]
    text = text_of(
        f"{', '.join(who['names']) or 'nobody'}: {len(story.leads)} leads, {len(story.steps)} events",
        text_table(leads),
        text_table(events),
        structured.get("omitted", ""),
        *(f"warning: {warning}" for warning in story.warnings),
        *ledger_lines(story.entries),
    )
    return result(structured, text)
