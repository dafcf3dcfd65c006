"""What a person agrees to is what is sent: invisible characters are gone before anybody compares, asks or sends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import anyio
import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_mcp.characters import ZWJ, ZWNJ, cleaned
from lead_mcp.errors import BadArgument, UnknownField
from lead_mcp.filters import Kind
from lead_mcp.sandbox.app import Sandbox
from lead_mcp.vendors.spec.writing import Form, Param
from lead_mcp.writing.call import WriteCall
from lead_mcp.writing.outcome import Tool
from tests.facts import facts_of
from tests.writing.desk import INSERTERS, ORIGIN, Desk, desk, insertion, somebody
from tests.writing.test_forms import fill

INVISIBLE = {
    "zero-width space": "\u200b",
    "byte order mark": "\ufeff",
    "soft hyphen": "\u00ad",
    "word joiner": "\u2060",
    "NUL": "\x00",
    "right-to-left": "\u202e",
    "isolate": "\u2066",
    "tag": "\U000e0041",
    "escape": "\x1b[31m",
    "C1": "\x9b",
    "joiner": "\u200d",
    "filler": "\u3164",
    "selector": "\ufe0f",
    "private": "\ue000",
}
MEANT = {"Persian": "رضا\u200cزاده", "emoji": "Ann ☎\ufe0f", "family": "👩\u200d👧", "Sinhala": "ශ්\u200dරී"}


@pytest.fixture(scope="module")
def asking(box: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk(tmp_path_factory.mktemp("asking"), box) as found:
        yield found


@pytest.fixture
def hands(asking: Desk, faultless: None) -> Desk:
    asking.clerk.says, asking.clerk.asked[:] = "yes", []
    return asking


def sent(hands: Desk, vendor: str) -> str:
    """The last write that the vendor heard, decoded as far as a reader would."""
    last = next(one for one in reversed(hands.box.stages[vendor].heard) if one.method in ("POST", "PATCH") and one.body)
    return json.dumps(json.loads(last.body), ensure_ascii=False) if last.body[:1] in b"[{" else last.body.decode()


def typed_elsewhere(box: Sandbox, uri: str, note: str) -> None:
    """Somebody writes a note through another program."""
    key = box.environment(ORIGIN)["OCTANIST_API_KEY"]

    async def patch() -> None:
        transport = httpx2.ASGITransport(app=box)
        async with httpx2.AsyncClient(transport=transport, base_url=ORIGIN, headers={"X-API-Key": key}) as client:
            done = await client.patch("/octanist/api/leads", json={"id": uri.rpartition("/")[2], "note": note})
            assert done.status_code == 200

    anyio.run(patch)


# --- what is taken out --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", INVISIBLE)
def test_an_insert_sends_what_the_question_shows(hands: Desk, what: str) -> None:
    mark, lead = INVISIBLE[what], somebody("leadtrackr")
    dirty = {**lead, "first_name": f"Z{mark}ed", "email": lead["email"].replace("@", f"{mark}@")}
    done = hands.call("insert_lead", **insertion("leadtrackr", dirty))
    (question,) = hands.clerk.asked
    assert f"email: {lead['email']}\n" in question
    assert "email: invisible characters were taken out" in question
    assert done["after"]["email"] == lead["email"]
    assert any("first_name" in warning for warning in done["warnings"])
    assert mark not in sent(hands, "leadtrackr")
    assert lead["email"] in sent(hands, "leadtrackr")
    again = hands.call("insert_lead", **insertion("leadtrackr", lead))
    assert (again["outcome"], again["uri"]) == ("duplicate", done["uri"])


@pytest.mark.parametrize("vendor", INSERTERS)
def test_duplicates_do_not_differ_by_what_nobody_sees(hands: Desk, vendor: str) -> None:
    lead = somebody(vendor)
    first = hands.call("insert_lead", **insertion(vendor, lead))
    dirty = {**lead, "email": f"\u200b{lead['email']}\u2060", "phone": f"{lead['phone']}\ufeff"}
    found = hands.call("insert_lead", **insertion(vendor, dirty))
    assert (found["outcome"], found["uri"]) == ("duplicate", first["uri"])


@pytest.mark.parametrize("vendor", ["octanist", "leadsquared", "convoso"])
def test_a_change_sends_what_the_question_shows(hands: Desk, vendor: str) -> None:
    name = {"octanist": "note", "leadsquared": "city", "convoso": "city"}[vendor]
    uri = hands.call("insert_lead", **insertion(vendor))["uri"]
    done = hands.call("update_lead", uri=uri, changes={name: "Par\u202eis\x00"})
    assert done["after"][name] == "Paris"
    assert f"{name}: (empty) -> Paris\n" in hands.clerk.asked[-1]
    assert f"{name}: invisible characters were taken out" in hands.clerk.asked[-1]
    assert hands.call("get_lead", uri=uri)["lead"][name] == "Paris"
    assert hands.call("update_lead", uri=uri, changes={name: "Paris"})["outcome"] == "unchanged"


def test_a_batch_sends_what_the_question_shows(hands: Desk) -> None:
    lead = somebody("octanist")
    dirty = {"name": "Zed\u200b Zap", "email": f"{lead['email']}\ufeff"}
    rows = hands.call("insert_leads", account="octanist", leads=[dirty])["results"]["rows"]
    assert rows[0][1] == "created"
    assert f"email: {lead['email']}" in hands.clerk.asked[-1]
    assert json.loads(sent(hands, "octanist"))["email"] == lead["email"]


def test_what_only_looks_like_a_value_is_written_over(hands: Desk, box: Sandbox) -> None:
    """Somebody else has put an invisible character there: the record's value is not the one that is wanted."""
    uri = hands.call("insert_lead", **insertion("octanist"))["uri"]
    hands.call("update_lead", uri=uri, changes={"note": "Paris"})
    typed_elsewhere(box, uri, "Par\u200bis")
    done = hands.call("update_lead", uri=uri, changes={"note": "Paris"}, expect={"note": "Paris"})
    assert done["outcome"] == "updated"
    assert "note: Paris -> Paris (only invisible characters differ)" in hands.clerk.asked[-1]
    assert hands.call("update_lead", uri=uri, changes={"note": "Paris"})["outcome"] == "unchanged"


