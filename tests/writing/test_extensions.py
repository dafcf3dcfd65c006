"""Telephone extensions: kept where the vendor has room, said to be left out where it has not; two people stay two."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from lead_mcp.phones import e164, extension_of, parse_phone
from lead_mcp.sandbox.app import Sandbox
from tests.facts import offering
from tests.writing.desk import INSERTERS, Desk, desk, insertion, somebody

SPELLINGS = ["{} x101", "{} ext 101", "{}#101", "{} ext. 101", "{};ext=101", "{} extension 101"]
ROOM = sorted(offering(lambda vendor: vendor.insert is not None and vendor.insert.form.ours["phone"].extensions))


@pytest.fixture(scope="module")
def hands(box: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk(tmp_path_factory.mktemp("state"), box, environment={"LEAD_MCP_WRITES": "allow"}) as found:
        yield found


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_an_extension_is_told_from_the_number(spelling: str) -> None:
    text = spelling.format("(213) 555-0101")
    phone, _ = parse_phone(text, "US")
    assert (phone.e164, phone.extension, phone.spelled) == ("+12135550101", "101", "+12135550101 x101")
    assert (e164(text, "US"), extension_of(text, "US"), extension_of("2135550101", "US")) == ("+12135550101", "101", "")
    assert parse_phone(phone.spelled, "US")[0] == phone


def insert(hands: Desk, vendor: str, lead: dict[str, Any], ending: str, **more: Any) -> dict[str, Any]:
    return hands.call("insert_lead", **insertion(vendor, {**lead, "phone": f"{lead['phone']}{ending}"}, **more))


@pytest.mark.parametrize("vendor", INSERTERS)
@pytest.mark.parametrize("ending", [" x101", " ext 204", "#99", ""])
def test_what_is_shown_is_what_was_sent(hands: Desk, vendor: str, ending: str) -> None:
    lead = somebody(vendor)
    done = insert(hands, vendor, lead, ending)
    assert done["outcome"] == "created"
    extension = "".join(filter(str.isdigit, ending))
    warned = [warning for warning in done["warnings"] if "extension" in warning]
    kept = vendor in ROOM and extension
    after = str(done["after"]["phone"])
    assert (e164(after, "US"), extension_of(after, "US")) == (lead["phone"], extension if kept else "")
    assert bool(warned) is bool(extension and vendor not in ROOM)
    read = str(hands.call("get_lead", uri=done["uri"])["lead"]["phone"])
    assert extension_of(read, "US") == (extension if kept else "")
    assert e164(read, "US") == lead["phone"]


@pytest.mark.parametrize("vendor", ROOM)
def test_two_people_behind_one_number_are_two_leads(hands: Desk, vendor: str) -> None:
    one, other = somebody(vendor), somebody(vendor)
    other["phone"] = one["phone"]
    first = insert(hands, vendor, one, " x101")
    second = insert(hands, vendor, other, " ext 204")
    assert (second["outcome"], second["uri"] != first["uri"]) == ("created", True)
    third = {**somebody(vendor), "phone": one["phone"]}
    assert insert(hands, vendor, third, "#101")["uri"] == first["uri"]
    assert insert(hands, vendor, third, "")["outcome"] == "duplicate", "without an extension it may be either"


@pytest.mark.parametrize("vendor", sorted({*INSERTERS} - {*ROOM}))
def test_where_there_is_no_room_one_number_is_one_person(hands: Desk, vendor: str) -> None:
    one, other = somebody(vendor), somebody(vendor)
    first = insert(hands, vendor, one, " x101")
    second = insert(hands, vendor, {**other, "phone": one["phone"]}, " x204")
    assert (second["outcome"], second["uri"]) == ("duplicate", first["uri"])


def test_an_extension_alone_is_a_change(hands: Desk) -> None:
    """LeadSquared takes phones in an update, and has no room for extensions: what it holds already is no change."""
    uri = hands.call("insert_lead", **insertion("leadsquared", lead := somebody("leadsquared")))["uri"]
    found = hands.call("update_lead", uri=uri, changes={"phone": f"{lead['phone']} x7"})
    assert found["outcome"] == "unchanged"
    assert any("no room" in warning for warning in found["warnings"])
    stale = hands.fails("update_lead", uri=uri, changes={"city": "Rome"}, expect={"phone": f"{lead['phone']} x7"})
    assert stale.code == "conflict"
