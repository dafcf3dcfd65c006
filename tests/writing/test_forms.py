"""Forms filled in: what is required, unknown, closed, ill-shaped; names joined and never split; secrets known by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from lead_mcp.errors import BadArgument, CallError, NotOffered, UnknownField
from lead_mcp.filters import Kind
from lead_mcp.vendors import every
from lead_mcp.vendors.spec.writing import Form, Param
from lead_mcp.writing.forms import FilledForm, FormFiller, secret_names

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
FORM = Form(
    ours={
        "first_name": Param("FirstName"),
        "last_name": Param("LastName"),
        "email": Param("Mail"),
        "phone": Param("Tel", encode=lambda phone: phone.e164),
        "status": Param("Stage", values=("New", "Sold")),
        "value": Param("Price", Kind.NUMBER, str),
        "created_at": Param("When", Kind.TIME, lambda moment: moment.isoformat()),
        "city": Param("Town", most=5),
    },
    own={"pin": Param("pin", secret=True), "hot": Param("hot", Kind.FLAG, bool)},
    all_of=("last_name",),
    any_of=(("email", "phone"),),
)
LEAD = {"last_name": "Zap", "email": "zed@example.com"}


def fill(
    ours: Mapping[str, Any], own: Mapping[str, Any] | None = None, form: Form = FORM, complete: bool = True
) -> FilledForm:
    return FormFiller(form, "acme", "US", ZoneInfo("America/New_York"), NOW, complete).fill(ours, own or {})


def test_values_go_out_under_the_vendors_names() -> None:
    filled = fill({**LEAD, "value": 12.5, "status": "SOLD"}, {"hot": "yes"})
    assert filled.values == {
        "LastName": "Zap",
        "Mail": "zed@example.com",
        "Price": "12.5",
        "Stage": "Sold",
        "hot": True,
    }
    assert filled.ours == {**LEAD, "value": 12.5, "status": "SOLD"}
    assert (filled.own, filled.warnings) == ({"hot": "yes"}, [])


@pytest.mark.parametrize(
    ("lead", "missing"),
    [({}, "last_name"), ({"email": "zed@example.com"}, "last_name"), ({"last_name": "Zap"}, "one of email, phone")],
)
def test_half_a_lead_names_what_is_missing(lead: dict[str, Any], missing: str) -> None:
    with pytest.raises(BadArgument, match=missing):
        fill(lead)


def test_a_change_needs_nothing_but_what_changes_and_may_empty() -> None:
    assert fill({"status": "new"}, complete=False).values == {"Stage": "New"}
    assert fill({"city": None}, complete=False).values == {"Town": None}
    assert "Town" not in fill({**LEAD, "city": None}).values


@pytest.mark.parametrize(
    ("lead", "own", "nearest"),
    [
        ({"emal": "x"}, {}, "'email'"),
        ({"frist_name": "x"}, {}, "'first_name'"),
        ({"pim": "1"}, {}, "'pin'"),
        ({"company": "x"}, {}, "does not take it"),
        ({}, {"hott": "x"}, "'hot'"),
    ],
)
def test_an_unknown_field_is_refused_with_the_nearest(lead: dict[str, Any], own: dict[str, Any], nearest: str) -> None:
    with pytest.raises(UnknownField, match=nearest):
        fill({**LEAD, **lead}, own)


def test_a_form_with_a_reason_says_it() -> None:
    form = Form(ours={"status": Param("status")}, only="Only the status can be changed.")
    with pytest.raises(NotOffered, match="Only the status can be changed"):
        fill({"email": "zed@example.com"}, form=form)
    with pytest.raises(UnknownField, match="'status'"):
        fill({"statuss": "x"}, form=form)


def test_an_open_form_takes_further_names_and_passes_them_on() -> None:
    form = Form(ours={"email": Param("Mail")}, open=True)
    assert fill({}, {"mx_Colour": "red", "mx_Size": 3}, form).values == {"mx_Colour": "red", "mx_Size": 3}
    with pytest.raises(UnknownField):
        fill({"colour": "red"}, form=form)


def test_a_closed_list_names_its_words_and_the_nearest() -> None:
    with pytest.raises(BadArgument, match=r"none of New, Sold.*'Sold'"):
        fill({**LEAD, "status": "sould"})


@pytest.mark.parametrize(
    "email", ["", "zed", "zed@", "@example.com", "a b@example.com", "zed@ex ample.com", "a@b@c", 7]
)
def test_an_email_must_have_the_shape_of_one(email: Any) -> None:
    with pytest.raises(BadArgument, match="email"):
        fill({**LEAD, "email": email})


@pytest.mark.parametrize("phone", ["12", "nobody", "", "+1", "+1213555010199999"])
def test_an_impossible_number_is_refused(phone: str) -> None:
    with pytest.raises(BadArgument, match="phone"):
        fill({**LEAD, "phone": phone})


def test_a_possible_number_that_is_not_assigned_is_a_warning() -> None:
    filled = fill({**LEAD, "phone": "+1 999 555 0101"})
    assert filled.values["Tel"] == "+19995550101"
    assert any("not an assigned one" in warning for warning in filled.warnings)


def test_a_number_is_read_in_the_region() -> None:
    filled = fill({**LEAD, "phone": "(213) 373-4253"})
    assert (filled.values["Tel"], filled.warnings) == ("+12133734253", [])


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("value", "a lot", "number"),
        ("created_at", "some day", "created_at"),
        ("city", "Springfield", "at most 5"),
        ("city", ["Rome"], "one value"),
        ("first_name", {"x": 1}, "one value"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_by_name(name: str, value: Any, word: str) -> None:
    with pytest.raises(BadArgument, match=word) as caught:
        fill({**LEAD, name: value})
    assert name in caught.value.message


def test_a_flag_must_be_one() -> None:
    with pytest.raises(BadArgument, match="hot"):
        fill(LEAD, {"hot": "perhaps"})


def test_a_date_without_a_zone_is_read_in_ours() -> None:
    filled = fill({**LEAD, "created_at": "2026-11-20"})
    assert datetime.fromisoformat(filled.values["When"]) == datetime(2026, 11, 20, 5, tzinfo=UTC)


def test_a_number_keeps_its_digits() -> None:
    form = Form(ours={"value": Param("Price", Kind.NUMBER, lambda number: number)})
    assert fill({"value": "1234567.89"}, form=form).values == {"Price": Decimal("1234567.89")}


# --- names --------------------------------------------------------------------------------------------------------


def test_a_name_is_never_split() -> None:
    with pytest.raises(BadArgument, match="never split"):
        fill({**LEAD, "name": "Zed Zap"})


@pytest.mark.parametrize(
    ("lead", "name"),
    [
        ({"first_name": "Zed", "last_name": "Zap"}, "Zed Zap"),
        ({"last_name": "Zap"}, "Zap"),
        ({"first_name": "Zed", "last_name": ""}, "Zed"),
    ],
)
def test_first_and_last_are_joined_where_there_is_only_a_name(lead: dict[str, Any], name: str) -> None:
    filled = fill(lead, form=Form(ours={"name": Param("Name")}))
    assert (filled.values, filled.ours) == ({"Name": name}, {"name": name})


def test_a_name_beside_its_parts_is_one_too_many() -> None:
    with pytest.raises(BadArgument, match="either name or first_name"):
        fill({"name": "Zed Zap", "first_name": "Zed"}, form=Form(ours={"name": Param("Name")}))


# --- the vendor's own names ---------------------------------------------------------------------------------------


def test_the_vendors_name_for_one_of_ours_is_ours() -> None:
    filled = fill({"last_name": "Zap"}, {"Mail": "zed@example.com"})
    assert filled.ours == LEAD
    assert (filled.values["Mail"], filled.own) == ("zed@example.com", {})
    with pytest.raises(BadArgument, match="email"):
        fill({"last_name": "Zap"}, {"Mail": "no address"})


READ = replace(FORM, reads={"MailAddress": "email", "PinCode": "pin"})


@pytest.mark.parametrize("name", ["email", "Mail", "MailAddress"])
@pytest.mark.parametrize("vendors", [False, True])
def test_a_name_that_reads_one_way_and_writes_another_is_taken_either_way(name: str, vendors: bool) -> None:
    if vendors and name == "email":
        return  # a name of ours is ours alone
    given = {name: "zed@example.com"}
    filled = fill({"last_name": "Zap", **({} if vendors else given)}, given if vendors else {}, READ)
    assert filled.ours == LEAD
    assert (filled.values["Mail"], filled.own) == ("zed@example.com", {})


@pytest.mark.parametrize("name", ["pin", "PinCode"])
@pytest.mark.parametrize("vendors", [False, True])
def test_a_vendors_own_field_is_taken_among_ours_too(name: str, vendors: bool) -> None:
    filled = fill({**LEAD, **({} if vendors else {name: "1"})}, {name: "1"} if vendors else {}, READ)
    assert (filled.values["pin"], filled.own, filled.secrets) == ("1", {"pin": "1"}, {"pin"})


@pytest.mark.parametrize(
    ("lead", "own"),
    [
        ({"email": "zed@example.com"}, {"Mail": "zap@example.com"}),
        ({"email": "zed@example.com", "MailAddress": "zap@example.com"}, {}),
        ({"pin": "1"}, {"PinCode": "2"}),
    ],
)
def test_a_field_cannot_be_given_twice_under_two_names(lead: dict[str, Any], own: dict[str, Any]) -> None:
    with pytest.raises(BadArgument, match="given twice"):
        fill({"last_name": "Zap", **lead}, own, READ)


def test_a_field_of_the_accounts_own_is_taken_among_ours_where_it_is_known() -> None:
    form = Form(ours={"email": Param("Mail")}, open=True)
    filler = FormFiller(form, "acme", "US", ZoneInfo("UTC"), NOW, False, frozenset({"mx_Colour"}))
    assert filler.fill({"mx_Colour": "red"}, {}).own == {"mx_Colour": "red"}
    with pytest.raises(UnknownField, match="vendor_fields"):
        filler.fill({"mx_Size": "red"}, {})


def test_one_place_cannot_hold_two_values() -> None:
    form = Form(ours={"status": Param("Stage")}, own={"again": Param("Stage")})
    with pytest.raises(BadArgument, match="given twice"):
        fill({"status": "a"}, {"again": "b"}, form)


def test_secrets_are_known_by_name_and_not_by_value() -> None:
    filled = fill(LEAD, {"pin": "1234"})
    assert (filled.secrets, filled.values["pin"]) == ({"pin"}, "1234")
    assert secret_names([FORM]) == {"pin"}


# --- every vendor -------------------------------------------------------------------------------------------------

FORMS = [
    pytest.param(side.form, id=f"{name}-{word}")
    for name, vendor in every().items()
    for word, side in (("insert", vendor.insert), ("update", vendor.update))
    if side is not None
]


@pytest.mark.parametrize("form", FORMS)
def test_every_name_that_reads_another_way_leads_to_one_that_is_written(form: Form) -> None:
    assert {*form.reads.values()} <= {*form.ours, *form.own}
    assert not {*form.reads} & {*form.ours, *form.own}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("lead", [{"emal": "zed@example.com"}, {"email": "zed"}, {"phone": "12"}])
def test_no_vendor_takes_what_is_wrong(form: Form, lead: dict[str, Any]) -> None:
    with pytest.raises(CallError):
        fill(lead, form=form, complete=False)