@pytest.mark.parametrize("value", ["\u200b", " \u2060 ", "\x00\x1b[0m", "\u202e"])
def test_a_value_of_nothing_but_invisible_characters_is_refused(hands: Desk, value: str) -> None:
    failed = hands.fails("insert_lead", account="octanist", lead={**somebody("octanist"), "first_name": value})
    assert failed.code == "bad_argument"
    assert "first_name" in failed.message


# --- what stays ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", MEANT)
@pytest.mark.parametrize("vendor", INSERTERS)
def test_what_a_script_needs_survives_writing_reading_expecting_and_asking(hands: Desk, vendor: str, what: str) -> None:
    text, lead = MEANT[what], somebody(vendor)
    done = hands.call("insert_lead", **insertion(vendor, {**lead, "last_name": text}))
    assert not [warning for warning in done["warnings"] if "invisible" in warning]
    assert text in hands.clerk.asked[0]
    read = hands.call("get_lead", uri=done["uri"])["lead"]
    name = "last_name" if "last_name" in read else "name"
    assert text in read[name]
    found = hands.call(
        "search_leads",
        account=vendor,
        since="-1d",
        filters=[
            {"field": name, "op": "eq", "value": read[name]},
            {"field": "email", "op": "eq", "value": lead["email"]},
        ],
    )
    assert [row[0] for row in found["leads"]["rows"]] == [done["uri"]]
    change = facts_of(vendor).change
    if change is not None:
        wanted = {change.field: change.wanted}
        same = hands.call("update_lead", uri=done["uri"], changes=wanted, expect={name: read[name]}, dry_run=True)
        assert same["outcome"] == "preview"


# --- no text at all -----------------------------------------------------------------------------------------------

HALF = "Ann\ud83d"
NO_TEXT: list[tuple[str, dict[str, Any], str]] = [
    ("insert_lead", {"account": "octanist", "lead": {"name": HALF, "email": "a@example.com"}}, "lead.name"),
    (
        "insert_lead",
        {"account": "octanist", "lead": {"name": "A"}, "vendor_fields": {"custom": HALF}},
        "vendor_fields.custom",
    ),
    ("insert_lead", {"account": "octanist", "lead": {"name": "A"}, "idempotency_key": HALF}, "idempotency_key"),
    ("insert_leads", {"account": "octanist", "leads": [{"name": "A"}, {"name": HALF}]}, "leads.2.name"),
    ("update_lead", {"account": "octanist", "id": "1", "changes": {"note": HALF}}, "changes.note"),
    (
        "update_lead",
        {"account": "octanist", "id": "1", "changes": {"note": "n"}, "expect": {"note": HALF}},
        "expect.note",
    ),
]


@pytest.mark.parametrize(("tool", "arguments", "place"), NO_TEXT)
def test_half_a_character_is_refused_by_its_place(
    hands: Desk, tool: str, arguments: dict[str, Any], place: str
) -> None:
    """As a host hands arguments over that has read JSON like ``"\\ud83d"``."""
    before = len(hands.box.stages["octanist"].heard)
    failed = hands.fails(tool, **arguments)
    assert failed.code == "bad_argument"
    assert failed.message.startswith(f"{place}: ")
    assert len(hands.box.stages["octanist"].heard) == before


def test_what_is_nested_without_reason_is_refused(hands: Desk) -> None:
    deep: Any = "x"
    for _ in range(60):
        deep = [deep]
    failed = hands.fails("insert_lead", account="octanist", lead={"name": "A"}, vendor_fields={"custom": deep})
    assert (failed.code, failed.message.partition(":")[0]) == ("bad_argument", "vendor_fields")


def test_half_a_character_in_a_name_is_refused_too() -> None:
    """No client's library lets it through; whoever calls this code directly meets the same refusal."""
    with pytest.raises(BadArgument, match=r"^lead: "):
        WriteCall(Tool.INSERT_LEAD, {"lead": {HALF: "x"}})
    with pytest.raises(UnknownField, match="vendor_fields"):
        fill({}, {"na\u200bme": "x"}, Form(ours={}, open=True))


# --- any text -----------------------------------------------------------------------------------------------------

ANY_TEXT = st.lists(
    st.sampled_from([*INVISIBLE.values(), ZWNJ, ZWJ, "\r\n", "\u2028", "ا", "☎"])
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=4),
    max_size=12,
).map("".join)
FORM = Form(
    ours={"note": Param("Note"), "city": Param("Town")}, own={"any": Param("any", Kind.ANY, lambda value: value)}
)


@given(ANY_TEXT)
def test_what_is_sent_is_clean_and_said_to_be(text: str) -> None:
    try:
        filled = fill({"note": text}, {"any": {"deep": [text]}}, FORM)
    except BadArgument:
        assert text.strip()
        assert not cleaned(text, lines=True).strip()
        return
    assert filled.values["Note"] == filled.ours["note"] == cleaned(filled.values["Note"], lines=True)
    assert filled.values["any"] == {"deep": [filled.values["Note"]]}
    changed = filled.values["Note"] != text.replace("\r\n", "\n")
    assert changed is any(warning.startswith("note: invisible") for warning in filled.warnings)
