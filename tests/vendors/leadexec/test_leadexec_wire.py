"""LeadExec's wire: what is asked, and what is read. Samples: the keys and odd values of the seed, synthetic people."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lead_mcp.errors import (
    LeadMcpError,
    MalformedReply,
    NotFound,
    RateLimited,
    Rejected,
    TooLarge,
    Unauthorized,
    Unavailable,
)
from lead_mcp.filters import Op, Order, Where
from lead_mcp.vendors.leadexec import VENDOR, fields, identify, identify_ping, wire
from lead_mcp.vendors.leadexec.fields import lead_types
from lead_mcp.vendors.spec.fields import FieldMap, PartField
from lead_mcp.vendors.spec.http import Reply, Request, Signature
from lead_mcp.vendors.spec.reading import Page, PageRequest, Push, by_table
from lead_mcp.vendors.spec.vendor import account_of
from tests.replies import reply

SAMPLES = Path(__file__).parent / "samples"
LEADS = json.loads((SAMPLES / "leadexec_leads.json").read_text())
PINGS = json.loads((SAMPLES / "leadexec_pings.json").read_text())
ACCOUNT = account_of(VENDOR, "acme", options={"lead_type_uids": "12, 40,12"})
SORTED = {"SortFields": ["DateAdded"], "SortOrder": 0}
LEAD = {**LEADS["Leads"][0], "LeadTypeUID": 12}
INBOUND = {**PINGS["inbound"]["Pings"][0], "LeadTypeUID": 12}
OUTBOUND = {**PINGS["outbound"]["Pings"][0], "LeadTypeUID": 12}


def moment(day: int, hour: int = 0, second: int = 0, micro: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, 0, second, micro, tzinfo=UTC)


def created(op: Op, value: datetime) -> Where:
    return Where("created_at", op, value)


def amount(op: Op, value: str) -> Where:
    return Where("Fields.LoanAmount", op, Decimal(value))


def ask(*where: Where, **more: Any) -> PageRequest:
    return PageRequest(where=where, partition="12", **more)


# --- asking for leads ---------------------------------------------------------------------------------------------


def test_a_search_names_window_order_and_page() -> None:
    asked = ask(
        created(Op.GTE, moment(1)),
        created(Op.LT, moment(2)),
        order=Order("created_at", descending=True),
        offset=2000,
        limit=1000,
    )
    assert wire.search_leads(ACCOUNT, asked) == Request(
        "POST",
        "/v1/leads/query/12",
        json={
            "StartDate": "2026-11-01T00:00:00Z",
            "EndDate": "2026-11-02T00:00:00Z",
            "SortFields": ["DateAdded"],
            "SortOrder": 1,
            "Skip": 2000,
            "Take": 1000,
        },
        base="data_url",
    )


def test_a_numbers_bounds_become_one_query_object() -> None:
    asked = ask(amount(Op.GT, "150000"), amount(Op.GTE, "150000.5"), amount(Op.LT, "9E+5"))
    assert wire.search_leads(ACCOUNT, asked) == Request(
        "POST",
        "/v1/leads/query/12",
        json={
            "Query": {"LoanAmount": {"$gte": 150000.5, "$lte": 900000}},
            "StartDate": "2000-01-01T00:00:00Z",
            "EndDate": "2100-01-01T00:00:00Z",
            **SORTED,
            "Skip": 0,
            "Take": 20,
        },
        base="data_url",
    )


@pytest.mark.parametrize(
    ("columns", "names"),
    [
        ((), ["UID"]),
        (("LeadTypeUID", "UID", "Fields.City", "Fields.Email"), ["Fields", "UID"]),
        (("Properties.DateAdded", "LastUpdated"), ["LastUpdated", "Properties.DateAdded", "UID"]),
        (
            ("SendInformation.Sends.Client", "SendInformation.Sends", "Properties"),
            ["Properties", "SendInformation.Sends", "UID"],
        ),
    ],
)
def test_wanted_columns_become_names_of_which_none_stands_below_another(
    columns: tuple[str, ...], names: list[str]
) -> None:
    body = wire.search_leads(ACCOUNT, ask(columns=columns)).json
    assert body is not None
    assert body["Fields"] == names


@pytest.mark.parametrize(
    ("where", "query"),
    [
        ([amount(Op.EQ, "5")], {"LoanAmount": {"$gte": 5, "$lte": 5}}),
        ([amount(Op.GTE, "5"), amount(Op.GT, "7")], {"LoanAmount": {"$gte": 7}}),
        (
            [amount(Op.LTE, "5"), Where("Fields.Age", Op.LT, Decimal("1.25"))],
            {"LoanAmount": {"$lte": 5}, "Age": {"$lte": 1.25}},
        ),
        ([created(Op.GTE, moment(1)), Where("Properties.DateAdded", Op.LT, moment(2))], {}),
    ],
)
def test_clauses_as_a_query(where: list[Where], query: dict[str, Any]) -> None:
    assert wire.lead_query(where) == query


@pytest.mark.parametrize(
    ("where", "start", "end"),
    [
        ([], "2000-01-01T00:00:00Z", "2100-01-01T00:00:00Z"),
        ([created(Op.GT, moment(1, 1, 2, 999_999))], "2026-11-01T01:00:02Z", "2100-01-01T00:00:00Z"),
        ([created(Op.LTE, moment(1, 1, 2, 1))], "2000-01-01T00:00:00Z", "2026-11-01T01:00:03Z"),
        (
            [
                created(Op.GTE, moment(1)),
                created(Op.GT, moment(3)),
                created(Op.LT, moment(9)),
                created(Op.LT, moment(8)),
            ],
            "2026-11-03T00:00:00Z",
            "2026-11-08T00:00:00Z",
        ),
        ([created(Op.GTE, moment(5)), created(Op.LT, moment(4))], "2026-11-05T00:00:00Z", "2026-11-05T00:00:00Z"),
        ([created(Op.GTE, moment(30))], "2026-11-30T00:00:00Z", "2100-01-01T00:00:00Z"),
        ([created(Op.LTE, datetime.max.replace(tzinfo=UTC))], "2000-01-01T00:00:00Z", "2100-01-01T00:00:00Z"),
    ],
    ids=["open", "floored", "ceiled", "the narrowest", "never inverted", "in the future", "end of time"],
)
def test_a_window_is_whole_seconds_rounded_outwards(where: list[Where], start: str, end: str) -> None:
    assert wire.window(ask(*where)) == {"StartDate": start, "EndDate": end}


@pytest.mark.parametrize(
    ("where", "push"),
    [
        (created(Op.LT, moment(1)), Push.EDGE),
        (Where("Properties.DateAdded", Op.GTE, moment(1)), Push.EDGE),
        (created(Op.EQ, moment(1)), None),
        (amount(Op.GT, "1.5"), Push.COARSE),
        (amount(Op.EQ, "1.5"), Push.COARSE),
        (amount(Op.NE, "1.5"), None),
        (Where("Fields.LoanAmount", Op.IN, (Decimal(1),)), None),
        (Where("Fields.LoanAmount", Op.EQ, "1.5"), None),
        (amount(Op.GT, "0.12345678901234567890123"), None),
        (amount(Op.GT, "1E+400"), None),
        (Where("Fields.$where", Op.GT, Decimal(1)), None),
        (Where("Fields.Loan.Amount", Op.GT, Decimal(1)), None),
        (Where("Fields.UID", Op.EQ, Decimal(1)), None),
        (Where("Properties.Price", Op.GT, Decimal(1)), None),
        (Where("value", Op.GT, Decimal(1)), None),
        (Where("id", Op.EQ, "12-5"), None),
        (Where("status", Op.EQ, "Not Returned"), None),
    ],
    ids=str,
)
def test_only_documented_comparisons_are_sent(where: Where, push: Push | None) -> None:
    assert wire.takes(where, fields.LEAD) == push


@pytest.mark.parametrize(
    ("held", "push"), [([150000, None], Push.COARSE), (["150,000"], None), (["150000", 4], None), ([None], None)]
)
def test_a_field_that_holds_the_text_of_numbers_is_not_asked_by(held: list[Any], push: Push | None) -> None:
    """Nobody says that LeadExec compares a number with a text: it might return none of them."""
    body = {"QueryTotal": len(held), "Leads": [{"UID": 1, "Fields": {"LoanAmount": one}} for one in held]}
    seen = wire.read_sample(ACCOUNT, "12", reply(body))
    known = replace(fields.LEAD, own={**fields.LEAD.own, **seen})
    assert wire.takes(Where("Fields.LoanAmount", Op.GTE, Decimal(1)), known) == push


def test_lead_types_are_partitions_each_once() -> None:
    assert lead_types(ACCOUNT) == ("12", "40")


# --- reading leads ------------------------------------------------------------------------------------------------


def test_a_page_of_leads_knows_its_lead_type_and_what_follows() -> None:
    assert wire.read_leads(ACCOUNT, ask(limit=100), reply(LEADS)) == Page([LEAD], total=3, more=True)


@pytest.mark.parametrize(
    ("body", "page"),
    [
        (
            {"QueryTotal": "21", "SentCount": "1", "Leads": [{"UID": "7"}]},
            Page([{"UID": "7", "LeadTypeUID": 12}], 21, False),
        ),
        ({"QueryTotal": 0, "SentCount": 0, "Leads": []}, Page([], 0, False)),
        ({"Leads": [{"UID": 7, "LeadTypeUID": 9}]}, Page([{"UID": 7, "LeadTypeUID": 9}], None, None)),
        ({"error": None, "message": "OK", "QueryTotal": 0, "Leads": []}, Page([], 0, False)),
        ({"QueryTotal": 21, "Take": 1, "Leads": [{"UID": 7}]}, Page([{"UID": 7, "LeadTypeUID": 12}], 21, False)),
    ],
    ids=["text counters", "none", "no counters", "a message beside rows", "a last page that tells its size as Take"],
)
def test_odd_pages(body: Any, page: Page) -> None:
    assert wire.read_leads(ACCOUNT, ask(offset=20), reply(body)) == page


def test_a_page_cut_shorter_than_asked_is_refused() -> None:
    body = {"QueryTotal": 900, "SentCount": 1, "Take": 1, "Leads": [{"UID": 7}]}
    with pytest.raises(TooLarge, match="at most 1 records"):
        wire.read_leads(ACCOUNT, ask(limit=500), reply(body))


FAILURES: list[tuple[Reply, type[LeadMcpError]]] = [
    (reply({"Message": "Authorization has been denied for this request."}, 401), Unauthorized),
    (reply({"error": "scope"}, 403), Unauthorized),
    (reply(b"<html>no</html>", 401), Unauthorized),
    (reply({"message": "no such lead type"}, 404), NotFound),
    (reply({"Message": "The request is invalid."}, 400), Rejected),
    (reply(b"", 429, **{"retry-after": "7"}), RateLimited),
    (reply(b"<html>down</html>", 503), Unavailable),
    (reply({"error": "access token expired"}), Unauthorized),
    (reply({"error": "bad query"}), Rejected),
    (reply({"Error": {"code": 4, "message": "bad query"}}), Rejected),
    (reply({"error": "half", "QueryTotal": 0, "Leads": [], "Pings": []}), Rejected),
    (reply({"message": "bad query"}), Rejected),
    (reply({}), MalformedReply),
    (reply([]), MalformedReply),
    (reply({"QueryTotal": 2, "Total": 2, "Leads": None, "Pings": None}), MalformedReply),
    (reply({"Leads": {"UID": 1}, "Pings": {"Id": 1}}), MalformedReply),
    (reply({"Leads": [{"UID": 1}, 5], "Pings": [{"Id": 1}, 5]}), MalformedReply),
    (reply(b"<html>login</html>"), MalformedReply),
    (reply(b'{"Leads": [{"UID'), MalformedReply),
    (reply(b""), MalformedReply),
    (reply(b"", 302), MalformedReply),
]


@pytest.mark.parametrize(("failed", "kind"), FAILURES)
def test_no_failure_is_an_empty_page(failed: Reply, kind: type[LeadMcpError]) -> None:
    for read in (
        lambda: wire.read_leads(ACCOUNT, ask(), failed),
        lambda: wire.read_pings(ACCOUNT, ask(), failed),
        lambda: wire.read_lead(ACCOUNT, ["12-5"], failed),
        lambda: wire.read_sample(ACCOUNT, "12", failed),
    ):
        with pytest.raises(LeadMcpError) as caught:
            read()
        assert type(caught.value) is kind


def test_an_error_quotes_the_vendor_and_keeps_its_wait() -> None:
    with pytest.raises(RateLimited, match="“slow down”") as caught:
        wire.opened(reply({"Error": {"Message": "slow down"}}, 429, **{"retry-after": "7"}))
    assert (caught.value.retry_after, caught.value.status) == (7.0, 429)


def test_our_names_for_a_lead() -> None:
    assert {name: value for name, field in fields.OURS.items() if (value := field.read(LEAD)) is not None} == {
        "id": "12-345678",
        "status": "Not Returned",
        "source": "Web Partner",
        "name": "Ann Lee",
        "first_name": "Ann",
        "last_name": "Lee",
        "email": "ann@example.com",
        "phone": "3035550142",
        "address": "1 Main St",
        "city": "Lakewood",
        "state": "CO",
        "postal_code": "80226",
        "country": "US",
        "value": Decimal("40.5"),
        "created_at": datetime(2019, 9, 8, 7, 25, 49, 870_000, tzinfo=UTC),
        "updated_at": datetime(2019, 9, 8, 7, 26, 0, 100_000, tzinfo=UTC),
        "campaign": "Autumn",
        "website": "https://example.com/form",
        "external_id": "R-1",
        "utm_source": "news",
    }


@pytest.mark.parametrize(
    ("name", "raw", "value"),
    [
        ("phone", {"Phone": 0, "PhoneNumber": "N/A", "HomePhone": 3035550142.0}, "3035550142"),
        ("phone", {"Phone": "0"}, None),
        ("phone", {"Phone": "+1 303 555 0142"}, "+1 303 555 0142"),
        ("name", {"FirstName": "Ann", "First_Name": "Anna", "Last_Name": "Lee"}, "Ann Lee"),
        ("name", {"LastName": "Lee"}, "Lee"),
        ("name", {"FirstName": "n/a"}, None),
        ("company", {"Company": "Acme"}, "Acme"),
        ("postal_code", {"ZipPostal": 80226}, "80226"),
        ("email", {"Email": "a@example.com"}, "a@example.com"),
        ("owner", {}, None),
    ],
)
def test_usual_names_and_words_for_nothing(name: str, raw: dict[str, Any], value: Any) -> None:
    assert fields.OURS[name].read({"Fields": raw, "Properties": {"UserAssigned": "Not Assigned"}}) == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Properties.Category", None),
        ("Properties.UserAssigned", None),
        ("Properties.IsValid", True),
        ("Properties.LeadSourceUID", Decimal(71)),
        ("TCPAInformation.IsMobile", True),
        ("TCPAInformation.PhoneNumber", None),
        ("TCPAInformation.FirstName", "Anna"),
        ("TCPAInformation.DateConsentTextRequested", None),
        ("TCPAInformation.RequestDate", datetime(2019, 9, 8, 7, 25, 40, 957_000, tzinfo=UTC)),
        ("SendInformation.SendCount", Decimal(1)),
        ("Fields.IndustrySub-Category", "Roofing"),
        ("LeadTypeUID", Decimal(12)),
    ],
)
def test_the_vendors_own_names(name: str, value: Any) -> None:
    assert fields.OWN[name].read(LEAD) == value


def test_every_documented_key_is_an_own_field() -> None:
    for section, count in (("Properties", 36), ("TCPAInformation", 28), ("SendInformation", 3)):
        own = {name: one for name, one in fields.OWN.items() if name.startswith(f"{section}.")}
        known = {name for name, one in own.items() if not isinstance(one, PartField)}
        assert known == {f"{section}.{name}" for name in LEAD[section]}
        assert len(known) == count
    parts = {name.removeprefix("SendInformation.Sends.") for name in fields.OWN if ".Sends." in name}
    assert {*LEAD["SendInformation"]["Sends"][0]} - {"EmailReads", "Appointments"} <= parts
    assert len(parts) == 31 - 2


@pytest.mark.parametrize(("sample", "known"), [(INBOUND, fields.INBOUND), (OUTBOUND, fields.OUTBOUND)])
def test_every_documented_key_of_a_ping_is_an_own_field(sample: dict[str, Any], known: FieldMap) -> None:
    assert set(known.own) == set(sample)


@pytest.mark.parametrize(
    ("raw", "partition", "id_"),
    [
        ({"UID": 5, "LeadTypeUID": 40}, "12", "40-5"),
        ({"UID": "5"}, "12", "12-5"),
        ({"UID": 0}, "12", None),
        ({"LeadTypeUID": 12}, None, None),
    ],
)
def test_a_leads_id_holds_its_lead_type(raw: dict[str, Any], partition: str | None, id_: str | None) -> None:
    assert identify(ACCOUNT, raw, partition) == id_


# --- one lead -----------------------------------------------------------------------------------------------------


def test_one_lead_is_a_query_for_its_uid_over_all_time() -> None:
    assert wire.get_lead(ACCOUNT, ["12-0345678"], None) == Request(
        "POST",
        "/v1/leads/query/12",
        json={
            "Query": {"UID": 345678},
            "StartDate": "2000-01-01T00:00:00Z",
            "EndDate": "2100-01-01T00:00:00Z",
            "Skip": 0,
            "Take": 2,
        },
        base="data_url",
    )


@pytest.mark.parametrize("rows", [[{"UID": 5}], [{"UID": "5"}, {"UID": 6}], [{"UID": 9_007_199_254_740_993}], []])
def test_a_lead_by_its_uid_has_its_lead_type(rows: list[Any]) -> None:
    assert wire.read_lead(ACCOUNT, ["12-5"], reply({"Leads": rows})) == [{**row, "LeadTypeUID": 12} for row in rows]


@pytest.mark.parametrize(
    ("text", "fits"), [("12-5", True), ("12", False), ("a-5", False), ("12-5-6", False), ("12-5\n", False)]
)
def test_what_can_be_a_lead_id(text: str, fits: bool) -> None:
    assert VENDOR.lookup.check(text) is fits


# --- pings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("direction", "order", "word"),
    [
        ("inbound", Order("at", descending=True), "DESC"),
        ("inbound", None, "ASC"),
        ("outbound", Order("at"), "ASC"),
    ],
)
def test_pings_are_asked_by_window_and_order(direction: str, order: Order | None, word: str) -> None:
    asked = ask(Where("at", Op.GTE, moment(1)), Where("at", Op.LT, moment(2, micro=1)), order=order, limit=500)
    assert VENDOR.pings[direction].routes[0].build(ACCOUNT, asked) == Request(
        "POST",
        f"/v1/pings/{direction}/query/12",
        json={
            "StartDate": "2026-11-01T00:00:00Z",
            "EndDate": "2026-11-02T00:00:01Z",
            "SortOrder": word,
            "Skip": 0,
            "Take": 500,
        },
        base="data_url",
    )


@pytest.mark.parametrize("known", [fields.INBOUND, fields.OUTBOUND])
def test_only_their_time_can_be_asked_of_pings(known: FieldMap) -> None:
    clauses = [Where(name, Op.GTE, None) for name in (*known.ours, *known.own)]
    taken = {where.field for where in clauses if by_table(where, known)}
    assert taken == {"at", *known.ours["at"].paths}


@pytest.mark.parametrize(
    ("direction", "page"),
    [("inbound", Page([INBOUND], 250, True)), ("outbound", Page([OUTBOUND], 1, False))],
)
def test_a_page_of_pings(direction: str, page: Page) -> None:
    assert wire.read_pings(ACCOUNT, ask(limit=100), reply(PINGS[direction])) == page


@pytest.mark.parametrize(
    ("known", "raw", "ours"),
    [
        (
            fields.INBOUND,
            INBOUND,
            {
                "id": "5f9a1c2b3d4e5f6a7b8c9d0e",
                "at": datetime(2020, 10, 29, 10, 0, 0, 900_000, tzinfo=UTC),
                "accepted": True,
                "result": "Accepted",
                "source": "Web Partner",
                "campaign": "Autumn",
                "revenue": Decimal("40.5"),
                "potential_revenue": Decimal("55.0"),
                "received": True,
                "lead_id": "12-345678",
                "request_id": "q-1",
            },
        ),
        (
            fields.OUTBOUND,
            OUTBOUND,
            {
                "id": "5f9a1c2b3d4e5f6a7b8c9d0f",
                "at": datetime(2020, 10, 29, 10, 0, 1, 250_000, tzinfo=UTC),
                "accepted": False,
                "campaign": "Autumn",
                "client": "Buyer",
                "price": Decimal("12.0"),
                "revenue": Decimal("0.0"),
                "margin": Decimal("-12.0"),
                "posted": False,
                "response": None,
                "lead_id": None,
            },
        ),
    ],
    ids=["inbound", "outbound"],
)
def test_our_names_for_a_ping(known: FieldMap, raw: dict[str, Any], ours: dict[str, Any]) -> None:
    assert {name: field.read(raw) for name, field in known.ours.items()} == ours


def test_a_ping_is_known_by_its_id() -> None:
    assert [identify_ping(ACCOUNT, raw, "12") for raw in (INBOUND, {})] == ["5f9a1c2b3d4e5f6a7b8c9d0e", None]


# --- fields of an account, the account itself ---------------------------------------------------------------------


def test_a_sample_of_the_newest_leads_is_asked_for() -> None:
    assert wire.sample_leads(ACCOUNT, "40") == Request(
        "POST",
        "/v1/leads/query/40",
        json={
            "StartDate": "2000-01-01T00:00:00Z",
            "EndDate": "2100-01-01T00:00:00Z",
            "SortFields": ["DateAdded"],
            "SortOrder": 1,
            "Skip": 0,
            "Take": 50,
        },
        base="data_url",
    )


def test_a_sample_tells_names_and_types() -> None:
    second = {"Fields": {"LoanAmount": 1.5, "Mixed": "x"}, "TCPAInformation": None}
    rows = [{"Fields": {"LoanAmount": 1, "FirstName": "Ann", "Veteran": True, "Mixed": 1, "Empty": None}}, second]
    found = wire.read_sample(ACCOUNT, "12", reply({"Leads": rows}))
    assert {name: field.kind.value for name, field in found.items()} == {
        "Fields.LoanAmount": "number",
        "Fields.FirstName": "text",
        "Fields.Veteran": "flag",
        "Fields.Mixed": "any",
        "Fields.Empty": "any",
    }


@pytest.mark.parametrize("nothing", ["N/A", "", "0001-01-01T00:00:00Z", None, []])
def test_words_for_nothing_are_null_in_a_field_nobody_documents(nothing: Any) -> None:
    assert fields.discovered("Fields.Mixed", ["x"]).read({"Fields": {"Mixed": nothing}}) is None


def test_a_section_that_is_no_object_is_garbled() -> None:
    with pytest.raises(MalformedReply):
        wire.read_sample(ACCOUNT, "12", reply({"Leads": [{"Fields": ["FirstName"]}]}))


def test_the_check_reads_lead_types_of_any_shape() -> None:
    assert wire.check(ACCOUNT) == Request("GET", "/v1/leadtypes", base="account_url")
    bodies: tuple[Any, ...] = ([], [{"Id": 12}], {"LeadTypes": []})
    for body in bodies:
        wire.checked(reply(body))


@pytest.mark.parametrize(
    ("failed", "kind"),
    [
        (reply([], 401), Unauthorized),
        (reply({"error": "invalid token"}), Unauthorized),
        (reply(b"<html>"), MalformedReply),
    ],
)
def test_the_check_fails_as_reads_do(failed: Reply, kind: type[LeadMcpError]) -> None:
    with pytest.raises(kind):
        wire.checked(failed)


# --- credentials --------------------------------------------------------------------------------------------------

SECRETS = {"client_id": "id", "client_secret": "hush", "token": "tok", "api_key": "key"}


def test_a_token_is_asked_for_with_the_keys_joined_last() -> None:
    request = wire.login(ACCOUNT)
    assert request == Request(
        "POST", "/v1/authorization/token", json={"grant_type": "client_credentials"}, base="account_url"
    )
    assert wire.sign_login(request, SECRETS) == Signature(json={"client_id": "id", "client_secret": "hush"})


@pytest.mark.parametrize(
    ("expires", "life"), [(3600, 3600.0), ("1200", 1200.0), (None, 3600.0), (0, 3600.0), ("soon", 3600.0)]
)
def test_a_token_and_its_life(expires: Any, life: float) -> None:
    body = {"access_token": "tok", "token_type": "Bearer", "expires_in": expires, "error": None}
    assert wire.read_token(reply(body)) == ("tok", life)


@pytest.mark.parametrize(
    ("failed", "kind"),
    [
        (reply({"access_token": None, "error": "invalid_client"}), Unauthorized),
        (reply({"access_token": "tok", "error": "invalid_client"}), Unauthorized),
        (reply({"access_token": "", "expires_in": 3600, "error": None}), Unauthorized),
        (reply({}), Unauthorized),
        (reply({"error": "invalid_client"}, 400), Unauthorized),
        (reply(b"", 401), Unauthorized),
        (reply(b"<html>", 403), Unauthorized),
        (reply({"error": "later"}, 429), RateLimited),
        (reply(b"", 500), Unavailable),
        (reply(b"<html>"), MalformedReply),
        (reply(["tok"]), MalformedReply),
    ],
)
def test_a_refused_login(failed: Reply, kind: type[LeadMcpError]) -> None:
    with pytest.raises(LeadMcpError) as caught:
        wire.read_token(failed)
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    ("base", "secrets", "headers"),
    [
        ("data_url", SECRETS, {"Authorization": "Bearer tok"}),
        ("account_url", SECRETS, {"Authorization": "Bearer tok"}),
        ("leads_url", SECRETS, {"Authorization": "Bearer tok", "api-key": "key"}),
        ("leads_url", {"token": "tok"}, {"Authorization": "Bearer tok"}),
    ],
)
def test_calls_bear_the_token(base: str, secrets: dict[str, str], headers: dict[str, str]) -> None:
    assert wire.sign(Request("GET", "/", base=base), secrets) == Signature(headers=headers)
