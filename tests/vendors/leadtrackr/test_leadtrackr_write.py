"""LeadTrackr's writes, one equality each. Shapes of docs/api-reference (2026), synthetic people."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from lead_mcp import errors
from lead_mcp.phones import Phone
from lead_mcp.vendors.leadtrackr import VENDOR, write
from lead_mcp.vendors.spec.http import Effect, Reply, Request
from lead_mcp.vendors.spec.reading import PageRequest
from lead_mcp.vendors.spec.vendor import account_of
from lead_mcp.vendors.spec.writing import Values, WriteResult
from tests.replies import reply

ACCOUNT = account_of(VENDOR, "acme", options={"project_id": " pr-1 "})
TOKEN = "ab" * 20
UUID = "0f8fad5b-d9cb-469f-a165-70867728950E"
ADA = Phone("+12135550101", "2135550101", "1")


def created(values: Values) -> Request:
    return write.create_lead(ACCOUNT, values, TOKEN, False)


def updated(values: Values) -> Request:
    return write.update_lead(ACCOUNT, "4711", values)


# --- what it offers -----------------------------------------------------------------------------------------------


def test_it_inserts_updates_and_seeks_and_cannot_delete() -> None:
    assert (VENDOR.insert, VENDOR.update, VENDOR.person_lookup, VENDOR.delete) == (
        write.INSERT,
        write.UPDATE,
        write.PERSON_LOOKUP,
        None,
    )
    assert write.INSERT.dedupes
    assert not write.INSERT.upserts
    assert write.UPDATE.queued == {"status": "pending"}
    assert "real conversions to the connected ad platforms" in write.UPDATE.warning


def test_our_names_have_their_places_on_a_new_lead() -> None:
    form = write.CREATING
    assert {ours: param.name for ours, param in form.ours.items()} == {
        "first_name": "userData.firstName",
        "last_name": "userData.lastName",
        "email": "userData.email",
        "phone": "userData.phone",
        "company": "userData.companyName",
        "gclid": "attributionData.gclid",
        "wbraid": "attributionData.wbraid",
        "ga4cid": "attributionData.cid",
        "ga4sid": "attributionData.sid",
        "fbp": "attributionData.fbp",
        "fbc": "attributionData.fbc",
        "form_name": "formData.formName",
        "note": "formData.formMessage",
        "external_id": "uniqueIdentifier",
    }
    assert set(form.own) == {"formData.uniqueEventId", "channelFlow", "deviceData.ipAddress", "deviceData.userAgent"}
    assert form.ours["external_id"].most == 255
    assert form.any_of == (("first_name", "last_name", "email", "phone", "company"),)
    assert form.open
    assert all(word in form.only for word in ("status", "value", "update_lead"))


def test_a_change_is_of_status_and_value_and_says_why_no_more() -> None:
    form = write.CHANGING
    names = {ours: param.name for ours, param in form.ours.items()}
    assert names == {"status": "conversionId", "stage": "stage", "value": "value"}
    assert (form.own, form.open) == ({}, False)
    assert "nothing else" in form.only


def test_no_field_of_leadtrackr_is_a_secret() -> None:
    forms = (write.CREATING, write.CHANGING)
    assert not [one for form in forms for one in (*form.ours.values(), *form.own.values()) if one.secret]


@pytest.mark.parametrize(
    ("options", "missing"),
    [({"project_id": "7"}, ""), ({}, "LEADTRACKR_PROJECT_ID"), ({"project_id": " "}, "LEADTRACKR_PROJECT_ID")],
)
def test_inserting_needs_the_project_id(options: dict[str, str], missing: str) -> None:
    assert write.INSERT.ready(account_of(VENDOR, "acme", options=options)) == missing


# --- creating -----------------------------------------------------------------------------------------------------


def test_a_new_lead_is_nested_and_carries_project_and_token() -> None:
    values = {
        "userData.firstName": "Ada",
        "userData.phone": write.CREATING.ours["phone"].encode(ADA),
        "attributionData.cid": "1.2",
        "formData.formName": "Contact",
        "formData.formFields.size": "XL",
        "formData.rooms": 3,
        "deviceData.ipAddress": "192.0.2.1",
        "channelFlow": "google > direct",
        "uniqueIdentifier": "crm-9",
    }
    sent = {
        "projectId": "pr-1",
        "userData": {"firstName": "Ada", "phone": "+12135550101"},
        "attributionData": {"cid": "1.2"},
        "formData": {"formName": "Contact", "formFields": {"size": "XL"}, "rooms": 3, "uniqueEventId": TOKEN},
        "deviceData": {"ipAddress": "192.0.2.1"},
        "channelFlow": "google > direct",
        "uniqueIdentifier": "crm-9",
    }
    assert created(values) == Request("POST", "/leads/createServerSideLead", json=sent, effect=Effect.WRITE)


@pytest.mark.parametrize(("given", "sent"), [("ev-1", "ev-1"), ("", TOKEN)])
def test_the_callers_own_event_id_is_kept(given: str, sent: str) -> None:
    request = created({"userData.email": "ada@example.com", "formData.uniqueEventId": given})
    assert request.json["formData"] == {"uniqueEventId": sent}


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("status", errors.NotOffered, "starts as open"),
        ("stage", errors.NotOffered, "starts as open"),
        ("value", errors.NotOffered, "starts as open"),
        ("price", errors.NotOffered, "starts as open"),
        ("unique_identifier", errors.UnknownField, "Did you mean 'uniqueIdentifier'"),
        ("userData.city", errors.UnknownField, "formData.NAME"),
        ("attributionData.msclkid", errors.UnknownField, "formData.NAME"),
        ("formData", errors.UnknownField, "formData.NAME"),
        ("formData.", errors.UnknownField, "formData.NAME"),
        ("formData.a..b", errors.UnknownField, "formData.NAME"),
        ("projectId", errors.UnknownField, "formData.NAME"),
        ("formData.uniqueEventId.x", errors.BadArgument, "another name"),
        ("userData.email.x", errors.UnknownField, "formData.NAME"),
    ],
)
def test_a_name_that_leadtrackr_would_drop_is_refused(name: str, kind: type[errors.CallError], words: str) -> None:
    with pytest.raises(kind, match=words) as raised:
        created({"userData.email": "ada@example.com", name: "x"})
    assert type(raised.value) is kind


@pytest.mark.parametrize("names", [("formData.a", "formData.a.b"), ("formData.a.b", "formData.a")])
def test_one_place_holds_one_thing(names: tuple[str, str]) -> None:
    with pytest.raises(errors.BadArgument, match="another name"):
        created(dict.fromkeys(names, "x"))


@pytest.mark.parametrize("status", [200, 201])
@pytest.mark.parametrize(("word", "changed"), [("created", False), ("updated", True)])
def test_a_created_lead_is_its_id_and_whether_the_event_was_known(status: int, word: str, changed: bool) -> None:
    answer = reply({"message": f"Lead {word} successfully", "leadId": 4711, "uniqueIdentifier": None}, status)
    assert write.read_created(ACCOUNT, answer) == WriteResult("4711", updated=changed)


# --- changing -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "sent"),
    [
        ({"conversionId": "open"}, {"conversionId": "open"}),
        ({"conversionId": " LOST "}, {"conversionId": "lost"}),
        ({"conversionId": UUID, "value": 125050}, {"conversionId": UUID, "price": 125050}),
        ({"stage": "lost", "value": 0}, {"conversionId": "lost", "price": 0}),
        ({"stage": "Lost", "conversionId": "lost"}, {"conversionId": "lost"}),
    ],
)
def test_a_change_names_the_lead_by_number_and_the_conversion(values: Values, sent: Values) -> None:
    sent = {"leadId": 4711, **sent}
    assert updated(values) == Request("POST", "/leads/updateLeadStatus", json=sent, effect=Effect.WRITE)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"conversionId": "won"}, "Settings > Conversion Labels"),
        ({"conversionId": "pending"}, "Settings > Conversion Labels"),
        ({"conversionId": UUID[:-1]}, "Settings > Conversion Labels"),
        ({"stage": "qualified"}, "Settings > Conversion Labels"),
        ({"stage": UUID}, "Settings > Conversion Labels"),
        ({"stage": "open", "conversionId": "lost"}, "give one of them"),
        ({"stage": "lost", "conversionId": UUID}, "give one of them"),
        ({"value": 100}, "together with a status only"),
        ({"conversionId": None}, "no way to empty"),
        ({"conversionId": "open", "price": None}, "no way to empty"),
    ],
)
def test_what_leadtrackr_cannot_be_told_is_refused_before_sending(values: Values, words: str) -> None:
    with pytest.raises(errors.BadArgument, match=words):
        updated(values)


@pytest.mark.parametrize("lead_id", ["", "lead_1", "-1", "1.0", "٣"])
def test_an_id_that_is_no_number_is_never_sent(lead_id: str) -> None:
    with pytest.raises(errors.BadArgument, match="whole numbers"):
        write.update_lead(ACCOUNT, lead_id, {"conversionId": "open"})


@pytest.mark.parametrize(("value", "price"), [("12.50", 1250), ("0", 0), ("0.29", 29), ("1E+2", 10000)])
def test_a_value_is_whole_cents(value: str, price: int) -> None:
    encoded = write.CHANGING.ours["value"].encode(Decimal(value))
    assert (encoded, type(encoded)) == (price, int)


@pytest.mark.parametrize("value", ["12.505", "-1", "-0.001", "1.00000000000000000000000000000000000000001"])
def test_parts_of_a_cent_and_negative_values_are_refused(value: str) -> None:
    with pytest.raises(errors.BadArgument, match="whole cents"):
        write.CHANGING.ours["value"].encode(Decimal(value))


def changed(**more: Any) -> Reply:
    whole = {"message": "Lead queued for processing", "leadId": 4711, "uniqueIdentifier": None, "status": "pending"}
    return reply(whole | {"queued": True} | more, 201)


WARNED = {
    "integration": "google_ads",
    "reason": "No click id",
    "field": "gclid",
    "timestamp": "2026-03-15T10:30:00.000Z",
}


@pytest.mark.parametrize(
    ("reply", "warned"),
    [
        (changed(message="Lead status updated to open", status="open", queued=False), ()),
        (changed(warnings=[]), ()),
        (changed(warnings=[WARNED]), ("“google_ads: No click id (gclid)”",)),
        (changed(warnings=[{"reason": "x\ny"}, "odd"]), ("“LeadTrackr: x y”", "“odd”")),
        (changed(warnings="odd"), ()),
        (changed(leadId=12), ("LeadTrackr names lead 12 as the one it changed, not 4711.",)),
    ],
)
def test_a_change_passes_on_what_leadtrackr_warns_of(reply: Reply, warned: tuple[str, ...]) -> None:
    assert write.read_updated(ACCOUNT, "4711", reply).warnings == warned


def test_warnings_are_few_and_short() -> None:
    found = write.read_updated(ACCOUNT, "4711", changed(warnings=[WARNED | {"reason": "x" * 5000}] * 50))
    assert found.id == "4711"
    assert len(found.warnings) == write.WARNINGS
    assert max(map(len, found.warnings)) < 250


# --- refusals -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("creating", [True, False])
@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (reply({"message": "Missing required field: projectId"}, 400), errors.Rejected),
        (reply({"message": "Invalid API key"}, 401), errors.Unauthorized),
        (reply({"message": "Subscription inactive"}, 403), errors.Unauthorized),
        (reply({"message": "Lead not found"}, 404), errors.NotFound),
        (reply({"message": "Method not allowed"}, 405), errors.Rejected),
        (reply({"message": "Lead is already queued"}, 409), errors.Conflict),
        (Reply(429, b""), errors.RateLimited),
        (reply({"message": "Server error"}, 500), errors.Unavailable),
        (Reply(503, b"<html>"), errors.Unavailable),
        (reply({"message": "Lead created successfully"}, 201), errors.MalformedReply),
        (reply({"message": "Lead updated", "leadId": None}), errors.MalformedReply),
        (reply({"message": "Lead updated", "leadId": True}), errors.MalformedReply),
        (reply({"message": "Lead updated", "leadId": "x"}), errors.MalformedReply),
        (reply([]), errors.MalformedReply),
        (Reply(200, b"<html>"), errors.MalformedReply),
        (Reply(204, b""), errors.MalformedReply),
    ],
)
def test_every_refusal_has_its_kind(creating: bool, reply: Reply, kind: type[errors.LeadMcpError]) -> None:
    read = partial(write.read_created, ACCOUNT) if creating else partial(write.read_updated, ACCOUNT, "4711")
    with pytest.raises(errors.LeadMcpError) as raised:
        read(reply)
    # LeadTrackr has no codes of its own
    assert (type(raised.value), raised.value.vendor_code) == (kind, None)


# --- finding one person's leads -----------------------------------------------------------------------------------


FIRST = PageRequest(limit=100)


def listings(*asked: tuple[str, str]) -> list[Request]:
    return [Request("GET", "/leads/getLeads", query={"limit": "100", "page": "1", name: text}) for name, text in asked]


def test_an_email_is_searched_for_then_asked_exactly_in_lower_case_too() -> None:
    mixed = ("Ada@Example.com", "ada@example.com")
    rounds = [listings(*((way, email) for email in mixed)) for way in ("search", "email")]
    assert write.with_email(ACCOUNT, "Ada@Example.com", FIRST) == rounds
    assert write.with_email(ACCOUNT, "a@b.example", FIRST) == [
        listings(("search", "a@b.example")),
        listings(("email", "a@b.example")),
    ]


def test_a_full_name_is_searched_for_as_it_is_and_by_its_last_word() -> None:
    asked = listings(("search", "Ada King Lovelace"), ("search", "Lovelace"))
    assert write.with_name(ACCOUNT, ("Ada", "King", "Lovelace"), FIRST) == [asked]


@pytest.mark.parametrize(
    ("phone", "spelt"),
    [
        (ADA, "+12135550101 12135550101 2135550101 213-555-0101"),
        (Phone("+31201234567", "201234567", "31"), "+31201234567 31201234567 201234567 0201234567"),
    ],
)
def test_a_phone_is_searched_for_by_its_end_then_asked_in_its_spellings(phone: Phone, spelt: str) -> None:
    exact = [("phone", text) for text in spelt.split()]
    assert write.with_phone(ACCOUNT, phone, FIRST) == [
        listings(("search", phone.national[-4:])),
        listings(*exact),
    ]


def test_found_leads_are_the_lists_rows_and_a_failure_is_no_empty_answer() -> None:
    assert write.read_found(ACCOUNT, reply({"message": "Leads retrieved", "leads": [{"id": 1}]})).rows == [{"id": 1}]
    with pytest.raises(errors.Unauthorized):
        write.read_found(ACCOUNT, reply({"message": "Invalid API key"}, 401))
