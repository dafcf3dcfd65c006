"""Arguments as they come: what a model plainly means is taken, what it cannot mean is refused with an example."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest

from lead_mcp.errors import BadArgument
from lead_mcp.filters import Filter, Op
from lead_mcp.tools.arguments.base import Arguments, read_arguments, schema_of
from lead_mcp.tools.arguments.models import ExportPings, InsertLead, QuerySql, SearchLeads, UpdateLead, UpdateLeads
from lead_mcp.tools.catalogue import LISTED

WON = Filter("status", Op.EQ, "won")


def search(**given: Any) -> SearchLeads:
    return read_arguments(SearchLeads, given, "search_leads")


@pytest.mark.parametrize("empty", [None, "", [], {}, "  "])
@pytest.mark.parametrize("name", list(SearchLeads.model_fields))
def test_an_empty_optional_argument_was_not_given(name: str, empty: Any) -> None:
    assert search(**{name: empty}) == search()


def test_an_account_alone_is_taken_in_any_case_too() -> None:
    given = {"account": " Octanist ", "lead": {"name": "Ann"}}
    assert read_arguments(InsertLead, given, "insert_lead").account == "octanist"
    assert read_arguments(UpdateLead, {"account": "Octanist", "id": "1"}, "update_lead").account == "octanist"


@pytest.mark.parametrize("text", ["null", "[1]", '{"a":1}', "true", "12"])
def test_text_stays_text(text: str) -> None:
    assert search(text=text).text == text
    found = read_arguments(UpdateLead, {"id": text, "idempotency_key": text}, "update_lead")
    assert (found.id, found.idempotency_key) == (text, text)


@pytest.mark.parametrize(
    ("name", "given", "taken"),
    [
        ("fields", "city,state", ["city", "state"]),
        ("fields", "city", ["city"]),
        ("fields", '["city", "state"]', ["city", "state"]),
        ("fields", "uri,city", ["city"]),
        ("ids", 12, ["12"]),
        ("ids", [12, 13.0, "x"], ["12", "13", "x"]),
        ("ids", "lead://octanist/1, lead://octanist/2", ["lead://octanist/1", "lead://octanist/2"]),
        ("text", 5125550100, "5125550100"),
        ("limit", "50", 50),
        ("limit", 50.0, 50),
        ("detail", " Detailed ", "detailed"),
        ("account", ["octanist", "convoso"], "octanist,convoso"),
        ("account", "all", None),
        ("account", "Octanist, LeadExec", "octanist,leadexec"),
        ("account", '["octanist"]', "octanist"),
        ("sort", "created_at desc", "created_at:desc"),
        ("sort", "-created_at", "created_at:desc"),
        ("sort", "value:DESC, name", "value:desc,name:asc"),
        ("sort", ["-value", "name"], "value:desc,name:asc"),
        ("sort", {"field": "value", "direction": "descending"}, "value:desc"),
        ("sort", '[{"field": "value", "order": "asc"}]', "value:asc"),
    ],
)
def test_what_is_plainly_meant_is_taken(name: str, given: Any, taken: Any) -> None:
    assert getattr(search(**{name: given}), name) == taken


@pytest.mark.parametrize(
    "given",
    [
        [{"field": "status", "op": "eq", "value": "won"}],
        {"field": "status", "op": "eq", "value": "won"},
        {"field": "status", "operator": "==", "value": "won"},
        {"field": "status", "comparator": "equals", "value": "won"},
        {"field": "status", "value": "won"},
        {"name": "status", "op": "IS", "value": "won"},
        '{"field": "status", "op": "eq", "value": "won"}',
        '[{"field": "status", "op": "eq", "value": "won"}]',
        ['{"field": "status", "op": "eq", "value": "won"}'],
        {"status": "won"},
        {"status": {"$eq": "won"}},
    ],
)
def test_one_condition_in_every_form(given: Any) -> None:
    assert search(filters=given).filters == [WON]


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ({"field": "value", "op": ">=", "value": 100}, Filter("value", Op.GTE, 100)),
        ({"field": "value", "op": "less than", "value": 100}, Filter("value", Op.LT, 100)),
        ({"field": "city", "op": "in", "value": "Austin, Dallas"}, Filter("city", Op.IN, ["Austin", "Dallas"])),
        ({"field": "city", "op": "in", "value": "Austin"}, Filter("city", Op.IN, ["Austin"])),
        ({"field": "city", "op": "in", "value": '["Austin, TX"]'}, Filter("city", Op.IN, ["Austin, TX"])),
        ({"field": "city", "op": "eq", "value": ["Austin", "Dallas"]}, Filter("city", Op.IN, ["Austin", "Dallas"])),
        ({"field": "city", "op": "!=", "value": ["Austin"]}, Filter("city", Op.NOT_IN, ["Austin"])),
        ({"city": ["Austin", "Dallas"]}, Filter("city", Op.IN, ["Austin", "Dallas"])),
        ({"field": "email", "op": "exists"}, Filter("email", Op.EXISTS, True)),
        ({"field": "email", "op": "is_null"}, Filter("email", Op.EXISTS, False)),
        ({"field": "email", "op": "exists", "value": False}, Filter("email", Op.EXISTS, False)),
        ({"field": "name", "op": "starts_with", "value": "An"}, Filter("name", Op.STARTS_WITH, "An")),
        ({"field": "note", "op": "eq", "value": "[1]"}, Filter("note", Op.EQ, "[1]")),
        ({"field": "name", "op": "like", "value": "Mei%"}, Filter("name", Op.STARTS_WITH, "Mei")),
        ({"field": "name", "op": "ILIKE", "value": "%khan%"}, Filter("name", Op.CONTAINS, "khan")),
        ({"field": "name", "op": "like", "value": "Mei"}, Filter("name", Op.EQ, "Mei")),
    ],
)
def test_operators_and_values(given: Any, taken: Filter) -> None:
    assert search(filters=given).filters == [taken]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"filters": "status won"}, ("filters: 'status won'", "such as")),
        ({"filters": {"feild": "status", "op": "eq", "value": "x"}}, ("'feild'", "Did you mean 'field'?")),
        ({"filters": {"field": "status", "op": "equalz", "value": "x"}}, ("'equalz'", "Did you mean")),
        ({"filters": "[{"}, ("filters", "JSON")),
        *(
            ({"filters": {"field": "name", "op": "like", "value": text}}, (repr(text), "'Mei%'"))
            for text in ("%Mei", "M_i%", "a%b", "%", "")
        ),
        ({"filters": [3]}, ("filters", "condition")),
        ({"limit": 500}, ("limit: '500'", "it takes a whole number from 1 to 200.")),
        ({"fields": ["f"] * 41}, ("fields: 41 were given; it takes 40 at most",)),
        ({"text": "x" * 201}, ("text: a longer text was given; it takes 200 characters at most",)),
        ({"detail": "detail"}, ("detail: 'detail'", "concise, detailed, uris", "Did you mean 'detailed'?")),
        ({"sort": "value:down the road"}, ("sort", "value:desc")),
        ({"text": ["a"]}, ("text", "a text")),
        ({"ids": [{"id": 1}]}, ("ids", "list of texts")),
        ({"fitlers": []}, ("fitlers", "Did you mean 'filters'?")),
    ],
)
def test_what_is_refused_names_the_argument_what_was_given_and_what_is_taken(
    given: Any, words: tuple[str, ...]
) -> None:
    with pytest.raises(BadArgument) as refused:
        search(**given)
    assert all(word in refused.value.message for word in words), refused.value.message
    assert not {"Arguments", "BaseModel", "pydantic", "PydanticCustomError"} & set(refused.value.message.split())


MODELS: dict[str, type[Arguments]] = {**{one.name: one.model for one in LISTED}, "export of pings": ExportPings}
NUMBERS = [
    (tool, model, name)
    for tool, model in MODELS.items()
    for name, field in schema_of(model)["properties"].items()
    if field["type"] in ("integer", "number")
]
"""Every argument that is a number, of every tool."""
NO_NUMBERS = ["many", "1.5", "1e2", "0x10", "1_0", "½", 1.5, -0.5, math.inf, math.nan, True, False, [3], {"a": 1}]
ENDLESS = [-1, -(10**5_000), "-9", "9" * 40, 10**50, 1e300]


@pytest.mark.parametrize(("tool", "model", "name"), NUMBERS, ids=[f"{tool}-{name}" for tool, _, name in NUMBERS])
def test_the_refusal_of_a_number_says_its_bounds_whatever_was_given(
    tool: str, model: type[Arguments], name: str
) -> None:
    needed = {
        field: "inbound" if field == "direction" else "SELECT 1" for field in schema_of(model).get("required", [])
    }

    def taken(value: Any) -> Any:
        return getattr(read_arguments(model, {**needed, name: value}, tool), name)

    def refusal(value: Any) -> str:
        with pytest.raises(BadArgument) as refused:
            taken(value)
        return refused.value.message

    bounds = re.search(r"it takes a whole number (?:from ([\d,]+) to ([\d,]+)|of ([\d,]+) or more)\.", refusal("many"))
    assert bounds is not None
    least, most = (int(one.replace(",", "")) if one else None for one in (bounds[1] or bounds[3], bounds[2]))
    assert least is not None
    outside = [least - 1, *([] if most is None else [most + 1, str(most + 1)])]
    for value in [*NO_NUMBERS, *outside, *(ENDLESS if most else ENDLESS[:3])]:
        said = refusal(value)
        assert said.startswith(f"{name}: "), said
        assert said.endswith(bounds[0]), (value, said)
        assert len(said) < 200, said
    assert schema_of(model)["properties"][name].get("maximum", most) == most
    inside: list[Any] = [least, str(least), float(least), f" +{least} ", *([] if most is None else [most, f"{most}"])]
    for value in inside:
        assert taken(value) == int(value)
    for value in (None, "", "  ", [], {}):
        assert taken(value) == model.model_fields[name].default, "not given"


@pytest.mark.parametrize("text", ["SELECT 1", "```sql\nSELECT 1\n```", "\n```\nSELECT 1```\n"])
def test_a_statement_may_come_as_a_block_of_code(text: str) -> None:
    assert read_arguments(QuerySql, {"sql": text}, "query_sql").sql == "SELECT 1"


URI = "lead://octanist/1"


@pytest.mark.parametrize(
    "row",
    [
        {"uri": URI, "changes": {"status": "won"}, "expect": {"status": "open"}},
        {"id": URI, "changes": {"status": "won"}, "expect": {"status": "open"}},
        {"uri": URI, "status": "won", "expect": {"status": "open"}},
        {"id": URI, "status": "won", "expect": '{"status": "open"}'},
    ],
)
def test_one_update_in_every_form(row: dict[str, Any]) -> None:
    (found,) = read_arguments(UpdateLeads, {"updates": row}, "update_leads").updates or []
    assert found == {"uri": URI, "changes": {"status": "won"}, "expect": {"status": "open"}}


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"id": "1", "status": "won"}, "uri"),
        ({"uri": URI, "changes": {"status": "won"}, "city": "Austin"}, "the keys uri, changes, expect"),
        ({"uri": URI, "id": "2", "status": "won"}, "the keys uri, changes, expect"),
        ({"uri": URI, "expected": {"status": "open"}}, "Did you mean 'expect'"),
    ],
)
def test_an_update_that_could_mean_two_things_is_refused(row: dict[str, Any], words: str) -> None:
    with pytest.raises(BadArgument, match=words):
        read_arguments(UpdateLeads, {"updates": [row]}, "update_leads")


def test_a_lead_may_come_as_json_text() -> None:
    given = {"account": "octanist", "lead": '{"name": "Ann", "value": 12.5}', "dry_run": "true"}
    found = read_arguments(InsertLead, given, "insert_lead")
    assert (found.lead, found.dry_run) == ({"name": "Ann", "value": 12.5}, True)


def test_a_missing_argument_is_named() -> None:
    with pytest.raises(BadArgument, match="lead: this argument is required"):
        read_arguments(InsertLead, {"account": "octanist"}, "insert_lead")


def nodes(schema: Any) -> list[dict[str, Any]]:
    if isinstance(schema, list):
        return [found for one in schema for found in nodes(one)]
    if not isinstance(schema, dict):
        return []
    return [schema, *(found for one in schema.values() for found in nodes(one))]


@pytest.mark.parametrize("model", [one.model for one in LISTED], ids=[one.name for one in LISTED])
def test_every_client_can_convert_the_schemas(model: type[Arguments]) -> None:
    schema = schema_of(model)
    assert not {"anyOf", "oneOf", "allOf", "$ref", "$defs"} & set(schema)
    for node in nodes(schema):
        assert "$ref" not in node
        assert not isinstance(node.get("type"), list)
        if node.get("type") == "object":
            assert node.get("properties"), node
