"""``LEAD_MCP_PII=masked``: no personal value leaves by any door, and what leaves instead still joins and counts."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

import pytest
from mcp import MCPError
from mcp.types import PromptReference, ResourceTemplateReference

from lead_mcp.sandbox.app import Sandbox, sandbox
from lead_mcp.tools.templates import TEMPLATES
from lead_mcp.vendors.spec.fields import PING_FIELDS
from tests import facts
from tests.answers.marked import Marked, leaks, strings
from tests.driving import UNTIL, Bench, bench, now
from tests.facts import TRIED
from tests.writing.desk import CHANGERS, CHANGES, DELETERS, INSERTERS, Clerk, Desk, desk, insertion

LEADS = 60
EVER: dict[str, Any] = {"since": "2000-01-01"}
PSEUDONYM = re.compile(r"(email|phone|name|address|birth|ip)_[0-9a-f]{10}")
MASKED = {"LEAD_MCP_PII": "masked", "LEAD_MCP_WRITES": "confirm", "LEAD_MCP_DELETES": "confirm"}


def emulators() -> Sandbox:
    world = Marked(LEADS, until=UNTIL)
    return sandbox(facts.emulators(), world, clock=now, options=facts.settled(), rated=False)


@pytest.fixture(scope="module")
def box() -> Sandbox:
    return emulators()


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def open_bench(box: Sandbox) -> Iterator[Bench]:
    """The same data, shown as it is: what the questions are made of."""
    with bench(box=box) as found:
        yield found


@pytest.fixture(scope="module")
def driven(box: Sandbox, state: Path) -> Iterator[Bench]:
    with bench(box=box, environment={**MASKED, "LEAD_MCP_STATE_DIR": str(state)}) as found:
        yield found


@pytest.fixture(scope="module")
def leads(open_bench: Bench) -> list[list[Any]]:
    """uri, email, phone, name of every lead."""
    pages = open_bench.pages(limit=200, fields=["address"], max_tokens=900_000, **EVER)
    return [row for page in pages for row in page["leads"]["rows"]]


def clean(said: Any, why: object = "") -> None:
    """Nothing personal in a result: its text, its structure, its links, its metadata."""
    parts = said if isinstance(said, list) else [said]
    dumped = [part.model_dump(mode="json", by_alias=True) if hasattr(part, "model_dump") else part for part in parts]
    for text in strings(dumped):
        assert not leaks(text), (why, leaks(text), text[:400])


def test_the_search_for_leaks_finds_what_an_open_server_shows(open_bench: Bench, leads: list[list[Any]]) -> None:
    """The other tests here mean something only if this one holds."""
    for account in TRIED:
        uri = next(row[0] for row in leads if row[0].startswith(f"lead://{account}/"))
        found = leaks(" ".join(strings(open_bench.call("get_lead", uri=uri))))
        assert {"qfirst", "qlast"} <= {word.casefold().rstrip("0123456789") for word in found}, account
        assert any("55501" in word for word in found), account
    assert leaks("call (213) 555-0101") == ["2135550101"]


def test_no_reading_tool_shows_a_personal_value(driven: Bench, leads: list[list[Any]]) -> None:
    calls: list[tuple[str, dict[str, Any]]] = [
        ("list_accounts", {}),
        *(("list_accounts", {"account": account}) for account in TRIED),
        ("search_leads", {"limit": 200, "detail": "detailed", "max_tokens": 500_000, **EVER}),
        ("search_leads", {"ids": [row[0] for row in leads[:40]], "limit": 40}),
        ("query_pings", {"direction": "inbound", "limit": 200, "group_by": ["source"], **EVER}),
        ("query_pings", {"direction": "outbound", "limit": 200, "group_by": ["client", "hour"], **EVER}),
        *(
            ("query_sql", {"sql": sql, "max_tokens": 900_000, "max_rows": 10_000, **EVER})
            for sql in (
                "SELECT * FROM leads",
                "SELECT reverse(reverse(name)), email || '', raw->>'$.email', list([note]) FROM leads GROUP BY ALL",
                "SELECT * FROM people",
                "SELECT * FROM sends",
                "SELECT * FROM events",
                "SELECT * FROM pings",
            )
        ),
        *(("summarize_leads", {"group_by": [name], **EVER}) for name in ("email", "phone", "name", "address", "note")),
        *(
            ("get_recordings", {"uri": row[0]})
            for row in leads
            if row[0].startswith(("lead://conv", "lead://leadsq")) and row[0][-1] in "13579ace"
        ),
        *(("trace_lead", {"uri": row[0]}) for row in leads[::20] if row[2] or row[3]),
        *(("trace_lead", {"email": row[2]}) for row in leads[::25] if row[2]),
        *(("trace_lead", {"phone": row[3]}) for row in leads[::25] if row[3]),
    ]
    for tool, arguments in calls:
        found = driven.raw_call(tool, **arguments)
        assert not found.is_error or "neither" in str(found.content), (tool, arguments, found.content)
        clean(found, (tool, arguments))


def test_no_full_record_shows_a_personal_value(driven: Bench, leads: list[list[Any]]) -> None:
    pings = [
        row[0]
        for direction in ("inbound", "outbound")
        for row in driven.call("query_pings", direction=direction, limit=30, **EVER)["pings"]["rows"]
    ]
    for uri in [*(row[0] for row in leads[::4]), *pings, *(f"account://{name}" for name in TRIED)]:
        found = driven.portal.call(driven.client.read_resource, uri)
        clean(found, uri)
        clean(json.loads(getattr(found.contents[0], "text", "")), uri)
        if uri.startswith("lead://"):
            clean(driven.raw_call("get_lead", uri=uri), uri)


@pytest.mark.parametrize("account", TRIED)
def test_no_column_of_any_name_shows_a_personal_value(driven: Bench, open_bench: Bench, account: str) -> None:
    """Every field, whole groups of fields too, which hold names inside."""
    raw = open_bench.everything(account)[0].raw
    nested = [f"{key}.{inner}" for key, value in raw.items() if isinstance(value, dict) for inner in value]
    known = driven.runtime.connection(account).account.fields
    names = [*known.ours, *(name for name in known.own if name not in known.ours)]
    chunks = [names[nth : nth + 12] for nth in range(0, len(names), 12)]
    for chunk in chunks:
        readable = {"fields": chunk, "limit": 40, "max_tokens": 500_000}
        found = driven.raw_call("search_leads", account=account, **readable, **EVER)
        assert not found.is_error, found.content
        clean(found, (account, chunk))
    holders = [*(key for key, value in raw.items() if isinstance(value, dict)), *nested[:8], "custom"]
    for name in [*known.ours, *holders, *(f"raw.{name}" for name in holders)]:
        clean(driven.raw_call("summarize_leads", account=account, group_by=[name], **EVER), (account, name))


def test_ping_columns_show_no_personal_value(driven: Bench) -> None:
    for direction in ("inbound", "outbound"):
        for name in (*PING_FIELDS, "Fields", "Request", "Response", "ScanLog"):
            clean(driven.raw_call("query_pings", direction=direction, group_by=[name], limit=1, **EVER), name)


def test_no_error_completion_prompt_or_listing_shows_a_personal_value(driven: Bench, leads: list[list[Any]]) -> None:
    email, phone, name = next((row[2], row[3], row[1]) for row in leads if row[2] and row[3])
    portal, client = driven.portal, driven.client
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("search_leads", {"filters": [{"field": "email", "op": "contains", "value": email}]}),
        ("search_leads", {"filters": [{"field": "created_at", "op": "eq", "value": email}]}),
        ("search_leads", {"filters": [{"field": "value", "op": "gt", "value": email}]}),
        ("search_leads", {"since": email}),
        ("search_leads", {"sort": f"{email}:desc"}),
        ("search_leads", {"text": email}),
        ("search_leads", {"account": email}),
        ("search_leads", {"cursor": email}),
        ("get_lead", {"account": "octanist", "id": email}),
        ("get_lead", {"uri": f"lead://octanist/{email}"}),
        ("trace_lead", {"phone": email}),
        ("get_recordings", {"account": "octanist", "lead_id": phone}),
        ("summarize_leads", {"group_by": [email]}),
        ("summarize_leads", {"measures": [f"sum:{email}"]}),
        ("insert_lead", {"account": "octanist", "lead": {"email": f"{email}@@"}}),
        ("insert_lead", {"account": "octanist", "lead": {"phone": phone, "status": email}}),
    ]
    for tool, arguments in wrong:
        found = driven.raw_call(tool, **arguments)
        assert found.is_error, (tool, arguments)
        clean(found, (tool, arguments))
    for uri in (f"lead://octanist/{email}", f"lead://convoso/{phone}", f"account://{email}"):
        with pytest.raises(MCPError) as failed:
            portal.call(client.read_resource, uri)
        assert not leaks(failed.value.message), uri
    for template in TEMPLATES:
        ref = ResourceTemplateReference(uri=template)
        for argument in ("account", "id", "lead_id", "direction"):
            context = {"account": "octanist"}
            for typed in ("", email[:3], name[:3]):
                said = portal.call(client.complete, ref, {"name": argument, "value": typed}, context)
                clean(said, (template, argument))
    for prompt in portal.call(client.list_prompts).prompts:
        clean(prompt)
        clean(portal.call(client.complete, PromptReference(name=prompt.name), {"name": "account", "value": ""}))
    for listed in (client.list_tools, client.list_resources, client.list_resource_templates):
        clean(portal.call(listed))


def test_one_vendor_that_repeats_what_it_was_asked_gives_nobody_away(driven: Bench, leads: list[list[Any]]) -> None:
    email = next(row[2] for row in leads if row[2])
    body = {
        "message": f"no such lead {email}",
        "error": f"bad value {email}",
        "Message": email,
        "ExceptionMessage": email,
    }
    for account in TRIED:
        driven.box.fault(account, "status", status=400, body=body, times=-1)
        try:
            for tool, arguments in (("search_leads", {"account": account}), ("trace_lead", {"email": email})):
                clean(driven.raw_call(tool, **arguments), (account, tool))
        finally:
            driven.box.mend(account)


# --- writes -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def written() -> Sandbox:
    return emulators()


@pytest.fixture
def clerk() -> Clerk:
    return Clerk()


@pytest.fixture
def writing(written: Sandbox, clerk: Clerk, tmp_path: Path) -> Iterator[Desk]:
    with desk(tmp_path, written, clerk=clerk, environment=MASKED) as found:
        yield found


def newcomer(vendor: str, number: int) -> dict[str, Any]:
    lead = insertion(vendor)["lead"]
    named = {"first_name": f"Qfirst{number}", "last_name": f"Qlast{number}", "email": f"qmail{number}@example.com"}
    return {**lead, **named, "phone": f"+1213555010{number % 10}"}


@pytest.mark.parametrize("vendor", INSERTERS)
def test_inserting_shows_no_personal_value(writing: Desk, clerk: Clerk, vendor: str) -> None:
    asked = insertion(vendor, newcomer(vendor, 9001))
    logged = io.StringIO()
    handler = logging.StreamHandler(logged)
    logging.getLogger().addHandler(handler)
    try:
        with redirect_stderr(logged):
            preview = writing.result("insert_lead", **asked, dry_run=True)
            done = writing.result("insert_lead", **asked)
            again = writing.result("insert_lead", **asked)
            many = {"account": vendor, "leads": [newcomer(vendor, 9001), newcomer(vendor, 9002)]}
            rows = writing.result("insert_leads", **many, dry_run=True)
            batch = writing.result("insert_leads", **many)
    finally:
        logging.getLogger().removeHandler(handler)
    assert not preview.is_error, preview.content
    assert done.structured_content
    assert done.structured_content["outcome"] == "created", done.content
    for found in (preview, done, again, rows, batch):
        clean(found, vendor)
    assert clerk.asked
    for question in clerk.asked:
        assert not leaks(question), (vendor, question)
    assert not leaks(logged.getvalue())


@pytest.mark.parametrize("vendor", CHANGERS)
def test_changing_shows_no_personal_value(writing: Desk, clerk: Clerk, vendor: str) -> None:
    uri = writing.call("search_leads", account=vendor, limit=1, **EVER)["leads"]["rows"][0][0]
    field, value, _ = CHANGES[vendor]
    person = {"email": "qmail9003@example.com", "phone": "+12135550107"}
    for changes in ({field: value}, person, {field: value, **person}):
        for dry in (True, False):
            clean(writing.result("update_lead", uri=uri, changes=changes, dry_run=dry), (vendor, changes))
    for question in clerk.asked:
        assert not leaks(question), (vendor, question)


@pytest.mark.parametrize("vendor", DELETERS)
def test_deleting_shows_no_personal_value(writing: Desk, clerk: Clerk, vendor: str) -> None:
    uri = writing.call("search_leads", account=vendor, limit=1, **EVER)["leads"]["rows"][0][0]
    clean(writing.result("delete_lead", uri=uri, dry_run=True), vendor)
    clean(writing.result("delete_lead", uri=uri), vendor)
    assert clerk.asked
    assert not leaks(" ".join(clerk.asked))


@pytest.mark.parametrize("vendor", INSERTERS)
def test_the_structure_of_an_outcome_shows_no_personal_value(writing: Desk, vendor: str) -> None:
    clean(writing.result("insert_lead", **insertion(vendor, newcomer(vendor, 9050)), dry_run=True), vendor)


@pytest.mark.parametrize("where", ["lead", "changes", "expect", "vendor_fields"])
def test_a_mask_handed_back_is_refused(writing: Desk, where: str) -> None:
    row = writing.call("search_leads", account="octanist", limit=1, **EVER)["leads"]["rows"][0]
    masked = {"name": next(value for value in row if PSEUDONYM.fullmatch(str(value)))}
    if where == "lead":
        failed = writing.fails("insert_lead", account="octanist", lead=masked)
        many = writing.fails("insert_leads", account="octanist", leads=[masked])
        assert many.code == "bad_argument"
    else:
        failed = writing.fails("update_lead", uri=row[0], **{"changes": {"note": "x"}, where: masked})
    assert failed.code == "bad_argument"
    assert "mask" in failed.message


# --- what masks leave possible ------------------------------------------------------------------------------------


def column(page: dict[str, Any], name: str) -> list[Any]:
    at = page["leads"]["columns"].index(name)
    return [row[at] for row in page["leads"]["rows"]]


def test_one_person_has_one_pseudonym_at_every_vendor_and_two_people_have_two(
    driven: Bench, leads: list[list[Any]]
) -> None:
    shown = driven.page(ids=[row[0] for row in leads], limit=200, max_tokens=900_000)
    masks = {row[0]: row for row in shown["leads"]["rows"]}
    for at, plain in ((2, str.casefold), (3, lambda phone: re.sub(r"\D", "", phone)[-10:])):
        pairs = {(plain(row[at]), masks[row[0]][at]) for row in leads if row[at] and row[0] in masks}
        assert len(pairs) > 50
        assert len({real for real, _ in pairs}) == len({mask for _, mask in pairs}) == len(pairs)
        assert all(PSEUDONYM.fullmatch(mask) for _, mask in pairs)
    shared = {row[2]: {one[0].split("/")[2] for one in leads if one[2] == row[2]} for row in leads if row[2]}
    assert max(map(len, shared.values())) == len(TRIED)


def test_pseudonyms_are_the_same_in_another_process_with_the_same_state(
    driven: Bench, box: Sandbox, state: Path, tmp_path: Path
) -> None:
    usual = driven.page(limit=40, **EVER)["leads"]["rows"]
    with bench(box=box, environment={**MASKED, "LEAD_MCP_STATE_DIR": str(state)}) as again:
        assert again.page(limit=40, **EVER)["leads"]["rows"] == usual
    with bench(box=box, environment={**MASKED, "LEAD_MCP_STATE_DIR": str(tmp_path)}) as other:
        strange = other.page(limit=40, **EVER)["leads"]["rows"]
        assert [row[0] for row in strange] == [row[0] for row in usual]
        assert not {row[1] for row in strange} & {row[1] for row in usual if row[1]}


def test_the_key_is_kept_from_others(state: Path, driven: Bench) -> None:
    driven.page(limit=1)
    assert (state / "mask.key").stat().st_mode & 0o077 == 0


def test_a_full_record_and_a_story_use_the_pseudonyms_of_the_tables(driven: Bench, leads: list[list[Any]]) -> None:
    row = driven.page(ids=[next(row[0] for row in leads if row[2])], limit=1)["leads"]["rows"][0]
    lead = driven.call("get_lead", uri=row[0])["lead"]
    assert [lead["name"], lead["email"], lead["phone"]] == row[1:4]
    person = driven.call("trace_lead", uri=row[0])["person"]
    assert row[2] in person["emails"]
    assert row[3] in person["phones"]


def test_counts_by_a_masked_field_are_those_of_the_real_one(driven: Bench, open_bench: Bench) -> None:
    for name in ("email", "phone", "name"):
        asked = {"account": "convoso", "group_by": [name], **EVER}
        real = open_bench.call("summarize_leads", **asked)
        masked = driven.call("summarize_leads", **asked)
        assert [row[1] for row in masked["groups"]["rows"]] == [row[1] for row in real["groups"]["rows"]]
        assert masked["total"] == real["total"] == LEADS


def test_groups_that_tie_do_not_stand_in_the_order_of_what_they_hide(driven: Bench, open_bench: Bench) -> None:
    """Else a rank would tell the first letters."""
    rows = driven.call("summarize_leads", account="convoso", group_by=["email"], **EVER)["groups"]["rows"]
    ties = [row[0] for row in rows if row[1] == 1 and row[0] and row[0] != "other"]
    assert len(ties) > 20
    assert ties == sorted(ties)


@pytest.mark.parametrize("account", TRIED)
def test_filters_take_real_values_and_the_ledger_does_not_repeat_them(
    driven: Bench, leads: list[list[Any]], account: str
) -> None:
    mine = [row for row in leads if row[0].startswith(f"lead://{account}/") and row[2]]
    for op, value in (("eq", mine[0][2]), ("in", [mine[0][2], mine[1][2]])):
        found = driven.page(account=account, filters=[{"field": "email", "op": op, "value": value}], limit=200, **EVER)
        wanted = {row[0] for row in mine if row[2] in value}
        assert {row[0] for row in found["leads"]["rows"]} == wanted
        clean(found)
        clause = {*found["accounts"][0]["pushed"], *found["accounts"][0]["checked_here"]}
        assert any(word.startswith(f"email {op} ") for word in clause)
    there = driven.page(
        account=account, filters=[{"field": "email", "op": "exists", "value": False}], limit=200, **EVER
    )
    assert all(value is None for value in column(there, "email"))
    assert len(column(there, "email")) == len([row for row in leads if row[0].startswith(f"lead://{account}/")]) - len(
        mine
    )


def test_no_address_of_audio_leaves(driven: Bench, open_bench: Bench, leads: list[list[Any]]) -> None:
    uris = [row[0] for row in leads if row[0].startswith("lead://convoso/")][:60]
    called = [uri for uri in uris if open_bench.call("get_recordings", uri=uri)["recordings"]["rows"]]
    assert called
    for uri in called:
        found = driven.call("get_recordings", uri=uri)["recordings"]
        at = found["columns"].index("url")
        assert found["rows"]
        assert all(row[at] is None for row in found["rows"])
