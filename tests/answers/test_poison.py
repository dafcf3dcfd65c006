"""Strangers' text at every door: what deceives a reader is gone, nothing forges a row, a column or a URI of ours."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from typing import Any

import pytest
from mcp.types import CallToolResult, ResourceTemplateReference

from lead_mcp.characters import UNSEEN
from lead_mcp.sandbox.app import sandbox
from lead_mcp.sandbox.world import POISON, World
from lead_mcp.tools.templates import TEMPLATES
from lead_mcp.uris import parse_uri
from tests.answers.marked import strings
from tests.driving import UNTIL, Bench, bench, now
from tests.facts import TRIED, emulators

EVER = {"since": "2000-01-01"}
GONE = ("Cc", "Cf", "Cs", "Co", "Cn")
OURS = re.compile(r"(?:lead|ping|recording|account)://[^\s|\"',;\\]+", re.IGNORECASE)
LEADS = 60


@pytest.fixture(scope="module")
def driven() -> Iterator[Bench]:
    box = sandbox(emulators(), World(LEADS, until=UNTIL, poisoned=True), clock=now, rated=False)
    with bench(box=box, environment={"LEAD_MCP_WRITES": "allow"}) as found:
        yield found


@pytest.fixture(scope="module")
def known(driven: Bench) -> set[str]:
    """Every lead there is."""
    return {one.uri for account in driven.accounts for one in driven.everything(account)}


def deceiving(text: str, kept: str = "") -> list[str]:
    found = [one for one in text if unicodedata.category(one) in GONE and one not in kept]
    return found + UNSEEN.findall(text)


def check_text(text: str, why: object) -> None:
    """One text block: it may have lines, and nothing else that is not seen."""
    assert not deceiving(text, "\n"), (why, deceiving(text, "\n"))


def check_tables(structured: dict[str, Any], text: str, why: object) -> None:
    """Every table of the structure stands in the text with as many lines, each with as many cells."""
    lines = text.split("\n")
    for name, table in structured.items():
        if not isinstance(table, dict) or "columns" not in table:
            continue
        columns, rows = table["columns"], table["rows"]
        if name == "fields":  # in text a table for each kind of record
            assert {row[0] for row in rows} <= {line.split("|")[0] for line in lines if "|" in line}, why
            continue
        if not rows and name == "pings":  # groups alone were asked for
            continue
        header = "|".join(columns)
        assert lines.count(header) >= 1, (why, name)
        start = lines.index(header) + 1
        printed = lines[start : start + len(rows)]
        for row, line in zip(rows, printed, strict=True):
            cells = line.split("|")
            assert len(cells) == len(columns) == len(row), (why, line)
            for column, value, cell in zip(columns, row, cells, strict=True):
                if column in ("uri", "lead_uri"):
                    assert cell == (value or "")
                    assert not value or parse_uri(value).scheme in ("lead", "ping", "recording")
                else:
                    assert not OURS.search(cell), (why, cell)


def check(found: CallToolResult, known: set[str], why: object) -> None:
    assert found.content
    text = str(getattr(found.content[0], "text", ""))
    structured = found.structured_content or {}
    for one in strings(structured):
        assert not deceiving(one, "\n\t" if "raw" in structured or "lead" in structured else ""), (why, one)
    for link in found.content[1:]:
        assert not any(deceiving(one) for one in strings(link.model_dump(mode="json")))
    check_text(text, why)
    if found.is_error:
        return
    check_tables(structured, text, why)
    assert found.meta is not None
    assert "untrusted" in found.meta
    for uri in OURS.findall(text):
        assert not uri.startswith("lead://") or uri.rstrip(".") in known, (why, uri)


def test_the_poison_reaches_this_server(driven: Bench) -> None:
    """The other tests here mean something only if this one holds."""
    raw = json.dumps([one.raw for account in driven.accounts for one in driven.everything(account)], ensure_ascii=False)
    for poison in POISON:
        assert json.dumps(poison, ensure_ascii=False)[1:-1] in raw


def test_no_tool_passes_it_on(driven: Bench, known: set[str]) -> None:
    calls: list[tuple[str, dict[str, Any]]] = [
        ("list_accounts", {}),
        *(("list_accounts", {"account": account}) for account in TRIED),
        *(
            ("search_leads", {"account": account, "fields": ["name", "note", "company"], "limit": 60, **EVER})
            for account in ("leadsquared", "leadexec", "octanist,leadtrackr,convoso")
        ),
        ("search_leads", {"detail": "detailed", "limit": 200, "sort": "name:asc", "max_tokens": 200_000, **EVER}),
        ("search_leads", {"ids": sorted(known)[::7], "limit": 100}),
        *(("summarize_leads", {"group_by": [name], **EVER}) for name in ("name", "company", "note", "first_name")),
        ("query_pings", {"direction": "inbound", "group_by": ["source", "result"], **EVER}),
        ("query_pings", {"direction": "outbound", "group_by": ["client"], **EVER}),
        *(
            ("query_sql", {"sql": f"FROM {table}", "max_tokens": 900_000, "max_rows": 1_000, **EVER})
            for table in ("leads", "people", "sends", "events", "pings")
        ),
        *(("trace_lead", {"uri": uri}) for uri in sorted(known)[::6]),
        *(("get_recordings", {"uri": uri}) for uri in sorted(known) if "convoso" in uri),
    ]
    asked = 0
    for tool, arguments in calls:
        found = driven.raw_call(tool, **arguments)
        asked += not found.is_error
        check(found, known, (tool, arguments))
    assert asked > len(calls) * 0.8


def test_no_full_record_passes_it_on(driven: Bench, known: set[str]) -> None:
    poisoned = 0
    for uri in sorted(known)[::2]:
        found = driven.raw_call("get_lead", uri=uri)
        structured = found.structured_content or {}
        assert structured["uri"] == uri
        assert not any(deceiving(one, "\n\t") for one in strings(structured)), uri
        text = str(getattr(found.content[0], "text", ""))
        assert not deceiving(text, "\n")
        assert set(OURS.findall(text)) <= {uri}
        assert found.meta
        poisoned += "red" in text or "Ignore previous" in text
        read = driven.portal.call(driven.client.read_resource, uri).contents[0].model_dump(by_alias=True)
        whole = json.loads(read["text"])
        assert not any(deceiving(one, "\n\t") for one in strings(whole)), uri
        assert not deceiving(read["text"], "\n\t")
        assert read["_meta"]["untrusted_parts"] == ["lead", "ping", "raw"]
        assert {"lead", "raw"} <= whole.keys()
    assert poisoned > 3


def test_no_ping_record_or_account_passes_it_on(driven: Bench) -> None:
    uris = [f"account://{account}" for account in TRIED]
    for direction in ("inbound", "outbound"):
        rows = driven.call("query_pings", direction=direction, limit=20, **EVER)["pings"]["rows"]
        uris += [row[0] for row in rows]
    for uri in uris:
        read = driven.portal.call(driven.client.read_resource, uri).contents[0].model_dump(by_alias=True)
        assert not any(deceiving(one, "\n\t") for one in strings(json.loads(read["text"]))), uri


def test_no_error_completion_or_write_passes_it_on(driven: Bench, known: set[str]) -> None:
    for poison in POISON:
        wrong: list[tuple[str, dict[str, Any]]] = [
            ("search_leads", {"account": poison}),
            ("search_leads", {"sort": poison}),
            ("search_leads", {"fields": [poison]}),
            ("search_leads", {"filters": [{"field": poison, "op": "eq", "value": "x"}]}),
            ("search_leads", {"filters": [{"field": "email", "op": poison, "value": "x"}]}),
            ("search_leads", {"filters": [{"field": "email", "op": "eq", "value": poison}]}),
            ("search_leads", {"since": poison}),
            ("search_leads", {"cursor": poison}),
            ("search_leads", {poison: 1}),
            ("get_lead", {"account": "octanist", "id": poison}),
            ("trace_lead", {"phone": poison}),
            ("summarize_leads", {"group_by": [poison]}),
            ("insert_lead", {"account": "octanist", "lead": {"name": poison, "note": poison}, "dry_run": True}),
            ("insert_lead", {"account": "octanist", "lead": {poison: poison}, "dry_run": True}),
        ]
        for tool, arguments in wrong:
            found = driven.raw_call(tool, **arguments)
            text = str(getattr(found.content[0], "text", ""))
            assert not deceiving(text, "\n"), (tool, arguments, text)
            if found.is_error:
                assert not any(deceiving(one, "\n") for one in strings(found.structured_content)), (tool, arguments)
    for template in TEMPLATES:
        ref = ResourceTemplateReference(uri=template)
        for name in ("account", "id"):
            typed = {"name": name, "value": ""}
            said = driven.portal.call(driven.client.complete, ref, typed, {"account": "octanist"})
            assert not any(deceiving(one) for one in said.completion.values)


def test_a_vendor_whose_keys_words_and_errors_deceive(driven: Bench, known: set[str]) -> None:
    uri = next(one for one in sorted(known) if "octanist" in one)
    row = dict(next(one.raw for one in driven.everything("octanist") if one.uri == uri))
    evil = {**row, "no\u200bte\u202e": POISON[3], "custom": {POISON[4]: [POISON[2]]}, "status": POISON[1]}
    driven.box.fault("octanist", "reject", status=200, body={"success": True, "data": evil}, times=2)
    try:
        found = driven.raw_call("get_lead", uri=uri)
        read = driven.portal.call(driven.client.read_resource, uri).contents[0].model_dump(by_alias=True)
    finally:
        driven.box.mend("octanist")
    structured = found.structured_content or {}
    assert "note" in structured["raw"]
    assert not any(deceiving(one, "\n\t") for one in strings([structured, json.loads(read["text"])]))
    assert set(OURS.findall(str(getattr(found.content[0], "text", "")))) == {uri}
    body = {"success": False, "error": {"code": "VALIDATION_ERROR", "message": "".join(POISON)}}
    driven.box.fault("octanist", "status", status=400, body=body, times=-1)
    try:
        failed = driven.raw_call("search_leads", account="octanist")
        shelf = driven.raw_call("search_leads")
    finally:
        driven.box.mend("octanist")
    assert "lead://octanist/forged" not in str(shelf.content[0])
    for said in (failed, shelf):
        text = str(getattr(said.content[0], "text", ""))
        assert not deceiving(text, "\n")
        assert not any(deceiving(one, "\n") for one in strings(said.structured_content))
