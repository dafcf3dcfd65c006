"""Octanist's writes, one equality each. Shapes of the production, staging and old docs, synthetic people."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from lead_mcp import errors
from lead_mcp.filters import Kind
from lead_mcp.phones import Phone
from lead_mcp.vendors.octanist import VENDOR, write
from lead_mcp.vendors.spec.http import Effect, Reply, Request
from lead_mcp.vendors.spec.reading import PageRequest
from lead_mcp.vendors.spec.vendor import account_of
from lead_mcp.vendors.spec.writing import Values, WriteResult
from tests.replies import reply

ACCOUNT = account_of(VENDOR, "acme")
TOKEN = "ab" * 20
ADA = Phone("+12135550101", "2135550101", "1")


def envelope(data: Any, status: int = 200) -> Reply:
    return reply({"success": True, "data": data, "meta": {"requestId": "req_1"}}, status)


def refusal(code: str, status: int, message: str = "no") -> Reply:
    return reply({"success": False, "error": {"code": code, "message": message, "details": {}}, "meta": {}}, status)


def created(values: Values) -> Request:
    return write.create_lead(ACCOUNT, values, TOKEN, False)


def updated(values: Values) -> Request:
    return write.update_lead(ACCOUNT, "lead_1", values)


# --- what it offers -----------------------------------------------------------------------------------------------


def test_it_inserts_updates_and_seeks_and_cannot_delete() -> None:
    assert (VENDOR.insert, VENDOR.update, VENDOR.person_lookup, VENDOR.delete) == (
        write.INSERT,
        write.UPDATE,
        write.PERSON_LOOKUP,
        None,
    )
    assert not write.INSERT.dedupes
    assert not write.INSERT.upserts
    assert write.INSERT.ready(ACCOUNT) == ""


def test_a_new_lead_takes_what_is_documented_and_says_why_no_more() -> None:
    ours = (
        "name email phone website note gclid dclid wbraid gbraid ga4cid ga4sid fbc fbp msclkid ttclid twclid rdt_cid sccid "
        "epik li_fat_id utm_source utm_medium utm_campaign"
    )
    flags = "ad_storage ad_user_data analytics_storage ad_personalization"
    form = write.CREATING
    assert set(form.ours) == set(ours.split())
    assert set(form.own) == {*flags.split(), "custom", "sessionId", "path"}
    assert {name for name, param in form.own.items() if param.kind is Kind.FLAG} == set(flags.split())
    assert form.any_of == (("name", "email", "phone", "custom"),)
    assert not form.open
    assert all(word in form.only for word in ("status", "value", "source", "label", "update_lead"))


def test_a_change_is_of_status_value_note_or_loss_reason_and_says_why_no_more() -> None:
    form = write.CHANGING
    assert (set(form.ours), set(form.own)) == ({"status", "stage", "value", "note"}, {"lossReason"})
    assert form.ours["status"].values == form.ours["stage"].values == ("qualified", "won", "lost")
    assert len({param.name for param in (*form.ours.values(), *form.own.values())}) == 5  # none hides another
    assert not form.open
    assert "contact data cannot be changed" in form.only


def test_no_field_of_octanist_is_a_secret() -> None:
    forms = (write.CREATING, write.CHANGING)
    assert not [one for form in forms for one in (*form.ours.values(), *form.own.values()) if one.secret]


# --- creating -----------------------------------------------------------------------------------------------------


def test_a_new_lead_is_one_flat_body() -> None:
    values = {"name": "Ada", "email": "ada@example.com", "gclid": "g", "ad_storage": True, "custom": '{"size": 1}'}
    assert created(values) == Request("POST", "/leads", json=values, effect=Effect.WRITE)


def test_a_phone_is_sent_in_e164_and_consent_as_a_flag() -> None:
    assert write.CREATING.ours["phone"].encode(ADA) == "+12135550101"
    assert write.CREATING.own["ad_storage"].encode(False) is False


def test_attribution_that_a_session_would_swallow_is_refused_by_name() -> None:
    with pytest.raises(errors.BadArgument, match="ignores gclid, utm_source"):
        created({"email": "ada@example.com", "sessionId": "s", "gclid": "g", "utm_source": "x"})
    assert created({"email": "a@example.com", "sessionId": "s", "website": "x"}).json["sessionId"] == "s"


@pytest.mark.parametrize("status", [200, 201])
@pytest.mark.parametrize("legacy", [False, True])
def test_a_created_lead_is_its_id_in_both_generations(status: int, legacy: bool) -> None:
    answer = reply({"id": "lead_9"}, status) if legacy else envelope({"id": "lead_9", "message": "Lead added"}, status)
    assert write.read_created(ACCOUNT, answer) == WriteResult("lead_9")


# --- changing -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "sent"),
    [
        ({"status": "won", "value": 1250, "note": "paid"}, {"status": "won", "value": 1250, "note": "paid"}),
        ({"stage": "won"}, {"status": "won"}),
        ({"stage": "won", "status": "won"}, {"status": "won"}),
        ({"stage": "lost", "lossReason": "price"}, {"status": "lost", "lossReason": "price"}),
        ({"note": ""}, {"note": ""}),
    ],
)
def test_a_change_names_the_lead_by_its_id_alone(values: Values, sent: Values) -> None:
    assert updated(values) == Request("PATCH", "/leads", json={"id": "lead_1", **sent}, effect=Effect.WRITE)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"status": "won", "stage": "lost"}, "one of them"),
        ({"lossReason": "price"}, "status lost only"),
        ({"lossReason": "price", "status": "won"}, "status lost only"),
        ({"note": None}, "empty note"),
        ({"stage": None}, "empty stage"),
        ({"value": None, "status": "won"}, "empty value"),
    ],
)
def test_what_octanist_cannot_be_told_is_refused_before_sending(values: Values, words: str) -> None:
    with pytest.raises(errors.BadArgument, match=words):
        updated(values)


@pytest.mark.parametrize(
    ("value", "sent"), [("12.50", 12.5), ("1250.00", 1250), ("1E+3", 1000), ("-0.1", -0.1), ("1E+23", 10**23)]
)
def test_a_value_is_a_json_number(value: str, sent: int | float) -> None:
    encoded = write.CHANGING.ours["value"].encode(Decimal(value))
    assert (encoded, type(encoded)) == (sent, type(sent))


@pytest.mark.parametrize("value", ["12345678901234567.89", "9007199254740993"])
def test_a_value_that_would_be_rounded_is_refused(value: str) -> None:
    with pytest.raises(errors.BadArgument, match="more digits"):
        write.CHANGING.ours["value"].encode(Decimal(value))


@pytest.mark.parametrize(
    ("reply", "warned"),
    [
        (envelope({"leadId": "lead_1", "leadsUpdated": 1, "message": "Lead updated successfully"}), ()),
        (envelope({"leadId": "lead_1", "leadsUpdated": 3}), ("Octanist changed 3 leads, not one.",)),
        (reply({"success": True, "leadId": "lead_1", "status": "won"}), ()),
    ],
)
def test_a_change_counts_its_leads_and_warns_of_more_than_one(reply: Reply, warned: tuple[str, ...]) -> None:
    assert write.read_updated(ACCOUNT, "lead_1", reply) == WriteResult("lead_1", warnings=warned)


def test_another_lead_than_the_one_meant_is_a_warning() -> None:
    found = write.read_updated(ACCOUNT, "lead_1", envelope({"leadId": "lead_2", "leadsUpdated": 1}))
    assert found.id == "lead_2"
    assert "not “lead_1”" in found.warnings[0]


def test_no_lead_updated_is_not_found() -> None:
    with pytest.raises(errors.NotFound):
        write.read_updated(ACCOUNT, "lead_1", envelope({"leadId": None, "leadsUpdated": 0}))


# --- refusals -----------------------------------------------------------------------------------------------------

REFUSALS: list[tuple[Reply, type[errors.LeadMcpError], str | None]] = [
    (refusal("VALIDATION_ERROR", 400), errors.Rejected, "VALIDATION_ERROR"),
    (refusal("VALIDATION_ERROR", 200), errors.Rejected, "VALIDATION_ERROR"),
    (refusal("INVALID_DATE", 400), errors.Rejected, "INVALID_DATE"),
    (refusal("UNAUTHORIZED", 401), errors.Unauthorized, "UNAUTHORIZED"),
    (refusal("UNAUTHORIZED", 200), errors.Unauthorized, "UNAUTHORIZED"),
    (reply({"error": "Invalid or missing API key"}, 401), errors.Unauthorized, None),
    (refusal("NOT_FOUND", 404), errors.NotFound, "NOT_FOUND"),
    (refusal("CONFLICT", 409), errors.Conflict, "CONFLICT"),
    (refusal("CONFLICT", 200), errors.Conflict, "CONFLICT"),
    (Reply(429, b"", {"retry-after": "7"}), errors.RateLimited, None),
    (refusal("INTERNAL_ERROR", 500), errors.Unavailable, "INTERNAL_ERROR"),
    (refusal("INTERNAL_ERROR", 200), errors.Unavailable, "INTERNAL_ERROR"),
    (Reply(502, b"<html>"), errors.Unavailable, None),
    (refusal("SOMETHING_NEW", 200), errors.MalformedReply, "SOMETHING_NEW"),
    (reply({"success": False}), errors.MalformedReply, None),
    (Reply(200, b"<html>"), errors.MalformedReply, None),
    (Reply(204, b""), errors.MalformedReply, None),
    (reply([]), errors.MalformedReply, None),
    (reply({"success": True}), errors.MalformedReply, None),
    (envelope([]), errors.MalformedReply, None),
    (envelope({"id": "", "leadId": "lead_1", "leadsUpdated": None}), errors.MalformedReply, None),
    (envelope({"id": None, "leadId": "", "leadsUpdated": 1}), errors.MalformedReply, None),
    (envelope({"id": True, "leadsUpdated": 1}), errors.MalformedReply, None),
    (envelope({"id": True, "leadId": "lead_1", "leadsUpdated": -1}), errors.MalformedReply, None),
]


@pytest.mark.parametrize(("reply", "kind", "code"), REFUSALS)
@pytest.mark.parametrize("creating", [True, False])
def test_every_refusal_has_its_kind(
    creating: bool, reply: Reply, kind: type[errors.LeadMcpError], code: str | None
) -> None:
    read = partial(write.read_created, ACCOUNT) if creating else partial(write.read_updated, ACCOUNT, "lead_1")
    with pytest.raises(errors.LeadMcpError) as raised:
        read(reply)
    assert (type(raised.value), raised.value.vendor_code) == (kind, code)


def test_a_403_is_the_lead_refused_when_creating_and_the_key_when_changing() -> None:
    answer = refusal("FORBIDDEN", 403, "filtered")
    with pytest.raises(errors.Rejected, match="filtered") as raised:
        write.read_created(ACCOUNT, answer)
    assert (raised.value.vendor_code, raised.value.status) == ("FORBIDDEN", 403)
    with pytest.raises(errors.Unauthorized):
        write.read_updated(ACCOUNT, "lead_1", answer)


# --- finding one person's leads -----------------------------------------------------------------------------------


FIRST = PageRequest(limit=100)


def searches(*texts: str) -> list[Request]:
    return [Request("GET", "/leads", query={"limit": "100", "page": "1", "search": text}) for text in texts]


@pytest.mark.parametrize(
    ("email", "asked"),
    [("ada@example.com", ("ada@example.com",)), ("Ada@Example.com", ("Ada@Example.com", "ada@example.com"))],
)
def test_an_email_is_searched_as_given_and_in_lower_case(email: str, asked: tuple[str, ...]) -> None:
    assert write.with_email(ACCOUNT, email, FIRST) == [searches(*asked)]


@pytest.mark.parametrize(
    ("phone", "asked"),
    [
        (ADA, ("+12135550101", "12135550101", "2135550101", "213-555-0101", "(213) 555-0101")),
        (
            Phone("+31201234567", "201234567", "31"),
            "+31201234567 31201234567 201234567 0201234567 0031201234567".split(),
        ),
    ],
)
def test_a_phone_is_searched_by_its_end_and_in_the_ways_people_type_it(phone: Phone, asked: tuple[str, ...]) -> None:
    assert write.with_phone(ACCOUNT, phone, FIRST) == [searches(phone.national[-4:]), searches(*asked)]


@pytest.mark.parametrize("reply", [envelope([{"id": "lead_1"}]), reply([{"id": "lead_1"}])])
def test_found_leads_are_read_in_both_generations(reply: Reply) -> None:
    assert write.read_found(ACCOUNT, reply).rows == [{"id": "lead_1"}]


def test_a_failed_search_is_no_empty_answer() -> None:
    with pytest.raises(errors.Unauthorized):
        write.read_found(ACCOUNT, refusal("UNAUTHORIZED", 401))
