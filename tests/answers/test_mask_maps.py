"""Masks follow the field map: whatever an account calls its fields, and wherever a record keeps a person."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from mcp import MCPError
from mcp.types import ResourceTemplateReference

from lead_mcp import vendors
from lead_mcp.sandbox.app import Sandbox, sandbox
from lead_mcp.tools.templates import TEMPLATES
from lead_mcp.vendors.spec.fields import CANONICAL, PING_FIELDS
from tests.answers.marked import Marked, leaks, strings
from tests.answers.renamed import Renamed
from tests.driving import UNTIL, Bench, bench, now
from tests.facts import TRIED, emulators, facts_of, unhurried
from tests.process.processes import here
from tests.writing.desk import on_loopback

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


def emulated(names: Iterable[str]) -> Sandbox:
    options = {name: facts_of(name).settled for name in names}
    return sandbox(emulators(names), Marked(LEADS, until=UNTIL), clock=now, options=options, rated=False)


@contextmanager
def renamed_bench(words: Mapping[str, Mapping[str, str]], folder: Path, **environment: str) -> Iterator[Bench]:
    disguised = Renamed(emulated(words), words)
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
        yield from reads(driven, vendor, mine)
        yield from writes(driven, vendor, mine)
    for direction in ("inbound", "outbound"):
        for name in ("Fields", "Request", "Response"):
            yield "query_pings", {"direction": direction, "group_by": [name], "limit": 5, **EVER}
    yield "trace_lead", {"email": "qmail3@example.com"}
    yield "get_lead", {"account": TRIED[-1], "id": "qmail3@example.com"}


def reads(driven: Bench, vendor: str, mine: Mapping[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    fields = driven.runtime.connection(vendor).account.fields
    named = [f"raw.{fields.ours[ours].paths[0]}" if fields.free else ours for ours in mine]
    section = "".join(fields.ours["email"].paths[0].rpartition(".")[:2])
    odd = [f"raw.{section}zz_{one}" for one in "pairs rows json form xml number base64 print".split() if fields.free]
    asked = {"account": vendor, **EVER}
    yield "list_accounts", {"account": vendor}
    yield "search_leads", {"detail": "detailed", "fields": [*mine], **asked}
    yield "search_leads", {"fields": [*named, *odd], **asked}
    yield "search_leads", {"sort": f"{named[0]}:asc", **asked}
    for name in (*named, *odd):
        yield "summarize_leads", {"group_by": [name], **asked}
    for name in named:
        for op, value in (("eq", "Qfirst3 qmail3@example.com"), ("contains", "qfirst"), ("in", ["Qlast4"])):
            yield "search_leads", {"filters": [{"field": name, "op": op, "value": value}], **asked}
    for nth in range(2):
        yield "get_lead", {"uri": first_uri(driven, vendor, nth)}
        yield "trace_lead", {"uri": first_uri(driven, vendor, nth)}
    yield "get_recordings", {"uri": first_uri(driven, vendor)}


def writes(driven: Bench, vendor: str, mine: Mapping[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    uri, facts = first_uri(driven, vendor), facts_of(vendor)
    person = {
        "first_name": "Qfirst9001",
        "name": "Qfirst9001",
        "email": "qmail9@example.com",
        "note": "qmail8@example.com",
    }
    yield "update_lead", {"uri": uri, "changes": person, "expect": {"email": "qmail77@example.com"}, "dry_run": True}
    for name, value in person.items():
        yield "update_lead", {"uri": uri, "changes": {name: value}, "dry_run": True}
    yield (
        "update_leads",
        {"updates": [{"uri": uri, "changes": person, "expect": {"email": "qmail77@example.com"}}], "dry_run": True},
    )
    yield "update_leads", {"uris": [uri], "changes": person}
    yield "update_lead", {"uri": uri, "vendor_fields": dict.fromkeys(mine.values(), "Qfirst9002")}
    lead = {"first_name": "Qfirst9003", "last_name": "Qlast9003", "email": "qmail9003@example.com"}
    for more in (facts.needed, {}, {"phone": "+12135550177"}):
        own = {**facts.own, **(dict.fromkeys(mine.values(), "Qlast9004") if more else {})}
        yield "insert_lead", {"account": vendor, "lead": {**lead, **more}, "vendor_fields": own, "dry_run": True}
    yield "insert_leads", {"account": vendor, "leads": [lead, {"email": "qmail9@@example.com"}], "dry_run": True}


def check_outputs(words: Mapping[str, Mapping[str, str]], folder: Path) -> None:
    with renamed_bench(words, folder, LEAD_MCP_PII="masked") as driven:
        asked = 0
        for what, found in outputs(driven, words):
            asked += 1
            text = " | ".join(strings(found))
            assert not leaks(text), (what, leaks(text), text[:2000])
    assert asked > 250


def test_no_output_shows_a_person_where_fields_have_other_names(tmp_path: Path) -> None:
    check_outputs(EXAMPLE, tmp_path)


@pytest.mark.slow
@settings(max_examples=3, phases=[Phase.generate])
@given(words=names())
def test_no_output_shows_a_person_whatever_an_account_calls_its_fields(
    tmp_path_factory: pytest.TempPathFactory, words: dict[str, dict[str, str]]
) -> None:
    check_outputs(words, tmp_path_factory.mktemp("masked"))


def test_with_masks_off_all_of_it_is_there(tmp_path: Path) -> None:
    """The test above means something only if this one holds."""
    with renamed_bench(EXAMPLE, tmp_path) as driven:
        for vendor in TRIED:
            leads = [driven.call("get_lead", uri=first_uri(driven, vendor, nth)) for nth in range(5)]
            raw = json.dumps([lead["raw"] for lead in leads], ensure_ascii=False)
            for holder in ("zz_pairs", "zz_rows", "zz_json", "zz_form", "zz_xml", "zz_number", "zz_base64", "zz_hex"):
                assert holder in raw, (vendor, holder)
            found = {word.rstrip("0123456789") for word in map(str.casefold, leaks(raw))}
            assert {"qfirst", "qlast", "qmail"} <= found, (vendor, found)
            assert sum("55501" in word for word in leaks(raw)) > 10, vendor


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """Runs a command over accounts with other names; all that it prints."""
    folder = tmp_path_factory.mktemp("shell")
    words = {name: EXAMPLE[name] for name in vendors.NAMES}
    disguised = Renamed(emulated(words), words)
    config = folder / "accounts.toml"
    config.write_text(disguised.config(), encoding="utf-8")
    with on_loopback(cast("Sandbox", disguised)) as origin:
        own = {"LEAD_MCP_CONFIG": str(config), "LEAD_MCP_STATE_DIR": str(folder / "state"), "LEAD_MCP_WRITES": "allow"}
        environment = {**disguised.environment(origin), **unhurried(vendors.NAMES), **own}

        def run(*command: str, **more: str) -> str:
            ended = here(*command, environment={**environment, **more})
            return f"{ended.stdout}{ended.stderr}"

        run.disguised = disguised  # type: ignore[attr-defined]
        yield run


def commands() -> Iterator[tuple[str, ...]]:
    """What a person types at a shell, the writes first that the journal then tells of."""
    lead = {"name": "Qfirst9005 Qlast9005", "email": "qmail9005@example.com", "phone": "+12135550177"}
    yield "call", "insert_lead", "--json", json.dumps({"account": "octanist", "lead": lead})
    yield "call", "insert_lead", "--json", json.dumps({"account": "octanist", "lead": {**lead, "email": "qmail9@@x"}})
    for vendor in vendors.NAMES:
        ours = "name" if "name" in EXAMPLE[vendor] else "first_name"
        yield "call", "search_leads", f"account={vendor}", f"fields={ours},email", "since=2000-01-01"
        yield "call", "search_leads", f"account={vendor}", "--raw", "since=2000-01-01", "limit=3"
        yield "call", "summarize_leads", f"account={vendor}", f"group_by={ours}", "since=2000-01-01"
    yield "call", "trace_lead", "email=qmail3@example.com"
    yield "call", "get_lead", "account=octanist", "id=qmail3@example.com"
    yield ("check",)
    yield "check", "--json"
    yield ("journal",)
    yield "journal", "list", "--json"


def test_no_command_prints_a_person(shell: Callable[..., str]) -> None:
    masked = [shell(*command, LEAD_MCP_PII="masked") for command in commands()]
    written = json.loads(masked[-1])[0]["id"]
    masked += [shell("journal", "show", written, *more, LEAD_MCP_PII="masked") for more in ((), ("--json",))]
    for command, printed in zip([*commands(), "show", "show --json"], masked, strict=True):
        assert not leaks(printed), (command, leaks(printed), printed[:800])
    for vendor in vendors.NAMES:
        body = {
            "message": "no key for qmail3@example.com",
            "Message": "nor 213-555-0101",
            "error": "qmail3@example.com",
        }
        shell.disguised.fault(vendor, "status", status=401, body=body, times=2)  # type: ignore[attr-defined]
    refused = shell("check", LEAD_MCP_PII="masked")
    assert "unauthorized" in refused
    assert not leaks(refused), refused
    for vendor in vendors.NAMES:
        shown = [shell(*command) for command in commands() if f"account={vendor}" in command]
        assert leaks("".join(shown)), "with masks off it is there"
    assert leaks(shell("journal", "show", written, "--values"))
