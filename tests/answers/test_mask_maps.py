"""Masks follow the field map: whatever an account calls its fields, and wherever a record keeps a person."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from mcp import MCPError
from mcp.types import ResourceTemplateReference

from lead_mcp.sandbox.app import Sandbox, sandbox
from lead_mcp.tools.resources import TEMPLATES
from lead_mcp.vendors.spec.fields import CANONICAL, PING_FIELDS
from tests.answers.marked import Marked, leaks, strings
from tests.answers.renamed import Renamed
from tests.driving import UNTIL, Bench, bench, now
from tests.facts import TRIED, emulators, facts_of

LEADS = 24
EVER: dict[str, Any] = {"since": "2000-01-01"}
WORD = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{4,12}", fullmatch=True)
TAKEN = {name.casefold() for name in (*CANONICAL, *PING_FIELDS)}


@st.composite
def names(draw: st.DrawFn) -> dict[str, dict[str, str]]:
    """For each vendor, what an account calls some of the fields that hold a person: any words, no two alike."""
    ours = [(vendor, name) for vendor in TRIED for name in facts_of(vendor).keeps]
    words = draw(
        st.lists(WORD, min_size=len(ours), max_size=len(ours), unique_by=str.casefold).filter(
            lambda found: not {one.casefold() for one in found} & TAKEN
        )
    )
    found: dict[str, dict[str, str]] = {}
    for (vendor, name), word in zip(ours, words, strict=True):
        found.setdefault(vendor, {})[name] = f"zq{word}"
    return found


GERMAN = {
    "first_name": "Vorname",
    "last_name": "Nachname",
    "email": "Postfach",
    "phone": "Rufnummer",
    "note": "Anmerkung",
}
EXAMPLE = {vendor: {name: f"{GERMAN.get(name, name)}Feld" for name in facts_of(vendor).keeps} for vendor in TRIED}


@contextmanager
def renamed_bench(words: Mapping[str, Mapping[str, str]], folder: Path, **environment: str) -> Iterator[Bench]:
    options = {name: facts_of(name).settled for name in TRIED}
    box = sandbox(emulators(), Marked(LEADS, until=UNTIL), clock=now, options=options, rated=False)
    disguised = Renamed(box, words)
    config = folder / "accounts.toml"
    config.write_text(disguised.config(), encoding="utf-8")
    settings = {"LEAD_MCP_CONFIG": str(config), "LEAD_MCP_STATE_DIR": str(folder), "LEAD_MCP_WRITES": "allow"}
    with bench(box=cast("Sandbox", disguised), environment={**settings, **environment}) as found:
        yield found


def outputs(driven: Bench, words: Mapping[str, Mapping[str, str]]) -> Iterator[tuple[str, Any]]:
    """Every output of every tool, resource and completion about accounts with those names, and what it answers."""
    for tool, arguments in calls(driven, words):
        yield f"{tool} {arguments}", driven.raw_call(tool, **arguments).model_dump(mode="json", by_alias=True)
    for uri in resources(driven, words):
        try:
            found = driven.portal.call(driven.client.read_resource, uri)
            yield uri, json.loads(getattr(found.contents[0], "text", "null"))
        except MCPError as error:
            yield uri, str(error)
    for template in TEMPLATES:
        ref = ResourceTemplateReference(uri=template)
        for argument in ("account", "id", "lead_id", "field", "owner", "source"):
            typed = {"name": argument, "value": ""}
            for vendor in words:
                said = driven.portal.call(driven.client.complete, ref, typed, {"account": vendor})
                yield f"{template} {argument}", said.model_dump(mode="json")


def first_uri(driven: Bench, vendor: str, nth: int = 0) -> str:
    return str(driven.page(account=vendor, limit=5, **EVER)["leads"]["rows"][nth][0])


def resources(driven: Bench, words: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    for vendor in words:
        yield f"account://{vendor}"
        yield from (first_uri(driven, vendor, nth) for nth in range(4))
        yield f"lead://{vendor}/qmail3@example.com"
    for direction in ("inbound", "outbound"):
        rows = driven.call("query_pings", direction=direction, limit=3, **EVER)["pings"]["rows"]
        yield from (row[0] for row in rows)


def calls(driven: Bench, words: Mapping[str, Mapping[str, str]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for vendor, mine in words.items():
        yield "list_accounts", {"account": vendor}
        yield "search_leads", {"account": vendor, "detail": "detailed", "fields": [*mine], **EVER}
        fields = driven.runtime.connection(vendor).account.fields
        for ours in mine:
            place = fields.ours[ours].paths[0]
            named = f"raw.{place}" if fields.free else ours
            yield "search_leads", {"account": vendor, "fields": [named], **EVER}
            yield "summarize_leads", {"account": vendor, "group_by": [named], **EVER}
            yield "search_leads", {"account": vendor, "sort": f"{named}:asc", **EVER}
            for op, value in (("eq", f"Qfirst3 qmail3@example.com {ours}"), ("contains", "qfirst"), ("in", ["Qlast4"])):
                yield (
                    "search_leads",
                    {"account": vendor, "filters": [{"field": named, "op": op, "value": value}], **EVER},
                )
        for holder in ("zz_pairs", "zz_rows", "zz_json", "zz_form", "zz_xml", "zz_number", "zz_base64", "zz_print"):
            if fields.free:
                where = "".join((*fields.ours["email"].paths[0].rpartition(".")[:2], holder))
                yield "search_leads", {"account": vendor, "fields": [f"raw.{where}"], **EVER}
                yield "summarize_leads", {"account": vendor, "group_by": [f"raw.{where}"], **EVER}
                yield "summarize_leads", {"account": vendor, "measures": [f"max:raw.{where}"], **EVER}
        for nth in range(3):
            uri = first_uri(driven, vendor, nth)
            yield "get_lead", {"uri": uri}
            yield "trace_lead", {"uri": uri}
            changed = {
                "first_name": "Qfirst9001",
                "name": "Qfirst9001",
                "note": "write to qmail9@example.com",
                "email": "qmail9@example.com",
            }
            yield (
                "update_lead",
                {"uri": uri, "changes": changed, "expect": {"email": "qmail77@example.com"}, "dry_run": True},
            )
            for one, value in changed.items():
                yield "update_lead", {"uri": uri, "changes": {one: value}, "dry_run": True}
            yield "update_lead", {"uri": uri, "vendor_fields": dict.fromkeys(mine.values(), "Qfirst9002")}
        lead = {"first_name": "Qfirst9003", "last_name": "Qlast9003", "email": "qmail9003@example.com"}
        for more in (facts_of(vendor).needed, {}, {"phone": "+12135550177"}):
            own = {**facts_of(vendor).own, **(dict.fromkeys(mine.values(), "Qlast9004") if more else {})}
            yield "insert_lead", {"account": vendor, "lead": {**lead, **more}, "vendor_fields": own, "dry_run": True}
        yield "insert_leads", {"account": vendor, "leads": [lead, {"email": "qmail9@@example.com"}], "dry_run": True}
        yield "get_recordings", {"uri": first_uri(driven, vendor)}
    for direction in ("inbound", "outbound"):
        yield "query_pings", {"direction": direction, "group_by": ["Fields"], "limit": 5, **EVER}
        yield "query_pings", {"direction": direction, "group_by": ["Request"], "limit": 5, **EVER}
    yield "trace_lead", {"email": "qmail3@example.com"}
    yield "get_lead", {"account": TRIED[-1], "id": "qmail3@example.com"}


@settings(max_examples=3, phases=[Phase.generate])
@given(words=names())
def test_no_output_shows_a_person_whatever_an_account_calls_its_fields(
    tmp_path_factory: pytest.TempPathFactory, words: dict[str, dict[str, str]]
) -> None:
    with renamed_bench(words, tmp_path_factory.mktemp("masked"), LEAD_MCP_PII="masked") as driven:
        asked = 0
        for what, found in outputs(driven, words):
            asked += 1
            for text in strings(found):
                assert not leaks(text), (what, leaks(text), text[:600])
    assert asked > 150


def test_with_masks_off_all_of_it_is_there(tmp_path: Path) -> None:
    """The test above means something only if this one holds."""
    with renamed_bench(EXAMPLE, tmp_path) as driven:
        for vendor in TRIED:
            leads = (driven.call("get_lead", uri=first_uri(driven, vendor, nth)) for nth in range(5))
            whole = next(one for one in leads if one["lead"].get("email") and one["lead"].get("phone"))
            raw = json.dumps(whole["raw"], ensure_ascii=False)
            for holder in ("zz_pairs", "zz_rows", "zz_json", "zz_form", "zz_xml", "zz_number", "zz_base64", "zz_hex"):
                assert holder in raw, (vendor, holder)
            found = {word.rstrip("0123456789") for word in map(str.casefold, leaks(raw))}
            assert {"qfirst", "qlast", "qmail"} <= found, (vendor, found)
            assert sum("55501" in word for word in leaks(raw)) > 3, vendor
