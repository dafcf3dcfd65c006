"""One person's story: the newest leads and events that there is room for, oldest first."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from lead_mcp.dates import Window
from lead_mcp.engine.persons.person import Person, numbers_of
from lead_mcp.engine.story.timeline import LeadEvent, Timeline
from lead_mcp.outgoing.cleaning import cell, text_cell
from lead_mcp.outgoing.event_text import event_text, finding_text
from lead_mcp.outgoing.ledger import entry_to_dict, ledger_lines
from lead_mcp.outgoing.masking import masked, masked_by, masker_in_use
from lead_mcp.outgoing.records import CONCISE, record_rows
from lead_mcp.outgoing.render import table, text_of, text_table
from lead_mcp.outgoing.times import counted, heading, shown_time, window_to_dict
from lead_mcp.outgoing.token_budget import Rendered, allowed, first_that_fits
from lead_mcp.vendors.spec.events import EventKind

COLUMNS: Final = ("at", "account", "kind", "what", "uri")
SIZES: Final = (100, 70, 50, 36, 24, 16, 10, 6, 2)
"""Events that are tried, most first, until an answer fits."""
MOST_SALES: Final = 3
"""Sales that stand in the first lines."""


def story_answer(story: Timeline, person: Person, region: str, window: Window | None = None) -> Rendered:
    """The story, as much of it as fits; the names of its leads are masked in its sentences too."""
    masker = masker_in_use()
    names = [{"name": record.get("name"), "address": record.get("address")} for record in story.leads]
    with masked_by(masker and masker.knowing(names)):
        tries = [partial(_rendered, story, person, region, window, most) for most in SIZES]
        return first_that_fits(tries, allowed(None))


def _rendered(story: Timeline, person: Person, region: str, window: Window | None, most: int) -> Rendered:
    """Structure and text with so many events at most, and half as many leads."""
    kept, events = story.leads[-(most // 2) :], story.events[-most:]
    warnings = [finding_text(finding) for finding in story.findings[:most]]
    leads, dated = table(("uri", *CONCISE), record_rows(kept, CONCISE)), table(COLUMNS, list(map(_row, events)))
    who, omitted = _who(story, person, region, most), _omitted(story, most)
    structured: dict[str, Any] = {"person": who, "leads": leads, "events": dated, "warnings": warnings}
    structured |= {"omitted": omitted} if omitted else {}
    structured |= {"window": window_to_dict(window)} if window else {}
    structured["accounts"] = [entry_to_dict(entry) for entry in story.entries]
    text = text_of(
        heading(_title(story, who["names"]), window),
        *_sales(story),
        text_table(leads),
        text_table(dated),
        omitted,
        *(f"warning: {warning}" for warning in warnings),
        *ledger_lines(story.entries),
    )
    return structured, text


def _title(story: Timeline, names: list[str]) -> str:
    """Who, how much there is, and at which accounts something may be missing."""
    called = ", ".join(map(text_cell, names)) or "nobody"
    unread = ", ".join(entry.account for entry in story.entries if not entry.whole)
    missing = f"; MAY BE INCOMPLETE: not everything could be read at {unread}" if unread else ""
    return f"{called}: {counted(len(story.leads), 'lead')}, {counted(len(story.events), 'event')}{missing}"


def _sales(story: Timeline) -> list[str]:
    """Who bought, when and for how much, the newest sales; a sale that came back says so."""
    returned = {(one.uri, one.event.buyer) for one in story.events if one.event.kind is EventKind.RETURNED}
    sales = [one for one in story.events if one.event.is_sale]
    more = [f"and {counted(len(sales) - MOST_SALES, 'earlier sale')}"] if len(sales) > MOST_SALES else []
    return [_sale(one, back=(one.uri, one.event.buyer) in returned) for one in sales[: -MOST_SALES - 1 : -1]] + more


def _sale(one: LeadEvent, *, back: bool) -> str:
    what = text_cell(cell(event_text(one.event)))
    return f"{shown_time(one.event.at).text} {one.account}: {what}{', returned since' if back else ''}"


def _row(one: LeadEvent) -> list[Any]:
    return [shown_time(one.event.at), one.account, str(one.event.kind), cell(event_text(one.event)), one.uri]


def _omitted(story: Timeline, most: int) -> str:
    left = {
        "older leads": len(story.leads) - most // 2,
        "older events": len(story.events) - most,
        "more warnings": len(story.findings) - most,
    }
    words = ", ".join(f"{count} {what}" for what, count in left.items() if count > 0)
    return f"{words} did not fit; ask with until for older events" if words else ""


def _who(story: Timeline, person: Person, region: str, most: int) -> dict[str, list[str]]:
    """Every name, number and address the person goes by, as they may leave."""
    names = {str(name) for record in story.leads if (name := record.get("name"))}
    phones = {number for record in story.leads for number in numbers_of(record, region)} | person.phones
    emails = {str(mail).casefold() for record in story.leads if (mail := record.get("email"))} | person.emails
    return {
        "names": sorted({cell(masked("name", name)) for name in names})[:most],
        "phones": sorted({masked("phone", number) for number in phones})[:most],
        "emails": sorted({cell(masked("email", mail)) for mail in emails})[:most],
    }
