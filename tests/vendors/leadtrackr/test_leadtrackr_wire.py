"""LeadTrackr's dialect, one equality each. Samples: shapes of the seed and of docs/api-reference, synthetic people."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from lead_mcp import errors
from lead_mcp.filters import Op, Order, Value, Where, matches
from lead_mcp.vendors.leadtrackr import VENDOR, identify, wire
from lead_mcp.vendors.spec.http import Reply, Request, Signature
from lead_mcp.vendors.spec.reading import Page, PageRequest, Push
from lead_mcp.vendors.spec.vendor import account_of
from tests.replies import reply

ACCOUNT = account_of(VENDOR, "acme", options={})
ROUTE = VENDOR.leads.routes[0]
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
MS = timedelta(milliseconds=1)
US = timedelta(microseconds=1)

LISTED: dict[str, Any] = {  # seed: the three objects are null although the flat fields are filled
    "id": 4711,
    "status": "open",
    "formName": "Contact",
    "firstName": "Ada",
    "lastName": "Example",
    "phone": "+12025550143",
    "email": "ada@example.com",
    "companyName": "Example Ltd",
    "price": 125050,
    "note": None,
    "formData": None,
    "userData": None,
    "attributionData": None,
    "channelFlow": None,
    "uniqueIdentifier": "crm-9",
    "createdAt": "2026-03-15T10:30:00.123Z",
}
FULL: dict[str, Any] = LISTED | {  # docs: api-reference/leads/get-lead; formFields and the list are the clients' own
    "note": "called back",
    "formData": {"formName": "Contact", "uniqueEventId": "ev-1", "formFields": {"size": "XL"}, "colour": "red"},
    "userData": {"firstName": "Ada", "lastName": "Example", "email": "ada@example.com"},
    "attributionData": {
        "gclid": "g-1",
        "cid": "1.2",
        "sid": "3",
        "wbraid": "w",
        "fbp": "fb.1",
        "fbc": "",
        "consent": {},
    },
    "channelFlow": [{"channel": "google"}],
}


TEXTS = {name: json.dumps(FULL[name]) for name in ("formData", "userData", "attributionData")}


def listing(**changes: Any) -> Reply:
    whole = {"message": "Leads retrieved", "leads": [LISTED], "total": 41, "page": 2, "limit": 20, "totalPages": 3}
    return reply(whole | {"hasMore": True} | changes)


def request(**query: str) -> Request:
    return Request("GET", "/leads/getLeads", query={"limit": "20", "page": "1"} | query)


def asked(*clauses: tuple[str, Op, Any]) -> Request:
    return wire.search_leads(ACCOUNT, PageRequest(where=[Where(*clause) for clause in clauses]))


# --- asking -------------------------------------------------------------------------------------------------------


def test_a_page_a_sort_and_a_text_are_parameters() -> None:
    ask = PageRequest(text="ad", order=Order("created_at", descending=True), offset=200, limit=100, columns=("id",))
    query = {"limit": "100", "page": "3", "sort": "createdAt:desc", "search": "ad"}
    assert wire.search_leads(ACCOUNT, ask) == Request("GET", "/leads/getLeads", query=query)


def test_an_ascending_sort_says_so() -> None:
    assert wire.search_leads(ACCOUNT, PageRequest(order=Order("created_at"))) == request(sort="createdAt:asc")


@pytest.mark.parametrize("text", ["a", " ", " a ", "é"])
def test_a_text_too_short_is_never_sent(text: str) -> None:
    with pytest.raises(errors.BadArgument, match="at least 2 characters"):
        wire.search_leads(ACCOUNT, PageRequest(text=text))


@pytest.mark.parametrize(
    ("clause", "query"),
    [
        (("status", Op.EQ, "open"), {"status": "open"}),
        (("status", Op.IN, ("Open", "LOST", "My Label")), {"status": "open,lost,My Label"}),
        (("form_name", Op.EQ, "Contact, us"), {"formName": "Contact, us"}),
        (("formName", Op.EQ, "Contact"), {"formName": "Contact"}),
        (("external_id", Op.EQ, "crm-9"), {"uniqueIdentifier": "crm-9"}),
        (("email", Op.EQ, "Ada@example.com"), {"email": "Ada@example.com"}),
        (("phone", Op.EQ, "+12025550143"), {"phone": "+12025550143"}),
        (("gclid", Op.EXISTS, True), {"gclid[exists]": "true"}),
        (("ga4cid", Op.EXISTS, False), {"cid[exists]": "false"}),
        (("attributionData.cid", Op.EXISTS, True), {"cid[exists]": "true"}),
        (("fbp", Op.EXISTS, True), {"fbp[exists]": "true"}),
        (("fbc", Op.EXISTS, False), {"fbc[exists]": "false"}),
    ],
)
def test_a_clause_is_a_parameter(clause: tuple[str, Op, Any], query: dict[str, str]) -> None:
    assert asked(clause) == request(**query)


@pytest.mark.parametrize(
    ("op", "moment", "query"),
    [
        (Op.GTE, NOON, {"createdAt[gte]": "2026-11-01T12:00:00.000Z"}),
        (Op.GTE, NOON + US, {"createdAt[gte]": "2026-11-01T12:00:00.001Z"}),
        (Op.GT, NOON, {"createdAt[gte]": "2026-11-01T12:00:00.001Z"}),
        (Op.GT, NOON + US, {"createdAt[gte]": "2026-11-01T12:00:00.001Z"}),
        (Op.LTE, NOON, {"createdAt[lte]": "2026-11-01T12:00:00.000Z"}),
        (Op.LTE, NOON - US, {"createdAt[lte]": "2026-11-01T11:59:59.999Z"}),
        (Op.LT, NOON, {"createdAt[lte]": "2026-11-01T11:59:59.999Z"}),
        (Op.LT, NOON + US, {"createdAt[lte]": "2026-11-01T12:00:00.000Z"}),
    ],
)
def test_a_bound_is_a_whole_inclusive_millisecond(op: Op, moment: datetime, query: dict[str, str]) -> None:
    assert asked(("created_at", op, moment)) == request(**query)


@pytest.mark.parametrize("op", [Op.GTE, Op.GT, Op.LTE, Op.LT])
@pytest.mark.parametrize("slip", [-1001, -1000, -999, -1, 0, 1, 999, 1000, 1001])
def test_the_bound_sent_means_what_was_asked_for_every_whole_millisecond(op: Op, slip: int) -> None:
    where = Where("created_at", op, NOON + slip * US)
    name, value = wire.parameter(where)
    sent = datetime.fromisoformat(value)
    for record in (NOON + step * MS for step in range(-4, 5)):
        assert (record >= sent if name.endswith("[gte]") else record <= sent) == matches(where, record)


def test_of_two_bounds_on_one_side_the_tighter_is_sent_whatever_their_order_and_names() -> None:
    clauses = [
        ("created_at", Op.GTE, NOON + 5 * MS),
        ("created_at", Op.GT, NOON),
        ("createdAt", Op.GTE, NOON - 9 * MS),
        ("created_at", Op.LTE, NOON + 60 * MS),
        ("created_at", Op.LT, NOON + 90 * MS),
        ("createdAt", Op.LT, NOON + 50 * MS),
    ]
    wanted = request(**{"createdAt[gte]": "2026-11-01T12:00:00.005Z", "createdAt[lte]": "2026-11-01T12:00:00.049Z"})
    assert (asked(*clauses), asked(*reversed(clauses))) == (wanted, wanted)


@pytest.mark.parametrize(
    ("exact", "double", "query"),
    [
        (("external_id", Op.EQ, "a"), ("uniqueIdentifier", Op.EQ, "b"), {"uniqueIdentifier": "a"}),
        (("gclid", Op.EXISTS, True), ("attributionData.gclid", Op.EXISTS, False), {"gclid[exists]": "true"}),
    ],
)
def test_of_two_names_for_a_parameter_the_exact_one_is_sent_and_the_other_is_coarse(
    exact: tuple[str, Op, Any], double: tuple[str, Op, Any], query: dict[str, str]
) -> None:
    takes = [wire.takes(Where(*clause), ACCOUNT.fields) for clause in (exact, double)]
    assert takes == [Push.EXACT, Push.COARSE]
    assert (asked(exact, double), asked(double, exact)) == (request(**query), request(**query))


def test_of_two_status_clauses_one_is_sent_and_both_are_checked_here() -> None:
    one, other = ("status", Op.EQ, "open"), ("status", Op.IN, ("open", "lost"))
    assert [wire.takes(Where(*clause), ACCOUNT.fields) for clause in (one, other)] == [Push.COARSE, Push.COARSE]
    assert asked(one, other) == request(status="open")


@pytest.mark.parametrize(
    ("field", "op", "value", "push"),
    [
        ("email", Op.EQ, "ada@example.com", Push.EXACT),
        ("phone", Op.EQ, "+12025550143", Push.COARSE),
        ("form_name", Op.EQ, "Contact", Push.COARSE),
        ("status", Op.IN, ("open", "lost"), Push.COARSE),
        ("created_at", Op.LT, NOON, Push.EXACT),
        ("created_at", Op.EQ, NOON, None),
        ("email", Op.IN, ("a@example.com",), None),
        ("email", Op.CONTAINS, "ada", None),
        ("email", Op.EXISTS, True, None),
        ("wbraid", Op.EXISTS, True, None),
        ("value", Op.GTE, Decimal(5), None),
        ("id", Op.EQ, "4711", None),
        ("formData.colour", Op.EQ, "red", None),
        # values whose meaning a parameter would change
        ("email", Op.EQ, "", None),
        ("external_id", Op.EQ, " crm-9", None),
        ("status", Op.EQ, "won, twice", None),
        ("status", Op.IN, ("open", ""), None),
        ("status", Op.IN, tuple(f"label {number}" for number in range(200)), None),
        ("created_at", Op.LT, datetime.min.replace(tzinfo=UTC), None),
        ("created_at", Op.GT, datetime.max.replace(tzinfo=UTC), None),
    ],
)
def test_a_clause_is_taken_only_where_it_keeps_its_meaning(field: str, op: Op, value: Any, push: Push | None) -> None:
    assert ROUTE.takes(Where(field, op, value), ACCOUNT.fields) is push


def test_whatever_the_tables_offer_has_a_parameter() -> None:
    fields = {**ACCOUNT.fields.own, **ACCOUNT.fields.ours}
    offered = {name for name, field in fields.items() if field.exact | field.edge | field.coarse}
    assert offered == set(wire.PARAMETER)


def test_a_lead_is_fetched_by_a_query_parameter() -> None:
    assert wire.get_lead(ACCOUNT, ["4711"], None) == Request("GET", "/leads/getLead", query={"leadId": "4711"})


@pytest.mark.parametrize(("text", "may"), [("4711", True), ("", False), ("4711a", False), ("-1", False), ("٣", False)])
def test_an_id_is_digits(text: str, may: bool) -> None:
    assert VENDOR.lookup.check(text) is may


def test_the_check_is_one_row_and_the_key_a_header() -> None:
    sent = wire.check(ACCOUNT)
    assert sent == Request("GET", "/leads/getLeads", query={"limit": "1", "page": "1"})
    assert wire.sign(sent, {"api_key": "k"}) == Signature(headers={"X-API-Key": "k"})


def test_an_account_needs_a_key_and_nothing_else() -> None:
    assert [setting.key for setting in VENDOR.settings if setting.groups] == ["api_key"]
    assert (ACCOUNT.option("base_url"), ACCOUNT.option("project_id")) == ("https://app.leadtrackr.io/api", "")


# --- reading ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "page"),
    [
        (listing(), Page([LISTED], 41, True)),
        (listing(total="41", hasMore=False), Page([LISTED], 41, False)),
        (listing(leads=[], total=0, hasMore=False), Page([], 0, False)),
        (reply({"message": "Leads retrieved", "leads": [FULL]}), Page([FULL], None, None)),
    ],
)
def test_a_listing_is_a_page(reply: Reply, page: Page) -> None:
    assert wire.read_leads(ACCOUNT, PageRequest(), reply) == page


DEEP = '{"a":' * 9_000 + "1" + "}" * 9_000
SAME: tuple[Any, ...] = (
    *(None, {}, [], 7, "", "null", "[]", '"text"', "7", "g-1"),
    *('{"gclid": ', '{"price": NaN}', "{" * 9_000, DEEP),
)
"""What is no text of an object, or of one that nobody can read."""
FORMS: list[tuple[Any, Any]] = [
    # as it stands in the reply, and as it is read
    ({"gclid": "g-1", "consent": {"ads": True}}, {"gclid": "g-1", "consent": {"ads": True}}),
    ('{"gclid": "g-1", "consent": {"ads": true}}', {"gclid": "g-1", "consent": {"ads": True}}),
    (' {"gclid":"g-1"}\n', {"gclid": "g-1"}),
    ("{}", {}),
    *((one, one) for one in SAME),
]


@pytest.mark.parametrize("name", ["formData", "userData", "attributionData"])
@pytest.mark.parametrize(("there", "read"), FORMS, ids=range(len(FORMS)))
def test_an_object_that_comes_as_its_json_text_is_that_object(name: str, there: Any, read: Any) -> None:
    """In a listing and alone; any other text stays as it is."""
    lead = LISTED | {name: there}
    wanted = LISTED | {name: read}
    assert wire.read_leads(ACCOUNT, PageRequest(), listing(leads=[LISTED, lead])).rows == [LISTED, wanted]
    assert wire.read_lead(ACCOUNT, ["4711"], reply({"message": "Lead retrieved", "lead": lead})) == [wanted]


def test_the_fields_of_an_object_are_read_from_its_text_too() -> None:
    (row,) = wire.read_leads(ACCOUNT, PageRequest(), listing(leads=[FULL | TEXTS])).rows
    fields = {**ACCOUNT.fields.ours, **ACCOUNT.fields.own}
    assert {name: one.read(row) for name, one in fields.items()} == {
        name: one.read(FULL) for name, one in fields.items()
    }


FAILURES = [
    (reply({"message": "Invalid sort"}, 400), errors.Rejected, 400),
    (reply({"message": "Missing X-API-Key header"}, 401), errors.Unauthorized, 401),
    (reply({"message": "Invalid API key"}, 401), errors.Unauthorized, 401),
    (reply({"message": "Subscription inactive"}, 403), errors.Unauthorized, 403),
    (reply({"message": "Project not found"}, 404), errors.NotFound, 404),
    (Reply(404, b"<!DOCTYPE html><title>404</title>"), errors.Rejected, 404),
    (reply({"message": "Cannot GET /api/api/leads/getLead"}, 404), errors.NotFound, 404),
    (reply({"message": "Method not allowed"}, 405), errors.Rejected, 405),
    (reply({"message": "Duplicate operation"}, 409), errors.Conflict, 409),
    (Reply(429, b""), errors.RateLimited, 429),
    (reply({"message": "Server error"}, 500), errors.Unavailable, 500),
    (Reply(502, b"<html>Bad gateway</html>"), errors.Unavailable, 502),
    (Reply(200, b"<html>sign in</html>"), errors.MalformedReply, 200),
    (Reply(200, b'{"message": "Leads retr'), errors.MalformedReply, 200),
    (Reply(302, b""), errors.MalformedReply, 302),
    (reply({"message": "Something else"}), errors.MalformedReply, 200),
]


@pytest.mark.parametrize(("reply", "kind", "status"), FAILURES)
def test_a_failure_is_an_error_to_every_reader(reply: Reply, kind: type[errors.LeadMcpError], status: int) -> None:
    readers = (
        lambda: wire.read_leads(ACCOUNT, PageRequest(), reply),
        lambda: wire.read_lead(ACCOUNT, ["4711"], reply),
        lambda: wire.checked(reply),
    )
    for read in readers:
        with pytest.raises(errors.LeadMcpError) as caught:
            read()
        assert (type(caught.value), caught.value.status) == (kind, status)


@pytest.mark.parametrize("leads", [None, {}, "none", [None], [[LISTED]], [LISTED, "lead"]])
def test_leads_of_another_shape_are_no_empty_page(leads: Any) -> None:
    with pytest.raises(errors.MalformedReply):
        wire.read_leads(ACCOUNT, PageRequest(), listing(leads=leads))


def test_a_refusal_quotes_the_vendor_and_keeps_its_wish_to_wait() -> None:
    with pytest.raises(errors.RateLimited, match="“Slow down”") as caught:
        wire.read_leads(ACCOUNT, PageRequest(), reply({"message": "Slow down"}, 429, **{"retry-after": "7"}))
    assert caught.value.retry_after == 7


def test_a_lead_is_a_list_of_one() -> None:
    assert wire.read_lead(ACCOUNT, ["4711"], reply({"message": "Lead retrieved", "lead": FULL})) == [FULL]


def test_no_such_lead_is_none() -> None:
    assert wire.read_lead(ACCOUNT, ["1"], reply({"message": "Lead not found"}, 404)) == []


@pytest.mark.parametrize("lead", [None, [], "4711"])
def test_a_lead_of_another_shape_is_garbled(lead: Any) -> None:
    with pytest.raises(errors.MalformedReply):
        wire.read_lead(ACCOUNT, ["4711"], reply({"message": "Lead retrieved", "lead": lead}))


def test_a_successful_check_says_nothing() -> None:
    wire.checked(listing(leads=[]))


# --- fields -------------------------------------------------------------------------------------------------------


def test_our_fields_of_a_full_lead() -> None:
    wanted: dict[str, Value] = {
        "stage": None,
        "id": "4711",
        "status": "open",
        "first_name": "Ada",
        "last_name": "Example",
        "name": "Ada Example",
        "email": "ada@example.com",
        "phone": "+12025550143",
        "company": "Example Ltd",
        "value": Decimal("1250.50"),
        "created_at": datetime(2026, 3, 15, 10, 30, 0, 123000, tzinfo=UTC),
        "form_name": "Contact",
        "external_id": "crm-9",
        "note": "called back",
        "gclid": "g-1",
        "wbraid": "w",
        "ga4cid": "1.2",
        "ga4sid": "3",
        "fbp": "fb.1",
        "fbc": None,
    }
    assert {name: field.read(FULL) for name, field in ACCOUNT.fields.ours.items()} == wanted


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("price", Decimal(125050)),
        ("channelFlow", [{"channel": "google"}]),
        ("formData.formFields", {"size": "XL"}),
        ("formData.uniqueEventId", "ev-1"),
        ("userData.email", "ada@example.com"),
        ("attributionData.cid", "1.2"),
        ("attributionData.consent", None),
        ("createdAt", datetime(2026, 3, 15, 10, 30, 0, 123000, tzinfo=UTC)),
    ],
)
def test_the_vendors_own_names_are_read(name: str, value: Value) -> None:
    assert ACCOUNT.fields.own[name].read(FULL) == value


def test_the_objects_of_a_listed_lead_may_be_null() -> None:
    fields = ACCOUNT.fields
    assert [fields.ours[name].read(LISTED) for name in ("gclid", "name")] == [None, "Ada Example"]
    assert [fields.own[name].read(LISTED) for name in ("formData", "userData.email", "channelFlow")] == [None] * 3


@pytest.mark.parametrize(("found", "wanted"), [(4711, "4711"), ("4711", "4711"), (None, None), ("", None), ([], None)])
def test_a_lead_is_known_by_its_id(found: Any, wanted: str | None) -> None:
    assert identify(ACCOUNT, {"id": found}, None) == wanted


def test_every_documented_key_of_a_lead_has_its_own_name() -> None:
    assert set(FULL) <= set(ACCOUNT.fields.own)


def test_stages_are_those_the_contract_names() -> None:
    account = account_of(VENDOR, "acme", stages=VENDOR.stages)
    found = [account.fields.ours["stage"].read({"status": word}) for word in ("open", "Lost", "pending", None)]
    assert found == ["open", "lost", None, None]
